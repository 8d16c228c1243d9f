/* SPDX-License-Identifier: BSD-2-Clause */
/* Header blocks: fields tile the block, a grep sees the same, changes keep it well formed. */
#include "fuzz.h"

#include "wire/header.h"

/* How many lines a careless reader takes for a From: "from", blanks, colon, at any line start. */
static size_t
grep_from(struct span text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.length; i++) {
		struct span line = span_from(text, i);

		if (i && text.start[i - 1] != '\n' && text.start[i - 1] != '\r')
			continue;
		if (!span_starts_nocase(line, "from"))
			continue;
		line = span_trim(span_from(line, 4));
		count += span_starts(line, ":");
	}
	return count;
}

static void
check_block(const struct header *header, unsigned rules)
{
	struct arena *arena = arena_new(1024);
	struct buf out = BUF_INIT(0);
	struct header again;
	struct fault fault;

	FUZZ_CHECK(header_format(header, &out));
	FUZZ_CHECK(buf_length(&out) == header->bytes);
	FUZZ_CHECK(header_parse(buf_span(&out), rules, arena, &again, &fault));
	FUZZ_CHECK(again.count == header->count);
	FUZZ_CHECK(grep_from(buf_span(&out)) == header_count(header, "From"));
	for (size_t i = 0; i < again.count; i++) {
		FUZZ_CHECK(span_equal(again.fields[i].whole, header->fields[i].whole));
		FUZZ_CHECK(span_equal(again.fields[i].name, header->fields[i].name));
		FUZZ_CHECK(span_equal(again.fields[i].value, header->fields[i].value));
	}
	buf_fini(&out);
	arena_free(&arena);
}

static void
check_folding(const struct header *header, struct arena *arena)
{
	for (size_t i = 0; i < header->count; i++) {
		struct span plain = header_unfold(header->fields[i].value, arena);
		struct span folded = header_fold(header->fields[i].name, plain, arena);

		FUZZ_CHECK(!span_has_byte(plain, '\n') && !span_has_byte(plain, '\r'));
		FUZZ_CHECK(span_equal(header_unfold(folded, arena), plain));
	}
}

/* What stands in the list now is what stood there, but for this one field. */
static void
check_others(const struct header *header, const struct header_field *before, size_t changed,
	size_t added)
{
	for (size_t i = 0; i < header->count; i++) {
		size_t old = i < changed ? i : i - added;

		if (i != changed)
			FUZZ_CHECK(span_equal(header->fields[i].whole, before[old].whole));
	}
}

/* A field that we wrote: its name, its value as it was asked for, no line that is too long. */
static void
check_field(const struct header_field *field, struct span name, struct span value)
{
	struct arena *arena = arena_new(1024);
	struct span rest = field->whole;

	if (name.length)
		FUZZ_CHECK(span_equal(field->name, name));
	while (rest.length) {
		struct span line = span_cut(rest, '\n', &rest);

		FUZZ_CHECK(line.length <= HEADER_LINE_MAX_BYTES + 1);
	}
	/* It may have been folded with LF alone; nothing else of it is changed. */
	if (!span_has_byte(value, '\n'))
		FUZZ_CHECK(span_equal(span_trim(field->value), span_trim(value)));
	FUZZ_CHECK(!span_has_byte(header_unfold(field->value, arena), '\n'));
	arena_free(&arena);
}

static void
check_insert(struct header *header, size_t at, struct span name, struct span value)
{
	size_t count = header->count;
	struct span before = fuzz_copy(span_of(header->fields, count * sizeof *header->fields));
	bool added = header_insert(header, at, name, value);

	FUZZ_CHECK(header->count == count + added);
	if (added)
		check_field(&header->fields[at], name, value);
	check_others(header, (const struct header_field *)before.start, added ? at : count, added);
	check_block(header, HEADER_RAW);
	fuzz_free(before);
}

static void
check_replace(struct header *header, size_t at, struct span value)
{
	size_t count = header->count;
	struct span before = fuzz_copy(span_of(header->fields, count * sizeof *header->fields));
	bool replaced = header_replace(header, at, value);

	FUZZ_CHECK(header->count == count);
	if (replaced)
		check_field(&header->fields[at], SPAN_EMPTY, value);
	check_others(header, (const struct header_field *)before.start, replaced ? at : count, 0);
	check_block(header, HEADER_RAW);
	fuzz_free(before);
}

/* The value is the fuzzer's: what a filter could ask for. */
static void
check_changes(struct header *header, struct span value)
{
	struct span name = span_cut(value, ':', &value);
	size_t count;

	check_insert(header, header->count / 2, name, value);
	check_insert(header, header->count, SPAN_LITERAL("Subject"), value);
	if (header->count)
		check_replace(header, header->count / 3, value);
	count = header->count;
	if (count) {
		header_delete(header, count / 2);
		FUZZ_CHECK(header->count == count - 1);
	}
	count = header_count(header, "From");
	FUZZ_CHECK(header_delete_all(header, "From") == count);
	FUZZ_CHECK(header_count(header, "From") == 0);
	check_block(header, HEADER_RAW);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	unsigned rules = fuzz_take(&in) & 3;
	struct arena *arena = arena_new(1024);
	struct header header;
	struct fault fault = FAULT_INIT;

	if (header_parse(in, rules, arena, &header, &fault)) {
		FUZZ_CHECK(header.bytes == in.length);
		check_block(&header, rules);
		check_folding(&header, arena);
	} else {
		FUZZ_CHECK(fault.kind == FAULT_PEER || fault.kind == FAULT_LIMIT);
		FUZZ_CHECK(fault.text[0] && span_is_printable(span_text(fault.text)));
		header_init(&header, arena);
	}
	check_changes(&header, in);
	arena_free(&arena);
	return 0;
}
