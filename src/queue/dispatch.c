/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends what is due to relay as jobs, and takes their results. */
#include "queue/dispatch_state.h"

#include "base/log.h"

#include <string.h>
#include <unistd.h>

enum {
	FILL_MS = 1000,              /* how often the window is looked at */
	INTERRUPTED_WAIT_MS = 1000,  /* after the first job that came back without a result */
	INTERRUPTED_MAX_MS = 5 * 60 * 1000,
	RESULT_ARENA_BYTES = 2048,
};

/* ---- jobs out */

void
dispatch_return(struct dispatch *dispatch, struct lot *lot, int64_t wait_ms)
{
	struct entry *entry = lot->entry;
	parcel_drop(&lot->parcel);
	if (!entry->parked && !entry->stale) {
		schedule_add(dispatch->schedule, lot->schedule.destination, &lot->schedule,
			dispatch_now(dispatch) + wait_ms);
	} else if (backlog_is_idle(entry)) {
		uint64_t seq = entry->seq;
		bool parked = entry->parked;
		backlog_remove(dispatch->backlog, entry);
		if (!parked)
			loader_load(dispatch->loader, seq);
	}
}

int64_t
dispatch_longer_wait(struct lot *lot)
{
	if (lot->interruptions >= 8)
		return INTERRUPTED_MAX_MS;
	return (int64_t)INTERRUPTED_WAIT_MS << lot->interruptions++;
}

static void
put_off(struct dispatch *dispatch, struct lot *lot, int64_t wait_ms)
{
	schedule_done(dispatch->schedule, &lot->schedule);
	lot->job = 0;
	dispatch_return(dispatch, lot, wait_ms);
}

/* The envelope with the lot's recipients alone. */
static const struct message_recipient *
pick_recipients(const struct lot *lot, struct arena *arena)
{
	struct message_recipient *picked = arena_alloc(arena, lot->count * sizeof(*picked));
	for (size_t i = 0; i < lot->count; i++)
		picked[i] = lot->parcel->record.envelope.recipients[lot->recipients[i].number];
	return picked;
}

static bool
send_job(struct dispatch *dispatch, struct lot *lot, int fd)
{
	const struct record *record = &lot->parcel->record;
	struct arena *arena = arena_new(lot->count * sizeof(struct message_recipient) + 64);
	struct buf content = BUF_INIT(0);
	struct message_job job = {
		.job = lot->job,
		.id = record->id,
		.route = schedule_destination_name(lot->schedule.destination),
		.envelope = record->envelope,
		.content = {
			.header = parcel_header(lot->parcel),
			.in_file = record->file != 0,
			.body = parcel_body(lot->parcel),
			.file = record->file,
			.body_length = record->body_length,
		},
	};
	job.envelope.recipient_count = lot->count;
	job.envelope.recipients = pick_recipients(lot, arena);
	message_job_pack(&content, &job);
	bool sent = channel_send(dispatch->relay, MSG_JOB, &content, fd);
	buf_fini(&content);
	arena_free(&arena);
	return sent;
}

/* The lot has its parcel. Takes fd. */
static void
send_lot(struct dispatch *dispatch, struct lot *lot, int fd)
{
	if (!lot->has_route) {
		if (fd >= 0)
			close(fd);
		schedule_done(dispatch->schedule, &lot->schedule);
		dispatch_settle_untried(dispatch, lot, "4.4.4", "no route leads to this domain");
		return;
	}
	if (!dispatch_may_send(dispatch) || lot->entry->parked || lot->entry->stale) {
		if (fd >= 0)
			close(fd);
		put_off(dispatch, lot, 0);
		return;
	}
	lot->job = spool_next_job(dispatch->spool);
	if (send_job(dispatch, lot, fd))
		index_add(&dispatch->jobs, lot->job, lot);
	else
		put_off(dispatch, lot, INTERRUPTED_WAIT_MS);
}

/* ---- messages that are not in memory */

struct reading {
	struct spool_fetch fetch;
	struct dispatch *dispatch;
	struct lot *lot;
};

static void
on_read(struct spool_request *request)
{
	struct reading *reading = (struct reading *)request;
	struct spool_fetch *fetch = &reading->fetch;
	struct dispatch *dispatch = reading->dispatch;
	struct lot *lot = reading->lot;
	switch (request->result) {
	case SPOOL_DONE:
		lot->parcel = fetch->parcel;
		fetch->parcel = NULL;
		send_lot(dispatch, lot, fetch->fd);
		break;
	case SPOOL_TORN:
		log_event(EV_SPOOL_TORN, kv_int("seq", (int64_t)fetch->seq),
			kv_str("reason", fetch->hold_reason));
		/* fall through */
	case SPOOL_MISSING:
		lot->entry->parked = true;
		put_off(dispatch, lot, 0);
		break;
	case SPOOL_UNDONE:
	case SPOOL_CLASH:
	case SPOOL_CROWDED:
	case SPOOL_FULL:
	case SPOOL_BROKEN:
		if (fetch->fd >= 0)
			close(fetch->fd);
		put_off(dispatch, lot, dispatch_longer_wait(lot));
		break;
	}
	parcel_drop(&fetch->parcel);
	arena_free(&fetch->arena);
	mem_free(&reading);
}

