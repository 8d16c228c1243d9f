/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter is told of a command that is refused anyway, and may choose the words. */
#include "policy/milter_script_parts.h"

/* In a message: is it at a place where libmilter goes on after such a command? */
static bool
fits_message(const struct milter_script *script)
{
	if (!script->mail)
		return true;
	/* DATA must still come: its state machine knows no way from here to the content. */
	return script->begun && !script->over && !script->lost &&
		!(script->link.offer.steps & MILTER_NO_DATA) && script->at <= MILTER_AT_DATA;
}

bool
milter_script_ask_unknown(struct milter_script *script, struct span line)
{
	struct milter_link *link = &script->link;

	if (link->state != MILTER_LINK_OPEN || link->offer.steps & MILTER_NO_UNKNOWN ||
		!fits_message(script) || !milter_link_is_quiet(link) ||
		!milter_write_texts(&link->out, MILTER_UNKNOWN, &line, 1))
		return false;
	if (!script->mail) {
		loop_timer_stop(&script->idle);
		arena_reset(script->arena);
		milter_clock_begin(&script->clock, script->milter->settings, script->clock.all_ms);
	}
	script->saying = (struct milter_saying){ .said = MILTER_SAID_GO_ON };
	script->unknown = true;
	milter_script_start(script);
	milter_link_send(link);
	if (link->offer.steps & MILTER_MUTE_UNKNOWN) {
		milter_script_say_of_unknown(script, NULL);
		return true;
	}
	script->owed = 1;
	milter_script_wait(script);
	return true;
}

void
milter_script_say_of_unknown(struct milter_script *script, const struct verdict *verdict)
{
	script->unknown = false;
	script->owed = 0;
	if (verdict)
		milter_script_say_verdict(script, MILTER_SAID_OF_COMMAND, verdict);
	else
		milter_script_say(script, MILTER_SAID_GO_ON);
	if (!script->mail)
		milter_script_keep(script);
}

static bool
is_refusal(enum milter_answer answer)
{
	return answer == MILTER_REJECT || answer == MILTER_TEMPFAIL || answer == MILTER_REPLY;
}

void
milter_script_hear_of_unknown(struct milter_script *script, const struct milter_packet *packet)
{
	enum milter_answer answer = packet->answer;
	char where[VERDICT_TEXT_MAX_BYTES];
	struct verdict verdict;

	milter_verdict_where(script->milter->settings->title, MILTER_AT_UNKNOWN, where);
	if (answer == MILTER_CONTINUE || answer == MILTER_SKIP) {
		milter_script_say_of_unknown(script, NULL);
	} else if (answer == MILTER_ACCEPT || answer == MILTER_DISCARD) {
		/* It has forgotten the message, which does not end that way: it is told again. */
		milter_link_close(&script->link);
		milter_script_say_of_unknown(script, NULL);
	} else if (!is_refusal(answer)) {
		milter_script_break(script, "an answer that has no place there: %d", (int)answer);
	} else if (milter_verdict_of(packet, where, script->arena, &verdict)) {
		milter_script_say_of_unknown(script, &verdict);
	} else {
		milter_script_break(script, "a refusal without sense");
	}
}
