/* SPDX-License-Identifier: BSD-2-Clause */
/* What a listener for devices makes right. */
#include "policy/device_stage.h"

#include "policy/from_rewrite.h"
#include "wire/address_qualify.h"

static struct stage *
device_open(const struct mail_session *session, void *service)
{
	struct stage *stage = mem_alloc(sizeof *stage);

	(void)session;
	(void)service;
	stage->type = &device_stage_type;
	return stage;
}

static void
device_close(struct stage **stage)
{
	mem_free(stage);
}

bool
device_is_served(
	const struct settings_listener *listener, const unsigned char client[NETWORK_BYTES])
{
	for (size_t i = 0; i < listener->networks.count; i++)
		if (network_has(&listener->networks.items[i], client))
			return true;
	return listener->networks.count == 0;
}

const char *
device_sender(const struct mail_session *session, const char *sender)
{
	const char *fixed = session->listener->fixed_from;

	return fixed[0] && sender[0] ? fixed : sender;
}

static void
device_envfrom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct verdict verdict = VERDICT_PASS;

	(void)stage;
	mail->sender = device_sender(mail->session, mail->sender);
	done(context, &verdict);
}

static bool
qualify(struct mail *mail, const char *domain)
{
	static const char *const names[] = { "From", "Sender", "Reply-To", "To", "Cc", "Bcc" };
	struct header *header = &mail->header;
	struct buf value = BUF_INIT(HEADER_FIELD_MAX_BYTES);
	bool good = true;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		for (size_t at = header_next(header, names[i], 0); at < header->count && good;
			at = header_next(header, names[i], at + 1)) {
			if (address_qualify(header->fields[at].value, domain, &value))
				good = header_replace(header, at, buf_span(&value));
		}
	}
	buf_fini(&value);
	return good;
}

bool
device_make_right(struct mail *mail)
{
	const struct settings_listener *listener = mail->session->listener;

	if (listener->lenient && listener->qualify_domain[0] &&
		!qualify(mail, listener->qualify_domain))
		return false;
	if (listener->fixed_from[0])
		return from_fix(mail, listener->fixed_from);
	if (listener->lenient && mail->sender[0] && header_count(&mail->header, "From") == 0)
		return header_add(&mail->header, SPAN_LITERAL("From"), span_text(mail->sender));
	return true;
}

static void
device_eom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct verdict verdict = VERDICT_PASS;

	(void)stage;
	if (!device_make_right(mail))
		verdict = verdict_refuse(552, "5.3.4", "header size", "The header is too large");
	done(context, &verdict);
}

const struct stage_type device_stage_type = {
	.name = "device",
	.open = device_open,
	.envfrom = device_envfrom,
	.eom = device_eom,
	.close = device_close,
};
