/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom each login wrote to before. */
#include "auth/known.h"

#include <string.h>

#include "auth/table.h"
#include "base/digest.h"
#include "base/log.h"
#include "ipc/messages.h"

/* One login's. */
struct known_set {
	struct table_entry by_login;
	struct known *known;
	char *login;
	struct loading *loading;        /* NULL: it is there */
	struct known_question *waiting;
	uint64_t *ring;                 /* by age, from first on; MEMORY_MARKS_MAX at most */
	uint64_t *sorted;               /* the same */
	size_t room;
	size_t first;
	size_t count;
	struct buf news;                /* not stored yet */
};

struct known_question {
	struct known_question *next;
	struct known_set *set;
	struct buf marks;               /* keyed */
	known_fn found;
	void *context;
};

/* The thread's, until the job is over. */
struct loading {
	struct known_set *set;          /* NULL: nobody wants it any more */
	struct worker_job *job;
	struct directory_local *local;
	char *login;
	bool done;
	struct buf marks;
	struct fault fault;
};

struct known {
	struct directory *directory;
	struct directory_local *local;
	struct digest_mac keyed;
	struct table sets;
	size_t max_logins;
};

struct known *
known_new(struct directory *directory, struct directory_local *local, struct span secret,
	size_t max_logins)
{
	struct known *known = mem_alloc(sizeof *known);

	known->directory = directory;
	known->local = local;
	known->max_logins = max_logins;
	digest_mac_init(&known->keyed, secret);
	table_init(&known->sets);
	return known;
}

/* ---- sets ------------------------------------------------------------------------------------ */

static struct known_set *
set_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct known_set, by_login);
}

static void
free_question(struct known_question *question)
{
	buf_fini(&question->marks);
	mem_free(&question);
}

static void
forget(struct known_set *set)
{
	struct known_question *question;

	while ((question = set->waiting)) {
		set->waiting = question->next;
		free_question(question);
	}
	if (set->loading) {
		set->loading->set = NULL;
		worker_cancel(&set->loading->job);
	}
	table_take(&set->known->sets, &set->by_login);
	buf_fini(&set->news);
	mem_free(&set->ring);
	mem_free(&set->sorted);
	mem_free(&set->login);
	mem_free(&set);
}

void
known_free(struct known **known)
{
	if (!*known)
		return;
	while ((*known)->sets.oldest)
		forget(set_of((*known)->sets.oldest));
	table_fini(&(*known)->sets);
	mem_wipe(&(*known)->keyed, sizeof (*known)->keyed);
	mem_free(known);
}

/* Where the mark stands, or would stand, among the sorted. */
static size_t
place_of(const struct known_set *set, uint64_t mark)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->sorted[middle] < mark)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
has(const struct known_set *set, uint64_t mark)
{
	size_t at = place_of(set, mark);

	return at < set->count && set->sorted[at] == mark;
}

static void
drop_oldest(struct known_set *set)
{
	size_t at = place_of(set, set->ring[set->first]);

	memmove(set->sorted + at, set->sorted + at + 1,
		(set->count - at - 1) * sizeof *set->sorted);
	set->first = (set->first + 1) % set->room;
	set->count--;
}

static void
add(struct known_set *set, uint64_t mark)
{
	size_t at;

	if (has(set, mark))
		return;
	if (set->count == MEMORY_MARKS_MAX) {
		drop_oldest(set);
	} else if (set->count == set->room) {
		/* It has never been full: it begins at 0. */
		set->room = set->room ? 2 * set->room : 64;
		if (set->room > MEMORY_MARKS_MAX)
			set->room = MEMORY_MARKS_MAX;
		set->ring = mem_grow_array(set->ring, set->room, sizeof *set->ring);
		set->sorted = mem_grow_array(set->sorted, set->room, sizeof *set->sorted);
	}
	at = place_of(set, mark);
	memmove(set->sorted + at + 1, set->sorted + at, (set->count - at) * sizeof *set->sorted);
	set->sorted[at] = mark;
	set->ring[(set->first + set->count++) % set->room] = mark;
}

static uint64_t
mark_at(struct span marks)
{
	uint64_t mark;

	memcpy(&mark, marks.start, sizeof mark);
	return mark;
}

/* Of what a front end says, so that what stands on disk tells nobody who was written to. */
static void
key_marks(const struct known *known, const char *login, struct span marks, struct buf *to)
{
	for (; marks.length; marks = span_from(marks, MESSAGE_MARK_BYTES)) {
		struct digest_mac mac = known->keyed;
		unsigned char bytes[DIGEST_BYTES];

		digest_mac_add(&mac, span_text(login));
		digest_mac_add(&mac, span_of("", 1));
		digest_mac_add(&mac, span_first(marks, MESSAGE_MARK_BYTES));
		digest_mac_final(&mac, bytes);
		buf_add(to, bytes, MEMORY_MARK_BYTES);
	}
}

/* ---- from disk ------------------------------------------------------------------------------- */

static void
load(void *context)
{
	struct loading *loading = context;

	loading->done = directory_local_marks(
		loading->local, loading->login, &loading->marks, &loading->fault);
}

