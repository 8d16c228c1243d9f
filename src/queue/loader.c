/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps a window of the spool in memory: what is fresh or due soon, loaded by pages. */
#include "queue/loader.h"

#include "base/log.h"

enum {
	WINDOW = 50000,          /* messages in memory; more come when half of it is free */
	PAGE = 500,
	AHEAD_MS = 10 * 60 * 1000,
};

/*
 * What is in memory, beside what is under way: every fresh message up to fresh_seq, and every one
 * that waits up to waiting_due_ms (and waiting_seq within it). Requests are done in the order of
 * asking, so a page never shows less than what was answered before it was asked for.
 */
struct loader {
	struct spool *spool;
	struct backlog *backlog;
	loop_fn *on_loaded;
	void *context;
	struct spool_page fresh;
	struct spool_page waiting;
	bool fresh_busy;
	bool waiting_busy;
	bool fresh_more;         /* there may be fresh ones past fresh_seq */
	uint64_t fresh_seq;
	uint64_t waiting_seq;
	int64_t waiting_due_ms;
	unsigned restarts;       /* a page from before the last one is not used */
	unsigned fresh_restarts;
	unsigned waiting_restarts;
};

static void
on_held(struct spool_request *request)
{
	struct spool_change *change = (struct spool_change *)request;
	mem_free(&change);
}

/* A message that cannot be read is seen in the queue, and never dropped. */
static void
hold_damaged(struct loader *loader, uint64_t seq)
{
	struct spool_change *change = mem_alloc(sizeof(*change));
	*change = (struct spool_change){
		.request = { .verb = SPOOL_CHANGE, .on_done = on_held },
		.kind = SPOOL_HOLD,
		.seq = seq,
		.reason = "damaged in the spool",
	};
	log_event(EV_SPOOL_TORN, kv_int("seq", (int64_t)seq), kv_str("reason", change->reason));
	spool_ask(loader->spool, &change->request);
}

static bool
add_page(struct loader *loader, const struct spool_page *page)
{
	for (size_t i = 0; i < page->entry_count; i++) {
		const struct spool_entry *entry = &page->entries[i];
		if (backlog_find(loader->backlog, entry->seq))
			continue;
		if (!entry->good)
			hold_damaged(loader, entry->seq);
		else
			backlog_add(loader->backlog, entry->seq, entry->received_ms, &entry->record,
				entry->recipients, entry->recipient_count, entry->due_ms);
	}
	return page->entry_count > 0;
}

static bool
has_room(const struct loader *loader)
{
	return backlog_count(loader->backlog) < WINDOW / 2;
}

static void
ask_fresh(struct loader *loader)
{
	loader->fresh_busy = true;
	loader->fresh_more = false; /* true again if one comes in meanwhile */
	loader->fresh_restarts = loader->restarts;
	loader->fresh.after_seq = loader->fresh_seq;
	spool_ask(loader->spool, &loader->fresh.request);
}

static void
on_fresh(struct spool_request *request)
{
	struct loader *loader = (struct loader *)((char *)request - offsetof(struct loader, fresh));
	struct spool_page *page = &loader->fresh;
	loader->fresh_busy = false;
	if (request->result != SPOOL_DONE || loader->fresh_restarts != loader->restarts) {
		loader->fresh_more = true;
	} else {
		loader->fresh_more |= page->more;
		if (page->entry_count)
			loader->fresh_seq = page->entries[page->entry_count - 1].seq;
		if (add_page(loader, page))
			loader->on_loaded(loader->context);
	}
	arena_free(&page->arena);
	if (request->result == SPOOL_DONE && loader->fresh_more && has_room(loader))
		ask_fresh(loader);
}

static void
ask_waiting(struct loader *loader)
{
	loader->waiting_busy = true;
	loader->waiting_restarts = loader->restarts;
	loader->waiting.after_seq = loader->waiting_seq;
	loader->waiting.after_due_ms = loader->waiting_due_ms;
	spool_ask(loader->spool, &loader->waiting.request);
}

