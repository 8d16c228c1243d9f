/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the spool: one message whole, pages of messages, pages of history. */
#include "queue/spool_table.h"

#include <string.h>

enum {
	PAGE_ARENA_BYTES = 64 * 1024,
	LOOKED_AT = 4, /* rows that a page of fresh ones looks at, for each that it may have */
};

size_t
spool_read_recipients(struct spool_store *store, uint64_t seq, struct arena *arena,
	struct recipient **recipients_out)
{
	struct spool_db *db = &store->db;
	struct recipient *recipients = NULL;
	size_t count = 0;
	size_t room = 0;
	spool_db_bind_number(db, SQL_RECIPIENT_ALL, 1, (int64_t)seq);
	while (spool_db_row(db, SQL_RECIPIENT_ALL)) {
		if (count == room) {
			room = room ? 2 * room : 4;
			recipients = mem_grow_array(recipients, room, sizeof(*recipients));
		}
		struct unpack from = unpack_start(spool_db_bytes(db, SQL_RECIPIENT_ALL, 1));
		memset(&recipients[count], 0, sizeof(*recipients));
		recipients[count].number = (uint32_t)spool_db_number(db, SQL_RECIPIENT_ALL, 0);
		recipient_unpack(&from, arena, &recipients[count]);
		/* What cannot be read counts as never tried: once too often rather than lost. */
		if (unpack_done(&from))
			count++;
	}
	spool_db_done(db, SQL_RECIPIENT_ALL);
	*recipients_out = arena_dup(arena, recipients, count * sizeof(*recipients));
	mem_free(&recipients);
	return count;
}

struct parcel *
spool_read_parcel(struct spool_store *store, uint64_t seq, enum record_state *state_out)
{
	struct spool_db *db = &store->db;
	struct parcel *parcel = NULL;
	spool_db_bind_number(db, SQL_MESSAGE_GET, 1, (int64_t)seq);
	if (spool_db_row(db, SQL_MESSAGE_GET)) {
		struct span content = spool_db_bytes(db, SQL_MESSAGE_GET, 2);
		parcel = parcel_new(content.length);
		parcel->seq = seq;
		parcel->received_ms = spool_db_number(db, SQL_MESSAGE_GET, 0);
		*state_out = parcel_restore(
			parcel, spool_db_bytes(db, SQL_MESSAGE_GET, 1), content);
	}
	spool_db_done(db, SQL_MESSAGE_GET);
	return parcel;
}

static const char *
text_of(struct spool_db *db, enum spool_statement statement, int column, struct arena *arena)
{
	struct span text = spool_db_bytes(db, statement, column);
	return arena_strndup(arena, text.length ? text.start : "", text.length);
}

bool
spool_read_waiting(struct spool_store *store, uint64_t seq, struct arena *arena, int64_t *due_out,
	const char **reason_out)
{
	struct spool_db *db = &store->db;
	bool held = false;
	*due_out = 0;
	*reason_out = "";
	spool_db_bind_number(db, SQL_WAITING_GET, 1, (int64_t)seq);
	if (spool_db_row(db, SQL_WAITING_GET)) {
		held = spool_db_is_null(db, SQL_WAITING_GET, 0);
		*due_out = spool_db_number(db, SQL_WAITING_GET, 0);
		*reason_out = text_of(db, SQL_WAITING_GET, 1, arena);
	}
	spool_db_done(db, SQL_WAITING_GET);
	return held;
}

static void
hold_torn(struct spool_store *store, struct spool_fetch *fetch, const char *reason)
{
	struct spool_db *db = &store->db;
	fetch->request.result = SPOOL_TORN;
	fetch->hold_reason = arena_strdup(fetch->arena, reason);
	parcel_drop(&fetch->parcel);
	spool_db_bind_number(db, SQL_WAITING_HOLD, 1, (int64_t)fetch->seq);
	spool_db_bind_text(db, SQL_WAITING_HOLD, 2, reason);
	spool_db_run(db, SQL_WAITING_HOLD);
	if (!fetch->held && db->result == SPOOL_DB_DONE)
		store->counts.held++;
	fetch->held = true;
}

void
spool_read_fetch(struct spool_store *store, struct spool_fetch *fetch)
{
	struct spool_db *db = &store->db;
	struct fault fault = FAULT_INIT;
	enum record_state state = RECORD_GOOD;
	fetch->request.result = SPOOL_MISSING;
	if (!fetch->seq) {
		spool_db_bind_text(db, SQL_KNOWN_GET, 1, fetch->id);
		if (spool_db_row(db, SQL_KNOWN_GET))
			fetch->seq = (uint64_t)spool_db_number(db, SQL_KNOWN_GET, 0);
		spool_db_done(db, SQL_KNOWN_GET);
	}
	fetch->parcel = spool_read_parcel(store, fetch->seq, &state);
	if (!fetch->parcel)
		return;
	fetch->request.result = SPOOL_DONE;
	fetch->arena = arena_new(512);
	fetch->held = spool_read_waiting(
		store, fetch->seq, fetch->arena, &fetch->due_ms, &fetch->hold_reason);
	fetch->recipient_count =
		spool_read_recipients(store, fetch->seq, fetch->arena, &fetch->recipients);
	const struct record *record = &fetch->parcel->record;
	if (state != RECORD_GOOD) {
		hold_torn(store, fetch,
			state == RECORD_TORN ? "damaged in the spool" : "of a later version");
	} else if (fetch->with_file && record->file) {
		fetch->fd = folder_open_body(
			store->folder, record->file, record->body_length, &fault);
		fetch->unproven = record->file < store->first_file || fetch->held ||
			fetch->due_ms;
		if (fetch->fd < 0 && fault.kind == FAULT_SYSTEM) { /* perhaps later */
			db->fault = fault;
			db->result = SPOOL_DB_BROKEN;
		} else if (fetch->fd < 0)
			hold_torn(store, fetch, fault.text);
	}
}

