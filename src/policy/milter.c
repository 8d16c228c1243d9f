/* SPDX-License-Identifier: BSD-2-Clause */
/* The stage of a remote filter: what it says becomes a verdict, and so does that it says nothing. */
#include "policy/milter.h"

#include <stdio.h>

#include "base/log.h"
#include "policy/milter_condition.h"
#include "policy/milter_script.h"

enum { CODE_SIZE = 8 };

struct filter_stage {
	struct stage stage;
	struct milter milter;
	const struct mail_session *session;
	struct milter_script script;
	struct arena *arena;      /* for the lines of standing */
	bool stands;
	struct verdict standing;  /* what it said of the session */
	bool asked;               /* about this message, and final is not there yet */
	bool decided;
	struct verdict final;     /* what it said of this message */
	bool trying;              /* others wait for how it goes */
	stage_done_fn done;
	void *context;
};

static struct filter_stage *
stage_of(struct stage *stage)
{
	return (struct filter_stage *)stage;
}

/* ---- what it said ---------------------------------------------------------------------------- */

static void
answer(struct filter_stage *stage, const struct verdict *verdict)
{
	stage_done_fn done = stage->done;
	struct verdict said = *verdict;

	stage->done = NULL;
	done(stage->context, &said);
}

static const char *
mail_id(const struct filter_stage *stage)
{
	return stage->script.mail ? stage->script.mail->id : "";
}

static void
report_failure(const struct filter_stage *stage, const struct milter_saying *saying,
	const struct verdict *verdict)
{
	log_event(EV_MILTER_FAILED, kv_str("sid", stage->session->id), kv_str("id", mail_id(stage)),
		kv_str("filter", stage->milter.settings->title),
		kv_str("at", milter_place_name(saying->place)), kv_fault(&saying->fault),
		kv_str("verdict", verdict_word(verdict)));
}

static void
judge(struct filter_stage *stage, const struct milter_saying *saying)
{
	const struct verdict *verdict = &saying->verdict;
	uint64_t took_us = stage->script.took_us;
	char code[CODE_SIZE] = "";

	if (verdict->code)
		snprintf(code, sizeof code, "%u", verdict->code);
	milter_health_judged(stage->milter.health, verdict->kind, saying->changed, took_us);
	log_event(EV_MILTER_VERDICT, kv_str("sid", stage->session->id), kv_str("id", mail_id(stage)),
		kv_str("filter", stage->milter.settings->title),
		kv_str("at", milter_place_name(saying->place)),
		kv_str("verdict", verdict_word(verdict)),
		kv_str("code", code), kv_str("changed", saying->changed ? "yes" : ""),
		kv_int("us", (int64_t)took_us));
	if (saying->fault.kind != FAULT_NONE)
		report_failure(stage, saying, verdict);
	stage->trying = false;
	if (milter_health_worked(stage->milter.health))
		log_event(EV_MILTER_BACK, kv_str("filter", stage->milter.settings->title));
}

static void
decide(struct filter_stage *stage, const struct verdict *verdict)
{
	stage->asked = false;
	stage->decided = true;
	stage->final = *verdict;
	answer(stage, verdict);
}

static void
fail(struct filter_stage *stage, const struct milter_saying *saying)
{
	struct milter_health *health = stage->milter.health;
	char where[VERDICT_TEXT_MAX_BYTES];
	struct verdict verdict;

	milter_verdict_where(stage->milter.settings->title, saying->place, where);
	verdict = milter_verdict_without(stage->milter.settings->on_failure, saying->changed, where);
	report_failure(stage, saying, &verdict);
	stage->trying = false;
	if (milter_health_failed(health, loop_now_ms(stage->milter.means->loop), &saying->fault))
		log_event(EV_MILTER_RESTS, kv_str("filter", stage->milter.settings->title),
			kv_int("failures", health->failures_in_row),
			kv_int("ms", (int64_t)health->rest_ms));
	decide(stage, &verdict);
}

/* For all messages to come; its lines too. */
static void
keep_standing(struct filter_stage *stage, const struct verdict *verdict)
{
	if (!stage->arena)
		stage->arena = arena_new(0);
	stage->stands = true;
	stage->standing = *verdict;
	stage->standing.lines = arena_strdup(stage->arena, verdict->lines);
}

static void
on_said(void *context, const struct milter_saying *saying)
{
	struct filter_stage *stage = context;

	switch (saying->said) {
	case MILTER_SAID_GO_ON:
		answer(stage, &VERDICT_PASS);
		return;
	case MILTER_SAID_OF_RECIPIENT:
		answer(stage, &saying->verdict);
		return;
	case MILTER_SAID_OF_SESSION:
		keep_standing(stage, &saying->verdict);
		break;
	case MILTER_SAID_OF_MESSAGE:
		break;
	case MILTER_SAID_NOTHING:
		fail(stage, saying);
		return;
	}
	judge(stage, saying);
	decide(stage, &saying->verdict);
}

