/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a script: its messages, questions and their time, and connections that are lost. */
#include "policy/milter_script.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "policy/milter_script_parts.h"

enum {
	IDLE_MS = 30 * 1000, /* between two messages of a client, for means that do not say */
	/* Of one message. Who counts them knows enough then, and no client makes us keep more. */
	REFUSED_MAX = 100,
	REFUSED_MAX_BYTES = 64 * 1024, /* of their texts, but for the last one */
};

static void on_open(void *context);
static void on_packet(void *context, const struct milter_packet *packet);
static void on_room(void *context);
static void on_lost(void *context, enum milter_loss loss, const struct fault *why);

static const struct milter_link_hooks hooks = {
	.on_open = on_open,
	.on_packet = on_packet,
	.on_room = on_room,
	.on_lost = on_lost,
};

/* ---- questions ------------------------------------------------------------------------------- */

static uint64_t
now_ms(const struct milter_script *script)
{
	return loop_now_ms(script->milter->means->loop);
}

void
milter_script_wait(struct milter_script *script)
{
	milter_link_wait(&script->link,
		milter_clock_answer_ms(&script->clock, script->told, now_ms(script)));
}

void
milter_script_start(struct milter_script *script)
{
	script->asking = true;
	milter_clock_start(&script->clock, script->mail ? script->mail->filters_ms : 0,
		now_ms(script), loop_exact_us());
}

