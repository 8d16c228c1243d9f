/* SPDX-License-Identifier: BSD-2-Clause */
/* What one filter wants changed at the end of a message. */
#include "policy/milter_change.h"

#include <string.h>

#include "base/log.h"
#include "policy/milter_envelope.h"
#include "policy/milter_fields.h"
#include "wire/milter_answer.h"

enum { REASON_SIZE = 128 };

/* One change, as it came. */
struct wish {
	enum milter_answer what;
	struct milter_field field;
	struct milter_path path;
	struct wish *next;
};

struct milter_change {
	struct arena *arena;
	const struct milter_means *means;
	struct mail *mail;
	uint64_t size_limit;
	void (*on_room)(void *context);
	void *context;
	uint32_t actions;
	bool as_is;           /* LEADING_SPACE */

	struct wish *first;
	struct wish **last;
	size_t fields;
	size_t field_bytes;
	size_t paths;
	size_t path_bytes;
	struct milter_body *body;
	bool quarantined;
	bool made;            /* applied, and the message is another one now, or is held */
	char reason[REASON_SIZE];
	unsigned unasked;     /* changes that were not negotiated */
	unsigned vain;        /* packets that bring nothing, or next to it */
	struct fault fault;   /* after BAD */
};

struct milter_change *
milter_change_new(const struct milter_means *means, const struct milter_offer *offer,
	struct mail *mail, uint64_t size_limit, void (*on_room)(void *context), void *context)
{
	struct milter_change *change = mem_alloc(sizeof *change);

	change->arena = arena_new(0);
	change->means = means;
	change->mail = mail;
	change->size_limit = size_limit && size_limit < mail_size(mail) ? mail_size(mail) : size_limit;
	change->on_room = on_room;
	change->context = context;
	change->actions = offer->actions;
	change->as_is = offer->steps & MILTER_LEADING_SPACE;
	change->last = &change->first;
	return change;
}

void
milter_change_free(struct milter_change **change)
{
	if (!*change)
		return;
	milter_body_free(&(*change)->body);
	arena_free(&(*change)->arena);
	mem_free(change);
}

bool
milter_change_is_any(const struct milter_change *change)
{
	return change->first || change->body || change->quarantined;
}

bool
milter_change_is_made(const struct milter_change *change)
{
	return change->made;
}

/* ---- gathering ------------------------------------------------------------------------------- */

static uint32_t
action_of(enum milter_answer what)
{
	static const struct {
		enum milter_answer what;
		uint32_t action;
	} rows[] = {
		{ MILTER_ADD_HEADER, MILTER_MAY_ADD_HEADERS },
		{ MILTER_INSERT_HEADER, MILTER_MAY_ADD_HEADERS },
		{ MILTER_CHANGE_HEADER, MILTER_MAY_CHANGE_HEADERS },
		{ MILTER_ADD_RCPT, MILTER_MAY_ADD_RCPT },
		{ MILTER_ADD_RCPT_WITH, MILTER_MAY_ADD_RCPT_WITH },
		{ MILTER_DELETE_RCPT, MILTER_MAY_DELETE_RCPT },
		{ MILTER_CHANGE_SENDER, MILTER_MAY_CHANGE_SENDER },
		{ MILTER_REPLACE_BODY, MILTER_MAY_CHANGE_BODY },
		{ MILTER_QUARANTINE, MILTER_MAY_QUARANTINE },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].what == what)
			return rows[i].action;
	return 0;
}

static bool
is_of_header(enum milter_answer what)
{
	return action_of(what) & (MILTER_MAY_ADD_HEADERS | MILTER_MAY_CHANGE_HEADERS);
}

static struct wish *
add_wish(struct milter_change *change, enum milter_answer what)
{
	struct wish *wish = arena_alloc(change->arena, sizeof *wish);

	wish->what = what;
	*change->last = wish;
	change->last = &wish->next;
	return wish;
}

static bool
take_field(struct milter_change *change, const struct milter_packet *packet)
{
	struct span payload = packet->payload;
	struct milter_field field;

	change->field_bytes += payload.length;
	if (++change->fields > MILTER_CHANGE_FIELDS_MAX ||
		change->field_bytes > MILTER_CHANGE_FIELDS_MAX_BYTES)
		return fault_set(&change->fault, FAULT_LIMIT, "too many changes of the header");
	payload = span_of(arena_dup(change->arena, payload.start, payload.length), payload.length);
	if (!milter_field_parse(payload, packet->answer != MILTER_ADD_HEADER, change->arena, &field,
		    &change->fault))
		return false;
	add_wish(change, packet->answer)->field = field;
	return true;
}

