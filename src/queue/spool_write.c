/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing the spool: messages come in, are tried, held, deleted, and pass into history. */
#include "queue/spool_table.h"

#include <assert.h>

enum { FORGET_ROWS = 500 }; /* of history, looked at in one tick */

/* ---- a message comes in */

/* login: against whose cap it counts; NULL for nobody's. */
static void
hold(struct spool_store *store, uint64_t seq, const char *reason, const char *login)
{
	spool_db_bind_number(&store->db, SQL_WAITING_HOLD, 1, (int64_t)seq);
	spool_db_bind_text(&store->db, SQL_WAITING_HOLD, 2, reason);
	if (login && login[0])
		spool_db_bind_text(&store->db, SQL_WAITING_HOLD, 3, login);
	spool_db_run(&store->db, SQL_WAITING_HOLD);
	store->counts.held++;
}

/* False: a message with this id is known. */
static bool
add(struct spool_store *store, struct parcel *parcel)
{
	struct spool_db *db = &store->db;
	spool_db_bind_text(db, SQL_KNOWN_ADD, 1, parcel->record.id);
	spool_db_bind_number(db, SQL_KNOWN_ADD, 2, (int64_t)store->next_seq);
	if (spool_db_run(db, SQL_KNOWN_ADD) == 0)
		return false;
	parcel->seq = store->next_seq++;
	spool_db_bind_number(db, SQL_MESSAGE_ADD, 1, (int64_t)parcel->seq);
	if (parcel->record.file) {
		spool_db_bind_number(db, SQL_MESSAGE_ADD, 2, (int64_t)parcel->record.file);
		store->sync_bodies = true;
	}
	spool_db_bind_number(db, SQL_MESSAGE_ADD, 3, parcel->received_ms);
	spool_db_bind_bytes(db, SQL_MESSAGE_ADD, 4, parcel->bytes);
	spool_db_bind_bytes(db, SQL_MESSAGE_ADD, 5, parcel->content);
	spool_db_run(db, SQL_MESSAGE_ADD);
	store->counts.messages++;
	return true;
}

/* Is the message under this id, queued or gone, the same one? */
static bool
is_same(struct spool_store *store, const struct parcel *parcel, uint64_t *seq_out)
{
	struct spool_db *db = &store->db;
	struct span digest = record_digest(parcel->bytes);
	bool same = false;
	spool_db_bind_text(db, SQL_KNOWN_GET, 1, parcel->record.id);
	*seq_out = (uint64_t)spool_db_get_number(db, SQL_KNOWN_GET);
	spool_db_bind_number(db, SQL_MESSAGE_RECORD, 1, (int64_t)*seq_out);
	spool_db_bind_number(db, SQL_HISTORY_GET, 1, (int64_t)*seq_out);
	if (spool_db_row(db, SQL_MESSAGE_RECORD))
		same = span_equal(
			digest, record_digest(spool_db_bytes(db, SQL_MESSAGE_RECORD, 0)));
	else if (spool_db_row(db, SQL_HISTORY_GET)) /* a brief begins with the digest */
		same = span_equal(digest, span_first(spool_db_bytes(db, SQL_HISTORY_GET, 0),
						  RECORD_DIGEST_BYTES));
	spool_db_done(db, SQL_MESSAGE_RECORD);
	spool_db_done(db, SQL_HISTORY_GET);
	return same;
}

static bool
is_known(struct spool_store *store, const char *id)
{
	spool_db_bind_text(&store->db, SQL_KNOWN_GET, 1, id);
	return spool_db_get_number(&store->db, SQL_KNOWN_GET) != 0;
}

/* Would one more be too many? */
static bool
is_crowded(struct spool_store *store, const struct spool_commit *commit)
{
	return commit->hold_reason && commit->held_most < UINT64_MAX &&
		spool_read_held(store, commit->parcel->record.login, commit->held_most) >=
			commit->held_most;
}

/* It is not known under its id. */
static enum spool_result
commit_new(struct spool_store *store, struct spool_commit *commit)
{
	struct parcel *parcel = commit->parcel;
	if (spool_resend_find(store, commit)) {
		commit->known = true;
		return SPOOL_DONE;
	}
	if (commit->only_known)
		return SPOOL_MISSING;
	if (is_crowded(store, commit))
		return SPOOL_CROWDED;
	if (store->full)
		return SPOOL_FULL;
	add(store, parcel);
	if (commit->hold_reason)
		hold(store, parcel->seq, commit->hold_reason, parcel->record.login);
	spool_resend_add(store, commit);
	return SPOOL_DONE;
}

void
spool_write_commit(struct spool_store *store, struct spool_commit *commit)
{
	commit->known = false;
	commit->first_id[0] = '\0';
	if (!is_known(store, commit->parcel->record.id)) {
		commit->request.result = commit_new(store, commit);
	} else if (is_same(store, commit->parcel, &commit->parcel->seq)) {
		commit->known = true;
		commit->request.result = SPOOL_DONE;
	} else {
		commit->request.result = SPOOL_CLASH;
	}
}

/* ---- results */

