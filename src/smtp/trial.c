/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter tried for the administrator. */
#include "smtp/trial.h"

#include <stdio.h>

#include "base/clock.h"
#include "config/suggest.h"
#include "policy/milter_commands.h"
#include "policy/milter_link.h"
#include "policy/milter_macros.h"
#include "policy/milter_verdict.h"
#include "smtp/filter_report.h"
#include "smtp/trial_answer.h"
#include "smtp/trial_message.h"
#include "wire/milter_words.h"

struct trial {
	struct settings *settings;
	const struct milter_means *real;
	struct milter_means means;    /* the same, but that it is seen when the connection is there */
	milter_dialed_fn *dialed;     /* the link's, while a connection is being made */
	void *asker;
	struct milter_health health;  /* its own: nothing is counted */
	struct milter milter;
	struct milter_link link;
	struct trial_message message;
	struct loop_timer deadline;
	struct loop_defer end;
	uint64_t asked_us;
	enum milter_place place;      /* each field of the header is told by itself */
	size_t field;
	bool waiting;                 /* an answer is due */
	bool quarantined;
	bool no_message;
	size_t body_bytes;            /* of a new body, so far */
	json_t *result;
	json_t *answers;              /* borrowed from result */
	trial_done_fn *done;
	void *context;
};

/* ---- the end --------------------------------------------------------------------------------- */

static void
end(struct trial *trial, const char *outcome, const struct fault *fault)
{
	char text[4 * FAULT_TEXT_MAX_BYTES];

	if (json_object_get(trial->result, "outcome"))
		return;
	json_object_set_new(trial->result, "outcome", json_string(outcome));
	if (fault) {
		text_escape(span_text(fault->text), text, sizeof text);
		json_object_set_new(trial->result, "fault", json_string(text));
	}
	milter_link_close(&trial->link);
	loop_timer_stop(&trial->deadline);
	loop_defer(&trial->end);
}

static void
fail(struct trial *trial, const char *why)
{
	struct fault fault = FAULT_INIT;

	fault_set(&fault, FAULT_PEER, "%s", why);
	end(trial, "failed", &fault);
}

static void
on_end(void *context)
{
	struct trial *trial = context;
	trial_done_fn *done = trial->done;
	void *owner = trial->context;
	json_t *result = json_incref(trial->result);

	trial_free(&trial);
	done(owner, result);
}

static uint64_t
time_for_all(const struct settings_milter *filter)
{
	return filter->budget < TRIAL_WAIT_MS ? filter->budget : TRIAL_WAIT_MS;
}

static void
on_deadline(void *context)
{
	struct trial *trial = context;
	struct fault fault = FAULT_INIT;

	fault_set(&fault, FAULT_PEER, "it is not done after %llu ms, %s",
		(unsigned long long)time_for_all(trial->milter.settings),
		trial->milter.settings->budget <= TRIAL_WAIT_MS ? "its budget" : "the longest a test waits");
	if (json_object_get(trial->result, "version"))
		fault_add(&fault, "at %s",
			milter_words_command(milter_commands_at(trial->place)->command));
	end(trial, "failed", &fault);
}

void
trial_free(struct trial **trial)
{
	if (!*trial)
		return;
	milter_link_fini(&(*trial)->link);
	loop_timer_stop(&(*trial)->deadline);
	loop_defer_cancel(&(*trial)->end);
	trial_message_fini(&(*trial)->message);
	json_decref((*trial)->result);
	settings_free(&(*trial)->settings);
	mem_free(trial);
}

/* ---- what it is told ------------------------------------------------------------------------- */

static const struct settings_milter *
settings_of(const struct trial *trial)
{
	return trial->milter.settings;
}

static uint64_t
wait_of(const struct trial *trial)
{
	const struct settings_milter *settings = settings_of(trial);

	if (trial->place == MILTER_AT_END)
		return settings->end_wait;
	return trial->place < MILTER_AT_HEADER ? settings->command_wait : settings->content_wait;
}

static bool
write_command(struct trial *trial)
{
	struct buf *out = &trial->link.out;
	const struct mail *mail = trial->message.mail;
	size_t size;

	switch (trial->place) {
	case MILTER_AT_CONNECT:
		return milter_commands_connect(out, mail->session);
	case MILTER_AT_HELO:
		return milter_commands_helo(out, mail->session);
	case MILTER_AT_MAIL:
		return milter_commands_mail(out, mail->sender, mail->parameters);
	case MILTER_AT_RCPT:
		return milter_commands_rcpt(out, &mail->recipients[0]);
	case MILTER_AT_HEADER:
		return milter_commands_field(out, &mail->header.fields[trial->field],
			trial->link.offer.steps);
	case MILTER_AT_BODY:
		return milter_commands_body(out, mail, 0, &size);
	case MILTER_AT_DATA:
	case MILTER_AT_HEADER_END:
	case MILTER_AT_END:
	case MILTER_AT_REST:
	case MILTER_AT_UNKNOWN:
		break;
	}
	return milter_write(out, milter_commands_at(trial->place)->command, SPAN_EMPTY);
}