static void
stop(struct milter_script *script)
{
	uint64_t ms = milter_clock_stop(&script->clock, now_ms(script), loop_exact_us());

	if (script->mail)
		script->mail->filters_ms += ms;
	script->asking = false;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void
on_answer(void *context)
{
	struct milter_script *script = context;

	script->on_said(script->context, &script->saying);
}

void
milter_script_say(struct milter_script *script, enum milter_said said)
{
	script->saying.said = said;
	script->saying.place = script->owed_fields ? MILTER_AT_HEADER : script->told;
	script->over = said != MILTER_SAID_GO_ON && said != MILTER_SAID_OF_RECIPIENT &&
		said != MILTER_SAID_OF_COMMAND;
	if (said == MILTER_SAID_NOTHING)
		script->saying.changed = script->link.torn_change ||
			(script->change && milter_change_is_any(script->change));
	stop(script);
	if (script->link.state == MILTER_LINK_OPEN)
		milter_link_wait(&script->link, 0);
	if (script->over)
		milter_change_free(&script->change);
	loop_defer(&script->answer);
}

void
milter_script_say_verdict(struct milter_script *script, enum milter_said said,
	const struct verdict *verdict)
{
	script->saying.verdict = *verdict;
	milter_script_say(script, said);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void
forget_connection(struct milter_script *script)
{
	script->at = MILTER_AT_CONNECT;
	script->told = MILTER_AT_CONNECT;
	script->recipient_at = 0;
	script->recipient_end = 0;
	script->refused_at = 0;
	script->field_at = 0;
	script->body_at = 0;
	script->asked_told = false;
	script->skip_recipients = false;
	script->skip_body = false;
	script->owed_refused = 0;
	script->owed_fields = 0;
	script->owed = 0;
	script->unknown = false;
	script->begun = false;
}

static void
open_connection(struct milter_script *script)
{
	forget_connection(script);
	milter_clock_lose(&script->clock, loop_exact_us());
	milter_link_open(&script->link, milter_clock_connect_ms(&script->clock, now_ms(script)),
		milter_clock_answer_ms(&script->clock, MILTER_AT_CONNECT, now_ms(script)));
}

static void
on_open(void *context)
{
	struct milter_script *script = context;

	milter_clock_meet(&script->clock, loop_exact_us());
	milter_script_tell(script);
}

static void
on_packet(void *context, const struct milter_packet *packet)
{
	milter_script_hear(context, packet);
}

static void
on_room(void *context)
{
	milter_script_tell(context);
}

void
milter_script_on_room(void *context)
{
	struct milter_script *script = context;

	if (!script->asking || script->link.state != MILTER_LINK_OPEN)
		return;
	milter_link_resume(&script->link);
	milter_script_wait(script);
}

/* Nobody asks the filter about a message just now. */
static void
lose_idle(struct milter_script *script, enum milter_loss loss, const struct fault *why)
{
	if (script->unknown)
		milter_script_say_of_unknown(script, NULL);
	if (loss == MILTER_LOSS_BROKEN)
		log_event(EV_MILTER_ODD, kv_str("sid", script->session->id),
			kv_str("filter", script->milter->settings->title), kv_fault(why));
}

/* Was it one of the budgets that ended? Who had half of the time of all is late himself. */
static void
find_budget(struct milter_script *script, enum milter_loss loss)
{
	const struct milter_clock *clock = &script->clock;

	if (loss == MILTER_LOSS_LATE && milter_clock_own_is_over(clock, now_ms(script))) {
		fault_set(&script->saying.fault, FAULT_LIMIT,
			"all the time that it has for one message is over");
	} else if (loss <= MILTER_LOSS_LATE && milter_clock_all_is_over(clock, now_ms(script))) {
		fault_set(&script->saying.fault, FAULT_LIMIT,
			"all the time that filters have for one message is over");
		script->saying.crowded = milter_clock_is_crowded(clock, now_ms(script));
	}
}

/* The connection is of no use any more, and closed. */
static void
lose(struct milter_script *script, enum milter_loss loss, const struct fault *why)
{
	bool ended = script->told == MILTER_AT_END;

	if (!script->mail || script->over) {
		lose_idle(script, loss, why);
		return;
	}
	if (loss == MILTER_LOSS_GONE && !ended && !script->replayed) {
		script->replayed = true;
		if (script->unknown)
			milter_script_say_of_unknown(script, NULL);
		if (!script->asking)
			return;
		open_connection(script);
		return;
	}
	script->saying.fault = *why;
	script->saying.unmet = loss == MILTER_LOSS_UNMET;
	if (script->asking)
		find_budget(script, loss);
	if (script->unknown)
		milter_script_say_of_unknown(script, NULL);
	if (script->asking)
		milter_script_say(script, MILTER_SAID_NOTHING);
	else
		script->lost = true;
}

static void
on_lost(void *context, enum milter_loss loss, const struct fault *why)
{
	lose(context, loss, why);
}

void
milter_script_break(struct milter_script *script, const char *format, ...)
{
	struct fault why = { .kind = FAULT_PEER };
	va_list args;

	va_start(args, format);
	vsnprintf(why.text, sizeof why.text, format, args);
	va_end(args);
	milter_link_close(&script->link);
	lose(script, MILTER_LOSS_BROKEN, &why);
}

/* ---- messages -------------------------------------------------------------------------------- */

void
milter_script_begin(struct milter_script *script, struct mail *mail)
{
	const struct settings_policy *policy = script->session->settings
		? settings_find_policy(script->session->settings, script->session->listener) : NULL;

	loop_timer_stop(&script->idle);
	if (script->arena)
		arena_reset(script->arena);
	else
		script->arena = arena_new(0);
	if (script->link.state == MILTER_LINK_OPEN && !milter_link_is_quiet(&script->link))
		milter_link_close(&script->link);
	forget_connection(script);
	if (script->link.state == MILTER_LINK_OPEN)
		script->at = MILTER_AT_MAIL;
	script->mail = mail;
	script->sender = mail->sender;
	script->settled = false;
	script->refused_count = 0;
	script->refused_bytes = 0;
	script->progress = 0;
	script->replayed = false;
	script->over = false;
	script->lost = false;
	milter_clock_begin(&script->clock, script->milter->settings, policy ? policy->budget : 0);
}

/* The recipients as they are now; filters before this one may change them later. */
static void
settle_recipients(struct milter_script *script)
{
	const struct mail *mail = script->mail;

	if (script->settled)
		return;
	if (mail->recipient_count)
		script->recipients = arena_dup(script->arena, mail->recipients,
			mail->recipient_count * sizeof *mail->recipients);
	script->recipient_count = mail->recipient_count;
	script->settled = true;
}

/* Its turn comes when the time of all filters is over. */
static void
give_way(struct milter_script *script)
{
	find_budget(script, MILTER_LOSS_UNMET);
	milter_link_close(&script->link);
	milter_script_say(script, MILTER_SAID_NOTHING);
}

void
milter_script_ask(struct milter_script *script, enum milter_place goal,
	const struct mail_recipient *asked)
{
	if (goal >= MILTER_AT_DATA)
		settle_recipients(script);
	if (!script->lost)
		script->saying = (struct milter_saying){ .said = MILTER_SAID_GO_ON };
	script->goal = goal;
	script->asked = asked;
	script->asked_told = false;
	milter_script_start(script);
	if (script->lost)
		milter_script_say(script, MILTER_SAID_NOTHING);
	else if (milter_clock_all_is_over(&script->clock, now_ms(script)))
		give_way(script);
	else if (script->link.state == MILTER_LINK_CLOSED)
		open_connection(script);
	else
		milter_script_tell(script);
}

void
milter_script_refused(struct milter_script *script, const struct mail_recipient *recipient,
	const struct verdict *verdict)
{
	struct milter_refused *refused;

	/* As it said to any session: this one's connection may just be lost. */
	if (!(script->milter->health->steps & MILTER_WANTS_REFUSED_RCPT) ||
		script->refused_count == REFUSED_MAX || script->refused_bytes >= REFUSED_MAX_BYTES)
		return;
	if (script->refused_count == script->refused_room) {
		script->refused_room = script->refused_room ? 2 * script->refused_room : 4;
		script->refused = mem_grow_array(script->refused, script->refused_room,
			sizeof *script->refused);
	}
	refused = &script->refused[script->refused_count++];
	script->refused_bytes += strlen(recipient->path) + strlen(recipient->orcpt) +
		strlen(recipient->parameters);
	refused->recipient = *recipient;
	refused->recipient.path = arena_strdup(script->arena, recipient->path);
	refused->recipient.orcpt = arena_strdup(script->arena, recipient->orcpt);
	refused->recipient.parameters = arena_strdup(script->arena, recipient->parameters);
	refused->verdict = *verdict;
	refused->verdict.lines = NULL;
}

/* Some filters leak what they know of a message that neither ends nor is aborted. */
static void
abort_message(struct milter_script *script)
{
	if (!script->begun || script->link.state != MILTER_LINK_OPEN)
		return;
	milter_write(&script->link.out, MILTER_ABORT, SPAN_EMPTY);
	milter_link_send(&script->link);
}

static bool
is_crowded(const struct milter_script *script)
{
	const struct milter_means *means = script->milter->means;

	return means->is_crowded && means->is_crowded(means->context);
}

void
milter_script_keep(struct milter_script *script)
{
	uint64_t idle_ms = script->milter->means->idle_ms;

	if (script->link.state == MILTER_LINK_OPEN)
		loop_timer_start(&script->idle, is_crowded(script) ? 0 : idle_ms ? idle_ms : IDLE_MS);
}

void
milter_script_end(struct milter_script *script)
{
	loop_defer_cancel(&script->answer);
	if (!script->mail && !script->asking)
		return;
	/* Of a MAIL that is not accepted yet there is nothing to abort. */
	if (!script->owed || script->unknown || script->told > MILTER_AT_MAIL)
		abort_message(script);
	if (script->asking)
		milter_link_close(&script->link);
	script->asking = false;
	milter_change_free(&script->change);
	script->mail = NULL;
	forget_connection(script);
	milter_script_keep(script);
}

void
milter_script_forget(struct milter_script *script)
{
	loop_timer_stop(&script->idle);
	milter_link_close(&script->link);
}

static void
on_idle(void *context)
{
	struct milter_script *script = context;

	milter_link_close(&script->link);
}

void
milter_script_init(struct milter_script *script, const struct milter *milter,
	const struct mail_session *session, milter_said_fn *on_said, void *context)
{
	*script = (struct milter_script){ .milter = milter,
		.session = session,
		.on_said = on_said,
		.context = context };
	milter_link_init(&script->link, milter, session->id, &hooks, script);
	loop_defer_init(&script->answer, milter->means->loop, on_answer, script);
	loop_timer_init(&script->idle, milter->means->loop, on_idle, script);
}

void
milter_script_fini(struct milter_script *script)
{
	milter_script_end(script);
	loop_timer_stop(&script->idle);
	milter_link_fini(&script->link);
	mem_free(&script->refused);
	arena_free(&script->arena);
}