static bool
exists(struct spool_store *store, uint64_t seq)
{
	struct spool_db *db = &store->db;
	spool_db_bind_number(db, SQL_MESSAGE_EXISTS, 1, (int64_t)seq);
	bool there = spool_db_row(db, SQL_MESSAGE_EXISTS);
	spool_db_done(db, SQL_MESSAGE_EXISTS);
	return there;
}

static void
forget_file(struct spool_store *store, uint64_t file)
{
	if (!file)
		return;
	if (store->unwanted_count == store->unwanted_room) {
		store->unwanted_room = store->unwanted_room ? 2 * store->unwanted_room : 16;
		store->unwanted = mem_grow_array(
			store->unwanted, store->unwanted_room, sizeof(*store->unwanted));
	}
	store->unwanted[store->unwanted_count++] = file;
}

static void
delete_by_seq(struct spool_store *store, enum spool_statement statement, uint64_t seq)
{
	spool_db_bind_number(&store->db, statement, 1, (int64_t)seq);
	spool_db_run(&store->db, statement);
}

/* From the queue to its history. recipients: the state of each one in the envelope. */
static void
finish(struct spool_store *store, const struct parcel *parcel, const struct recipient *recipients,
	int64_t now_ms)
{
	struct spool_db *db = &store->db;
	struct buf *brief = &store->brief;
	buf_clear(brief);
	brief_pack(brief, parcel, recipients, now_ms);
	assert(!brief->overflow);
	spool_db_bind_number(db, SQL_HISTORY_ADD, 1, (int64_t)parcel->seq);
	spool_db_bind_number(db, SQL_HISTORY_ADD, 2, now_ms);
	spool_db_bind_bytes(db, SQL_HISTORY_ADD, 3, buf_span(brief));
	spool_db_run(db, SQL_HISTORY_ADD);
	delete_by_seq(store, SQL_MESSAGE_DELETE, parcel->seq);
	forget_file(store, parcel->record.file);
	store->counts.messages--;
}

/* The state of every recipient: what is stored, and over it what has just changed. */
static struct recipient *
gather(struct spool_store *store, const struct parcel *parcel, bool stored,
	const struct recipient *changed, size_t changed_count, struct arena *arena)
{
	size_t count = parcel->record.envelope.recipient_count;
	struct recipient *all = arena_alloc(arena, count * sizeof(*all));
	struct recipient *rows = NULL;
	size_t row_count = stored ? spool_read_recipients(store, parcel->seq, arena, &rows) : 0;
	for (size_t i = 0; i < row_count; i++) {
		if (rows[i].number < count)
			all[rows[i].number] = rows[i];
	}
	for (size_t i = 0; i < changed_count; i++)
		all[changed[i].number] = changed[i];
	return all;
}

static void
store_recipient(struct spool_store *store, uint64_t seq, const struct recipient *recipient)
{
	struct spool_db *db = &store->db;
	struct buf state = BUF_INIT(0);
	recipient_pack(&state, recipient);
	spool_db_bind_number(db, SQL_RECIPIENT_SET, 1, (int64_t)seq);
	spool_db_bind_number(db, SQL_RECIPIENT_SET, 2, recipient->number);
	spool_db_bind_bytes(db, SQL_RECIPIENT_SET, 3, buf_span(&state));
	spool_db_run(db, SQL_RECIPIENT_SET);
	buf_fini(&state);
}

/* It may have been held while its last job was under way. */
static void
leave_waiting(struct spool_store *store, uint64_t seq, struct arena *arena)
{
	int64_t due;
	const char *reason;
	if (spool_read_waiting(store, seq, arena, &due, &reason))
		store->counts.held--;
	delete_by_seq(store, SQL_WAITING_DELETE, seq);
	delete_by_seq(store, SQL_RECIPIENT_DELETE, seq);
}

/* When what is left is tried again, if it is. */
static void
leave_due(struct spool_store *store, const struct spool_settle *settle)
{
	uint64_t seq = settle->parcel->seq;
	int64_t due;
	const char *reason;
	if (settle->hold_reason) {
		arena_reset(store->scratch);
		store->counts.held -= spool_read_waiting(store, seq, store->scratch, &due, &reason);
		hold(store, seq, settle->hold_reason, NULL);
		return;
	}
	spool_db_bind_number(&store->db, SQL_WAITING_SET, 1, (int64_t)seq);
	spool_db_bind_number(&store->db, SQL_WAITING_SET, 2, settle->due_ms);
	spool_db_run(&store->db, SQL_WAITING_SET);
}

void
spool_write_settle(struct spool_store *store, struct spool_settle *settle)
{
	const struct parcel *parcel = settle->parcel;
	settle->request.result = SPOOL_MISSING;
	if (!exists(store, parcel->seq))
		return;
	settle->request.result = SPOOL_DONE;
	if (settle->finished) {
		arena_reset(store->scratch);
		finish(store, parcel,
			gather(store, parcel, settle->stored, settle->recipients,
				settle->recipient_count, store->scratch),
			settle->now_ms);
		leave_waiting(store, parcel->seq, store->scratch);
	} else {
		for (size_t i = 0; i < settle->recipient_count; i++)
			store_recipient(store, parcel->seq, &settle->recipients[i]);
		leave_due(store, settle);
	}
	/* One that is known was queued when the same result came before. */
	for (size_t i = 0; i < settle->notice_count; i++) {
		settle->notices[i]->seq = 0; /* not that of an attempt that was rolled back */
		add(store, settle->notices[i]);
	}
}

