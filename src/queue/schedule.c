/* SPDX-License-Identifier: BSD-2-Clause */
/* What is sent next: due times, slots in all and per destination, rests, fair turns; pure. */
#include "queue/turns.h"

#include <assert.h>
#include <string.h>

enum { OPEN_AT_FIRST = 10 }; /* of its slots, a destination that is not known yet */

struct schedule_destination {
	struct schedule_destination *next; /* in the ring of those that could send */
	bool in_ring;
	char *name;
	unsigned slots;
	unsigned open;
	unsigned outages;
	unsigned cuts;         /* how often its slots were halved */
	int64_t failing_ms;
	int64_t rest_ms;       /* the length of this rest or the last one */
	int64_t rest_until_ms; /* 0: none */
	char *why;
	struct turns turns;
	struct schedule_counts counts;
};

struct schedule {
	unsigned slots;
	struct schedule_rests rests;
	size_t resting; /* destinations */
	struct schedule_counts counts;
	struct schedule_lot **heap; /* waiting, by due time; slot is 1-based */
	size_t heap_room;
	uint64_t order;
	struct schedule_destination **destinations;
	size_t destination_count;
	struct schedule_destination *first;
	struct schedule_destination **end;
};

struct schedule *
schedule_new(void)
{
	struct schedule *schedule = mem_alloc(sizeof(*schedule));
	schedule->end = &schedule->first;
	return schedule;
}

static void
destination_free(struct schedule_destination *destination)
{
	turns_fini(&destination->turns);
	mem_free(&destination->why);
	mem_free(&destination->name);
	mem_free(&destination);
}

void
schedule_free(struct schedule **schedule)
{
	struct schedule *old = *schedule;
	*schedule = NULL;
	if (!old)
		return;
	for (size_t i = 0; i < old->destination_count; i++)
		destination_free(old->destinations[i]);
	mem_free(&old->destinations);
	mem_free(&old->heap);
	mem_free(&old);
}

void
schedule_set_slots(struct schedule *schedule, unsigned slots)
{
	schedule->slots = slots;
}

void
schedule_set_rests(struct schedule *schedule, struct schedule_rests rests)
{
	schedule->rests = rests;
}

/* ---- the ring of destinations that have something ready and a slot for it */

static bool
may_send(const struct schedule_destination *destination)
{
	unsigned open = destination->open < destination->slots ? destination->open :
								 destination->slots;
	return destination->counts.ready && destination->counts.under_way < open &&
		!destination->rest_until_ms;
}

static void
enter_ring(struct schedule *schedule, struct schedule_destination *destination)
{
	if (destination->in_ring || !may_send(destination))
		return;
	destination->in_ring = true;
	destination->next = NULL;
	*schedule->end = destination;
	schedule->end = &destination->next;
}

static struct schedule_destination *
leave_ring(struct schedule *schedule)
{
	struct schedule_destination *first = schedule->first;
	if (!first)
		return NULL;
	schedule->first = first->next;
	if (!schedule->first)
		schedule->end = &schedule->first;
	first->in_ring = false;
	return first;
}

struct schedule_destination *
schedule_destination(struct schedule *schedule, const char *name, unsigned slots)
{
	struct schedule_destination *destination = NULL;
	for (size_t i = 0; i < schedule->destination_count; i++) {
		if (strcmp(schedule->destinations[i]->name, name) == 0)
			destination = schedule->destinations[i];
	}
	if (!destination) {
		destination = mem_alloc(sizeof(*destination));
		destination->name = mem_strdup(name);
		destination->open = OPEN_AT_FIRST;
		schedule->destinations = mem_grow_array(schedule->destinations,
			schedule->destination_count + 1, sizeof(*schedule->destinations));
		schedule->destinations[schedule->destination_count++] = destination;
	}
	destination->slots = slots;
	enter_ring(schedule, destination);
	return destination;
}

const char *
schedule_destination_name(const struct schedule_destination *destination)
{
	return destination->name;
}

const char *
schedule_destination_why(const struct schedule_destination *destination)
{
	return destination->why ? destination->why : "";
}

size_t
schedule_destination_lots(const struct schedule_destination *destination)
{
	return destination->counts.waiting + destination->counts.ready +
		destination->counts.under_way;
}

/* ---- the heap of those that wait */

static bool
is_before(const struct schedule_lot *a, const struct schedule_lot *b)
{
	return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order);
}

static void
put(struct schedule *schedule, size_t slot, struct schedule_lot *lot)
{
	schedule->heap[slot - 1] = lot;
	lot->slot = slot;
}

static void
sift_up(struct schedule *schedule, struct schedule_lot *lot, size_t slot)
{
	while (slot > 1 && is_before(lot, schedule->heap[slot / 2 - 1])) {
		put(schedule, slot, schedule->heap[slot / 2 - 1]);
		slot /= 2;
	}
	put(schedule, slot, lot);
}

