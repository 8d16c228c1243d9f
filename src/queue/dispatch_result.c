/* SPDX-License-Identifier: BSD-2-Clause */
/* What came of jobs: written down first, then told to relay, then acted upon. */
#include "queue/dispatch_state.h"

#include "base/log.h"
#include "config/routes.h"
#include "queue/tally.h"

#include <string.h>

enum { RESULT_ARENA_BYTES = 1024 };

/* A result on its way to disk. lot is NULL if its job was sent by a queue before this one. */
struct settlement {
	struct spool_settle settle;
	struct dispatch *dispatch;
	struct lot *lot;
	uint64_t job;                /* 0: none, nobody waits for RESULT_KEPT */
	struct arena *arena;
	struct parcel *parcel;
	struct tally tally;
	int64_t due_ms;              /* of the lot */
};

static void
say_kept(struct dispatch *dispatch, uint64_t job)
{
	struct message_result_kept kept = { .job = job };
	struct buf content = BUF_INIT(0);
	if (!job || !dispatch->relay)
		return;
	message_result_kept_pack(&content, &kept);
	channel_send(dispatch->relay, MSG_RESULT_KEPT, &content, -1);
	buf_fini(&content);
}

static void
log_recipients(const struct settlement *settlement)
{
	const struct record *record = &settlement->parcel->record;
	if (settlement->tally.hold_reason)
		log_event(EV_QUEUE_HELD, kv_str("id", record->id),
			kv_str("why", settlement->tally.hold_reason));
	for (size_t i = 0; i < settlement->tally.count; i++) {
		const struct recipient *recipient = &settlement->tally.recipients[i];
		const char *stage = recipient->stage == RECIPIENT_WAITING ?
			"deferred" :
			recipient_stage_name(recipient->stage);
		log_event(EV_QUEUE_RESULT, kv_str("id", record->id), kv_str("result", stage),
			kv_str("to", record->envelope.recipients[recipient->number].path),
			kv_str("hop", recipient->hop), kv_int("code", recipient->code),
			kv_str("enhanced", recipient->enhanced), kv_str("text", recipient->text),
			kv_int("attempts", recipient->attempts));
		if (tally_is_untold(settlement->dispatch->settings, record, recipient))
			log_event(EV_QUEUE_UNTOLD, kv_str("id", record->id),
				kv_str("to",
					record->envelope.recipients[recipient->number].path));
	}
}

/* The message again as the spool has it, where what is in memory may be wrong. */
static void
reload(struct dispatch *dispatch, struct entry *entry)
{
	uint64_t seq = entry->seq;
	backlog_remove(dispatch->backlog, entry);
	loader_load(dispatch->loader, seq);
}

/* What is left of the lot waits for its next attempt. */
static void
put_back(struct settlement *settlement)
{
	struct dispatch *dispatch = settlement->dispatch;
	struct lot *lot = settlement->lot;
	struct entry *entry = lot->entry;
	bool gone = settlement->settle.request.result == SPOOL_MISSING;
	lot->settling = false;
	if (gone || settlement->tally.hold_reason)
		entry->parked = true;
	if (!lot->count && entry->lots == lot && !lot->next) {
		backlog_remove(dispatch->backlog, entry);
		return;
	}
	if (!lot->count)
		backlog_remove_lot(dispatch->backlog, lot);
	else if (!entry->parked)
		schedule_add(dispatch->schedule, lot->schedule.destination, &lot->schedule,
			settlement->due_ms);
	if (!backlog_is_idle(entry))
		return;
	if (entry->parked || !loader_keeps(dispatch->loader, backlog_due(entry, 0)))
		backlog_remove(dispatch->backlog, entry);
	else if (entry->stale)
		reload(dispatch, entry);
}

static void
follow_notices(struct settlement *settlement)
{
	for (size_t i = 0; i < settlement->tally.notice_count; i++) {
		struct parcel *notice = settlement->tally.notices[i];
		if (!notice->seq)
			continue;
		log_event(EV_QUEUE_NOTICE, kv_str("id", notice->record.id),
			kv_str("about", notice->record.parent));
		loader_add(settlement->dispatch->loader, notice);
	}
}

static void
free_settlement(struct settlement *settlement)
{
	tally_drop_notices(&settlement->tally);
	parcel_drop(&settlement->parcel);
	arena_free(&settlement->arena);
	mem_free(&settlement);
}

/* What is in memory of the message knows nothing of a result that another queue's job had. */
static void
follow_replay(struct dispatch *dispatch, uint64_t seq)
{
	struct entry *entry = backlog_find(dispatch->backlog, seq);
	if (!entry)
		loader_load(dispatch->loader, seq);
	else if (backlog_is_idle(entry))
		reload(dispatch, entry);
	else
		entry->stale = true;
}

