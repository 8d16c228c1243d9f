/* SPDX-License-Identifier: BSD-2-Clause */
/* The stage of a remote filter: what it says becomes a verdict, and so does that it says nothing. */
#include "policy/milter.h"

#include <stdio.h>

#include "base/log.h"
#include "policy/milter_condition.h"
#include "policy/milter_script.h"

enum { CODE_SIZE = 8 };

/* Most sessions never come to a message: what one costs is made at the first that it is asked about. */
struct milter_seat {
	struct stage stage;
	struct milter milter;
	const struct mail_session *session;
	struct dealings *dealings;
};

struct dealings {
	const struct milter *milter;
	const struct mail_session *session;
	struct milter_script script;
	struct arena *arena;      /* for the lines of standing */
	bool stands;
	struct verdict standing;  /* what it said of the session */
	bool asked;               /* about this message, and final is not there yet */
	bool decided;
	struct verdict final;     /* what it said of this message */
	uint64_t trial;           /* not 0: others wait for how it goes */
	stage_done_fn done;
	void *context;
};

static struct milter_seat *
seat_of(struct stage *stage)
{
	return (struct milter_seat *)stage;
}

/* ---- what it said ---------------------------------------------------------------------------- */

static void
answer(struct dealings *dealings, const struct verdict *verdict)
{
	stage_done_fn done = dealings->done;
	struct verdict said = *verdict;

	dealings->done = NULL;
	done(dealings->context, &said);
}

static const char *
mail_id(const struct dealings *dealings)
{
	return dealings->script.mail ? dealings->script.mail->id : "";
}

/* One that cannot be met fails with each message: that is a warning once a minute. */
static void
report_failure(const struct dealings *dealings, const struct milter_saying *saying,
	const struct verdict *verdict)
{
	uint64_t took_us = dealings->script.clock.took_us;
	bool lasts = saying->unmet && !saying->crowded && saying->fault.kind != FAULT_BUSY;
	uint64_t more = 0;
	bool warns = !lasts || milter_health_warns(dealings->milter->health,
				       loop_now_ms(dealings->milter->means->loop), &more);

	log_event(warns ? EV_MILTER_FAILED : EV_MILTER_FAILED_AGAIN,
		kv_str("sid", dealings->session->id), kv_str("id", mail_id(dealings)),
		kv_str("filter", dealings->milter->settings->title),
		kv_str("at", milter_place_name(saying->place)), kv_fault(&saying->fault),
		kv_str("verdict", verdict_word(verdict)),
		took_us ? kv_int("us", (int64_t)took_us) : kv_str("us", ""),
		more ? kv_int("more", (int64_t)more) : kv_str("more", ""));
}

static void
judge(struct dealings *dealings, const struct milter_saying *saying)
{
	const struct verdict *verdict = &saying->verdict;
	uint64_t took_us = dealings->script.clock.took_us;
	char code[CODE_SIZE] = "";

	if (verdict->code)
		snprintf(code, sizeof code, "%u", verdict->code);
	milter_health_judged(dealings->milter->health, verdict->kind, saying->changed, took_us);
	log_event(EV_MILTER_VERDICT, kv_str("sid", dealings->session->id),
		kv_str("id", mail_id(dealings)), kv_str("filter", dealings->milter->settings->title),
		kv_str("at", milter_place_name(saying->place)),
		kv_str("verdict", verdict_word(verdict)),
		kv_str("code", code), kv_str("changed", saying->changed ? "yes" : ""),
		kv_int("us", (int64_t)took_us));
	if (saying->fault.kind != FAULT_NONE)
		report_failure(dealings, saying, verdict);
	dealings->trial = 0;
	if (milter_health_worked(dealings->milter->health,
		    loop_now_ms(dealings->milter->means->loop)))
		log_event(EV_MILTER_BACK, kv_str("filter", dealings->milter->settings->title));
}

static void
decide(struct dealings *dealings, const struct verdict *verdict)
{
	dealings->asked = false;
	dealings->decided = true;
	dealings->final = *verdict;
	answer(dealings, verdict);
}

/* Whether it is back is for another message to find out. */
static void
give_up_trying(struct dealings *dealings)
{
	if (dealings->trial)
		milter_breaker_gave_up(&dealings->milter->health->breaker, dealings->trial);
	dealings->trial = 0;
}