static void
read_lot(struct dispatch *dispatch, struct lot *lot)
{
	struct reading *reading = mem_alloc(sizeof(*reading));
	reading->dispatch = dispatch;
	reading->lot = lot;
	reading->fetch = (struct spool_fetch){
		.request = { .verb = SPOOL_FETCH, .on_done = on_read },
		.seq = lot->entry->seq,
		.with_file = true,
		.fd = -1,
	};
	spool_ask(dispatch->spool, &reading->fetch.request);
}

/* ---- the pump */

static void
pump(void *context)
{
	struct dispatch *dispatch = context;
	struct schedule_lot *next;
	int64_t now_ms = dispatch_now(dispatch);
	if (!dispatch_may_send(dispatch) || dispatch->stopping)
		return;
	/* A disk that records nothing is told of so many deliveries, not of all. */
	while (dispatch->settling < dispatch->settling_max &&
		(next = schedule_take(dispatch->schedule, now_ms))) {
		struct lot *lot = (struct lot *)next;
		struct parcel *cached = lot->entry->parcel;
		if (cached && !cached->record.file) {
			lot->parcel = parcel_hold(cached);
			send_lot(dispatch, lot, -1);
		} else {
			read_lot(dispatch, lot);
		}
	}
	dispatch_shut(dispatch, now_ms);
	int64_t due_ms = schedule_next_due(dispatch->schedule);
	if (due_ms > now_ms && due_ms < now_ms + FILL_MS)
		loop_timer_start(&dispatch->due, (uint64_t)(due_ms - now_ms));
}

static void
on_due(void *context)
{
	pump(context);
}

static void
on_fill(void *context)
{
	struct dispatch *dispatch = context;
	loop_timer_start(&dispatch->fill, FILL_MS);
	loader_fill(dispatch->loader, dispatch_now(dispatch));
	dispatch_retry_replays(dispatch);
	pump(dispatch);
}

static void
on_loaded(void *context)
{
	struct dispatch *dispatch = context;
	loop_defer(&dispatch->pump);
}

/* ---- relay */

/* RFC 3463 3.5: what relay says itself of a hop that did not. */
static enum schedule_sight
sight_of(const struct message_result *result, const char **why_out)
{
	enum schedule_sight sight = SCHEDULE_ARRIVED;
	for (size_t i = 0; i < result->count; i++) {
		const struct message_recipient_result *one = &result->results[i];
		if (one->outcome != OUTCOME_DEFERRED || one->code)
			return SCHEDULE_ARRIVED;
		*why_out = one->text;
		if (strcmp(one->enhanced, "4.4.1") == 0)
			sight = SCHEDULE_UNREACHED;
		else if (strcmp(one->enhanced, "4.4.2") == 0)
			sight = SCHEDULE_BROKE_OFF;
	}
	return sight;
}

static void
learn(struct dispatch *dispatch, const struct lot *lot, const struct message_result *result)
{
	char why[RECIPIENT_TEXT_MAX_BYTES];
	const char *text = "";
	enum schedule_sight sight = sight_of(result, &text);
	text_flatten(span_text(text), why, sizeof(why));
	schedule_saw(dispatch->schedule, &lot->schedule, sight, why, dispatch_now(dispatch));
}

static bool
on_result(struct dispatch *dispatch, struct channel_message *message)
{
	struct arena *arena = arena_new(RESULT_ARENA_BYTES);
	struct message_result result;
	if (!message_result_unpack(message->bytes, arena, &result)) {
		arena_free(&arena);
		return false;
	}
	struct lot *lot = index_take(&dispatch->jobs, result.job);
	if (lot) {
		/* The slot is free now: the next delivery need not wait for this one's record. */
		schedule_done(dispatch->schedule, &lot->schedule);
		lot->job = 0;
		learn(dispatch, lot, &result);
		dispatch_settle(dispatch, lot, &result, arena);
	} else {
		dispatch_replay(dispatch, &result, arena);
	}
	loop_defer(&dispatch->pump);
	return true;
}

static bool
on_message(void *context, struct channel_message *message)
{
	struct dispatch *dispatch = context;
	struct message_relay_ready ready;
	if (message->id == MSG_RESULT)
		return on_result(dispatch, message);
	if (message->id != MSG_RELAY_READY ||
		!message_relay_ready_unpack(message->bytes, NULL, &ready))
		return false;
	dispatch->relay_ready = true;
	schedule_set_slots(dispatch->schedule, ready.slots);
	dispatch->settling_max = ready.slots;
	loop_defer(&dispatch->pump);
	return true;
}

/* Jobs that relay had are due again; each time it dies with one, that one waits longer. */
static void
give_up_relay(struct dispatch *dispatch)
{
	dispatch->relay_ready = false;
	channel_hang_up(&dispatch->relay);
	uint64_t job;
	for (struct lot *lot; (lot = index_any(&dispatch->jobs, &job));) {
		index_take(&dispatch->jobs, job);
		put_off(dispatch, lot, dispatch_longer_wait(lot));
	}
}