static bool
take_path(struct milter_change *change, const struct milter_packet *packet)
{
	struct span payload = packet->payload;
	struct milter_path path;

	change->path_bytes += payload.length;
	if (++change->paths > MILTER_CHANGE_PATHS_MAX ||
		change->path_bytes > MILTER_CHANGE_PATHS_MAX_BYTES)
		return fault_set(&change->fault, FAULT_LIMIT, "too many changes of the envelope");
	payload = span_of(arena_dup(change->arena, payload.start, payload.length), payload.length);
	if (!milter_path_parse(payload, &path))
		return fault_set(&change->fault, FAULT_PEER, "a change of the envelope is torn");
	add_wish(change, packet->answer)->path = path;
	return true;
}

/* The first reason counts. */
static void
take_quarantine(struct milter_change *change, struct span reason)
{
	if (!change->quarantined)
		milter_reason_format(reason, change->reason, sizeof change->reason);
	change->quarantined = true;
}

/* Such packets have no other end. */
static enum milter_taken
take_vain(struct milter_change *change)
{
	if (++change->vain <= MILTER_CHANGE_VAIN_MAX)
		return MILTER_TAKEN;
	fault_set(&change->fault, FAULT_LIMIT, "too many changes that change nothing");
	return MILTER_TAKEN_BAD;
}

/* The first packet of a body empties it, so there is one even if it is of no bytes. */
static enum milter_taken
take_body(struct milter_change *change, struct span piece)
{
	if (!change->body)
		change->body = milter_body_new(
			change->means, change->size_limit, change->on_room, change->context);
	if (piece.length == 0 && take_vain(change) == MILTER_TAKEN_BAD)
		return MILTER_TAKEN_BAD;
	return milter_body_take(change->body, piece, &change->fault);
}

/* What was not negotiated: Sendmail makes such a change, others drop it. */
static enum milter_taken
take_unasked(struct milter_change *change, enum milter_answer what)
{
	if (what != MILTER_REPLACE_BODY) {
		change->unasked++;
		return take_vain(change);
	}
	fault_set(&change->fault, FAULT_PEER, "a new body without having asked for it");
	return MILTER_TAKEN_BAD;
}

static enum milter_taken
take(struct milter_change *change, const struct milter_packet *packet)
{
	if (!(change->actions & action_of(packet->answer)))
		return take_unasked(change, packet->answer);
	if (packet->answer == MILTER_REPLACE_BODY)
		return take_body(change, packet->payload);
	if (packet->answer == MILTER_QUARANTINE) {
		take_quarantine(change, packet->payload);
		return take_vain(change);
	}
	if (is_of_header(packet->answer))
		return take_field(change, packet) ? MILTER_TAKEN : MILTER_TAKEN_BAD;
	return take_path(change, packet) ? MILTER_TAKEN : MILTER_TAKEN_BAD;
}

enum milter_taken
milter_change_take(struct milter_change *change, const struct milter_packet *packet,
	struct fault *fault_out)
{
	enum milter_taken taken = MILTER_TAKEN_BAD;

	if (change->fault.kind == FAULT_NONE)
		taken = take(change, packet);
	if (taken == MILTER_TAKEN_BAD)
		*fault_out = change->fault;
	return taken;
}

/* ---- applying -------------------------------------------------------------------------------- */

/* The message as it would be. */
struct outcome {
	struct milter_fields fields;
	struct milter_envelope envelope;
	struct header header;
};

/* What was passed over, or was there already, is none. */
static bool
is_other(const struct milter_change *change, const struct outcome *next)
{
	return next->fields.added || next->fields.changed || next->fields.deleted ||
		next->envelope.added || next->envelope.deleted || next->envelope.changed_sender ||
		change->body || change->quarantined;
}

