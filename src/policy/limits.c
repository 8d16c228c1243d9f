/* SPDX-License-Identifier: BSD-2-Clause */
/* Which limits hold for a session, and those of one message. */
#include "policy/limits.h"

#include <string.h>

#include "policy/rights.h"

static bool
has_limits(const struct settings_permit *permit)
{
	return permit->limits[0];
}

const struct settings_limits *
limits_of(const struct mail_session *session)
{
	const struct settings_permit *permit = rights_find_permit(session, has_limits);
	const char *name = session->listener->limits;
	const struct settings_limits *limits;

	if (permit)
		name = permit->limits;
	if (session->identity && session->identity->limits[0])
		name = session->identity->limits;
	limits = settings_find_limits(session->settings, name[0] ? name : "default");
	/* The directory may still hold a name that the settings no longer have. */
	return limits ? limits : settings_find_limits(session->settings, "default");
}

const struct settings_limits *
limits_of_stranger(const struct mail_session *session)
{
	const struct settings_permit *permit = rights_find_permit(session, has_limits);
	const char *name = permit ? permit->limits : session->listener->limits;

	/* What holds for whoever has no other is for logins: other mail servers keep no budget. */
	if (!permit && strcmp(name, "default") == 0)
		return NULL;
	return name[0] ? settings_find_limits(session->settings, name) : NULL;
}

/* ---- the stage --------------------------------------------------------------------------------- */

static struct stage *
limits_open(const struct mail_session *session, void *service)
{
	struct stage *stage = mem_alloc(sizeof *stage);

	(void)session;
	(void)service;
	stage->type = &limits_stage_type;
	return stage;
}

static void
limits_close(struct stage **stage)
{
	mem_free(stage);
}

/* RFC 1870 6.1 and RFC 3463 X.3.4: too big for this system. */
static struct verdict
check_size(const struct mail *mail, uint64_t size)
{
	const struct settings_limits *limits;

	if (rights_of(mail->session) & RIGHT_BYPASS_SIZE)
		return VERDICT_PASS;
	limits = limits_of(mail->session);
	if (limits->message_size == 0 || size <= limits->message_size)
		return VERDICT_PASS;
	return verdict_refuse(552, "5.3.4", limits->where,
		"Message is larger than %llu bytes, the most allowed here",
		(unsigned long long)limits->message_size);
}

static void
limits_envfrom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct verdict verdict = check_size(mail, mail->declared_size);

	(void)stage;
	done(context, &verdict);
}

static void
limits_envrcpt(struct stage *stage, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context)
{
	const struct settings_limits *limits = limits_of(mail->session);
	struct verdict verdict = VERDICT_PASS;

	(void)stage;
	(void)recipient;
	if (limits->recipients_per_message &&
		mail->recipient_count >= limits->recipients_per_message &&
		!(rights_of(mail->session) & RIGHT_BYPASS_LIMITS))
		verdict = verdict_refuse(452, "4.5.3", limits->where,
			"Too many recipients: %llu for one message",
			(unsigned long long)limits->recipients_per_message);
	done(context, &verdict);
}

static void
limits_eom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct verdict verdict =
		check_size(mail, buf_length(&mail->header_block) + mail->body_length);

	(void)stage;
	done(context, &verdict);
}

const struct stage_type limits_stage_type = {
	.name = "limits",
	.open = limits_open,
	.envfrom = limits_envfrom,
	.envrcpt = limits_envrcpt,
	.eom = limits_eom,
	.close = limits_close,
};