static void
fail(struct dealings *dealings, const struct milter_saying *saying)
{
	struct milter_health *health = dealings->milter->health;
	/* We could not even ask: that tells nothing of the filter, and nobody may make use of it. */
	bool busy = saying->fault.kind == FAULT_BUSY;
	char where[VERDICT_TEXT_MAX_BYTES];
	struct verdict verdict;

	milter_verdict_where(dealings->milter->settings->title, saying->place, where);
	verdict = milter_verdict_without(
		busy ? MILTER_FAILURE_TEMPFAIL : dealings->milter->settings->on_failure,
		saying->changed, where);
	report_failure(dealings, saying, &verdict);
	if (busy || saying->crowded)
		give_up_trying(dealings);
	else if (milter_health_failed(health, loop_now_ms(dealings->milter->means->loop),
			 dealings->trial != 0, &saying->fault))
		log_event(EV_MILTER_RESTS, kv_str("filter", dealings->milter->settings->title),
			kv_int("failures", MILTER_BREAK_AFTER),
			kv_int("ms", (int64_t)milter_breaker_rest_ms(&health->breaker, 1)));
	dealings->trial = 0;
	decide(dealings, &verdict);
}

/* For all messages to come; its lines too. */
static void
keep_standing(struct dealings *dealings, const struct verdict *verdict)
{
	if (dealings->arena)
		arena_reset(dealings->arena);
	else
		dealings->arena = arena_new(0);
	dealings->stands = true;
	dealings->standing = *verdict;
	dealings->standing.lines = arena_strdup(dealings->arena, verdict->lines);
}

static void
on_said(void *context, const struct milter_saying *saying)
{
	struct dealings *dealings = context;

	switch (saying->said) {
	case MILTER_SAID_GO_ON:
		answer(dealings, &VERDICT_PASS);
		return;
	case MILTER_SAID_OF_RECIPIENT:
	case MILTER_SAID_OF_COMMAND:
		answer(dealings, &saying->verdict);
		return;
	case MILTER_SAID_OF_SESSION:
		keep_standing(dealings, &saying->verdict);
		break;
	case MILTER_SAID_OF_MESSAGE:
		break;
	case MILTER_SAID_NOTHING:
		fail(dealings, saying);
		return;
	}
	judge(dealings, saying);
	decide(dealings, &saying->verdict);
}

/* ---- events ---------------------------------------------------------------------------------- */

static struct stage *
milter_open(const struct mail_session *session, void *service)
{
	struct milter_seat *seat = mem_alloc(sizeof *seat);

	seat->stage.type = &milter_stage_type;
	seat->milter = *(const struct milter *)service;
	seat->session = session;
	return &seat->stage;
}

static struct dealings *
begin_dealings(struct milter_seat *seat)
{
	struct dealings *dealings = mem_alloc(sizeof *dealings);

	dealings->milter = &seat->milter;
	dealings->session = seat->session;
	milter_script_init(&dealings->script, &seat->milter, seat->session, on_said, dealings);
	return dealings;
}

/* What it was told, and what it said of it, no longer holds. */
static void
milter_session_changed(struct stage *stage, stage_done_fn done, void *context)
{
	struct dealings *dealings = seat_of(stage)->dealings;

	if (dealings) {
		milter_script_forget(&dealings->script);
		dealings->stands = false;
	}
	done(context, &VERDICT_PASS);
}

/* True if it has to be asked; else it is answered. */
static bool
start_asking(struct dealings *dealings, stage_done_fn done, void *context)
{
	if (!dealings || !dealings->asked) {
		done(context, dealings && dealings->decided ? &dealings->final : &VERDICT_PASS);
		return false;
	}
	dealings->done = done;
	dealings->context = context;
	return true;
}

/* Nothing is asked of a filter that has failed again and again. */
static void
go_without(struct dealings *dealings, const struct mail *mail)
{
	const struct settings_milter *settings = dealings->milter->settings;
	char where[VERDICT_TEXT_MAX_BYTES];

	milter_verdict_where(settings->title, MILTER_AT_REST, where);
	dealings->decided = true;
	dealings->final = milter_verdict_without(settings->on_failure, false, where);
	log_event(EV_MILTER_SKIPPED, kv_str("sid", dealings->session->id), kv_str("id", mail->id),
		kv_str("filter", settings->title),
		kv_str("verdict", verdict_word(&dealings->final)));
}

