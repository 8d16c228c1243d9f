/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a message while one filter changes it. */
#include "policy/milter_fields.h"

#include <string.h>

#include "wire/octet.h"
#include "wire/utf8.h"

struct milter_slot {
	struct header_field field;
	bool gone;
};

void
milter_fields_init(struct milter_fields *fields, const struct mail *mail, bool as_is, size_t more,
	struct arena *scratch)
{
	const struct header *header = &mail->header;

	*fields = (struct milter_fields){ .arena = mail->arena,
		.slots = arena_alloc(scratch, (header->count + more) * sizeof *fields->slots),
		.count = header->count,
		.own = SIZE_MAX,
		.as_is = as_is,
		.smtputf8 = mail->smtputf8 };
	for (size_t i = 0; i < header->count; i++) {
		fields->slots[i].field = header->fields[i];
		if (mail->trace && header->fields[i].whole.start == mail->trace)
			fields->own = i;
		fields->has_8bit |= !utf8_is_ascii(header->fields[i].whole);
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
	struct milter_slot slot = { .gone = false };

	if (!make(fields, field->name, field->value, &slot.field))
		return false;
	if (at > fields->count)
		at = fields->count;
	memmove(fields->slots + at + 1, fields->slots + at,
		(fields->count - at) * sizeof *fields->slots);
	fields->slots[at] = slot;
	fields->count++;
	if (fields->own != SIZE_MAX && fields->own >= at)
		fields->own++;
	fields->added++;
	return true;
}

/* The place of the nth field of this name, from 1; the count if there is none. */
static size_t
find(const struct milter_fields *fields, struct span name, uint32_t nth)
{
	for (size_t i = 0; i < fields->count; i++)
		if (span_equal_nocase(fields->slots[i].field.name, name) && i != fields->own &&
			--nth == 0)
			return i;
	return fields->count;
}

static bool
change(struct milter_fields *fields, const struct milter_field *field)
{
	size_t at = find(fields, field->name, field->index ? field->index : 1);
	struct milter_slot *slot;

	if (at == fields->count)
		return field->value.length == 0 || insert(fields, at, field);
	slot = &fields->slots[at];
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
		if (!fields->slots[i].gone)
			kept[count++] = fields->slots[i].field;
	return header_set(header, kept, count);
}
