/* SPDX-License-Identifier: BSD-2-Clause */
/* What was accepted lately, by what a client that sends it again is known by. */
#include "queue/spool_table.h"

#include <assert.h>
#include <string.h>

/*
 * Rows are added at the end of their table, so that they cost next to nothing; what finds them is an
 * index in memory, from the first bytes of a key to a seq. It is a hint: what it says is looked up.
 */
enum {
	ROWS_MAX = 500000,    /* in the index: 16 MiB; beyond, the oldest are forgotten early */
	PRUNED_ROWS = 10000,  /* in one tick */
};

/* What the transaction has done to the index, or will do if it is committed. */
struct spool_resend_change {
	uint64_t hint;
	uint64_t seq;
	bool added; /* done; else to be taken out */
};

static uint64_t
hint_of(struct span key)
{
	uint64_t hint = 0;
	memcpy(&hint, key.start, key.length < sizeof(hint) ? key.length : sizeof(hint));
	return hint;
}

static void
note(struct spool_store *store, uint64_t hint, uint64_t seq, bool added)
{
	struct spool_resends *resends = &store->resends;
	if (resends->change_count == resends->change_room) {
		resends->change_room = resends->change_room ? 2 * resends->change_room : 64;
		resends->changes = mem_grow_array(
			resends->changes, resends->change_room, sizeof(*resends->changes));
	}
	resends->changes[resends->change_count++] =
		(struct spool_resend_change){ .hint = hint, .seq = seq, .added = added };
}

/* The latest one counts. */
static void
set_hint(struct spool_store *store, uint64_t hint, uint64_t seq)
{
	index_take(&store->resends.index, hint);
	index_add(&store->resends.index, hint, (void *)(uintptr_t)seq);
}

static void
take_hint(struct spool_store *store, uint64_t hint, uint64_t seq)
{
	if (index_find(&store->resends.index, hint) == (void *)(uintptr_t)seq)
		index_take(&store->resends.index, hint);
}

void
spool_resend_load(struct spool_store *store)
{
	struct spool_db *db = &store->db;
	while (store->resends.index.count < ROWS_MAX && spool_db_row(db, SQL_RESEND_LATEST)) {
		uint64_t hint = hint_of(spool_db_bytes(db, SQL_RESEND_LATEST, 1));
		if (!index_find(&store->resends.index, hint))
			set_hint(store, hint, (uint64_t)spool_db_number(db, SQL_RESEND_LATEST, 0));
	}
	spool_db_done(db, SQL_RESEND_LATEST);
}

void
spool_resend_fini(struct spool_store *store)
{
	index_fini(&store->resends.index);
	mem_free(&store->resends.changes);
}

bool
spool_resend_find(struct spool_store *store, struct spool_commit *commit)
{
	struct spool_db *db = &store->db;
	const struct resend *resend = &commit->resend;
	struct span key = span_of((const char *)resend->key, sizeof(resend->key));
	uint64_t seq = (uintptr_t)index_find(&store->resends.index, hint_of(key));
	bool found = false;
	if (!resend->wanted || !seq)
		return false;
	spool_db_bind_number(db, SQL_RESEND_GET, 1, (int64_t)seq);
	if (spool_db_row(db, SQL_RESEND_GET) &&
		span_equal(spool_db_bytes(db, SQL_RESEND_GET, 1), key) &&
		spool_db_number(db, SQL_RESEND_GET, 0) >= resend->since_ms) {
		struct span id = spool_db_bytes(db, SQL_RESEND_GET, 2);
		found = id.length > 0 && id.length <= MESSAGE_ID_MAX_BYTES;
		if (found) {
			memcpy(commit->first_id, id.start, id.length);
			commit->first_id[id.length] = '\0';
			commit->parcel->seq = seq;
		}
	}
	spool_db_done(db, SQL_RESEND_GET);
	return found;
}

void
spool_resend_add(struct spool_store *store, const struct spool_commit *commit)
{
	struct spool_db *db = &store->db;
	const struct resend *resend = &commit->resend;
	struct span key = span_of((const char *)resend->key, sizeof(resend->key));
	uint64_t seq = commit->parcel->seq;
	if (!resend->wanted)
		return;
	spool_db_bind_number(db, SQL_RESEND_ADD, 1, (int64_t)seq);
	spool_db_bind_number(db, SQL_RESEND_ADD, 2, commit->parcel->received_ms);
	spool_db_bind_bytes(db, SQL_RESEND_ADD, 3, key);
	spool_db_bind_text(db, SQL_RESEND_ADD, 4, commit->parcel->record.id);
	spool_db_run(db, SQL_RESEND_ADD);
	set_hint(store, hint_of(key), seq);
	note(store, hint_of(key), seq, true);
}

static void
delete_row(struct spool_store *store, uint64_t seq)
{
	spool_db_bind_number(&store->db, SQL_RESEND_DELETE, 1, (int64_t)seq);
	spool_db_run(&store->db, SQL_RESEND_DELETE);
}

void
spool_resend_forget(struct spool_store *store, uint64_t seq)
{
	struct spool_db *db = &store->db;
	spool_db_bind_number(db, SQL_RESEND_GET, 1, (int64_t)seq);
	bool there = spool_db_row(db, SQL_RESEND_GET);
	if (there)
		note(store, hint_of(spool_db_bytes(db, SQL_RESEND_GET, 1)), seq, false);
	spool_db_done(db, SQL_RESEND_GET);
	if (there)
		delete_row(store, seq);
}

/* Rows stand in order of acceptance; one from the future is of a clock that was wrong. */
void
spool_resend_prune(struct spool_store *store, int64_t since_ms, int64_t now_ms)
{
	struct spool_db *db = &store->db;
	int64_t until_ms = now_ms + (now_ms - since_ms);
	size_t known = store->resends.index.count;
	size_t count = 0;
	uint64_t last = 0;
	spool_db_bind_number(db, SQL_RESEND_OLDEST, 1, PRUNED_ROWS);
	for (; count < PRUNED_ROWS && spool_db_row(db, SQL_RESEND_OLDEST); count++) {
		int64_t accepted_ms = spool_db_number(db, SQL_RESEND_OLDEST, 1);
		if (accepted_ms >= since_ms && accepted_ms <= until_ms && known <= ROWS_MAX + count)
			break;
		last = (uint64_t)spool_db_number(db, SQL_RESEND_OLDEST, 0);
		note(store, hint_of(spool_db_bytes(db, SQL_RESEND_OLDEST, 2)), last, false);
	}
	spool_db_done(db, SQL_RESEND_OLDEST);
	if (!last)
		return;
	spool_db_bind_number(db, SQL_RESEND_PRUNE, 1, (int64_t)last);
	spool_db_run(db, SQL_RESEND_PRUNE);
}

void
spool_resend_end(struct spool_store *store, bool committed)
{
	struct spool_resends *resends = &store->resends;
	for (size_t i = 0; i < resends->change_count; i++) {
		const struct spool_resend_change *change = &resends->changes[i];
		if (change->added != committed)
			take_hint(store, change->hint, change->seq);
	}
	resends->change_count = 0;
}