/* ---- events ---------------------------------------------------------------------------------- */

static struct stage *
milter_open(const struct mail_session *session, void *service)
{
	struct filter_stage *stage = mem_alloc(sizeof *stage);

	stage->stage.type = &milter_stage_type;
	stage->milter = *(const struct milter *)service;
	stage->session = session;
	milter_script_init(&stage->script, &stage->milter, session, on_said, stage);
	return &stage->stage;
}

/* What it was told, and what it said of it, no longer holds. */
static void
milter_session_changed(struct stage *stage, stage_done_fn done, void *context)
{
	struct filter_stage *milter = stage_of(stage);

	milter_script_forget(&milter->script);
	milter->stands = false;
	done(context, &VERDICT_PASS);
}

/* True if it has to be asked; else it is answered. */
static bool
start_asking(struct filter_stage *stage, stage_done_fn done, void *context)
{
	if (!stage->asked) {
		done(context, stage->decided ? &stage->final : &VERDICT_PASS);
		return false;
	}
	stage->done = done;
	stage->context = context;
	return true;
}

/* Nothing is asked of a filter that has failed again and again. */
static void
go_without(struct filter_stage *stage)
{
	char where[VERDICT_TEXT_MAX_BYTES];

	milter_verdict_where(stage->milter.settings->title, MILTER_AT_REST, where);
	stage->decided = true;
	stage->final = milter_verdict_without(stage->milter.settings->on_failure, false, where);
}

static void
milter_envfrom(struct stage *base, struct mail *mail, stage_done_fn done, void *context)
{
	struct filter_stage *stage = stage_of(base);
	const struct settings_milter *settings = stage->milter.settings;
	struct milter_health *health = stage->milter.health;

	stage->asked = false;
	stage->decided = false;
	if (!milter_condition_session(settings, stage->session)) {
		stage->decided = true;
		stage->final = (struct verdict){ .kind = VERDICT_ACCEPT };
	} else if (stage->stands) {
		stage->decided = true;
		stage->final = stage->standing;
	} else if (!milter_health_admits(health, loop_now_ms(stage->milter.means->loop))) {
		go_without(stage);
	} else {
		stage->asked = true;
		stage->trying = health->trying;
		milter_script_begin(&stage->script, mail);
	}
	if (start_asking(stage, done, context))
		milter_script_ask(&stage->script, MILTER_AT_MAIL, NULL);
}

static void
milter_envrcpt(struct stage *base, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context)
{
	struct filter_stage *stage = stage_of(base);

	(void)mail;
	if (start_asking(stage, done, context))
		milter_script_ask(&stage->script, MILTER_AT_RCPT, recipient);
}

static void
milter_refused(struct stage *base, struct mail *mail, const struct mail_recipient *recipient,
	const struct verdict *verdict)
{
	struct filter_stage *stage = stage_of(base);

	(void)mail;
	if (stage->asked)
		milter_script_refused(&stage->script, recipient, verdict);
}

static void
milter_data(struct stage *base, struct mail *mail, stage_done_fn done, void *context)
{
	struct filter_stage *stage = stage_of(base);

	(void)mail;
	if (start_asking(stage, done, context))
		milter_script_ask(&stage->script, MILTER_AT_DATA, NULL);
}

static void
milter_eom(struct stage *base, struct mail *mail, stage_done_fn done, void *context)
{
	struct filter_stage *stage = stage_of(base);

	if (stage->asked && !milter_condition_size(stage->milter.settings, mail_size(mail))) {
		stage->asked = false;
		milter_script_end(&stage->script);
	}
	if (start_asking(stage, done, context))
		milter_script_ask(&stage->script, MILTER_AT_END, NULL);
}

static void
milter_abort(struct stage *base)
{
	struct filter_stage *stage = stage_of(base);

	milter_script_end(&stage->script);
	if (stage->trying)
		milter_health_gave_up(stage->milter.health);
	stage->trying = false;
	stage->asked = false;
	stage->decided = false;
	stage->done = NULL;
}

static void
milter_close(struct stage **base)
{
	struct filter_stage *stage = stage_of(*base);

	milter_abort(*base);
	milter_script_fini(&stage->script);
	arena_free(&stage->arena);
	mem_free(base);
}

const struct stage_type milter_stage_type = {
	.name = "milter",
	.open = milter_open,
	.helo = milter_session_changed,
	.auth = milter_session_changed,
	.envfrom = milter_envfrom,
	.envrcpt = milter_envrcpt,
	.refused = milter_refused,
	.data = milter_data,
	.eom = milter_eom,
	.abort = milter_abort,
	.close = milter_close,
};
