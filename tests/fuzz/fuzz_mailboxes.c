/* SPDX-License-Identifier: BSD-2-Clause */
/* From: where every mailbox is Alice's, careless readers of the same bytes see her alone too. */
#include "fuzz.h"

#include "base/buffer.h"
#include "wire/mailboxes.h"
#include "wire/octet.h"

#define OWNER "alice@example.org"

static bool
is_owner(struct span text)
{
	struct address address;
	struct address owner;

	FUZZ_CHECK(address_parse(span_text(OWNER), 0, &owner) == ADDRESS_OK);
	return address_parse(text, ADDRESS_UTF8, &address) == ADDRESS_OK &&
		address_equal_own(&address, &owner);
}

/* Without the blanks and foldings about it. */
static struct span
trimmed(struct span text)
{
	while (text.length && octet_is_space(text.start[0]))
		text = span_from(text, 1);
	while (text.length && octet_is_space(text.start[text.length - 1]))
		text.length--;
	return text;
}

/* A reader that knows quoted strings and comments, and takes what stands in <> to be the author. */
static void
check_brackets(struct span value)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < value.length; i++) {
		char byte = value.start[i];

		if (byte == '\\' && (quoted || depth))
			i++;
		else if (byte == '"' && !depth)
			quoted = !quoted;
		else if (byte == '(' && !quoted)
			depth++;
		else if (byte == ')' && !quoted && depth)
			depth--;
		else if (byte == '<' && !quoted && !depth)
			FUZZ_CHECK(is_owner(trimmed(
				span_cut(span_from(value, i + 1), '>', &(struct span){ 0 }))));
	}
}

/* A reader that knows nothing and takes every <x@y> without blanks in it for an author. */
static void
check_greedy(struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		struct span rest;
		struct span inside;

		if (value.start[i] != '<')
			continue;
		inside = span_cut(span_from(value, i + 1), '>', &rest);
		if (rest.start == NULL && inside.length == value.length - i - 1)
			continue;
		inside = trimmed(inside);
		if (span_has_byte(inside, '@') && !span_has_byte(inside, ' ') &&
			!span_has_byte(inside, '"') && !span_has_byte(inside, '<'))
			FUZZ_CHECK(is_owner(inside));
	}
}

static void
check_list(const struct mailboxes *list, struct span value)
{
	bool owners = true;

	FUZZ_CHECK(list->count >= 1 && list->count <= MAILBOXES_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct mailbox *mailbox = &list->list[i];
		struct address again;
		char text[ADDRESS_TEXT_SIZE];

		FUZZ_CHECK(mailbox->address.kind == ADDRESS_MAILBOX ||
			mailbox->address.kind == ADDRESS_LITERAL);
		address_format(&mailbox->address, text);
		FUZZ_CHECK(address_parse(span_text(text), ADDRESS_UTF8, &again) == ADDRESS_OK);
		FUZZ_CHECK(address_equal(&mailbox->address, &again));
		for (size_t k = 0; k < mailbox->display.length; k++)
			FUZZ_CHECK(mailbox->display.start[k] == '\t' ||
				!octet_is_control(mailbox->display.start[k]));
		owners = owners && is_owner(span_text(text));
	}
	if (owners) {
		check_brackets(value);
		check_greedy(value);
	}
}

/* The addresses alone, written as a list, are read as the same list. */
static void
check_written(const struct mailboxes *list, unsigned rules)
{
	struct arena *arena = arena_new(1024);
	struct buf written = BUF_INIT(0);
	struct fault fault = FAULT_INIT;
	struct mailboxes again;
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < list->count; i++) {
		address_format(&list->list[i].address, text);
		FUZZ_CHECK(buf_printf(&written, "%s<%s>", i ? ",\r\n " : " ", text));
	}
	FUZZ_CHECK(mailboxes_parse(buf_span(&written), rules, arena, &again, &fault));
	FUZZ_CHECK(again.count == list->count);
	for (size_t i = 0; i < list->count; i++) {
		FUZZ_CHECK(address_equal(&again.list[i].address, &list->list[i].address));
		FUZZ_CHECK(again.list[i].display.length == 0 && !again.list[i].poses);
	}
	buf_fini(&written);
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	unsigned rules = fuzz_take(&in) & 3;
	struct arena *arena = arena_new(1024);
	struct fault fault = FAULT_INIT;
	struct mailboxes list;

	if (mailboxes_parse(in, rules, arena, &list, &fault)) {
		FUZZ_CHECK(!(rules & MAILBOXES_ONE) || list.count == 1);
		check_list(&list, in);
		check_written(&list, rules);
	} else {
		FUZZ_CHECK(fault.kind == FAULT_PEER || fault.kind == FAULT_LIMIT);
		FUZZ_CHECK(fault.text[0] && span_is_printable(span_text(fault.text)));
	}
	arena_free(&arena);
	return 0;
}