static void
answer(struct known_question *question, bool sure)
{
	size_t new_count = 0;

	for (struct span left = buf_span(&question->marks); left.length;
		left = span_from(left, MEMORY_MARK_BYTES))
		new_count += !has(question->set, mark_at(left));
	question->found(question->context, sure, new_count);
	free_question(question);
}

static void
on_loaded(enum worker_result result, void *context)
{
	struct loading *loading = context;
	struct known_set *set = loading->set;
	bool sure = result == WORKER_DONE && loading->done;
	struct known_question *question;

	set->loading = NULL;
	loading->set = NULL;
	for (struct span left = sure ? buf_span(&loading->marks) : SPAN_EMPTY; left.length;
		left = span_from(left, MEMORY_MARK_BYTES))
		add(set, mark_at(left));
	while ((question = set->waiting)) {
		set->waiting = question->next;
		answer(question, sure);
	}
	if (!sure)
		forget(set);
}

static void
free_loading(void *context)
{
	struct loading *loading = context;

	buf_fini(&loading->marks);
	mem_free(&loading->login);
	mem_free(&loading);
}

static const struct worker_task load_task = {
	.run = load,
	.done = on_loaded,
	.release = free_loading,
};

/* False if too much waits for the directory. */
static bool
start_loading(struct known_set *set, uint64_t wait_ms)
{
	struct loading *loading = mem_alloc(sizeof *loading);

	loading->set = set;
	loading->local = set->known->local;
	loading->login = mem_strdup(set->login);
	buf_init(&loading->marks, (size_t)MEMORY_MARKS_MAX * MEMORY_MARK_BYTES);
	loading->job = directory_run(set->known->directory, &load_task, loading, wait_ms);
	if (!loading->job) {
		free_loading(loading);
		return false;
	}
	set->loading = loading;
	return true;
}

/* A set that nobody waits for and that is stored gives way. */
static void
make_room(struct known *known)
{
	struct table_entry *entry = known->sets.oldest;

	while (entry && known->sets.count >= known->max_logins) {
		struct known_set *set = set_of(entry);

		entry = entry->newer;
		if (!set->waiting && !buf_length(&set->news))
			forget(set);
	}
}

static struct known_set *
find_or_load(struct known *known, const char *login, uint64_t wait_ms)
{
	struct known_set *set = set_of(table_find(&known->sets, span_text(login)));

	if (set) {
		table_renew(&known->sets, &set->by_login);
		return set;
	}
	make_room(known);
	set = mem_alloc(sizeof *set);
	set->known = known;
	set->login = mem_strdup(login);
	buf_init(&set->news, (size_t)MEMORY_MARKS_MAX * MEMORY_MARK_BYTES);
	table_add(&known->sets, &set->by_login, span_text(set->login));
	if (start_loading(set, wait_ms))
		return set;
	forget(set);
	return NULL;
}

/* ---- questions ------------------------------------------------------------------------------- */

struct known_question *
known_ask(struct known *known, const char *login, struct span marks, uint64_t wait_ms,
	known_fn found, void *context)
{
	struct known_set *set = find_or_load(known, login, wait_ms);
	struct known_question *question;

	if (!set) {
		found(context, false, 0);
		return NULL;
	}
	question = mem_alloc(sizeof *question);
	question->set = set;
	question->found = found;
	question->context = context;
	buf_init(&question->marks, (size_t)MESSAGE_RECIPIENTS_MAX * MEMORY_MARK_BYTES);
	key_marks(known, login, marks, &question->marks);
	if (!set->loading) {
		answer(question, true);
		return NULL;
	}
	question->next = set->waiting;
	set->waiting = question;
	return question;
}

void
known_cancel(struct known_question **question)
{
	struct known_question **at;

	if (!*question)
		return;
	for (at = &(*question)->set->waiting; *at != *question; at = &(*at)->next)
		;
	*at = (*question)->next;
	free_question(*question);
	*question = NULL;
}

void
known_learn(struct known *known, const char *login, struct span marks)
{
	struct known_set *set = set_of(table_find(&known->sets, span_text(login)));
	struct buf keyed = BUF_INIT((size_t)MESSAGE_RECIPIENTS_MAX * MEMORY_MARK_BYTES);

	if (set)
		key_marks(known, login, marks, &keyed);
	for (struct span left = buf_span(&keyed); left.length;
		left = span_from(left, MEMORY_MARK_BYTES)) {
		if (has(set, mark_at(left)))
			continue;
		add(set, mark_at(left));
		/* More than there is room for in a second are learnt, but not for ever. */
		if (buf_length(&set->news) + MEMORY_MARK_BYTES <=
			(size_t)MEMORY_MARKS_MAX * MEMORY_MARK_BYTES)
			buf_add_span(&set->news, span_first(left, MEMORY_MARK_BYTES));
	}
	buf_fini(&keyed);
}

bool
known_take_news(struct known *known, struct arena *arena, struct memory_item *item_out)
{
	for (struct table_entry *entry = known->sets.oldest; entry; entry = entry->newer) {
		struct known_set *set = set_of(entry);
		size_t length = buf_length(&set->news);

		if (!length)
			continue;
		*item_out = (struct memory_item){ .is_marks = true,
			.key = span_text(arena_strdup(arena, set->login)),
			.content = span_of(arena_dup(arena, buf_span(&set->news).start, length),
				length) };
		buf_clear(&set->news);
		return true;
	}
	return false;
}
