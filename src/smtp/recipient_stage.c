/* SPDX-License-Identifier: BSD-2-Clause */
/* Recipients in our own domains as a stage of the policy. */
#include "smtp/recipient_stage.h"

#include <stdio.h>

#include "base/log.h"
#include "client/auth_link.h"
#include "ipc/message_recipient.h"
#include "policy/rights.h"
#include "smtp/service.h"
#include "wire/address.h"

enum { MARGIN_MS = 4000 }; /* those who are asked give up first, and say why */

struct recipient_stage {
	struct stage stage;
	const struct mail_session *session;
	struct service *service;
	enum domain_recipients by;  /* who was asked */
	uint32_t request;           /* 0: nobody */
	char path[ADDRESS_TEXT_SIZE];
	enum domain_unsure unsure;
	stage_done_fn done;
	void *context;
};

static struct stage *
open_stage(const struct mail_session *session, void *service)
{
	struct recipient_stage *own = mem_alloc(sizeof *own);

	own->stage.type = &recipient_stage_type;
	own->session = session;
	own->service = service;
	return &own->stage;
}

static void
abort_stage(struct stage *stage)
{
	struct recipient_stage *own = (struct recipient_stage *)stage;

	if (own->by == RECIPIENTS_DIRECTORY)
		auth_link_forget(own->service->front->auth, own->request);
	else
		queue_link_forget_question(own->service->queue, own->request);
	own->request = 0;
}

static void
close_stage(struct stage **stage)
{
	struct recipient_stage *own = (struct recipient_stage *)*stage;

	abort_stage(*stage);
	*stage = NULL;
	mem_free(&own);
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* The code of a hop that speaks of something other than the address is worth being told. */
static const char *
enhanced_of(const struct message_recipient_told *told, char class, const char *otherwise)
{
	return told->enhanced[0] == class ? told->enhanced : otherwise;
}

static struct verdict
judge(const struct recipient_stage *own, const struct message_recipient_told *told)
{
	bool submitted = rights_is_submission(own->session);

	switch (told->finding) {
	case FINDING_UNKNOWN:
		return verdict_refuse(550, enhanced_of(told, '5', "5.1.1"), "recipients",
			"There is no such recipient here");
	case FINDING_LATER:
		if (submitted)
			break;
		return verdict_refuse(450, enhanced_of(told, '4', "4.1.1"), "recipients",
			"The recipient takes no mail just now; try again later");
	case FINDING_UNSURE:
		if (submitted || own->unsure == UNSURE_ACCEPT)
			break;
		return verdict_refuse(450, "4.4.3", "recipients",
			"The recipient cannot be checked just now; try again later");
	case FINDING_KNOWN:
	case FINDING_COUNT:
		break;
	}
	return VERDICT_PASS;
}

static void
take(struct recipient_stage *own, const struct message_recipient_told *told)
{
	struct verdict verdict = judge(own, told);

	own->request = 0;
	if (told->finding != FINDING_KNOWN)
		log_event(EV_SMTP_RECIPIENT, kv_str("sid", own->session->id),
			kv_str("to", own->path),
			kv_str("finding", told->finding == FINDING_UNKNOWN ? "unknown" :
				told->finding == FINDING_LATER ? "later" : "unsure"),
			kv_str("enhanced", told->enhanced), kv_str("text", told->text));
	own->done(own->context, &verdict);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct recipient_stage *own = context;
	struct arena *arena = arena_new(0);
	struct message_recipient_told told = { FINDING_UNSURE, "", "no answer" };

	if (answer && (answer->id != MSG_RECIPIENT_TOLD ||
			!message_recipient_told_unpack(answer->bytes, arena, &told)))
		told = (struct message_recipient_told){ FINDING_UNSURE, "", "a malformed answer" };
	take(own, &told);
	arena_free(&arena);
	return true;
}

/* ---- the question ---------------------------------------------------------------------------- */

static void
ask(struct recipient_stage *own)
{
	const struct settings *settings = own->session->settings;
	const struct message_recipient_ask asked = { own->path };
	static const struct message_recipient_told away = { FINDING_UNSURE, "",
		"who knows it is away" };
	struct channel *channel = own->by == RECIPIENTS_DIRECTORY
					  ? auth_link_channel(own->service->front->auth)
					  : queue_link_channel(own->service->queue);
	struct buf content = BUF_INIT(0);

	message_recipient_ask_pack(&content, &asked);
	if (channel)
		own->request = channel_ask(channel, MSG_RECIPIENT_ASK, &content, -1,
			settings->relay.call_ahead_wait + MARGIN_MS, on_answer, own);
	buf_fini(&content);
	if (own->request == 0)
		take(own, &away);
}

static void
on_recipient(struct stage *stage, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context)
{
	struct recipient_stage *own = (struct recipient_stage *)stage;
	const struct settings *settings = own->session->settings;
	const struct settings_domain *domain;
	struct address address;

	(void)mail;
	own->by = RECIPIENTS_ANY;
	if (address_parse(span_text(recipient->path), ADDRESS_UTF8, &address) == ADDRESS_OK)
		own->by = settings_recipients(settings, address_domain(&address));
	if (own->by == RECIPIENTS_ANY) {
		done(context, &VERDICT_PASS);
		return;
	}
	domain = settings_find_domain(settings, address_domain(&address));
	own->unsure = domain ? domain->unsure : UNSURE_TEMPFAIL;
	own->done = done;
	own->context = context;
	address_format(&address, own->path);
	ask(own);
}

const struct stage_type recipient_stage_type = {
	.name = "recipients",
	.open = open_stage,
	.envrcpt = on_recipient,
	.abort = abort_stage,
	.close = close_stage,
};
