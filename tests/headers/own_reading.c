/* SPDX-License-Identifier: BSD-2-Clause */
/* Our reading of header blocks: the originator fields' mailboxes, or why the block is refused. */
#include <stdlib.h>
#include <string.h>

#include "hex_line.h"
#include "wire/header.h"
#include "wire/mailboxes.h"

/* One block under examination. */
struct block {
	struct arena *arena;
	struct header header;
	struct fault fault;
	bool utf8;
};

static const char *const originators[] = { "From", "Sender", "Resent-From", "Resent-Sender" };

static bool
is_single(const char *name)
{
	return strstr(name, "Sender");
}

static void
put_mailbox(const struct mailbox *mailbox)
{
	char text[ADDRESS_TEXT_SIZE];

	hex_put(text, address_format(&mailbox->address, text));
	putchar('/');
	hex_put(mailbox->display.start, mailbox->display.length);
	printf("/%d,", mailbox->poses);
}

/* All fields of that name, put only if the whole block is good: so nothing is put where !show. */
static bool
read_fields(struct block *block, const char *name, bool show)
{
	unsigned rules = (block->utf8 ? MAILBOXES_UTF8 : 0) | (is_single(name) ? MAILBOXES_ONE : 0);
	struct header *header = &block->header;
	struct mailboxes list;

	for (size_t at = header_next(header, name, 0); at < header->count;
		at = header_next(header, name, at + 1)) {
		if (!mailboxes_parse(
			    header->fields[at].value, rules, block->arena, &list, &block->fault))
			return false;
		if (!show)
			continue;
		printf(" %s:", name);
		for (size_t i = 0; i < list.count; i++)
			put_mailbox(&list.list[i]);
	}
	return true;
}

static bool
read_block(struct block *block, struct span bytes)
{
	bool good = header_parse(
		bytes, block->utf8 ? HEADER_UTF8 : 0, block->arena, &block->header, &block->fault);

	if (good && header_count(&block->header, "From") != 1)
		return fault_set(&block->fault, FAULT_PEER,
			header_count(&block->header, "From") ? "several From fields"
							     : "no From field");
	if (good && header_count(&block->header, "Sender") > 1)
		return fault_set(&block->fault, FAULT_PEER, "several Sender fields");
	for (size_t i = 0; good && i < sizeof originators / sizeof originators[0]; i++)
		good = read_fields(block, originators[i], false);
	return good;
}

static void
answer(char *line)
{
	struct block block = { .arena = arena_new(0), .fault = FAULT_INIT, .utf8 = line[0] == '1' };
	size_t length = hex_take(line + 2);

	if (read_block(&block, span_of(line + 2, length))) {
		printf("read");
		for (size_t i = 0; i < sizeof originators / sizeof originators[0]; i++)
			read_fields(&block, originators[i], true);
		putchar('\n');
	} else {
		printf("refused %s\n", block.fault.text);
	}
	arena_free(&block.arena);
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 2)
		answer(line);
	free(line);
	return 0;
}