static void
on_settled(struct spool_request *request)
{
	struct settlement *settlement = (struct settlement *)request;
	struct dispatch *dispatch = settlement->dispatch;
	uint64_t seq = settlement->parcel->seq;
	dispatch->settling--;
	if (!settlement->lot)
		dispatch->replays--;
	/* Not written: the queue ends, and relay will tell the next one. */
	if (request->result == SPOOL_BROKEN) {
		free_settlement(settlement);
		return;
	}
	say_kept(dispatch, settlement->job);
	if (request->result == SPOOL_DONE)
		log_recipients(settlement);
	if (settlement->lot)
		put_back(settlement);
	else
		follow_replay(dispatch, seq);
	if (request->result == SPOOL_DONE)
		follow_notices(settlement);
	free_settlement(settlement);
	loop_defer(&dispatch->pump);
}

static struct settlement *
new_settlement(struct dispatch *dispatch, struct parcel *parcel, uint64_t job, struct arena *arena)
{
	struct settlement *settlement = mem_alloc(sizeof(*settlement));
	settlement->dispatch = dispatch;
	settlement->arena = arena;
	settlement->parcel = parcel_hold(parcel);
	settlement->job = job;
	settlement->settle.request = (struct spool_request){ .verb = SPOOL_SETTLE,
		.on_done = on_settled };
	return settlement;
}

static void
ask_settle(struct settlement *settlement, bool finished, bool stored, int64_t due_ms)
{
	struct tally *tally = &settlement->tally;
	settlement->settle.parcel = settlement->parcel;
	settlement->settle.recipients = tally->recipients;
	settlement->settle.recipient_count = tally->count;
	settlement->settle.finished = finished;
	settlement->settle.stored = stored;
	settlement->settle.due_ms = due_ms;
	settlement->settle.hold_reason = tally->hold_reason;
	settlement->settle.now_ms = dispatch_now(settlement->dispatch);
	settlement->settle.notices = tally->notices;
	settlement->settle.notice_count = tally->notice_count;
	settlement->dispatch->settling++;
	spool_ask(settlement->dispatch->spool, &settlement->settle.request);
}

static int64_t
received(const struct dispatch *dispatch, const struct parcel *parcel)
{
	return timekeeper_received(&dispatch->gap, parcel->seq, parcel->received_ms);
}

static struct recipient *
recipients_of(const struct lot *lot, struct arena *arena)
{
	struct recipient *recipients = arena_alloc(arena, lot->count * sizeof(*recipients));
	for (size_t i = 0; i < lot->count; i++) {
		recipients[i].number = lot->recipients[i].number;
		recipients[i].attempts = lot->recipients[i].attempts;
		recipients[i].delay_told = lot->recipients[i].delay_told;
	}
	return recipients;
}

/* Only those who still wait stay in the lot. */
static void
shrink(struct lot *lot, const struct tally *tally)
{
	size_t left = 0;
	for (size_t i = 0; i < tally->count; i++) {
		const struct recipient *recipient = &tally->recipients[i];
		if (recipient->stage != RECIPIENT_WAITING)
			continue;
		lot->recipients[left++] = (struct lot_recipient){
			.number = recipient->number,
			.attempts = (uint16_t)recipient->attempts,
			.delay_told = recipient->delay_told,
		};
	}
	lot->count = left;
}

void
dispatch_settle(struct dispatch *dispatch, struct lot *lot, const struct message_result *result,
	struct arena *arena)
{
	struct entry *entry = lot->entry;
	struct tally_facts facts = {
		.settings = dispatch->settings,
		.parcel = lot->parcel,
		.recipients = recipients_of(lot, arena),
		.count = lot->count,
		.result = result,
		.at_mailbox = lot->at_mailbox,
		.received_ms = received(dispatch, lot->parcel),
		.now_ms = dispatch_now(dispatch),
	};
	struct settlement *settlement =
		new_settlement(dispatch, lot->parcel, result->job, arena);
	tally_make(&facts, arena, &settlement->tally);
	settlement->lot = lot;
	settlement->due_ms = settlement->tally.due_ms;
	parcel_drop(&lot->parcel);
	shrink(lot, &settlement->tally);
	lot->settling = true;
	lot->interruptions = 0;
	lot->schedule.class = SCHEDULE_TRIED;
	lot->schedule.due_ms = settlement->due_ms;
	if (lot->count)
		backlog_uncache(dispatch->backlog, entry);
	int64_t due_ms = backlog_due(entry, facts.now_ms);
	if (due_ms < facts.now_ms)
		due_ms = facts.now_ms;
	ask_settle(settlement, due_ms == INT64_MAX, entry->stored, due_ms);
	entry->stored = true;
}

void
dispatch_settle_untried(struct dispatch *dispatch, struct lot *lot, const char *enhanced,
	const char *text)
{
	struct arena *arena = arena_new(RESULT_ARENA_BYTES);
	struct message_recipient_result *results =
		arena_alloc(arena, lot->count * sizeof(*results));
	struct message_result result = { .id = "", .hop = "", .hop_address = "", .tls = "",
		.count = lot->count, .results = results };
	for (size_t i = 0; i < lot->count; i++)
		results[i] = (struct message_recipient_result){
			.number = lot->recipients[i].number,
			.outcome = OUTCOME_DEFERRED,
			.enhanced = enhanced,
			.text = text,
		};
	dispatch_settle(dispatch, lot, &result, arena);
}

/* ---- results of jobs that another queue sent */

