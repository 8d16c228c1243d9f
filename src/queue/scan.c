/* SPDX-License-Identifier: BSD-2-Clause */
/* Brings messages of one kind from the spool into memory, page by page, as there is room for them. */
#include "queue/scan.h"

#include "base/log.h"

enum { PAGE = 250 };

/* From where on messages of a destination were left out. */
struct gap {
	struct schedule_destination *destination;
	bool is_open;              /* something was */
	bool served;               /* the second pass is under way for it */
	struct scan_place from;
};

enum pass { PASS_FIRST, PASS_AGAIN };

/*
 * Requests are done in the order of asking, so a page never shows less than what was answered before
 * it was asked for.
 */
struct scan {
	struct spool_page page;    /* first: requests are scans */
	struct spool *spool;
	struct backlog *backlog;
	loop_fn *on_loaded;
	void *context;
	enum pass pass;            /* of the page */
	bool busy;
	bool restarted;            /* while a page was under way: it is not used */
	bool through;              /* the first pass, up to reach */
	bool again;                /* the second pass is under way */
	int64_t until_ms;          /* of the first pass */
	struct scan_place reach;   /* of the first pass */
	struct scan_place back;    /* of the second */
	struct gap *gaps;
	size_t gap_count;
};

static void ask(struct scan *scan);

/* ---- what was left out */

static bool
is_before(struct scan_place a, struct scan_place b)
{
	return a.due_ms < b.due_ms || (a.due_ms == b.due_ms && a.seq < b.seq);
}

static struct gap *
gap_of(struct scan *scan, struct schedule_destination *destination)
{
	for (size_t i = 0; i < scan->gap_count; i++) {
		if (scan->gaps[i].destination == destination)
			return &scan->gaps[i];
	}
	scan->gaps = mem_grow_array(scan->gaps, scan->gap_count + 1, sizeof(*scan->gaps));
	struct gap *gap = &scan->gaps[scan->gap_count++];
	*gap = (struct gap){ .destination = destination };
	return gap;
}

struct leaving {
	struct scan *scan;
	struct scan_place at;
};

static void
open_gap(void *context, struct schedule_destination *destination)
{
	const struct leaving *leaving = context;
	struct gap *gap = gap_of(leaving->scan, destination);
	struct scan_place from = leaving->at;
	/* What the second pass was still to come by is left out as well. */
	if (gap->served && is_before(leaving->scan->back, from))
		from = leaving->scan->back;
	gap->served = false;
	if (gap->is_open && is_before(gap->from, from))
		return;
	gap->is_open = true;
	gap->from = from;
}

void
scan_leave_out(struct scan *scan, const struct record *record, struct scan_place at)
{
	struct leaving leaving = { scan, at };
	backlog_visit(scan->backlog, record, open_gap, &leaving);
}

static bool
is_serving(const struct scan *scan)
{
	for (size_t i = 0; i < scan->gap_count; i++) {
		if (scan->gaps[i].served)
			return true;
	}
	return false;
}

static void
end_again(struct scan *scan)
{
	scan->again = false;
	for (size_t i = 0; i < scan->gap_count; i++)
		scan->gaps[i].served = false;
}

/* The second pass, if a destination has room again, from the first place that it may want. */
static void
begin_again(struct scan *scan)
{
	for (size_t i = 0; i < scan->gap_count; i++) {
		struct gap *gap = &scan->gaps[i];
		if (!gap->is_open || !backlog_wants(scan->backlog, gap->destination))
			continue;
		gap->is_open = false;
		gap->served = true;
		gap->from.seq -= gap->from.seq > 0;
		if (!scan->again || is_before(gap->from, scan->back))
			scan->back = gap->from;
		scan->again = true;
	}
}

/* ---- pages */

static void
on_held(struct spool_request *request)
{
	struct spool_change *change = (struct spool_change *)request;
	mem_free(&change);
}

/* A message that cannot be read is seen in the queue, and never dropped. */
static void
hold_damaged(struct scan *scan, uint64_t seq)
{
	struct spool_change *change = mem_alloc(sizeof(*change));
	*change = (struct spool_change){
		.request = { .verb = SPOOL_CHANGE, .on_done = on_held },
		.kind = SPOOL_HOLD,
		.seq = seq,
		.reason = "damaged in the spool",
	};
	log_event(EV_SPOOL_TORN, kv_int("seq", (int64_t)seq), kv_str("reason", change->reason));
	spool_ask(scan->spool, &change->request);
}