static void
begin_message(struct dealings *dealings, struct mail *mail)
{
	struct milter_health *health = dealings->milter->health;

	dealings->asked = false;
	dealings->decided = false;
	if (dealings->stands) {
		dealings->decided = true;
		dealings->final = dealings->standing;
	} else if (!milter_health_admits(health, loop_now_ms(dealings->milter->means->loop),
			   &dealings->trial)) {
		go_without(dealings, mail);
	} else {
		dealings->asked = true;
		milter_script_begin(&dealings->script, mail);
	}
}

static void
log_not_asked(const struct milter_seat *seat, const struct mail *mail, const char *missed,
	const char *where)
{
	log_event(EV_MILTER_NOT_ASKED, kv_str("sid", seat->session->id), kv_str("id", mail->id),
		kv_str("filter", seat->milter.settings->title), kv_str("because", missed),
		kv_str("where", where));
}

static void
milter_envfrom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct milter_seat *seat = seat_of(stage);
	const char *missed;
	const char *where;

	missed = milter_condition_missed(seat->milter.settings, seat->session, &where);
	if (missed) {
		log_not_asked(seat, mail, missed, where);
		done(context, &(struct verdict){ .kind = VERDICT_ACCEPT });
		return;
	}
	if (!seat->dealings)
		seat->dealings = begin_dealings(seat);
	begin_message(seat->dealings, mail);
	if (start_asking(seat->dealings, done, context))
		milter_script_ask(&seat->dealings->script, MILTER_AT_MAIL, NULL);
}

static void
milter_envrcpt(struct stage *stage, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context)
{
	struct dealings *dealings = seat_of(stage)->dealings;

	(void)mail;
	if (start_asking(dealings, done, context))
		milter_script_ask(&dealings->script, MILTER_AT_RCPT, recipient);
}

static void
milter_refused(struct stage *stage, struct mail *mail, const struct mail_recipient *recipient,
	const struct verdict *verdict)
{
	struct dealings *dealings = seat_of(stage)->dealings;

	(void)mail;
	if (dealings && dealings->asked)
		milter_script_refused(&dealings->script, recipient, verdict);
}

/* Of a message that it has decided it hears no more. */
static void
milter_unknown(struct stage *stage, struct span line, stage_done_fn done, void *context)
{
	struct dealings *dealings = seat_of(stage)->dealings;

	if (!dealings || (dealings->script.mail && !dealings->asked) ||
		!milter_script_ask_unknown(&dealings->script, line)) {
		done(context, &VERDICT_PASS);
		return;
	}
	dealings->done = done;
	dealings->context = context;
}

static void
milter_data(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct dealings *dealings = seat_of(stage)->dealings;

	(void)mail;
	if (start_asking(dealings, done, context))
		milter_script_ask(&dealings->script, MILTER_AT_DATA, NULL);
}

static void
milter_eom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct milter_seat *seat = seat_of(stage);
	struct dealings *dealings = seat->dealings;

	if (dealings && dealings->asked &&
		!milter_condition_size(seat->milter.settings, mail_size(mail))) {
		log_not_asked(seat, mail, "size", seat->milter.settings->where);
		dealings->asked = false;
		milter_script_end(&dealings->script);
	}
	if (start_asking(dealings, done, context))
		milter_script_ask(&dealings->script, MILTER_AT_END, NULL);
}

static void
milter_abort(struct stage *stage)
{
	struct dealings *dealings = seat_of(stage)->dealings;

	if (!dealings)
		return;
	milter_script_end(&dealings->script);
	give_up_trying(dealings);
	dealings->asked = false;
	dealings->decided = false;
	dealings->done = NULL;
}

static void
milter_close(struct stage **stage)
{
	struct milter_seat *seat = seat_of(*stage);

	milter_abort(*stage);
	if (seat->dealings) {
		milter_script_fini(&seat->dealings->script);
		arena_free(&seat->dealings->arena);
		mem_free(&seat->dealings);
	}
	mem_free(stage);
}

const struct stage_type milter_stage_type = {
	.name = "milter",
	.open = milter_open,
	.helo = milter_session_changed,
	.auth = milter_session_changed,
	.envfrom = milter_envfrom,
	.envrcpt = milter_envrcpt,
	.refused = milter_refused,
	.unknown = milter_unknown,
	.data = milter_data,
	.eom = milter_eom,
	.abort = milter_abort,
	.close = milter_close,
};
