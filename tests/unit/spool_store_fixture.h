/* SPDX-License-Identifier: BSD-2-Clause */
/* A spool's store without its thread, in a folder of its own: each request in one transaction. */
#ifndef UNIT_SPOOL_STORE_FIXTURE_H
#define UNIT_SPOOL_STORE_FIXTURE_H

#include "../fake/mail_samples.h"
#include "queue/spool_db.h"
#include "queue/spool_store.h"
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[300];
static struct spool_store *store;

static inline void
open_store(void)
{
	struct fault fault = FAULT_INIT;
	store = spool_store_open(path, true, &fault);
	if (!store)
		fail_msg("%s", fault.text);
}

static inline void
reopen_store(void)
{
	spool_store_close(&store);
	open_store();
}

static inline int
store_set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/queue", sample_folder_make());
	open_store();
	return 0;
}

static inline int
store_tear_down(void **state)
{
	(void)state;
	spool_store_close(&store);
	sample_folder_remove();
	return 0;
}

/* A path that holds until the next call. */
static inline const char *
inside(const char *name)
{
	static char full[400];
	snprintf(full, sizeof(full), "%s/%s", path, name);
	return full;
}

static inline bool
is_there(const char *name)
{
	struct stat stat;
	return lstat(inside(name), &stat) == 0;
}

/* One request, in a transaction of its own if it writes. */
static inline enum spool_result
ask(struct spool_request *request)
{
	if (spool_store_is_reading(request)) {
		spool_store_read(store, request);
	} else {
		assert_true(spool_store_begin(store));
		spool_store_write(store, request);
		assert_true(spool_store_commit(store));
	}
	return request->result;
}

static inline enum spool_result
commit(struct parcel *parcel, bool *known_out)
{
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	ask(&request.request);
	if (known_out)
		*known_out = request.known;
	return request.request.result;
}

static inline uint64_t
commit_to(const char *id, const char *recipient)
{
	struct parcel *parcel = sample_parcel_to(id, recipient);
	assert_int_equal(commit(parcel, NULL), SPOOL_DONE);
	uint64_t seq = parcel->seq;
	parcel_drop(&parcel);
	return seq;
}

static inline enum spool_result
change(enum spool_change_kind kind, uint64_t seq, int64_t now_ms)
{
	struct spool_change request = { { .verb = SPOOL_CHANGE }, .kind = kind, .seq = seq,
		.reason = "because", .now_ms = now_ms };
	return ask(&request.request);
}

static inline struct spool_fetch
fetch(uint64_t seq, const char *id)
{
	struct spool_fetch request = { { .verb = SPOOL_FETCH }, .seq = seq, .with_file = true,
		.fd = -1 };
	snprintf(request.id, sizeof(request.id), "%s", id);
	ask(&request.request);
	return request;
}

static inline void
fetch_free(struct spool_fetch *fetched)
{
	parcel_drop(&fetched->parcel);
	arena_free(&fetched->arena);
	if (fetched->fd >= 0)
		close(fetched->fd);
}

static inline size_t
count_page(enum spool_page_kind kind, int64_t until_ms)
{
	struct spool_page page = { { .verb = SPOOL_PAGE }, .kind = kind, .until_due_ms = until_ms,
		.limit = 100 };
	ask(&page.request);
	assert_false(page.more);
	arena_free(&page.arena);
	return page.entry_count;
}

/* The database changes behind the store's back; open_store() is next. */
static inline void
run_sql(const char *sql)
{
	struct fault fault = FAULT_INIT;
	struct spool_db db;
	spool_store_close(&store);
	assert_true(spool_db_open(&db, inside("queue.db"), true, &fault));
	if (sqlite3_exec(db.sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db.sqlite));
	spool_db_close(&db);
}

#endif
