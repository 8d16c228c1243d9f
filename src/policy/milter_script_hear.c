/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter answers. */
#include "base/log.h"
#include "policy/milter_script_parts.h"

enum {
	PROGRESS_MAX = 1000, /* for one message: its time is limited as well */
	MUTE_ANY = MILTER_MUTE_CONNECT | MILTER_MUTE_HELO | MILTER_MUTE_MAIL | MILTER_MUTE_RCPT |
		MILTER_MUTE_DATA | MILTER_MUTE_HEADER | MILTER_MUTE_HEADER_END | MILTER_MUTE_BODY,
};

/* What the answer that is due is about. */
static enum milter_place
due(const struct milter_script *script)
{
	if (script->owed_refused)
		return MILTER_AT_RCPT;
	return script->owed_fields ? MILTER_AT_HEADER : script->told;
}

/* One answer came. */
static void
settle(struct milter_script *script)
{
	if (script->owed_refused)
		script->owed_refused--;
	else if (script->owed_fields)
		script->owed_fields--;
	else
		script->owed--;
}

static void
go_on(struct milter_script *script)
{
	settle(script);
	if (milter_script_owes(script))
		milter_script_wait(script);
	else
		milter_script_tell(script);
}

/* ---- before the end -------------------------------------------------------------------------- */

static void
log_odd(const struct milter_script *script, const char *reason)
{
	log_event(EV_MILTER_ODD, kv_str("sid", script->session->id),
		kv_str("filter", script->milter->settings->title), kv_str("reason", reason));
}

/* A filter says no to a recipient. */
static void
refuse_recipient(struct milter_script *script, const char *where, const struct verdict *verdict)
{
	struct verdict later;

	if (script->asked_told) {
		milter_script_say_verdict(script, MILTER_SAID_OF_RECIPIENT, verdict);
		return;
	}
	/* Its connection was replaced, and now it refuses one that it and we have accepted. */
	later = verdict_refuse(451, "4.7.1", where, "Not now, says a filter; try again later");
	milter_link_close(&script->link);
	milter_script_say_verdict(script, MILTER_SAID_OF_MESSAGE, &later);
}

static void
hear_verdict(struct milter_script *script, const struct milter_packet *packet)
{
	enum milter_place place = due(script);
	char where[VERDICT_TEXT_MAX_BYTES];
	struct verdict verdict;

	milter_verdict_where(script->milter->settings->title, place, where);
	if (!milter_verdict_of(packet, where, script->arena, &verdict)) {
		milter_script_break(script, "a refusal without sense");
		return;
	}
	if (place < MILTER_AT_MAIL && verdict.kind == VERDICT_DISCARD) {
		log_odd(script, "it cannot discard a session");
		go_on(script);
	} else if (place < MILTER_AT_MAIL) {
		milter_link_close(&script->link);
		milter_script_say_verdict(script, MILTER_SAID_OF_SESSION, &verdict);
	} else if (script->owed_refused && verdict_is_refusal(&verdict)) {
		go_on(script);
	} else if (place == MILTER_AT_RCPT && verdict_is_refusal(&verdict)) {
		settle(script);
		refuse_recipient(script, where, &verdict);
	} else {
		settle(script);
		script->told = place;
		script->begun = false;
		/* Some filters answer what was told beyond it, some do not. */
		if (milter_script_owes(script))
			milter_link_close(&script->link);
		milter_script_say_verdict(script, MILTER_SAID_OF_MESSAGE, &verdict);
	}
}

