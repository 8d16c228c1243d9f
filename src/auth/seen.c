/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins seen since the last writing. */
#include "auth/seen.h"

#include "auth/table.h"
#include "base/buffer.h"
#include "base/log.h"
#include "base/pack.h"

enum { WRITE_WAIT_MS = 30 * 1000 };

struct seen_row {
	struct table_entry entry;
	struct login_seen login;
};

/* What was seen between two writings. Given whole to the thread that writes it. */
struct batch {
	struct directory_local *local;
	struct arena *arena;
	struct table rows;
	struct fault fault;
	bool done;
};

struct seen {
	struct loop *loop;
	struct directory *directory;
	struct directory_local *local;
	struct batch *batch;
	struct loop_timer timer;
	struct buf key;
};

static struct batch *
batch_new(struct directory_local *local)
{
	struct batch *batch = mem_alloc(sizeof *batch);

	batch->local = local;
	batch->arena = arena_new(16 * 1024);
	table_init(&batch->rows);
	return batch;
}

static void
batch_free(struct batch **batch)
{
	table_fini(&(*batch)->rows);
	arena_free(&(*batch)->arena);
	mem_free(batch);
}

static void
on_timer(void *context)
{
	seen_write(context);
}

struct seen *
seen_new(struct loop *loop, struct directory *directory, struct directory_local *local)
{
	struct seen *seen = mem_alloc(sizeof *seen);

	seen->loop = loop;
	seen->directory = directory;
	seen->local = local;
	seen->batch = batch_new(local);
	buf_init(&seen->key, 0);
	loop_timer_init(&seen->timer, loop, on_timer, seen);
	return seen;
}

void
seen_free(struct seen **seen)
{
	if (!*seen)
		return;
	loop_timer_stop(&(*seen)->timer);
	batch_free(&(*seen)->batch);
	buf_fini(&(*seen)->key);
	mem_free(seen);
}

/* ---- gathering ------------------------------------------------------------------------------- */

static struct span
make_key(struct buf *key, const struct login_seen *row)
{
	buf_clear(key);
	pack_text(key, row->login);
	pack_u64(key, row->credential);
	pack_u8(key, (uint8_t)row->protocol);
	pack_text(key, row->listener);
	pack_text(key, row->mechanism);
	pack_text(key, row->tls);
	pack_text(key, row->address);
	return buf_span(key);
}

static void
add_row(struct batch *batch, struct span key, const struct login_seen *login)
{
	struct arena *arena = batch->arena;
	struct seen_row *row = arena_alloc(arena, sizeof *row);

	row->login = *login;
	row->login.login = arena_strdup(arena, login->login);
	row->login.listener = arena_strdup(arena, login->listener);
	row->login.mechanism = arena_strdup(arena, login->mechanism);
	row->login.tls = arena_strdup(arena, login->tls);
	row->login.address = arena_strdup(arena, login->address);
	table_add(&batch->rows, &row->entry,
		span_of(arena_dup(arena, key.start, key.length), key.length));
}

static void
add_to_row(struct login_seen *row, const struct login_seen *login)
{
	if (login->last_ms > row->last_ms)
		row->last_ms = login->last_ms;
	if (login->failed_ms > row->failed_ms)
		row->failed_ms = login->failed_ms;
	row->successes += login->successes;
	row->failures += login->failures;
}

void
seen_note(struct seen *seen, const struct login_seen *login)
{
	struct span key = make_key(&seen->key, login);
	struct seen_row *row =
		TABLE_OWNER(table_find(&seen->batch->rows, key), struct seen_row, entry);

	if (row) {
		add_to_row(&row->login, login);
		return;
	}
	if (seen->batch->rows.count >= SEEN_ROWS_MAX)
		return;
	if (seen->batch->rows.count == 0)
		loop_timer_start(&seen->timer, SEEN_WRITE_MS);
	add_row(seen->batch, key, login);
	if (seen->batch->rows.count == SEEN_ROWS_MAX)
		seen_write(seen);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void
write_batch(void *context)
{
	struct batch *batch = context;
	size_t count = 0;
	struct login_seen *rows = arena_alloc(batch->arena, batch->rows.count * sizeof *rows);

	for (struct table_entry *entry = batch->rows.oldest; entry; entry = entry->newer)
		rows[count++] = TABLE_OWNER(entry, struct seen_row, entry)->login;
	batch->done = directory_local_see(batch->local, rows, count, &batch->fault);
}

static void
on_written(enum worker_result result, void *context)
{
	(void)result;
	(void)context;
}

static void
release_batch(void *context)
{
	struct batch *batch = context;

	if (!batch->done)
		log_event(EV_LOGINS_UNSEEN, kv_int("rows", (int64_t)batch->rows.count),
			kv_fault(&batch->fault));
	batch_free(&batch);
}

static const struct worker_task write_task = {
	.run = write_batch,
	.done = on_written,
	.release = release_batch,
};

/* Where the thread has too much to do, what was seen waits with what comes. */
void
seen_write(struct seen *seen)
{
	loop_timer_stop(&seen->timer);
	if (seen->batch->rows.count == 0)
		return;
	if (directory_run(seen->directory, &write_task, seen->batch, WRITE_WAIT_MS))
		seen->batch = batch_new(seen->local);
	else
		loop_timer_start(&seen->timer, SEEN_WRITE_MS);
}

void
seen_write_now(struct seen *seen)
{
	if (seen->batch->rows.count == 0)
		return;
	write_batch(seen->batch);
	release_batch(seen->batch);
	seen->batch = batch_new(seen->local);
}
