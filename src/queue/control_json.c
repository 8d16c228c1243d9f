/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, recipients and history as the JSON of doc/control.md. */
#include "queue/control_json.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	TEXT_MAX_BYTES = 1024,
	HEADER_SHOWN_BYTES = 64 * 1024,
};

static json_t *
text_of(const char *text)
{
	char safe[TEXT_MAX_BYTES];
	json_t *json = json_string(text);
	if (json)
		return json;
	text_escape(span_text(text), safe, sizeof(safe));
	return json_string(safe);
}

/* Members that have nothing to say are left out. */
static void
set_text(json_t *object, const char *name, const char *text)
{
	if (text && text[0])
		json_object_set_new(object, name, text_of(text));
}

static void
set_number(json_t *object, const char *name, int64_t number)
{
	if (number)
		json_object_set_new(object, name, json_integer(number));
}

static void
set_record(json_t *message, const struct record *record)
{
	set_text(message, "id", record->id);
	set_text(message, "about", record->parent);
	json_object_set_new(message, "sender", text_of(record->envelope.sender));
	set_text(message, "login", record->login);
	set_text(message, "session", record->session);
	set_text(message, "listener", record->listener);
	set_text(message, "client_address", record->client_address);
	set_number(message, "size", (int64_t)(record->header_length + record->body_length));
}

static json_t *
describe(const struct spool_entry *entry)
{
	json_t *message = json_object();
	if (entry->good) {
		set_record(message, &entry->record);
	} else { /* all that is known of it; other verbs take it as an id */
		char name[40];
		snprintf(name, sizeof(name), "seq:%" PRIu64, entry->seq);
		set_text(message, "id", name);
	}
	set_number(message, "received_ms", entry->received_ms);
	json_object_set_new(message, "state", json_string(entry->held ? "held" : "queued"));
	json_object_set_new(message, "held", json_boolean(entry->held));
	set_text(message, "reason", entry->hold_reason);
	set_number(message, "due_ms", entry->due_ms);
	return message;
}

json_t *
control_json_entry(const struct spool_entry *entry)
{
	const struct message_envelope *envelope = &entry->record.envelope;
	json_t *message = describe(entry);
	json_t *list = json_array();
	for (size_t i = 0; entry->good && i < envelope->recipient_count; i++)
		json_array_append_new(list, text_of(envelope->recipients[i].path));
	json_object_set_new(message, "recipients", list);
	return message;
}

static json_t *
describe_recipient(const char *path, const struct recipient *recipient)
{
	json_t *object = json_object();
	char reply[TEXT_MAX_BYTES];
	set_text(object, "address", path);
	set_text(object, "state", recipient_stage_name(recipient->stage));
	json_object_set_new(object, "attempts", json_integer(recipient->attempts));
	if (recipient->code) {
		snprintf(reply, sizeof(reply), "%u %s%s%s", recipient->code, recipient->enhanced,
			recipient->enhanced[0] ? " " : "", recipient->text);
		set_text(object, "reply", reply);
	} else {
		set_text(object, "reply", recipient->text);
	}
	set_text(object, "hop", recipient->hop);
	set_number(object, "tried_ms", recipient->tried_ms);
	return object;
}

static const struct recipient *
stored_of(const struct spool_entry *entry, uint32_t number)
{
	static const struct recipient untried = { .enhanced = "", .text = "", .hop = "" };
	for (size_t i = 0; i < entry->recipient_count; i++) {
		if (entry->recipients[i].number == number)
			return &entry->recipients[i];
	}
	return &untried;
}

json_t *
control_json_message(const struct spool_entry *entry)
{
	const struct message_envelope *envelope = &entry->record.envelope;
	json_t *message = describe(entry);
	json_t *list = json_array();
	for (size_t i = 0; entry->good && i < envelope->recipient_count; i++)
		json_array_append_new(list, describe_recipient(envelope->recipients[i].path,
						    stored_of(entry, (uint32_t)i)));
	json_object_set_new(message, "recipients", list);
	return message;
}

json_t *
control_json_fetched(const struct spool_fetch *fetch)
{
	const struct parcel *parcel = fetch->parcel;
	const struct spool_entry entry = {
		.seq = fetch->seq,
		.received_ms = parcel->received_ms,
		.good = true,
		.record = parcel->record,
		.recipients = fetch->recipients,
		.recipient_count = fetch->recipient_count,
		.held = fetch->held,
		.hold_reason = fetch->hold_reason,
		.due_ms = fetch->due_ms,
	};
	json_t *message = control_json_message(&entry);
	struct span header = span_first(parcel_header(parcel), HEADER_SHOWN_BYTES);
	char *text = mem_strndup(header.start, header.length);
	json_t *json = json_string(text);
	if (!json) {
		for (char *at = text; *at; at++)
			*at = (unsigned char)*at < 127 ? *at : '?';
		json = json_string(text);
	}
	json_object_set_new(message, "header", json);
	mem_free(&text);
	return message;
}

json_t *
control_json_brief(const struct brief *brief)
{
	json_t *message = json_object();
	json_t *list = json_array();
	bool failed = false;
	set_text(message, "id", brief->id);
	set_text(message, "about", brief->parent);
	json_object_set_new(message, "sender", text_of(brief->sender));
	set_text(message, "login", brief->login);
	set_text(message, "session", brief->session);
	set_text(message, "client_address", brief->client_address);
	set_number(message, "size", (int64_t)brief->size);
	set_number(message, "received_ms", brief->received_ms);
	set_number(message, "finished_ms", brief->finished_ms);
	for (size_t i = 0; i < brief->recipient_count; i++) {
		const struct brief_recipient *recipient = &brief->recipients[i];
		failed |= recipient->recipient.stage == RECIPIENT_FAILED ||
			recipient->recipient.stage == RECIPIENT_DELETED;
		json_array_append_new(
			list, describe_recipient(recipient->path, &recipient->recipient));
	}
	json_object_set_new(message, "state", json_string(failed ? "failed" : "delivered"));
	json_object_set_new(message, "recipients", list);
	return message;
}

static void
add_destination(void *context, const struct schedule_standing *standing)
{
	const char *state = "open";
	if (standing->outages)
		state = standing->is_down ? "down" : "resting";
	if (standing->outages && !standing->rest_until_ms)
		state = "tried again";
	json_t *json = json_object();
	json_object_set_new(json, "route", text_of(standing->name));
	json_object_set_new(json, "state", json_string(state));
	json_object_set_new(json, "waiting", json_integer((json_int_t)standing->counts.waiting));
	json_object_set_new(json, "ready", json_integer((json_int_t)standing->counts.ready));
	json_object_set_new(
		json, "under_way", json_integer((json_int_t)standing->counts.under_way));
	json_object_set_new(json, "open", json_integer(standing->open));
	json_object_set_new(json, "slots", json_integer(standing->slots));
	set_number(json, "outages", standing->outages);
	set_number(json, "failing_ms", standing->failing_ms);
	set_number(json, "rest_until_ms", standing->rest_until_ms);
	set_text(json, "reason", standing->why);
	json_array_append_new(context, json);
}

json_t *
control_json_destinations(const struct schedule *schedule)
{
	json_t *list = json_array();
	schedule_visit(schedule, add_destination, list);
	return list;
}
