/* SPDX-License-Identifier: BSD-2-Clause */
/* What the requests of spool.h do to the tables, one after the other, on the spool's thread. */
#include "queue/folder_backup.h"
#include "queue/spool_salvage.h"
#include "queue/spool_schema.h"
#include "queue/spool_table.h"

#include <string.h>

enum {
	FILE_BLOCK = 4096,    /* body numbers given out between two writes of the limit */
	SCRATCH_BYTES = 4096,
	CLOCK_MS = 60 * 1000, /* between two writes of the time */
	BRIEF_MAX_BYTES = 4 * 1024 * 1024,
};

#define JOBS_OF_START_BITS 32

static bool
is_wanted(void *context, uint64_t number)
{
	struct spool_db *db = context;
	spool_db_bind_number(db, SQL_FILE_WANTED, 1, (int64_t)number);
	bool wanted = spool_db_row(db, SQL_FILE_WANTED);
	spool_db_done(db, SQL_FILE_WANTED);
	/* What cannot be looked up is kept. */
	return wanted || db->result != SPOOL_DB_DONE;
}

/* The numbers of this start, and what was left of the last one. */
static bool
begin_start(struct spool_store *store, struct fault *fault)
{
	struct spool_db *db = &store->db;
	if (!spool_db_begin(db))
		goto failed;
	int64_t starts = spool_db_meta(db, "starts") + 1;
	uint64_t file_limit = (uint64_t)spool_db_meta(db, "file-limit");
	if (file_limit == 0)
		file_limit = 1; /* 0 is no file */
	store->counts.messages = (uint64_t)spool_db_meta(db, "messages");
	store->counts.held = (uint64_t)spool_db_get_number(db, SQL_WAITING_HELD);
	store->next_seq = (uint64_t)spool_db_get_number(db, SQL_MESSAGE_LAST) + 1;
	store->start_seq = store->next_seq;
	store->first_job = (uint64_t)starts << JOBS_OF_START_BITS;
	if (db->result != SPOOL_DB_DONE)
		goto failed;
	/* What a salvage could not read may be told by its body. */
	bool keep = spool_db_meta(db, SPOOL_SALVAGE_ORPHANS) != 0;
	folder_sweep_bodies(store->folder, keep ? 0 : file_limit, is_wanted, db);
	if (keep)
		spool_db_set_meta(db, SPOOL_SALVAGE_ORPHANS, 0);
	store->first_file = file_limit;
	store->file_limit = file_limit + FILE_BLOCK;
	spool_db_set_meta(db, "starts", starts);
	spool_db_set_meta(db, "file-limit", (int64_t)store->file_limit);
	if (spool_db_commit(db))
		return true;
failed:
	*fault = db->fault;
	spool_db_rollback(db);
	return false;
}

static bool
open_database(struct spool_store *store, bool sync, struct fault *fault)
{
	const char *database = folder_database(store->folder);
	if (!spool_db_open(&store->db, database, sync, fault) ||
		!spool_schema_apply(&store->db, database, &spool_schema_now, fault) ||
		!spool_db_prepare(&store->db, fault))
		return false;
	/* No later commit may stand behind a log frame that perhaps never reached the disk. */
	if (!spool_db_checkpoint(&store->db)) {
		*fault = store->db.fault;
		return false;
	}
	if (!begin_start(store, fault))
		return false;
	spool_resend_load(store);
	if (!spool_store_is_sound(store))
		*fault = store->db.fault;
	return spool_store_is_sound(store);
}

/* Damage is repaired once: what is damaged again then is more than a file. */
static bool
open_or_salvage(struct spool_store *store, bool sync, struct fault *fault)
{
	if (!spool_salvage_before_open(store->folder, fault))
		return false;
	if (open_database(store, sync, fault))
		return true;
	if (!store->db.damaged)
		return false;
	if (store->db.sqlite)
		spool_db_close(&store->db);
	return spool_salvage(store->folder, fault) && open_database(store, sync, fault);
}

