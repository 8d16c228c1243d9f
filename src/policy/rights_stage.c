/* SPDX-License-Identifier: BSD-2-Clause */
/* The rights as the first stage of the chain. */
#include "policy/rights_stage.h"

#include "policy/from_rewrite.h"
#include "policy/originators.h"
#include "policy/rights.h"

static struct stage *
rights_open(const struct mail_session *session, void *service)
{
	struct stage *stage = mem_alloc(sizeof *stage);

	(void)session;
	(void)service;
	stage->type = &rights_stage_type;
	return stage;
}

static void
rights_close(struct stage **stage)
{
	mem_free(stage);
}

static void
rights_envfrom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct verdict verdict = rights_check_sender(mail->session, mail->sender);
	const char *instead;

	(void)stage;
	if (verdict.kind == VERDICT_REJECT && verdict.code == 550) {
		instead = rights_rewrite_sender(mail->session);
		if (instead[0] &&
			rights_check_sender(mail->session, instead).kind == VERDICT_CONTINUE) {
			mail->sender = arena_strdup(mail->arena, instead);
			verdict = VERDICT_PASS;
		}
	}
	done(context, &verdict);
}

static void
rights_envrcpt(struct stage *stage, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context)
{
	struct verdict verdict = rights_check_recipient(mail->session, recipient->path);

	(void)stage;
	done(context, &verdict);
}

static void
rights_eom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct verdict verdict =
		originators_check(mail->session, &mail->header, mail->smtputf8);
	const char *instead;

	(void)stage;
	if (verdict.kind == VERDICT_REJECT && verdict.code == 550) {
		instead = rights_rewrite_sender(mail->session);
		if (instead[0] && from_rewrite(mail, instead))
			verdict = originators_check(mail->session, &mail->header, mail->smtputf8);
	}
	done(context, &verdict);
}

const struct stage_type rights_stage_type = {
	.name = "rights",
	.open = rights_open,
	.envfrom = rights_envfrom,
	.envrcpt = rights_envrcpt,
	.eom = rights_eom,
	.close = rights_close,
};