/* libmilter keeps macros for commands that have some; those of a field or a body are never read. */
static bool
write_macros(struct trial *trial)
{
	const struct milter_facts facts = { .session = &trial->message.session,
		.mail = trial->place < MILTER_AT_MAIL ? NULL : trial->message.mail,
		.recipient = trial->place == MILTER_AT_RCPT
				? &trial->message.mail->recipients[0] : NULL };

	return trial->place == MILTER_AT_HEADER || trial->place == MILTER_AT_BODY ||
		milter_macros_write(&trial->link.out, milter_commands_at(trial->place)->command,
			settings_of(trial), &trial->link.offer, &facts);
}

static void
advance(struct trial *trial)
{
	if (trial->place == MILTER_AT_HEADER &&
		++trial->field < trial->message.mail->header.count)
		return;
	trial->place++;
}

/* Up to the next answer that is due. */
static void
tell(struct trial *trial)
{
	uint32_t steps = trial->link.offer.steps;

	if (milter_link_has_input(&trial->link)) {
		fail(trial, "it answers what it was not asked");
		return;
	}
	for (; trial->place <= MILTER_AT_END; advance(trial)) {
		bool wanted = !(steps & milter_commands_at(trial->place)->no);

		if (!write_macros(trial) || (wanted && !write_command(trial))) {
			fail(trial, "the message cannot be said in its protocol");
			return;
		}
		if (wanted && !(steps & milter_commands_at(trial->place)->mute))
			break;
	}
	trial->waiting = true;
	trial->asked_us = loop_exact_us();
	milter_link_send(&trial->link);
	milter_link_wait(&trial->link, wait_of(trial));
}

/* ---- what it says ---------------------------------------------------------------------------- */

static void
note(struct trial *trial, const struct milter_packet *packet)
{
	char at[96];
	char text[TRIAL_ANSWER_SIZE];
	const char *word = milter_words_answer((unsigned char)packet->answer);
	json_t *row;

	snprintf(at, sizeof at, "%s", milter_words_command(milter_commands_at(trial->place)->command));
	if (trial->place == MILTER_AT_HEADER)
		snprintf(at, sizeof at, "header %.*s",
			SPAN_PRINT(trial->message.mail->header.fields[trial->field].name));
	trial_answer_format(packet, trial->body_bytes, text);
	row = json_pack("{s:s, s:s, s:I}", "at", at, "answer", word ? word : "?", "took_us",
		(json_int_t)(loop_exact_us() - trial->asked_us));
	if (text[0])
		json_object_set_new(row, "text", json_string(text));
	json_array_append_new(trial->answers, row);
}

static void
take_verdict(struct trial *trial, const struct milter_packet *packet)
{
	static const char *const outcomes[] = {
		[VERDICT_CONTINUE] = "pass",
		[VERDICT_ACCEPT] = "pass",
		[VERDICT_REJECT] = "refused",
		[VERDICT_TEMPFAIL] = "put-off",
		[VERDICT_DISCARD] = "discarded",
		[VERDICT_HOLD] = "held",
	};
	struct verdict verdict;
	bool passes;

	if (!milter_verdict_of(packet, "trial", trial->message.mail->arena, &verdict)) {
		fail(trial, "its answer makes no sense");
		return;
	}
	passes = verdict.kind == VERDICT_CONTINUE || verdict.kind == VERDICT_ACCEPT;
	end(trial, passes && trial->quarantined ? "held" : outcomes[verdict.kind], NULL);
}

static void
take_last(struct trial *trial, const struct milter_packet *packet)
{
	enum milter_answer answer = packet->answer;

	if (answer == MILTER_CONTINUE || milter_answer_is_verdict(answer)) {
		take_verdict(trial, packet);
	} else if (answer == MILTER_PROGRESS || milter_answer_is_change(answer)) {
		trial->quarantined |= answer == MILTER_QUARANTINE;
		milter_link_wait(&trial->link, wait_of(trial));
	} else {
		fail(trial, "it may not say that at the end of the message");
	}
}

static void
take_answer(struct trial *trial, const struct milter_packet *packet)
{
	if (trial->place == MILTER_AT_END) {
		take_last(trial, packet);
	} else if (packet->answer == MILTER_PROGRESS) {
		milter_link_wait(&trial->link, wait_of(trial));
	} else if (packet->answer == MILTER_CONTINUE || packet->answer == MILTER_SKIP) {
		trial->waiting = false;
		advance(trial);
		tell(trial);
	} else if (milter_answer_is_verdict(packet->answer)) {
		take_verdict(trial, packet);
	} else {
		fail(trial, "it may not say that before the end of the message");
	}
}

static void
on_packet(void *context, const struct milter_packet *packet)
{
	struct trial *trial = context;

	if (packet->answer == MILTER_REPLACE_BODY) {
		trial->body_bytes += packet->payload.length;
		if (packet->more)
			return;
	}
	if (!trial->waiting) {
		fail(trial, "it answers what it was not asked");
	} else if (json_array_size(trial->answers) == TRIAL_ANSWERS_MAX) {
		fail(trial, "it says more than is looked at here");
	} else {
		note(trial, packet);
		take_answer(trial, packet);
	}
}