/* ---- the administrator */

static enum spool_result
delete_message(struct spool_store *store, uint64_t seq, int64_t now_ms)
{
	enum record_state state = RECORD_GOOD;
	struct parcel *parcel = spool_read_parcel(store, seq, &state);
	if (!parcel)
		return SPOOL_MISSING;
	struct arena *arena = arena_new(1024);
	if (state == RECORD_GOOD) {
		struct recipient *all = gather(store, parcel, true, NULL, 0, arena);
		for (size_t i = 0; i < parcel->record.envelope.recipient_count; i++) {
			all[i].number = (uint32_t)i;
			if (all[i].stage == RECIPIENT_WAITING)
				all[i].stage = RECIPIENT_DELETED;
		}
		finish(store, parcel, all, now_ms);
	} else { /* nothing can be told of it */
		delete_by_seq(store, SQL_MESSAGE_DELETE, seq);
		store->counts.messages--;
	}
	leave_waiting(store, seq, arena);
	spool_resend_forget(store, seq);
	arena_free(&arena);
	parcel_drop(&parcel);
	return SPOOL_DONE;
}

static bool
set_due(struct spool_store *store, enum spool_statement statement,
	const struct spool_change *change)
{
	spool_db_bind_number(&store->db, statement, 1, (int64_t)change->seq);
	spool_db_bind_number(&store->db, statement, 2, change->now_ms);
	return spool_db_run(&store->db, statement) > 0;
}

static enum spool_result
change_message(struct spool_store *store, const struct spool_change *change)
{
	struct arena *arena = arena_new(256);
	int64_t due;
	const char *reason;
	bool there = exists(store, change->seq);
	bool held = there && spool_read_waiting(store, change->seq, arena, &due, &reason);
	arena_free(&arena);
	if (!there)
		return SPOOL_MISSING;
	switch (change->kind) {
	case SPOOL_HOLD:
		hold(store, change->seq, change->reason, NULL);
		store->counts.held -= held;
		return SPOOL_DONE;
	case SPOOL_RELEASE:
		if (held && set_due(store, SQL_WAITING_RELEASE, change))
			store->counts.held--;
		return held ? SPOOL_DONE : SPOOL_MISSING;
	case SPOOL_FLUSH:
		if (!held)
			set_due(store, SQL_WAITING_FLUSH, change);
		return held ? SPOOL_MISSING : SPOOL_DONE;
	case SPOOL_DELETE:
		return delete_message(store, change->seq, change->now_ms);
	}
	return SPOOL_MISSING;
}

void
spool_write_change(struct spool_store *store, struct spool_change *change)
{
	if (!change->seq) {
		spool_db_bind_text(&store->db, SQL_KNOWN_GET, 1, change->id);
		change->seq = (uint64_t)spool_db_get_number(&store->db, SQL_KNOWN_GET);
	}
	change->request.result = change_message(store, change);
}

/* ---- history ends */

/* Rows stand in order of acceptance: past the first one too young there is none to forget. */
void
spool_write_forget(struct spool_store *store, int64_t forget_ms)
{
	struct spool_db *db = &store->db;
	uint64_t seqs[FORGET_ROWS];
	const char *ids[FORGET_ROWS];
	size_t old_count = 0;
	size_t seen = 0;
	bool end = false;
	struct arena *arena = arena_new(16 * 1024);
	spool_db_bind_number(db, SQL_HISTORY_OLDEST, 1, (int64_t)store->forget_after_seq);
	spool_db_bind_number(db, SQL_HISTORY_OLDEST, 2, FORGET_ROWS);
	for (; seen < FORGET_ROWS && !end && spool_db_row(db, SQL_HISTORY_OLDEST); seen++) {
		struct brief brief = { .id = "" };
		store->forget_after_seq = (uint64_t)spool_db_number(db, SQL_HISTORY_OLDEST, 0);
		bool good = brief_unpack(spool_db_bytes(db, SQL_HISTORY_OLDEST, 2), arena, &brief);
		end = good && brief.received_ms >= forget_ms;
		if (spool_db_number(db, SQL_HISTORY_OLDEST, 1) < forget_ms) {
			seqs[old_count] = store->forget_after_seq;
			ids[old_count++] = good ? brief.id : "";
		}
	}
	spool_db_done(db, SQL_HISTORY_OLDEST);
	for (size_t i = 0; i < old_count; i++) {
		delete_by_seq(store, SQL_HISTORY_DELETE, seqs[i]);
		spool_db_bind_text(db, SQL_KNOWN_DELETE, 1, ids[i]);
		spool_db_run(db, SQL_KNOWN_DELETE);
	}
	if (end || seen < FORGET_ROWS)
		store->forget_after_seq = 0;
	arena_free(&arena);
}
