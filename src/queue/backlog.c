/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in memory: small entries of what the spool holds, split into lots by route. */
#include "queue/backlog.h"

#include "config/routes.h"

#include <string.h>

enum {
	CACHE_MAX_BYTES = 32 * 1024 * 1024,
	/* A hop's next job is there when the last one ends: one more than its connections. */
	JOBS_PER_CONNECTION = 2,
	WINDOW = 50000,        /* messages in memory */
	WINDOW_MAX = 2 * WINDOW,
	SHARE = 20000,         /* of one destination */
	SHARE_LEAST = 1000,    /* that every destination may have */
	FLOW_LEAST = 100,
};

/* What one login has in memory. */
struct flow_count {
	size_t count;
};

struct backlog {
	struct schedule *schedule;
	const struct settings *settings;
	struct index entries;     /* by seq */
	struct index flows;       /* counts */
	struct entry *cache_first; /* the oldest */
	struct entry *cache_last;
	size_t cache_bytes;
};

struct backlog *
backlog_new(struct schedule *schedule, const struct settings *settings)
{
	struct backlog *backlog = mem_alloc(sizeof(*backlog));
	backlog->schedule = schedule;
	backlog->settings = settings;
	return backlog;
}

static void
count(struct backlog *backlog, uint64_t flow)
{
	struct flow_count *flow_count = index_find(&backlog->flows, flow);
	if (!flow_count) {
		flow_count = mem_alloc(sizeof(*flow_count));
		index_add(&backlog->flows, flow, flow_count);
	}
	flow_count->count++;
}

static void
uncount(struct backlog *backlog, uint64_t flow)
{
	struct flow_count *flow_count = index_find(&backlog->flows, flow);
	if (--flow_count->count)
		return;
	index_take(&backlog->flows, flow);
	mem_free(&flow_count);
}

static void
free_entry(struct backlog *backlog, struct entry *entry)
{
	backlog_uncache(backlog, entry);
	index_take(&backlog->entries, entry->seq);
	uncount(backlog, entry->flow);
	for (struct lot *lot; (lot = entry->lots);) {
		entry->lots = lot->next;
		parcel_drop(&lot->parcel);
		mem_free(&lot);
	}
	mem_free(&entry);
}

/* Taking one out moves others in the table, so those that go are listed first. */
static void
free_entries(struct backlog *backlog, bool all)
{
	struct entry **gone = mem_alloc_array(backlog->entries.count, sizeof(*gone));
	size_t count = 0;
	for (size_t i = 0; i < backlog->entries.room; i++) {
		struct entry *entry = backlog->entries.slots[i].value;
		if (entry && (all || backlog_is_idle(entry)))
			gone[count++] = entry;
		else if (entry)
			entry->stale = true;
	}
	for (size_t i = 0; i < count; i++) {
		if (all)
			free_entry(backlog, gone[i]);
		else
			backlog_remove(backlog, gone[i]);
	}
	mem_free(&gone);
}

void
backlog_free(struct backlog **backlog)
{
	struct backlog *old = *backlog;
	*backlog = NULL;
	if (!old)
		return;
	free_entries(old, true);
	index_fini(&old->entries);
	index_fini(&old->flows);
	mem_free(&old);
}

void
backlog_clear(struct backlog *backlog)
{
	free_entries(backlog, false);
}

void
backlog_use(struct backlog *backlog, const struct settings *settings)
{
	backlog->settings = settings;
}

size_t
backlog_count(const struct backlog *backlog)
{
	return backlog->entries.count;
}

struct entry *
backlog_find(const struct backlog *backlog, uint64_t seq)
{
	return index_find(&backlog->entries, seq);
}

/* ---- lots */

static struct schedule_destination *
destination_of(const struct backlog *backlog, const struct settings_route *route)
{
	const struct settings_queue *queue = &backlog->settings->queue;
	/* Without a route a lot never needs a connection, only a turn. */
	if (!route)
		return schedule_destination(backlog->schedule, "", (unsigned)queue->concurrency);
	uint64_t connections =
		route->concurrency ? route->concurrency : queue->concurrency_per_destination;
	return schedule_destination(
		backlog->schedule, route->title, (unsigned)(JOBS_PER_CONNECTION * connections));
}