/* ---- the connection -------------------------------------------------------------------------- */

static json_t *
macros_of(const struct milter_offer *offer)
{
	json_t *list = json_array();

	for (unsigned stage = 0; stage < MILTER_STAGE_COUNT; stage++) {
		const struct milter_macro_list *macros = &offer->macros[stage];
		json_t *names = json_array();

		for (size_t i = 0; i < macros->count; i++) {
			char name[256];

			text_escape(macros->names[i], name, sizeof name);
			json_array_append_new(names, json_string(name));
		}
		if (macros->given)
			json_array_append_new(list,
				json_pack("{s:s, s:o}", "at",
					milter_words_stage((enum milter_stage)stage), "names",
					names));
		else
			json_decref(names);
	}
	return list;
}

static void
on_open(void *context)
{
	struct trial *trial = context;
	const struct milter_offer *offer = &trial->link.offer;

	json_object_set_new(trial->result, "negotiate_us",
		json_integer((json_int_t)(loop_exact_us() - trial->asked_us)));
	json_object_set_new(trial->result, "version", json_integer(offer->version));
	json_object_set_new(
		trial->result, "actions", filter_report_actions(offer->actions));
	json_object_set_new(trial->result, "steps", filter_report_steps(offer->steps));
	json_object_set_new(trial->result, "macros", macros_of(offer));
	trial->link.body_max_bytes = trial->message.session.listener->message_size;
	if (trial->no_message)
		end(trial, "negotiated", NULL);
	else
		tell(trial);
}

static void
on_lost(void *context, enum milter_loss loss, const struct fault *why)
{
	struct trial *trial = context;
	struct fault fault = *why;

	if (loss != MILTER_LOSS_UNMET)
		fault_add(&fault, "at %s", milter_words_command(milter_commands_at(trial->place)->command));
	end(trial, "failed", &fault);
}

/* Nothing waits for room: the message is small. */
static void
on_room(void *context)
{
	(void)context;
}

static void
on_dialed(void *asker, int fd, const struct fault *fault)
{
	struct trial *trial = asker;
	uint64_t now_us = loop_exact_us();

	if (fd >= 0)
		json_object_set_new(trial->result, "connect_us",
			json_integer((json_int_t)(now_us - trial->asked_us)));
	trial->asked_us = now_us;
	trial->dialed(trial->asker, fd, fault);
}

static void *
dial(void *context, const char *filter, uint64_t wait_ms, milter_dialed_fn *done, void *asker)
{
	struct trial *trial = context;

	trial->dialed = done;
	trial->asker = asker;
	trial->asked_us = loop_exact_us();
	return trial->real->dial(trial->real->context, filter, wait_ms, on_dialed, trial);
}

static void
dial_forget(void *context, void **call)
{
	struct trial *trial = context;

	trial->real->dial_forget(trial->real->context, call);
}

static const struct milter_link_hooks hooks = {
	.on_open = on_open,
	.on_packet = on_packet,
	.on_room = on_room,
	.on_lost = on_lost,
};

static void
set_unknown(const struct settings *settings, const char *name, struct fault *fault)
{
	struct suggest suggest = { .best = NULL };

	for (size_t i = 0; i < settings->milter.count; i++)
		suggest_consider(&suggest, name, settings->milter.items[i].title);
	fault_set(fault, FAULT_MISSING,
		"there is no filter %s in the configuration that is in effect%s%s%s", name,
		suggest.best ? "; did you mean \"" : "", suggest.best ? suggest.best : "",
		suggest.best ? "\"?" : "");
}

struct trial *
trial_start(const struct settings *settings, const struct milter_means *means,
	const struct trial_wish *wish, trial_done_fn *done, void *context, struct fault *fault)
{
	const struct settings_milter *filter = settings_find_milter(settings, wish->filter);
	struct trial *trial;

	if (!filter) {
		set_unknown(settings, wish->filter, fault);
		return NULL;
	}
	trial = mem_alloc(sizeof *trial);
	trial->settings = settings_hold(settings);
	trial->real = means;
	trial->means = (struct milter_means){ .loop = means->loop,
		.context = trial, .dial = dial, .dial_forget = dial_forget };
	trial->milter = (struct milter){ filter, &trial->health, &trial->means };
	trial->done = done;
	trial->context = context;
	trial->no_message = wish->no_message;
	trial->result = json_pack("{s:s, s:s, s:[]}", "name", filter->title, "address",
		filter->address.text, "answers");
	trial->answers = json_object_get(trial->result, "answers");
	loop_timer_init(&trial->deadline, means->loop, on_deadline, trial);
	loop_defer_init(&trial->end, means->loop, on_end, trial);
	milter_link_init(&trial->link, &trial->milter, "trial", &hooks, trial);
	if (!trial_message_init(&trial->message, trial->settings, wish, clock_wall_ms(), fault)) {
		trial_free(&trial);
		return NULL;
	}
	loop_timer_start(&trial->deadline, time_for_all(filter));
	milter_link_open(&trial->link, filter->connect_wait, filter->command_wait);
	return trial;
}
