/* SPDX-License-Identifier: BSD-2-Clause */
/* Results that queue has not yet kept. */
#include "relay/result_box.h"

/* Kept in the order of arrival; queue answers nearly in that order, so the search is short. */
struct entry {
	struct entry *next;
	uint64_t job;
	bool sent;
	size_t length;
	char bytes[];
};

struct result_box {
	struct entry *first;
	struct entry **end;
	size_t count;
};

struct result_box *
result_box_new(void)
{
	struct result_box *box = mem_alloc(sizeof *box);

	box->end = &box->first;
	return box;
}

void
result_box_free(struct result_box **box)
{
	if (!*box)
		return;
	while ((*box)->first)
		result_box_take(*box, (*box)->first->job);
	mem_free(box);
}

void
result_box_add(struct result_box *box, uint64_t job, struct span packed)
{
	struct entry *entry = mem_alloc(sizeof *entry + packed.length);

	entry->job = job;
	entry->length = packed.length;
	for (size_t i = 0; i < packed.length; i++)
		entry->bytes[i] = packed.start[i];
	*box->end = entry;
	box->end = &entry->next;
	box->count++;
}

bool
result_box_take(struct result_box *box, uint64_t job)
{
	for (struct entry **at = &box->first; *at; at = &(*at)->next) {
		struct entry *entry = *at;

		if (entry->job != job)
			continue;
		*at = entry->next;
		if (box->end == &entry->next)
			box->end = at;
		box->count--;
		mem_free(&entry);
		return true;
	}
	return false;
}

size_t
result_box_count(const struct result_box *box)
{
	return box->count;
}

void
result_box_send(struct result_box *box, enum result_box_which which,
	bool (*send)(struct span packed, void *context), void *context)
{
	for (struct entry *entry = box->first; entry && which == RESULT_BOX_ALL; entry = entry->next)
		entry->sent = false;
	for (struct entry *entry = box->first; entry; entry = entry->next) {
		if (entry->sent)
			continue;
		if (!send(span_of(entry->bytes, entry->length), context))
			break;
		entry->sent = true;
	}
}