struct spool_store *
spool_store_open(const char *path, bool sync, struct fault *fault)
{
	struct spool_store *store = mem_alloc(sizeof(*store));
	store->sync = sync;
	store->scratch = arena_new(SCRATCH_BYTES);
	buf_init(&store->brief, BRIEF_MAX_BYTES);
	store->folder = folder_open(path, fault);
	if (!store->folder)
		goto failed;
	/* Recovery writes: on a disk that is full, into what was kept back for it. */
	struct folder_space space;
	if (folder_space(store->folder, &space) && space.bytes < FOLDER_RESERVE_BYTES)
		folder_release_reserve(store->folder);
	if (!open_or_salvage(store, sync, fault))
		goto failed;
	folder_backup_sweep(store->folder);
	folder_fill_reserve(store->folder);
	return store;
failed:
	spool_store_close(&store);
	return NULL;
}

void
spool_store_close(struct spool_store **store)
{
	struct spool_store *old = *store;
	*store = NULL;
	if (!old)
		return;
	spool_backup_drop(old);
	if (old->db.sqlite)
		spool_db_close(&old->db);
	folder_free(&old->folder);
	mem_free(&old->unwanted);
	spool_resend_fini(old);
	arena_free(&old->scratch);
	buf_fini(&old->brief);
	mem_free(&old);
}

const struct folder *
spool_store_folder(const struct spool_store *store)
{
	return store->folder;
}

const struct spool_counts *
spool_store_counts(const struct spool_store *store)
{
	return &store->counts;
}

uint64_t
spool_store_first_file(const struct spool_store *store)
{
	return store->first_file;
}

uint64_t
spool_store_file_limit(const struct spool_store *store)
{
	return store->file_limit;
}

uint64_t
spool_store_first_job(const struct spool_store *store)
{
	return store->first_job;
}

/* ---- transactions */

bool
spool_store_begin(struct spool_store *store)
{
	store->old_counts = store->counts;
	store->old_next_seq = store->next_seq;
	store->old_clock_ms = store->clock_ms;
	store->old_file_limit = store->file_limit;
	store->unwanted_count = 0;
	store->sync_bodies = false;
	return spool_db_begin(&store->db);
}

void
spool_store_rollback(struct spool_store *store)
{
	spool_db_rollback(&store->db);
	spool_resend_end(store, false);
	store->counts = store->old_counts;
	store->next_seq = store->old_next_seq;
	store->clock_ms = store->old_clock_ms;
	store->file_limit = store->old_file_limit;
}

bool
spool_store_commit(struct spool_store *store)
{
	struct spool_db *db = &store->db;
	if (store->counts.messages != store->old_counts.messages)
		spool_db_set_meta(db, "messages", (int64_t)store->counts.messages);
	/* The names of body files before the rows that name them. */
	if (store->sync_bodies && store->sync && db->result == SPOOL_DB_DONE &&
		!folder_sync_bodies(store->folder, &db->fault))
		db->result = SPOOL_DB_BROKEN;
	if (!spool_db_commit(db)) {
		spool_store_rollback(store);
		return false;
	}
	spool_resend_end(store, true);
	for (size_t i = 0; i < store->unwanted_count; i++) {
		if (!spool_backup_takes(store, store->unwanted[i]))
			folder_remove_body(store->folder, store->unwanted[i]);
	}
	return true;
}

bool
spool_store_is_sound(const struct spool_store *store)
{
	return store->db.result == SPOOL_DB_DONE;
}

enum spool_result
spool_store_failure(const struct spool_store *store)
{
	return store->db.result == SPOOL_DB_FULL ? SPOOL_FULL : SPOOL_BROKEN;
}

const struct fault *
spool_store_fault(const struct spool_store *store)
{
	return &store->db.fault;
}

bool
spool_store_take_damage(struct spool_store *store)
{
	bool damaged = store->db.damaged;
	store->db.damaged = false;
	return damaged;
}

void
spool_store_make_room(struct spool_store *store)
{
	store->full = true;
	folder_release_reserve(store->folder);
	/* The log, which is then emptied, has as much room again. */
	spool_db_checkpoint(&store->db);
}

bool
spool_store_probe(struct spool_store *store)
{
	struct spool_db *db = &store->db;
	if (!spool_db_begin(db))
		return false;
	spool_db_set_meta(db, "probes", spool_db_meta(db, "probes") + 1);
	return spool_db_commit(db) && spool_db_checkpoint(db);
}