static void
on_waiting(struct spool_request *request)
{
	struct loader *loader =
		(struct loader *)((char *)request - offsetof(struct loader, waiting));
	struct spool_page *page = &loader->waiting;
	bool good = request->result == SPOOL_DONE && loader->waiting_restarts == loader->restarts;
	loader->waiting_busy = false;
	if (good && page->more) {
		loader->waiting_due_ms = page->entries[page->entry_count - 1].due_ms;
		loader->waiting_seq = page->entries[page->entry_count - 1].seq;
	} else if (good) {
		loader->waiting_due_ms = page->until_due_ms;
		loader->waiting_seq = INT64_MAX;
	}
	if (good && add_page(loader, page))
		loader->on_loaded(loader->context);
	arena_free(&page->arena);
	if (request->result == SPOOL_DONE && (page->more || !good) && has_room(loader))
		ask_waiting(loader);
}

struct loader *
loader_new(struct spool *spool, struct backlog *backlog, loop_fn *on_loaded, void *context)
{
	struct loader *loader = mem_alloc(sizeof(*loader));
	loader->spool = spool;
	loader->backlog = backlog;
	loader->on_loaded = on_loaded;
	loader->context = context;
	loader->fresh_more = true;
	loader->fresh = (struct spool_page){
		.request = { .verb = SPOOL_PAGE, .on_done = on_fresh },
		.kind = SPOOL_PAGE_FRESH,
		.limit = PAGE,
	};
	loader->waiting = (struct spool_page){
		.request = { .verb = SPOOL_PAGE, .on_done = on_waiting },
		.kind = SPOOL_PAGE_WAITING,
		.limit = PAGE,
	};
	return loader;
}

void
loader_free(struct loader **loader)
{
	mem_free(loader);
}

void
loader_fill(struct loader *loader, int64_t now_ms)
{
	if (!has_room(loader))
		return;
	if (loader->fresh_more && !loader->fresh_busy)
		ask_fresh(loader);
	if (loader->waiting_due_ms < now_ms + AHEAD_MS / 2 && !loader->waiting_busy) {
		loader->waiting.until_due_ms = now_ms + AHEAD_MS;
		ask_waiting(loader);
	}
}

void
loader_add(struct loader *loader, struct parcel *parcel)
{
	if (backlog_find(loader->backlog, parcel->seq))
		return; /* a page asked for later was here first */
	if (loader->fresh_more || loader->fresh_busy ||
		backlog_count(loader->backlog) >= WINDOW) {
		loader->fresh_more = true;
		return;
	}
	if (parcel->seq > loader->fresh_seq)
		loader->fresh_seq = parcel->seq;
	struct entry *entry = backlog_add(loader->backlog, parcel->seq, parcel->received_ms,
		&parcel->record, NULL, 0, 0);
	if (entry)
		backlog_cache(loader->backlog, entry, parcel);
	loader->on_loaded(loader->context);
}

bool
loader_keeps(const struct loader *loader, int64_t due_ms)
{
	return due_ms <= loader->waiting_due_ms;
}

/* ---- one message */

struct load {
	struct spool_fetch fetch;
	struct loader *loader;
};

static void
on_load(struct spool_request *request)
{
	struct load *load = (struct load *)request;
	struct spool_fetch *fetch = &load->fetch;
	struct loader *loader = load->loader;
	if (request->result == SPOOL_DONE && !fetch->held &&
		!backlog_find(loader->backlog, fetch->seq)) {
		backlog_add(loader->backlog, fetch->seq, fetch->parcel->received_ms,
			&fetch->parcel->record, fetch->recipients, fetch->recipient_count,
			fetch->due_ms);
		loader->on_loaded(loader->context);
	}
	/* It is one of these: look at all of them again. */
	if (request->result == SPOOL_BROKEN) {
		loader->fresh_more = true;
		loader->fresh_seq = 0;
		loader->waiting_due_ms = 0;
		loader->waiting_seq = 0;
	}
	parcel_drop(&fetch->parcel);
	arena_free(&fetch->arena);
	mem_free(&load);
}

void
loader_load(struct loader *loader, uint64_t seq)
{
	struct load *load = mem_alloc(sizeof(*load));
	load->loader = loader;
	load->fetch = (struct spool_fetch){
		.request = { .verb = SPOOL_FETCH, .on_done = on_load },
		.seq = seq,
		.fd = -1,
	};
	spool_ask(loader->spool, &load->fetch.request);
}

void
loader_restart(struct loader *loader, int64_t now_ms)
{
	backlog_clear(loader->backlog);
	loader->restarts++;
	loader->fresh_more = true;
	loader->fresh_seq = 0;
	loader->waiting_seq = 0;
	loader->waiting_due_ms = 0;
	loader_fill(loader, now_ms);
}