/* Whose mail it is: a login, or a client without one; all notices together. */
static uint64_t
flow_of(const struct record *record)
{
	const char *name = record->login[0] ? record->login : record->client_address;
	uint64_t flow = index_mix(record->login[0] ? 1 : 2);
	for (; *name; name++)
		flow = index_mix(flow ^ (unsigned char)*name);
	return flow;
}

/* A listener that is gone had nothing to say any more. */
static enum schedule_class
class_of(const struct backlog *backlog, const struct record *record)
{
	static const enum schedule_class classes[] = {
		[PRIORITY_NORMAL] = SCHEDULE_NORMAL,
		[PRIORITY_HIGH] = SCHEDULE_HIGH,
		[PRIORITY_LOW] = SCHEDULE_LOW,
	};
	const struct settings_listener *listener =
		settings_find_listener(backlog->settings, record->listener);
	if (record->parent[0])
		return SCHEDULE_LOW;
	return listener ? classes[listener->priority] : SCHEDULE_NORMAL;
}

static const struct recipient *
stored_of(const struct recipient *recipients, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++) {
		if (recipients[i].number == number)
			return &recipients[i];
	}
	return NULL;
}

/* Memory for the most recipients that may follow; most messages have one. */
static struct lot *
new_lot(struct entry *entry, const struct settings_route *route,
	enum schedule_class class, size_t room)
{
	struct lot *lot = mem_alloc(sizeof(*lot) + room * sizeof(lot->recipients[0]));
	lot->entry = entry;
	lot->has_route = route != NULL;
	lot->at_mailbox = route && route->to.scheme == ROUTE_LMTP;
	lot->schedule.flow = entry->flow;
	lot->schedule.class = class;
	lot->next = entry->lots;
	entry->lots = lot;
	return lot;
}

static void
split(struct backlog *backlog, struct entry *entry, const struct record *record,
	const struct recipient *recipients, size_t recipient_count)
{
	const struct message_envelope *envelope = &record->envelope;
	enum schedule_class class = class_of(backlog, record);
	for (size_t i = 0; i < envelope->recipient_count; i++) {
		const struct recipient *stored =
			stored_of(recipients, recipient_count, (uint32_t)i);
		if (stored && stored->stage != RECIPIENT_WAITING)
			continue;
		const struct settings_route *route = routes_find(
			backlog->settings, span_text(envelope->recipients[i].path));
		struct schedule_destination *destination = destination_of(backlog, route);
		struct lot *lot = entry->lots;
		while (lot && lot->schedule.destination != destination)
			lot = lot->next;
		if (!lot) {
			lot = new_lot(entry, route, class, envelope->recipient_count - i);
			lot->schedule.destination = destination;
		}
		lot->recipients[lot->count++] = (struct lot_recipient){
			.number = (uint32_t)i,
			.attempts = stored ? (uint16_t)stored->attempts : 0,
			.delay_told = stored && stored->delay_told,
		};
		if (stored)
			lot->schedule.class = SCHEDULE_TRIED;
	}
}

struct entry *
backlog_add(struct backlog *backlog, uint64_t seq, int64_t received_ms, const struct record *record,
	const struct recipient *recipients, size_t recipient_count, int64_t due_ms)
{
	struct entry *entry = mem_alloc(sizeof(*entry));
	entry->seq = seq;
	entry->received_ms = received_ms;
	entry->stored = recipient_count > 0;
	entry->flow = flow_of(record);
	index_add(&backlog->entries, seq, entry);
	count(backlog, entry->flow);
	split(backlog, entry, record, recipients, recipient_count);
	/* What was never tried has always been due, whatever a wrong clock has dated it. */
	for (struct lot *lot = entry->lots; lot; lot = lot->next)
		schedule_add(
			backlog->schedule, lot->schedule.destination, &lot->schedule, due_ms);
	if (entry->lots)
		return entry;
	free_entry(backlog, entry);
	return NULL;
}

/* ---- how much is there */

