/* SPDX-License-Identifier: BSD-2-Clause */
/* The rights as the first stage of the chain. */
#include "policy/rights_stage.h"

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
	const char *sender;

	(void)stage;
	mail->rights = rights_judge_sender(mail->session, mail->sender, &sender);
	mail->sender = arena_strdup(mail->arena, sender);
	done(context, &mail->rights);
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
	struct verdict verdict = originators_judge(mail->session, &mail->header, mail->smtputf8);

	(void)stage;
	mail->rights = rights_weigh(&mail->rights, &verdict);
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
