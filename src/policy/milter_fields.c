/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of a message while one filter changes it. A client may send thousands of fields of one
 * name, and a filter that is honest delete them one by one: what is walked through or moved for each
 * is a list of small numbers.
 */
#include "policy/milter_fields.h"

#include <string.h>

#include "wire/octet.h"
#include "wire/utf8.h"

enum {
	FNV_BASIS = 0x811c9dc5u,
	FNV_PRIME = 0x01000193u,
	STRIDE = 64, /* names that are counted at once */
	OWN = 0,     /* as a name: our own Received, which nobody finds */
};

_Static_assert(2 * HEADER_MAX_FIELDS <= UINT16_MAX, "a place and a name are 16 bits");

struct milter_slot {
	struct header_field field;
	bool gone;
};

struct milter_name {
	struct span name;
	uint32_t hash;
	uint16_t number; /* 0: free */
};

/* ---- names ----------------------------------------------------------------------------------- */

static uint32_t
hash_of(struct span name)
{
	uint32_t hash = FNV_BASIS;

	for (size_t i = 0; i < name.length; i++)
		hash = (hash ^ (unsigned char)text_lower(name.start[i])) * FNV_PRIME;
	return hash;
}

/* Where it is in the table, or would be. */
static struct milter_name *
find_name(const struct milter_fields *fields, struct span name, uint32_t hash)
{
	size_t at = hash & (fields->known_size - 1);

	while (fields->known[at].number &&
		(fields->known[at].hash != hash || !span_equal_nocase(fields->known[at].name, name)))
		at = (at + 1) & (fields->known_size - 1);
	return &fields->known[at];
}

/* The same for a name in any case of its letters, from 1. */
static uint16_t
number_of(struct milter_fields *fields, struct span name)
{
	uint32_t hash = hash_of(name);
	struct milter_name *known = find_name(fields, name, hash);

	if (!known->number)
		*known = (struct milter_name){ name, hash, ++fields->known_count };
	return known->number;
}

/* ---- the list -------------------------------------------------------------------------------- */

void
milter_fields_init(struct milter_fields *fields, const struct mail *mail, bool as_is, size_t more,
	struct arena *scratch)
{
	const struct header *header = &mail->header;
	size_t room = header->count + more;
	size_t size = 1;

	while (size < 2 * room)
		size *= 2;
	*fields = (struct milter_fields){ .arena = mail->arena,
		.slots = arena_alloc(scratch, room * sizeof *fields->slots),
		.places = arena_alloc(scratch, room * sizeof *fields->places),
		.names = arena_alloc(scratch, room * sizeof *fields->names),
		.count = header->count,
		.known = arena_alloc(scratch, size * sizeof *fields->known),
		.known_size = size,
		.as_is = as_is,
		.smtputf8 = mail->smtputf8 };
	for (size_t i = 0; i < header->count; i++) {
		const struct header_field *field = &header->fields[i];
		bool own = mail_is_trace(mail, field);

		fields->slots[i].field = *field;
		fields->places[i] = (uint16_t)i;
		fields->names[i] = own ? (uint16_t)OWN : number_of(fields, field->name);
		fields->has_8bit |= !utf8_is_ascii(field->whole);
	}
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool
may_have_8bit(const struct milter_fields *fields, struct span value)
{
	if (!fields->smtputf8)
		return fields->has_8bit;
	return utf8_is_valid(value) && !utf8_has_line_end(value);
}

static struct span
without_8bit(struct milter_fields *fields, struct span value)
{
	char *text = arena_strndup(fields->arena, value.start, value.length);

	for (size_t i = 0; i < value.length; i++)
		if (octet_is_8bit(text[i]))
			text[i] = '?';
	return span_of(text, value.length);
}

/* A line that is too long is broken at blanks, if it has any. */
static bool
make(struct milter_fields *fields, struct span name, struct span value,
	struct header_field *field_out)
{
	if (!utf8_is_ascii(value) && !may_have_8bit(fields, value))
		value = without_8bit(fields, value);
	if (header_make_field(fields->arena, name, value, fields->as_is, field_out))
		return true;
	if (value.length > HEADER_FIELD_MAX_BYTES)
		return false;
	value = header_fold(name, header_unfold(value, fields->arena), fields->arena);
	return header_make_field(fields->arena, name, value, false, field_out);
}

/* ---- changes --------------------------------------------------------------------------------- */

static bool
insert(struct milter_fields *fields, size_t at, const struct milter_field *field)
{
	struct milter_slot *slot = &fields->slots[fields->count];

	if (!make(fields, field->name, field->value, &slot->field))
		return false;
	if (at > fields->count)
		at = fields->count;
	memmove(fields->places + at + 1, fields->places + at,
		(fields->count - at) * sizeof *fields->places);
	memmove(fields->names + at + 1, fields->names + at,
		(fields->count - at) * sizeof *fields->names);
	fields->places[at] = (uint16_t)fields->count++;
	fields->names[at] = number_of(fields, slot->field.name);
	slot->gone = false;
	fields->added++;
	return true;
}

/* The place of the nth field of this name, from 1; the count if there is none. */
static size_t
find(const struct milter_fields *fields, struct span name, uint32_t nth)
{
	uint16_t number = find_name(fields, name, hash_of(name))->number;
	size_t at = 0;

	if (!number)
		return fields->count;
	for (; at + STRIDE <= fields->count; at += STRIDE) {
		uint16_t found = 0;

		for (size_t i = 0; i < STRIDE; i++)
			found = (uint16_t)(found + (fields->names[at + i] == number));
		if (found >= nth)
			break;
		nth -= found;
	}
	for (; at < fields->count; at++)
		if (fields->names[at] == number && --nth == 0)
			return at;
	return fields->count;
}

static bool
change(struct milter_fields *fields, const struct milter_field *field)
{
	size_t at = find(fields, field->name, field->index ? field->index : 1);
	struct milter_slot *slot;

	if (at == fields->count)
		return field->value.length == 0 || insert(fields, at, field);
	slot = &fields->slots[fields->places[at]];
	if (field->value.length == 0) {
		fields->deleted += !slot->gone;
		slot->gone = true;
		return true;
	}
	if (!make(fields, slot->field.name, field->value, &slot->field))
		return false;
	slot->gone = false;
	fields->changed++;
	return true;
}

bool
milter_fields_change(
	struct milter_fields *fields, enum milter_answer what, const struct milter_field *field)
{
	if (what == MILTER_CHANGE_HEADER)
		return change(fields, field);
	return insert(fields, what == MILTER_INSERT_HEADER ? field->index : fields->count, field);
}

bool
milter_fields_put(
	const struct milter_fields *fields, struct header *header, struct arena *scratch)
{
	struct header_field *kept = arena_alloc(scratch, fields->count * sizeof *kept);
	size_t count = 0;

	for (size_t i = 0; i < fields->count; i++)
		if (!fields->slots[fields->places[i]].gone)
			kept[count++] = fields->slots[fields->places[i]].field;
	return header_set(header, kept, count);
}