static void
on_closed(void *context, const struct fault *why)
{
	(void)why;
	give_up_relay(context);
}

static void
on_room(void *context)
{
	pump(context);
}

void
dispatch_link(struct dispatch *dispatch, int fd)
{
	static const struct channel_events events = { .on_message = on_message,
		.on_closed = on_closed,
		.on_room = on_room };
	give_up_relay(dispatch);
	dispatch->relay =
		channel_new(dispatch->loop, fd, ROLE_QUEUE, ROLE_RELAY, &events, dispatch);
}

void
dispatch_unlink(struct dispatch *dispatch)
{
	give_up_relay(dispatch);
}

bool
dispatch_has_relay(const struct dispatch *dispatch)
{
	return dispatch->relay_ready;
}

bool
dispatch_call_ahead(struct dispatch *dispatch, const struct message_call_ahead *asked,
	uint64_t wait_ms, channel_answer_fn on_answer, void *context)
{
	struct buf content = BUF_INIT(0);
	if (!dispatch->relay)
		return false;
	message_call_ahead_pack(&content, asked);
	uint32_t request = channel_ask(
		dispatch->relay, MSG_CALL_AHEAD, &content, -1, wait_ms, on_answer, context);
	buf_fini(&content);
	return request != 0;
}

/* ---- the whole */

static void
set_rests(struct dispatch *dispatch)
{
	const struct settings_queue *queue = &dispatch->settings->queue;
	schedule_set_rests(dispatch->schedule,
		(struct schedule_rests){ (int64_t)queue->destination_rest,
			(int64_t)queue->destination_rest_longest });
}

struct dispatch *
dispatch_new(struct loop *loop, struct spool *spool, const struct settings *settings,
	int64_t (*now)(void *context), void *context)
{
	struct dispatch *dispatch = mem_alloc(sizeof(*dispatch));
	dispatch->loop = loop;
	dispatch->spool = spool;
	dispatch->settings = settings_hold(settings);
	dispatch->now = now;
	dispatch->context = context;
	dispatch->schedule = schedule_new();
	dispatch->backlog = backlog_new(dispatch->schedule, dispatch->settings);
	dispatch->loader = loader_new(spool, dispatch->backlog, on_loaded, dispatch);
	set_rests(dispatch);
	loop_timer_init(&dispatch->fill, loop, on_fill, dispatch);
	loop_timer_init(&dispatch->due, loop, on_due, dispatch);
	loop_defer_init(&dispatch->pump, loop, pump, dispatch);
	loop_timer_start(&dispatch->fill, 0);
	return dispatch;
}

void
dispatch_free(struct dispatch **dispatch)
{
	struct dispatch *old = *dispatch;
	*dispatch = NULL;
	if (!old)
		return;
	channel_hang_up(&old->relay);
	loop_timer_stop(&old->fill);
	loop_timer_stop(&old->due);
	loop_defer_cancel(&old->pump);
	dispatch_forget_replays(old);
	loader_free(&old->loader);
	backlog_free(&old->backlog);
	schedule_free(&old->schedule);
	index_fini(&old->jobs);
	settings_free(&old->settings);
	mem_free(&old);
}

void
dispatch_use(struct dispatch *dispatch, const struct settings *settings)
{
	settings_free(&dispatch->settings);
	dispatch->settings = settings_hold(settings);
	set_rests(dispatch);
	backlog_use(dispatch->backlog, dispatch->settings);
	dispatch_restart(dispatch);
}

void
dispatch_set_gap(struct dispatch *dispatch, const struct timekeeper_gap *gap)
{
	dispatch->gap = *gap;
}

void
dispatch_restart(struct dispatch *dispatch)
{
	loader_restart(dispatch->loader, dispatch_now(dispatch));
	loop_defer(&dispatch->pump);
}

void
dispatch_stop(struct dispatch *dispatch)
{
	dispatch->stopping = true;
}

size_t
dispatch_busy(const struct dispatch *dispatch)
{
	return dispatch->settling + dispatch->jobs.count;
}

void
dispatch_add(struct dispatch *dispatch, struct parcel *parcel)
{
	loader_add(dispatch->loader, parcel);
}

void
dispatch_park(struct dispatch *dispatch, uint64_t seq)
{
	struct entry *entry = backlog_find(dispatch->backlog, seq);
	if (!entry)
		return;
	if (backlog_is_idle(entry))
		backlog_remove(dispatch->backlog, entry);
	else
		entry->parked = true;
}

void
dispatch_wake(struct dispatch *dispatch, uint64_t seq)
{
	struct entry *entry = backlog_find(dispatch->backlog, seq);
	if (entry && !backlog_is_idle(entry)) {
		entry->parked = false;
		return;
	}
	if (entry)
		backlog_remove(dispatch->backlog, entry);
	loader_load(dispatch->loader, seq);
}

void
dispatch_flush(struct dispatch *dispatch)
{
	schedule_wake(dispatch->schedule);
	loop_defer(&dispatch->pump);
}

const struct schedule *
dispatch_schedule(const struct dispatch *dispatch)
{
	return dispatch->schedule;
}