static bool
change_header(struct milter_change *change, struct outcome *next, struct fault *fault_out)
{
	next->header = change->mail->header;
	next->fields = (struct milter_fields){ .added = 0 };
	if (change->fields == 0)
		return true;
	milter_fields_init(&next->fields, change->mail, change->as_is, change->fields,
		change->arena);
	for (const struct wish *wish = change->first; wish; wish = wish->next)
		if (is_of_header(wish->what) &&
			!milter_fields_change(&next->fields, wish->what, &wish->field))
			return fault_set(fault_out, FAULT_LIMIT,
				"the field %.*s cannot be written", SPAN_PRINT(wish->field.name));
	if (!milter_fields_put(&next->fields, &next->header, change->arena))
		return fault_set(fault_out, FAULT_LIMIT, "the header would be too large");
	return true;
}

static bool
change_envelope(struct milter_change *change, const char *filter, struct outcome *next,
	struct fault *fault_out)
{
	struct mail *mail = change->mail;
	size_t most = mail->session->listener->recipients;

	if (most > MAIL_RECIPIENTS_MAX)
		most = MAIL_RECIPIENTS_MAX;
	milter_envelope_init(&next->envelope, mail, filter, change->paths, change->arena);
	for (const struct wish *wish = change->first; wish; wish = wish->next)
		if (!is_of_header(wish->what))
			milter_envelope_change(&next->envelope, wish->what, &wish->path);
	if (next->envelope.count > most && next->envelope.added)
		return fault_set(fault_out, FAULT_LIMIT, "more than %zu recipients", most);
	return true;
}

static bool
check_size(const struct milter_change *change, const struct outcome *next, struct fault *fault_out)
{
	uint64_t length = next->header.bytes + 2;

	if (!change->body || !change->size_limit)
		return true;
	length += milter_body_length(change->body);
	if (length <= change->size_limit)
		return true;
	return fault_set(fault_out, FAULT_LIMIT,
		"the message would be larger than %llu bytes, the most allowed here",
		(unsigned long long)change->size_limit);
}

static void
hold(struct milter_change *change, const char *filter)
{
	struct mail *mail = change->mail;

	if (mail->hold)
		return;
	mail->hold = true;
	mail->hold_reason = arena_printf(mail->arena, "%s: %s", filter,
		change->reason[0] ? change->reason : "quarantined");
}

static void
log_change(const struct milter_change *change, const char *filter, const struct outcome *next)
{
	const struct mail *mail = change->mail;
	const struct milter_envelope *envelope = &next->envelope;

	if (change->unasked)
		log_event(EV_MILTER_PASSED_OVER, kv_str("sid", mail->session->id),
			kv_str("id", mail->id), kv_str("filter", filter),
			kv_int("changes", change->unasked), kv_str("reason", "not negotiated"));
	if (!change->made)
		return;
	log_event(EV_MILTER_CHANGED, kv_str("sid", mail->session->id), kv_str("id", mail->id),
		kv_str("filter", filter), kv_int("fields_added", next->fields.added),
		kv_int("fields_changed", next->fields.changed),
		kv_int("fields_deleted", next->fields.deleted),
		change->body ? kv_int("body", (int64_t)milter_body_length(change->body))
			     : kv_str("body", ""),
		kv_str("from", !envelope->changed_sender ? "" :
			mail->sender[0] ? mail->sender : "<>"),
		kv_int("recipients_added", envelope->added), kv_str("added", envelope->added_list),
		kv_int("recipients_deleted", envelope->deleted),
		kv_str("deleted", envelope->deleted_list),
		kv_str("held", change->quarantined ? mail->hold_reason : ""));
}

bool
milter_change_apply(struct milter_change *change, const char *filter, enum verdict_kind *kind_out,
	struct fault *fault_out)
{
	struct mail *mail = change->mail;
	struct outcome next;

	if (change->fault.kind != FAULT_NONE) {
		*fault_out = change->fault;
		return false;
	}
	if (change->body && !milter_body_end(change->body, fault_out))
		return false;
	if (!change_header(change, &next, fault_out) ||
		!change_envelope(change, filter, &next, fault_out) ||
		!check_size(change, &next, fault_out))
		return false;
	mail->header = next.header;
	if (change->paths)
		milter_envelope_put(&next.envelope);
	if (change->quarantined)
		hold(change, filter);
	change->made = is_other(change, &next);
	log_change(change, filter, &next);
	if (change->body)
		milter_body_put(&change->body, mail);
	*kind_out = mail->recipient_count == 0 ? VERDICT_DISCARD :
		    change->quarantined		? VERDICT_HOLD : VERDICT_CONTINUE;
	return true;
}