static void
sift_down(struct schedule *schedule, struct schedule_lot *lot, size_t slot)
{
	size_t count = schedule->counts.waiting;
	for (size_t child; (child = 2 * slot) <= count; slot = child) {
		if (child < count && is_before(schedule->heap[child], schedule->heap[child - 1]))
			child++;
		if (!is_before(schedule->heap[child - 1], lot))
			break;
		put(schedule, slot, schedule->heap[child - 1]);
	}
	put(schedule, slot, lot);
}

static void
heap_add(struct schedule *schedule, struct schedule_lot *lot)
{
	if (schedule->counts.waiting == schedule->heap_room) {
		schedule->heap_room = schedule->heap_room ? 2 * schedule->heap_room : 64;
		schedule->heap = mem_grow_array(
			schedule->heap, schedule->heap_room, sizeof(*schedule->heap));
	}
	schedule->counts.waiting++;
	lot->destination->counts.waiting++;
	lot->state = SCHEDULE_WAITING;
	sift_up(schedule, lot, schedule->counts.waiting);
}

static void
heap_remove(struct schedule *schedule, struct schedule_lot *lot)
{
	struct schedule_lot *last = schedule->heap[--schedule->counts.waiting];
	lot->destination->counts.waiting--;
	lot->state = SCHEDULE_IDLE;
	if (last == lot)
		return;
	if (is_before(last, lot))
		sift_up(schedule, last, lot->slot);
	else
		sift_down(schedule, last, lot->slot);
}

/* ---- those that are ready */

static void
make_ready(struct schedule *schedule, struct schedule_lot *lot)
{
	struct schedule_destination *destination = lot->destination;
	turns_add(&destination->turns, lot);
	lot->state = SCHEDULE_READY;
	schedule->counts.ready++;
	destination->counts.ready++;
	enter_ring(schedule, destination);
}

static void
leave_ready(struct schedule *schedule, struct schedule_lot *lot)
{
	lot->state = SCHEDULE_IDLE;
	schedule->counts.ready--;
	lot->destination->counts.ready--;
}

static void
make_due_ready(struct schedule *schedule, int64_t now_ms)
{
	while (schedule->counts.waiting && schedule->heap[0]->due_ms <= now_ms) {
		struct schedule_lot *due = schedule->heap[0];
		heap_remove(schedule, due);
		make_ready(schedule, due);
	}
}

/* ---- rests */

static void
end_rest(struct schedule *schedule, struct schedule_destination *destination)
{
	if (!destination->rest_until_ms)
		return;
	destination->rest_until_ms = 0;
	schedule->resting--;
	enter_ring(schedule, destination);
}

static void
rest(struct schedule *schedule, struct schedule_destination *destination, int64_t now_ms)
{
	int64_t longest_ms = schedule->rests.longest_ms;
	if (!destination->outages++) {
		destination->failing_ms = now_ms;
		destination->rest_ms = schedule->rests.first_ms;
	} else if (destination->rest_ms <= longest_ms / 2) {
		destination->rest_ms *= 2;
	} else {
		destination->rest_ms = longest_ms;
	}
	if (destination->rest_ms > longest_ms)
		destination->rest_ms = longest_ms;
	destination->open = 1;
	schedule->resting += !destination->rest_until_ms;
	destination->rest_until_ms = now_ms + destination->rest_ms;
}

void
schedule_saw(struct schedule *schedule, const struct schedule_lot *lot, enum schedule_sight sight,
	const char *why, int64_t now_ms)
{
	struct schedule_destination *destination = lot->destination;
	if (sight == SCHEDULE_UNREACHED && lot->outages != destination->outages)
		return;
	mem_free(&destination->why);
	switch (sight) {
	case SCHEDULE_ARRIVED:
		destination->outages = 0;
		if (destination->open < destination->slots)
			destination->open++;
		end_rest(schedule, destination);
		enter_ring(schedule, destination);
		return;
	case SCHEDULE_BROKE_OFF:
		/* What was under way with one that broke off breaks off for the same reason. */
		if (lot->cuts != destination->cuts)
			break;
		destination->cuts++;
		if (destination->open > destination->slots)
			destination->open = destination->slots;
		destination->open = (destination->open + 1) / 2;
		break;
	case SCHEDULE_UNREACHED:
		rest(schedule, destination, now_ms);
		break;
	}
	destination->why = mem_strdup(why);
}

static bool
is_down(const struct schedule *schedule, const struct schedule_destination *destination)
{
	return destination->rest_until_ms && destination->rest_ms >= schedule->rests.longest_ms;
}