void
backlog_visit(const struct backlog *backlog, const struct record *record,
	void (*visit)(void *context, struct schedule_destination *destination), void *context)
{
	const struct message_envelope *envelope = &record->envelope;
	for (size_t i = 0; i < envelope->recipient_count; i++) {
		const struct settings_route *route = routes_find(
			backlog->settings, span_text(envelope->recipients[i].path));
		visit(context, destination_of(backlog, route));
	}
}

static bool
takes(const struct backlog *backlog, const struct schedule_destination *destination)
{
	size_t lots = schedule_destination_lots(destination);
	return lots < SHARE_LEAST || (lots < SHARE && backlog->entries.count < WINDOW);
}

struct asking {
	const struct backlog *backlog;
	bool has_room;
};

static void
ask_destination(void *context, struct schedule_destination *destination)
{
	struct asking *asking = context;
	asking->has_room |= takes(asking->backlog, destination);
}

bool
backlog_has_room(const struct backlog *backlog, const struct record *record)
{
	const struct flow_count *flow = index_find(&backlog->flows, flow_of(record));
	struct asking asking = { backlog, !flow || flow->count < FLOW_LEAST };
	if (backlog->entries.count >= WINDOW_MAX)
		return false;
	if (!asking.has_room)
		backlog_visit(backlog, record, ask_destination, &asking);
	return asking.has_room;
}

bool
backlog_wants(const struct backlog *backlog, const struct schedule_destination *destination)
{
	size_t lots = schedule_destination_lots(destination);
	size_t all = backlog->entries.count;
	return (lots < SHARE_LEAST / 2 && all < WINDOW_MAX / 4 * 3) ||
		(lots < SHARE / 2 && all < WINDOW / 4 * 3);
}

/* ---- the cache */

void
backlog_uncache(struct backlog *backlog, struct entry *entry)
{
	if (!entry->parcel)
		return;
	*(entry->cache_previous ? &entry->cache_previous->cache_next : &backlog->cache_first) =
		entry->cache_next;
	*(entry->cache_next ? &entry->cache_next->cache_previous : &backlog->cache_last) =
		entry->cache_previous;
	entry->cache_next = entry->cache_previous = NULL;
	backlog->cache_bytes -= parcel_size(entry->parcel);
	parcel_drop(&entry->parcel);
}

void
backlog_cache(struct backlog *backlog, struct entry *entry, struct parcel *parcel)
{
	backlog_uncache(backlog, entry);
	entry->parcel = parcel_hold(parcel);
	entry->cache_previous = backlog->cache_last;
	*(backlog->cache_last ? &backlog->cache_last->cache_next : &backlog->cache_first) = entry;
	backlog->cache_last = entry;
	backlog->cache_bytes += parcel_size(parcel);
	while (backlog->cache_bytes > CACHE_MAX_BYTES && backlog->cache_first != entry)
		backlog_uncache(backlog, backlog->cache_first);
}

/* ---- removal */

bool
backlog_is_idle(const struct entry *entry)
{
	for (const struct lot *lot = entry->lots; lot; lot = lot->next) {
		if (lot->settling || lot->schedule.state == SCHEDULE_UNDER_WAY)
			return false;
	}
	return true;
}

void
backlog_remove(struct backlog *backlog, struct entry *entry)
{
	for (struct lot *lot = entry->lots; lot; lot = lot->next)
		schedule_remove(backlog->schedule, &lot->schedule);
	free_entry(backlog, entry);
}

void
backlog_remove_lot(struct backlog *backlog, struct lot *lot)
{
	struct entry *entry = lot->entry;
	struct lot **at = &entry->lots;
	while (*at != lot)
		at = &(*at)->next;
	*at = lot->next;
	mem_free(&lot);
	if (!entry->lots)
		free_entry(backlog, entry);
}

int64_t
backlog_due(const struct entry *entry, int64_t now_ms)
{
	int64_t due_ms = INT64_MAX;
	for (const struct lot *lot = entry->lots; lot; lot = lot->next) {
		int64_t lot_due = lot->schedule.state == SCHEDULE_UNDER_WAY ? now_ms :
									   lot->schedule.due_ms;
		if (lot_due < due_ms && lot->count)
			due_ms = lot_due;
	}
	return due_ms;
}
