/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps a window of the spool in memory: what is fresh or due soon, loaded by pages. */
#include "queue/loader.h"

#include "queue/scan.h"

enum { AHEAD_MS = 10 * 60 * 1000 };

/*
 * What is in memory, beside what is under way: every fresh message, and every one that waits for
 * less than AHEAD_MS, but for those of destinations that have enough in memory.
 */
struct loader {
	struct spool *spool;
	struct backlog *backlog;
	loop_fn *on_loaded;
	void *context;
	struct scan *fresh;
	struct scan *waiting;
	int64_t waiting_until_ms;
};

struct loader *
loader_new(struct spool *spool, struct backlog *backlog, loop_fn *on_loaded, void *context)
{
	struct loader *loader = mem_alloc(sizeof(*loader));
	loader->spool = spool;
	loader->backlog = backlog;
	loader->on_loaded = on_loaded;
	loader->context = context;
	loader->fresh = scan_new(spool, backlog, SPOOL_PAGE_FRESH, on_loaded, context);
	loader->waiting = scan_new(spool, backlog, SPOOL_PAGE_WAITING, on_loaded, context);
	return loader;
}

void
loader_free(struct loader **loader)
{
	if (!*loader)
		return;
	scan_free(&(*loader)->fresh);
	scan_free(&(*loader)->waiting);
	mem_free(loader);
}

void
loader_fill(struct loader *loader, int64_t now_ms)
{
	if (loader->waiting_until_ms < now_ms + AHEAD_MS / 2)
		loader->waiting_until_ms = now_ms + AHEAD_MS;
	scan_go(loader->fresh, 0);
	scan_go(loader->waiting, loader->waiting_until_ms);
}

void
loader_add(struct loader *loader, struct parcel *parcel)
{
	if (backlog_find(loader->backlog, parcel->seq))
		return; /* a page asked for later was here first */
	if (!backlog_has_room(loader->backlog, &parcel->record)) {
		scan_leave_out(loader->fresh, &parcel->record,
			(struct scan_place){ 0, parcel->seq });
		return;
	}
	struct entry *entry = backlog_add(loader->backlog, parcel->seq, parcel->received_ms,
		&parcel->record, NULL, 0, 0);
	if (entry)
		backlog_cache(loader->backlog, entry, parcel);
	loader->on_loaded(loader->context);
}

bool
loader_keeps(const struct loader *loader, int64_t due_ms)
{
	return scan_has_passed(loader->waiting, due_ms);
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
		scan_restart(loader->fresh);
		scan_restart(loader->waiting);
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
	scan_restart(loader->fresh);
	scan_restart(loader->waiting);
	loader_fill(loader, now_ms);
}
