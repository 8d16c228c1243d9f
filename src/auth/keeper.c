/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes down, a second late and many at a time, what logins have used up and whom they wrote to. */
#include "auth/keeper.h"

#include "base/clock.h"
#include "base/log.h"

enum {
	WRITE_WAIT_MS = 10 * 1000,
	BATCH_MAX = 5000, /* rows of usage in one transaction */
};

struct keeper {
	struct loop *loop;
	struct directory *directory;
	struct directory_local *local;
	struct usage *usage;
	struct known *known;
	struct loop_timer timer;
	struct writing *writing; /* NULL: none is under way */
	bool again;              /* something changed meanwhile */
	bool urgent;             /* and is to be written as soon as may be */
	bool said;               /* that it cannot be written */
	void (*finished)(void *context);
	void *context;
};

/* One transaction; the thread's until it is over. */
struct writing {
	struct keeper *keeper;   /* NULL: gone */
	struct worker_job *job;
	struct directory_local *local;
	struct arena *arena;
	struct memory_item *items;
	size_t count;
	size_t held;             /* rows of logins whose mail is held */
	int64_t now_ms;
	bool done;
	struct fault fault;
};

static void on_time(void *context);

struct keeper *
keeper_new(struct loop *loop, struct directory *directory, struct directory_local *local,
	struct usage *usage, struct known *known)
{
	struct keeper *keeper = mem_alloc(sizeof *keeper);

	keeper->loop = loop;
	keeper->directory = directory;
	keeper->local = local;
	keeper->usage = usage;
	keeper->known = known;
	loop_timer_init(&keeper->timer, loop, on_time, keeper);
	return keeper;
}

void
keeper_free(struct keeper **keeper)
{
	if (!*keeper)
		return;
	loop_timer_stop(&(*keeper)->timer);
	if ((*keeper)->writing) {
		(*keeper)->writing->keeper = NULL;
		worker_cancel(&(*keeper)->writing->job);
	}
	mem_free(keeper);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void
on_row(void *context, struct span key, struct span content)
{
	struct keeper *keeper = context;

	/* One that is damaged, or of a version to come, is a budget that is whole. */
	usage_unpack(keeper->usage, key, content, usage_now_ms(loop_now_ms(keeper->loop)),
		(uint64_t)clock_wall_ms());
}

bool
keeper_load(struct keeper *keeper, struct fault *fault_out)
{
	return directory_local_usage(keeper->local, on_row, keeper, fault_out);
}

/* ---- writing --------------------------------------------------------------------------------- */

static struct memory_item *
add_item(struct writing *writing)
{
	struct memory_item *item = arena_alloc(writing->arena, sizeof *item);

	item->next = writing->items;
	writing->items = item;
	writing->count++;
	return item;
}

static void
gather(const struct keeper *keeper, struct writing *writing)
{
	uint64_t now = usage_now_ms(loop_now_ms(keeper->loop));
	struct buf content = BUF_INIT(USAGE_CONTENT_MAX_BYTES);
	struct memory_item item;

	for (struct usage_row *row = usage_next(keeper->usage, NULL);
		row && writing->count < BATCH_MAX; row = usage_next(keeper->usage, row)) {
		struct memory_item *made;

		if (!row->changed)
			continue;
		buf_clear(&content);
		usage_pack(row, now, (uint64_t)clock_wall_ms(), &content);
		made = add_item(writing);
		writing->held += row->over_since_ms != 0;
		made->key = span_text(arena_strdup(writing->arena, row->key));
		made->content = span_of(arena_dup(writing->arena, buf_span(&content).start,
						buf_length(&content)),
			buf_length(&content));
	}
	while (known_take_news(keeper->known, writing->arena, &item)) {
		item.next = writing->items;
		*add_item(writing) = item;
	}
	buf_fini(&content);
}

static void
write_all(void *context)
{
	struct writing *writing = context;

	writing->done = directory_local_remember(
		writing->local, writing->items, writing->now_ms, &writing->fault);
}

static void
finish(struct keeper *keeper)
{
	void (*finished)(void *context) = keeper->finished;

	keeper->finished = NULL;
	if (finished)
		finished(keeper->context);
}

static void
on_written(enum worker_result result, void *context)
{
	struct writing *writing = context;
	struct keeper *keeper = writing->keeper;
	bool done = result == WORKER_DONE && writing->done;

	keeper->writing = NULL;
	writing->keeper = NULL;
	if (!done && !keeper->said)
		log_event(EV_USAGE_UNKEPT, kv_str("reason", result == WORKER_DONE
						? writing->fault.text
						: "the accounts are slow"));
	keeper->said = !done;
	if (done)
		log_event(EV_USAGE_KEPT, kv_int("rows", (int64_t)writing->count),
			kv_int("held", (int64_t)writing->held));
	if (keeper->finished)
		finish(keeper);
	else if (keeper->again)
		keeper_note(keeper, keeper->urgent);
}

static void
free_writing(void *context)
{
	struct writing *writing = context;

	arena_free(&writing->arena);
	mem_free(&writing);
}

static const struct worker_task write_task = {
	.run = write_all,
	.done = on_written,
	.release = free_writing,
};

/* False if there is nothing to write, or no room to ask for it. */
static bool
start(struct keeper *keeper)
{
	struct writing *writing = mem_alloc(sizeof *writing);

	keeper->again = false;
	keeper->urgent = false;
	writing->keeper = keeper;
	writing->local = keeper->local;
	writing->arena = arena_new(0);
	writing->now_ms = clock_wall_ms();
	gather(keeper, writing);
	keeper->again = writing->count >= BATCH_MAX;
	if (writing->count)
		writing->job = directory_run(
			keeper->directory, &write_task, writing, WRITE_WAIT_MS);
	if (!writing->job) {
		free_writing(writing);
		return false;
	}
	keeper->writing = writing;
	return true;
}

static void
on_time(void *context)
{
	start(context);
}

void
keeper_note(struct keeper *keeper, bool urgent)
{
	if (keeper->writing) {
		keeper->again = true;
		keeper->urgent = keeper->urgent || urgent;
	} else if (urgent || !loop_timer_is_running(&keeper->timer)) {
		loop_timer_start(&keeper->timer, urgent ? 0 : KEEPER_LATE_MS);
	}
}

void
keeper_finish(struct keeper *keeper, void (*done)(void *context), void *context)
{
	keeper->finished = done;
	keeper->context = context;
	loop_timer_stop(&keeper->timer);
	if (!keeper->writing && !start(keeper))
		finish(keeper);
}