static void
read_entry(struct spool_store *store, enum spool_statement statement, struct arena *arena,
	struct spool_entry *entry_out)
{
	struct spool_db *db = &store->db;
	struct span bytes = spool_db_bytes(db, statement, 2);
	memset(entry_out, 0, sizeof(*entry_out));
	entry_out->seq = (uint64_t)spool_db_number(db, statement, 0);
	entry_out->received_ms = spool_db_number(db, statement, 1);
	entry_out->good = record_unpack(bytes, arena, &entry_out->record) == RECORD_GOOD;
	entry_out->hold_reason = "";
	if (!spool_db_is_null(db, statement, 3)) {
		entry_out->held = spool_db_is_null(db, statement, 4);
		entry_out->due_ms = spool_db_number(db, statement, 4);
		entry_out->hold_reason = text_of(db, statement, 5, arena);
	}
	/* What was never tried has nothing stored of its recipients. */
	if (!spool_db_is_null(db, statement, 3))
		entry_out->recipient_count = spool_read_recipients(
			store, entry_out->seq, arena, &entry_out->recipients);
}

/* A row that a page has looked at; only fresh ones may be wanted. */
static void
look_at(struct spool_store *store, enum spool_statement statement, struct spool_page *page)
{
	struct spool_db *db = &store->db;
	page->reached_seq = (uint64_t)spool_db_number(db, statement, 0);
	if (page->kind == SPOOL_PAGE_FRESH && !spool_db_is_null(db, statement, 3))
		return;
	read_entry(store, statement, page->arena, &page->entries[page->entry_count++]);
}

void
spool_read_page(struct spool_store *store, struct spool_page *page)
{
	enum spool_statement statement =
		page->kind == SPOOL_PAGE_WAITING ? SQL_PAGE_WAITING : SQL_PAGE_ALL;
	struct spool_db *db = &store->db;
	size_t rows = page->kind == SPOOL_PAGE_FRESH ? LOOKED_AT * page->limit : page->limit;
	size_t seen = 0;
	page->arena = arena_new(PAGE_ARENA_BYTES);
	page->entries = arena_alloc(page->arena, page->limit * sizeof(*page->entries));
	page->entry_count = 0;
	if (page->after_id[0]) {
		spool_db_bind_text(db, SQL_KNOWN_GET, 1, page->after_id);
		page->after_seq = (uint64_t)spool_db_get_number(db, SQL_KNOWN_GET);
		if (!page->after_seq) {
			page->request.result = SPOOL_MISSING;
			return;
		}
	}
	page->reached_seq = page->after_seq;
	spool_db_bind_number(db, statement, 1, (int64_t)page->after_seq);
	spool_db_bind_number(db, statement, 2, (int64_t)rows);
	if (page->kind == SPOOL_PAGE_WAITING) {
		spool_db_bind_number(db, statement, 3, page->after_due_ms);
		spool_db_bind_number(db, statement, 4, page->until_due_ms);
	}
	for (; page->entry_count < page->limit && spool_db_row(db, statement); seen++)
		look_at(store, statement, page);
	spool_db_done(db, statement);
	page->more = seen == rows || page->entry_count == page->limit;
	page->request.result = SPOOL_DONE;
}

uint64_t
spool_read_held(struct spool_store *store, const char *login, uint64_t most)
{
	struct spool_db *db = &store->db;
	spool_db_bind_text(db, SQL_WAITING_OF_LOGIN, 1, login);
	spool_db_bind_number(db, SQL_WAITING_OF_LOGIN, 2,
		most < INT64_MAX ? (int64_t)most : INT64_MAX);
	return (uint64_t)spool_db_get_number(db, SQL_WAITING_OF_LOGIN);
}

void
spool_read_track(struct spool_store *store, struct spool_track *track)
{
	struct spool_db *db = &store->db;
	uint64_t last = 0;
	size_t seen = 0;
	track->arena = arena_new(PAGE_ARENA_BYTES);
	track->briefs = arena_alloc(track->arena, track->limit * sizeof(*track->briefs));
	track->brief_count = 0;
	struct arena *row_arena = arena_new(PAGE_ARENA_BYTES);
	spool_db_bind_number(db, SQL_HISTORY_PAGE, 1,
		track->before_seq ? (int64_t)track->before_seq : INT64_MAX);
	spool_db_bind_number(db, SQL_HISTORY_PAGE, 2, (int64_t)track->limit);
	for (; seen < track->limit && spool_db_row(db, SQL_HISTORY_PAGE); seen++) {
		struct brief brief;
		struct span bytes = spool_db_bytes(db, SQL_HISTORY_PAGE, 1);
		last = (uint64_t)spool_db_number(db, SQL_HISTORY_PAGE, 0);
		arena_reset(row_arena);
		if (!brief_unpack(bytes, row_arena, &brief) ||
			!brief_is_about(&brief, span_text(track->text)))
			continue;
		struct brief *kept = &track->briefs[track->brief_count++];
		brief_unpack(bytes, track->arena, kept);
		kept->seq = last;
	}
	spool_db_done(db, SQL_HISTORY_PAGE);
	arena_free(&row_arena);
	track->next_seq = seen == track->limit ? last : 0;
	track->request.result = SPOOL_DONE;
}