static bool
take_entry(struct scan *scan, const struct spool_entry *entry)
{
	struct scan_place at = { entry->due_ms, entry->seq };
	if (!entry->good) {
		hold_damaged(scan, entry->seq);
		return false;
	}
	if (backlog_find(scan->backlog, entry->seq))
		return false;
	if (!backlog_has_room(scan->backlog, &entry->record)) {
		scan_leave_out(scan, &entry->record, at);
		return false;
	}
	backlog_add(scan->backlog, entry->seq, entry->received_ms, &entry->record,
		entry->recipients, entry->recipient_count, entry->due_ms);
	return true;
}

static void
take_page(struct scan *scan)
{
	const struct spool_page *page = &scan->page;
	struct scan_place *place = scan->pass == PASS_FIRST ? &scan->reach : &scan->back;
	bool loaded = false;
	for (size_t i = 0; i < page->entry_count; i++)
		loaded |= take_entry(scan, &page->entries[i]);
	if (page->kind == SPOOL_PAGE_FRESH) {
		*place = (struct scan_place){ 0, page->reached_seq };
	} else if (page->entry_count) {
		const struct spool_entry *last = &page->entries[page->entry_count - 1];
		*place = (struct scan_place){ last->due_ms, last->seq };
	}
	if (scan->pass == PASS_FIRST && !page->more) {
		scan->through = true;
		if (page->kind == SPOOL_PAGE_WAITING)
			scan->reach = (struct scan_place){ page->until_due_ms, INT64_MAX };
	} else if (scan->pass == PASS_AGAIN && (!page->more || !is_serving(scan))) {
		end_again(scan);
	}
	if (loaded)
		scan->on_loaded(scan->context);
}

static void
on_page(struct spool_request *request)
{
	struct scan *scan = (struct scan *)request;
	bool read = request->result == SPOOL_DONE;
	scan->busy = false;
	if (read && !scan->restarted)
		take_page(scan);
	scan->restarted = false;
	arena_free(&scan->page.arena);
	if (read)
		ask(scan);
}

/* The passes take turns, so that the one does not wait for the end of the other. */
static void
ask(struct scan *scan)
{
	struct spool_page *page = &scan->page;
	if (!scan->again)
		begin_again(scan);
	if (scan->busy || (scan->through && !scan->again))
		return;
	scan->pass = scan->pass == PASS_FIRST ? PASS_AGAIN : PASS_FIRST;
	if (scan->pass == PASS_FIRST && scan->through)
		scan->pass = PASS_AGAIN;
	else if (scan->pass == PASS_AGAIN && !scan->again)
		scan->pass = PASS_FIRST;
	struct scan_place after = scan->pass == PASS_FIRST ? scan->reach : scan->back;
	page->after_seq = after.seq;
	page->after_due_ms = after.due_ms;
	page->until_due_ms = scan->until_ms;
	scan->busy = true;
	spool_ask(scan->spool, &page->request);
}

/* ---- the whole */

struct scan *
scan_new(struct spool *spool, struct backlog *backlog, enum spool_page_kind kind,
	loop_fn *on_loaded, void *context)
{
	struct scan *scan = mem_alloc(sizeof(*scan));
	scan->spool = spool;
	scan->backlog = backlog;
	scan->on_loaded = on_loaded;
	scan->context = context;
	scan->page = (struct spool_page){
		.request = { .verb = SPOOL_PAGE, .on_done = on_page },
		.kind = kind,
		.limit = PAGE,
	};
	return scan;
}

void
scan_free(struct scan **scan)
{
	if (*scan)
		mem_free(&(*scan)->gaps);
	mem_free(scan);
}

void
scan_go(struct scan *scan, int64_t until_ms)
{
	if (until_ms > scan->until_ms && scan->page.kind == SPOOL_PAGE_WAITING) {
		scan->until_ms = until_ms;
		scan->through = false;
	}
	ask(scan);
}

void
scan_restart(struct scan *scan)
{
	end_again(scan);
	scan->restarted = scan->busy;
	scan->through = false;
	scan->reach = (struct scan_place){ 0, 0 };
	scan->gap_count = 0;
}

bool
scan_has_passed(const struct scan *scan, int64_t due_ms)
{
	return due_ms <= scan->reach.due_ms;
}