static void
skip(struct milter_script *script)
{
	enum milter_place place = due(script);

	if (place == MILTER_AT_RCPT)
		script->skip_recipients = true;
	else if (place == MILTER_AT_HEADER)
		script->field_at = script->mail->header.count;
	else if (place == MILTER_AT_BODY)
		script->skip_body = true;
	go_on(script);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* In place of changes that cannot be made; nobody may make use of it that there is no room here. */
static struct verdict
verdict_without_changes(const struct milter_script *script, const char *where)
{
	enum fault_kind kind = script->saying.fault.kind;
	bool ours = kind == FAULT_BUSY || kind == FAULT_SYSTEM;

	return milter_verdict_without(
		ours ? MILTER_FAILURE_TEMPFAIL : script->milter->settings->on_failure, true, where);
}

/* The message goes its way, with what the filter changed. */
static void
let_pass(struct milter_script *script, struct verdict *verdict)
{
	enum verdict_kind kind = VERDICT_CONTINUE;

	if (!script->change)
		return;
	if (!milter_change_apply(script->change, script->milter->settings->title, &kind,
		    &script->saying.fault)) {
		*verdict = verdict_without_changes(script, verdict->where);
		return;
	}
	script->saying.changed = milter_change_is_made(script->change);
	if (kind == VERDICT_DISCARD)
		verdict->kind = VERDICT_DISCARD;
	else if (kind == VERDICT_HOLD)
		*verdict = verdict_hold(verdict->where, "%s",
			script->mail->hold_reason ? script->mail->hold_reason : "");
}

/* Who answers what it said it would not may have said this of something else. */
static bool
is_garrulous(const struct milter_script *script)
{
	return script->link.offer.steps & MUTE_ANY && milter_link_has_input(&script->link);
}

static void
conclude(struct milter_script *script, const struct milter_packet *packet)
{
	char where[VERDICT_TEXT_MAX_BYTES];
	struct verdict verdict;

	milter_verdict_where(script->milter->settings->title, MILTER_AT_END, where);
	if (!milter_verdict_of(packet, where, script->arena, &verdict)) {
		milter_script_break(script, "a refusal without sense");
		return;
	}
	settle(script);
	if (verdict.kind == VERDICT_CONTINUE || verdict.kind == VERDICT_ACCEPT) {
		if (is_garrulous(script)) {
			milter_script_break(script, "answers to what it said it would not answer");
			return;
		}
		let_pass(script, &verdict);
	}
	milter_script_say_verdict(script, MILTER_SAID_OF_MESSAGE, &verdict);
}

static void
take_change(struct milter_script *script, const struct milter_packet *packet)
{
	char where[VERDICT_TEXT_MAX_BYTES];
	struct verdict verdict;

	if (!script->change)
		script->change = milter_change_new(script->milter->means, &script->link.offer,
			script->mail, script->session->listener->message_size,
			milter_script_on_room, script);
	switch (milter_change_take(script->change, packet, &script->saying.fault)) {
	case MILTER_TAKEN:
		milter_script_wait(script);
		break;
	case MILTER_TAKEN_LATER:
		milter_link_wait(&script->link, 0);
		milter_link_hold(&script->link);
		break;
	case MILTER_TAKEN_BAD:
		milter_link_close(&script->link);
		milter_verdict_where(script->milter->settings->title, MILTER_AT_END, where);
		verdict = verdict_without_changes(script, where);
		milter_script_say_verdict(script, MILTER_SAID_OF_MESSAGE, &verdict);
		break;
	}
}

/* ---- every answer ---------------------------------------------------------------------------- */

void
milter_script_hear(struct milter_script *script, const struct milter_packet *packet)
{
	enum milter_answer answer = packet->answer;
	bool at_end = script->told == MILTER_AT_END;

	if (!script->asking || !milter_script_owes(script)) {
		milter_script_break(script, "an answer to nothing");
	} else if (answer == MILTER_PROGRESS) {
		if (++script->progress > PROGRESS_MAX)
			milter_script_break(script, "it reports progress without end");
		else
			milter_script_wait(script);
	} else if (script->unknown) {
		milter_script_hear_of_unknown(script, packet);
	} else if (at_end && (milter_answer_is_verdict(answer) || answer == MILTER_CONTINUE)) {
		conclude(script, packet);
	} else if (at_end && milter_answer_is_change(answer)) {
		take_change(script, packet);
	} else if (!at_end && answer == MILTER_CONTINUE) {
		go_on(script);
	} else if (!at_end && answer == MILTER_SKIP) {
		skip(script);
	} else if (!at_end && milter_answer_is_verdict(answer)) {
		hear_verdict(script, packet);
	} else {
		milter_script_break(script, "an answer that has no place there: %d",
			(int)answer);
	}
}