struct replay {
	struct spool_fetch fetch;
	struct dispatch *dispatch;
	struct replay *next;         /* of those to be tried again */
	struct arena *arena;
	struct message_result result;
};

/* Those that have no result of this job yet and are not finished. */
static size_t
open_recipients(const struct replay *replay, struct recipient *open)
{
	const struct spool_fetch *fetch = &replay->fetch;
	size_t total = fetch->parcel->record.envelope.recipient_count;
	size_t count = 0;
	for (size_t i = 0; i < replay->result.count; i++) {
		struct recipient recipient = { .number = replay->result.results[i].number };
		if (recipient.number >= total)
			continue;
		for (size_t k = 0; k < fetch->recipient_count; k++) {
			if (fetch->recipients[k].number == recipient.number)
				recipient = fetch->recipients[k];
		}
		if (recipient.stage == RECIPIENT_WAITING && recipient.job != replay->result.job)
			open[count++] = recipient;
	}
	return count;
}

/* Waits any recipient that this result does not speak of, or that it deferred? */
static bool
is_finished(const struct spool_fetch *fetch, const struct tally *tally)
{
	size_t total = fetch->parcel->record.envelope.recipient_count;
	size_t finished = tally->count - tally->waiting;
	for (size_t i = 0; i < fetch->recipient_count; i++)
		finished += fetch->recipients[i].stage != RECIPIENT_WAITING;
	return finished >= total;
}

static bool
is_at_mailbox(const struct dispatch *dispatch, const struct parcel *parcel, uint32_t number)
{
	const struct settings_route *route = routes_find(dispatch->settings,
		span_text(parcel->record.envelope.recipients[number].path));
	return route && route->to.scheme == ROUTE_LMTP;
}

static void
settle_replay(struct replay *replay, const struct recipient *open, size_t count)
{
	struct dispatch *dispatch = replay->dispatch;
	struct spool_fetch *fetch = &replay->fetch;
	struct tally_facts facts = {
		.settings = dispatch->settings,
		.parcel = fetch->parcel,
		.recipients = open,
		.count = count,
		.result = &replay->result,
		.at_mailbox = is_at_mailbox(dispatch, fetch->parcel, open[0].number),
		.received_ms = received(dispatch, fetch->parcel),
		.now_ms = dispatch_now(dispatch),
	};
	struct settlement *settlement =
		new_settlement(dispatch, fetch->parcel, replay->result.job, replay->arena);
	tally_make(&facts, replay->arena, &settlement->tally);
	/* Who else waits does so since the message came: let it be tried. */
	ask_settle(settlement, is_finished(fetch, &settlement->tally), true,
		settlement->tally.waiting ? settlement->tally.due_ms : facts.now_ms);
}

/* True if the result has found its place. */
static bool
apply_replay(struct replay *replay)
{
	struct recipient *open =
		arena_alloc(replay->arena, replay->result.count * sizeof(*open));
	size_t count = open_recipients(replay, open);
	if (!count)
		return false;
	settle_replay(replay, open, count);
	return true;
}

static void
free_replay(struct replay *replay)
{
	arena_free(&replay->arena);
	mem_free(&replay);
}

static void
on_replay_fetched(struct spool_request *request)
{
	struct replay *replay = (struct replay *)request;
	struct dispatch *dispatch = replay->dispatch;
	struct spool_fetch *fetch = &replay->fetch;
	bool again = request->result == SPOOL_BROKEN;
	if (request->result == SPOOL_DONE && apply_replay(replay)) {
		replay->arena = NULL; /* the settlement's now */
	} else if (!again) {
		/* The message is gone, damaged, or knows of it: there is nothing to write. */
		dispatch->replays--;
		say_kept(dispatch, replay->result.job);
		loop_defer(&dispatch->pump);
	}
	parcel_drop(&fetch->parcel);
	arena_free(&fetch->arena);
	if (again) {
		replay->next = dispatch->unread;
		dispatch->unread = replay;
	} else {
		free_replay(replay);
	}
}

static void
fetch_replay(struct replay *replay)
{
	replay->fetch = (struct spool_fetch){
		.request = { .verb = SPOOL_FETCH, .on_done = on_replay_fetched },
		.fd = -1,
	};
	memcpy(replay->fetch.id, replay->result.id, strlen(replay->result.id) + 1);
	spool_ask(replay->dispatch->spool, &replay->fetch.request);
}

void
dispatch_replay(struct dispatch *dispatch, const struct message_result *result, struct arena *arena)
{
	struct replay *replay = mem_alloc(sizeof(*replay));
	replay->dispatch = dispatch;
	replay->arena = arena;
	replay->result = *result;
	dispatch->replays++;
	fetch_replay(replay);
}

void
dispatch_retry_replays(struct dispatch *dispatch)
{
	struct replay *first = dispatch->unread;
	dispatch->unread = NULL;
	for (struct replay *replay; (replay = first);) {
		first = replay->next;
		fetch_replay(replay);
	}
}

void
dispatch_forget_replays(struct dispatch *dispatch)
{
	for (struct replay *replay; (replay = dispatch->unread);) {
		dispatch->unread = replay->next;
		free_replay(replay);
	}
}