/* ---- requests */

/* How far is the clock from where it was when queue last ran? */
static void
find_gap(struct spool_store *store, struct spool_tick *tick)
{
	struct spool_db *db = &store->db;
	int64_t last_ms = spool_db_meta(db, "clock");
	store->gap.before_seq = (uint64_t)spool_db_meta(db, "gap-seq");
	store->gap.ms = spool_db_meta(db, "gap-ms");
	uint64_t oldest = (uint64_t)spool_db_get_number(db, SQL_MESSAGE_FIRST);
	bool old_left = oldest && oldest < store->gap.before_seq;
	if (!timekeeper_leap(&store->gap, last_ms, tick->now_ms, store->start_seq, old_left))
		return;
	tick->leap_ms = tick->now_ms - last_ms;
	spool_db_set_meta(db, "gap-seq", (int64_t)store->gap.before_seq);
	spool_db_set_meta(db, "gap-ms", store->gap.ms);
}

static void
see_clock(struct spool_store *store, struct spool_tick *tick)
{
	int64_t since_ms = tick->now_ms - store->clock_ms;
	tick->leap_ms = 0;
	if (tick->now_ms > 0 && !store->clock_ms)
		find_gap(store, tick);
	if (tick->now_ms > 0 && (since_ms >= CLOCK_MS || since_ms < 0)) {
		spool_db_set_meta(&store->db, "clock", tick->now_ms);
		store->clock_ms = tick->now_ms;
	}
	tick->gap = store->gap;
}

static void
write_tick(struct spool_store *store, struct spool_tick *tick)
{
	tick->request.result = SPOOL_DONE;
	see_clock(store, tick);
	store->full = false;
	if (tick->forget_ms > 0)
		spool_write_forget(store, tick->forget_ms);
	spool_resend_prune(store, tick->resend_ms, tick->now_ms);
	if (tick->due_max_ms > 0) {
		spool_db_bind_number(&store->db, SQL_WAITING_PULL, 1, tick->due_max_ms);
		tick->pulled = (size_t)spool_db_run(&store->db, SQL_WAITING_PULL);
	}
	if (tick->next_file + FILE_BLOCK / 2 > store->file_limit) {
		store->file_limit += FILE_BLOCK;
		spool_db_set_meta(&store->db, "file-limit", (int64_t)store->file_limit);
	}
	if (!folder_space(store->folder, &tick->space))
		memset(&tick->space, 0xff, sizeof(tick->space));
	if (tick->space.bytes > (uint64_t)FOLDER_RESERVE_BYTES)
		folder_fill_reserve(store->folder);
}

bool
spool_store_is_reading(const struct spool_request *request)
{
	return request->verb == SPOOL_FETCH || request->verb == SPOOL_PAGE ||
		request->verb == SPOOL_TRACK || request->verb == SPOOL_BACKUP;
}

void
spool_store_write(struct spool_store *store, struct spool_request *request)
{
	if (request->verb == SPOOL_COMMIT)
		spool_write_commit(store, (struct spool_commit *)request);
	else if (request->verb == SPOOL_SETTLE)
		spool_write_settle(store, (struct spool_settle *)request);
	else if (request->verb == SPOOL_CHANGE)
		spool_write_change(store, (struct spool_change *)request);
	else if (request->verb == SPOOL_TICK)
		write_tick(store, (struct spool_tick *)request);
}

void
spool_store_read(struct spool_store *store, struct spool_request *request)
{
	spool_db_forget_error(&store->db);
	if (request->verb == SPOOL_FETCH)
		spool_read_fetch(store, (struct spool_fetch *)request);
	else if (request->verb == SPOOL_PAGE)
		spool_read_page(store, (struct spool_page *)request);
	else if (request->verb == SPOOL_TRACK)
		spool_read_track(store, (struct spool_track *)request);
	else if (request->verb == SPOOL_BACKUP)
		spool_backup_step(store, (struct spool_backup *)request);
	/* What was not found by an error is not missing. */
	if (!spool_store_is_sound(store))
		request->result = SPOOL_BROKEN;
}