struct schedule_lot *
schedule_take_shut(struct schedule *schedule, int64_t now_ms)
{
	make_due_ready(schedule, now_ms);
	for (size_t i = 0; schedule->resting && i < schedule->destination_count; i++) {
		struct schedule_destination *destination = schedule->destinations[i];
		if (!destination->counts.ready || !is_down(schedule, destination))
			continue;
		struct schedule_lot *lot = turns_take(&destination->turns);
		leave_ready(schedule, lot);
		return lot;
	}
	return NULL;
}

static void
end_rests(struct schedule *schedule, int64_t now_ms)
{
	for (size_t i = 0; schedule->resting && i < schedule->destination_count; i++) {
		if (schedule->destinations[i]->rest_until_ms <= now_ms)
			end_rest(schedule, schedule->destinations[i]);
	}
}

void
schedule_wake(struct schedule *schedule)
{
	for (size_t i = 0; i < schedule->destination_count; i++) {
		/* The first to go out tells how it is. */
		schedule->destinations[i]->outages = 0;
		end_rest(schedule, schedule->destinations[i]);
	}
}

/* ---- what others call */

void
schedule_add(struct schedule *schedule, struct schedule_destination *destination,
	struct schedule_lot *lot, int64_t due_ms)
{
	assert(lot->state == SCHEDULE_IDLE);
	lot->destination = destination;
	lot->due_ms = due_ms;
	lot->order = schedule->order++;
	heap_add(schedule, lot);
}

void
schedule_remove(struct schedule *schedule, struct schedule_lot *lot)
{
	assert(lot->state != SCHEDULE_UNDER_WAY);
	if (lot->state == SCHEDULE_WAITING) {
		heap_remove(schedule, lot);
	} else if (lot->state == SCHEDULE_READY) {
		turns_remove(&lot->destination->turns, lot);
		leave_ready(schedule, lot);
	}
}

struct schedule_lot *
schedule_take(struct schedule *schedule, int64_t now_ms)
{
	end_rests(schedule, now_ms);
	make_due_ready(schedule, now_ms);
	if (schedule->counts.under_way >= schedule->slots)
		return NULL;
	struct schedule_destination *destination;
	/* Since it entered, its lots may have been removed or its slots taken away. */
	do {
		destination = leave_ring(schedule);
	} while (destination && !may_send(destination));
	if (!destination)
		return NULL;
	struct schedule_lot *lot = turns_take(&destination->turns);
	leave_ready(schedule, lot);
	lot->state = SCHEDULE_UNDER_WAY;
	lot->outages = destination->outages;
	lot->cuts = destination->cuts;
	schedule->counts.under_way++;
	destination->counts.under_way++;
	enter_ring(schedule, destination);
	return lot;
}

void
schedule_done(struct schedule *schedule, struct schedule_lot *lot)
{
	assert(lot->state == SCHEDULE_UNDER_WAY);
	lot->state = SCHEDULE_IDLE;
	schedule->counts.under_way--;
	lot->destination->counts.under_way--;
	enter_ring(schedule, lot->destination);
}

int64_t
schedule_next_due(const struct schedule *schedule)
{
	int64_t due_ms = schedule->counts.waiting ? schedule->heap[0]->due_ms : INT64_MAX;
	for (size_t i = 0; schedule->resting && i < schedule->destination_count; i++) {
		const struct schedule_destination *destination = schedule->destinations[i];
		if (destination->rest_until_ms && destination->rest_until_ms < due_ms &&
			destination->counts.ready)
			due_ms = destination->rest_until_ms;
	}
	return due_ms;
}

struct schedule_counts
schedule_count(const struct schedule *schedule)
{
	return schedule->counts;
}

void
schedule_visit(const struct schedule *schedule,
	void (*visit)(void *context, const struct schedule_standing *standing), void *context)
{
	for (size_t i = 0; i < schedule->destination_count; i++) {
		const struct schedule_destination *destination = schedule->destinations[i];
		const struct schedule_standing standing = {
			.name = destination->name,
			.counts = destination->counts,
			.slots = destination->slots,
			.open = destination->open < destination->slots ? destination->open :
									 destination->slots,
			.outages = destination->outages,
			.failing_ms = destination->outages ? destination->failing_ms : 0,
			.rest_until_ms = destination->rest_until_ms,
			.is_down = is_down(schedule, destination),
			.why = destination->why ? destination->why : "",
		};
		visit(context, &standing);
	}
}

int64_t
schedule_retry_ms(const struct settings_durations *retry, uint32_t attempts)
{
	enum { NO_SCHEDULE_MS = 15 * 60 * 1000 };
	if (!retry->count)
		return NO_SCHEDULE_MS;
	size_t step = attempts ? attempts - 1 : 0;
	return (int64_t)retry->items[step < retry->count ? step : retry->count - 1];
}
