/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail for a destination that is down: put off as if it had been tried, without a connection. */
#include "queue/dispatch_state.h"

#include "base/log.h"

#include <stdio.h>

struct shutting {
	struct spool_fetch fetch;
	struct dispatch *dispatch;
	struct lot *lot;
};

/* The lot has its parcel. */
static void
settle(struct dispatch *dispatch, struct lot *lot)
{
	if (lot->entry->parked || lot->entry->stale) {
		dispatch_return(dispatch, lot, 0);
		return;
	}
	char text[RECIPIENT_TEXT_MAX_BYTES];
	snprintf(text, sizeof(text), "not tried, the next hop is down: %s",
		schedule_destination_why(lot->schedule.destination));
	dispatch_settle_untried(dispatch, lot, "4.4.1", text);
}

static void
on_read(struct spool_request *request)
{
	struct shutting *shutting = (struct shutting *)request;
	struct spool_fetch *fetch = &shutting->fetch;
	struct dispatch *dispatch = shutting->dispatch;
	struct lot *lot = shutting->lot;
	dispatch->shutting--;
	lot->settling = false;
	if (request->result == SPOOL_TORN)
		log_event(EV_SPOOL_TORN, kv_int("seq", (int64_t)fetch->seq),
			kv_str("reason", fetch->hold_reason));
	if (request->result == SPOOL_TORN || request->result == SPOOL_MISSING)
		lot->entry->parked = true;
	if (request->result == SPOOL_DONE) {
		lot->parcel = parcel_hold(fetch->parcel);
		settle(dispatch, lot);
	} else {
		dispatch_return(dispatch, lot, dispatch_longer_wait(lot));
	}
	parcel_drop(&fetch->parcel);
	arena_free(&fetch->arena);
	mem_free(&shutting);
}

/* What it says to the sender needs its header. */
static void
read_lot(struct dispatch *dispatch, struct lot *lot)
{
	struct shutting *shutting = mem_alloc(sizeof(*shutting));
	shutting->dispatch = dispatch;
	shutting->lot = lot;
	shutting->fetch = (struct spool_fetch){
		.request = { .verb = SPOOL_FETCH, .on_done = on_read },
		.seq = lot->entry->seq,
		.fd = -1,
	};
	lot->settling = true;
	dispatch->shutting++;
	spool_ask(dispatch->spool, &shutting->fetch.request);
}

/* Half of the room for results: what is delivered meanwhile is recorded no later for it. */
void
dispatch_shut(struct dispatch *dispatch, int64_t now_ms)
{
	struct schedule_lot *next;
	while (dispatch->settling + dispatch->shutting < dispatch->settling_max / 2 &&
		(next = schedule_take_shut(dispatch->schedule, now_ms))) {
		struct lot *lot = (struct lot *)next;
		if (lot->entry->parcel) {
			lot->parcel = parcel_hold(lot->entry->parcel);
			settle(dispatch, lot);
		} else {
			read_lot(dispatch, lot);
		}
	}
}
