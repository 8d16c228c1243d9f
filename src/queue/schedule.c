/* SPDX-License-Identifier: BSD-2-Clause */
/* What is sent next: due times, slots in all and per destination, fair turns; pure. */
#include "queue/schedule.h"

#include "queue/index.h"

#include <assert.h>
#include <string.h>

enum {
	CLASS_FRESH,
	CLASS_TRIED,
	CLASS_COUNT,
	/* Every so many turns what was tried before goes first: fresh mail cannot starve it. */
	TURNS_TO_TRIED = 4,
};

/* The lots of one sender at one destination, first come first served. */
struct schedule_flow {
	struct schedule_flow *next; /* in the ring of its class */
	uint64_t key;
	struct schedule_lot *first;
	struct schedule_lot **end;
};

/* The flows take turns: the first one gives a lot and goes to the end. */
struct class {
	struct index flows;
	struct schedule_flow *first;
	struct schedule_flow **end;
};

struct schedule_destination {
	struct schedule_destination *next; /* in the ring of those that could send */
	bool in_ring;
	char *name;
	unsigned slots;
	unsigned turn;
	struct class classes[CLASS_COUNT];
	struct schedule_counts counts;
};

struct schedule {
	unsigned slots;
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
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		struct class *class = &destination->classes[i];
		for (struct schedule_flow *flow; (flow = class->first);) {
			class->first = flow->next;
			mem_free(&flow);
		}
		index_fini(&class->flows);
	}
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

/* ---- the ring of destinations that have something ready and a slot for it */

static void
enter_ring(struct schedule *schedule, struct schedule_destination *destination)
{
	if (destination->in_ring || !destination->counts.ready ||
		destination->counts.under_way >= destination->slots)
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
		for (size_t i = 0; i < CLASS_COUNT; i++)
			destination->classes[i].end = &destination->classes[i].first;
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

/* ---- the flows of those that are ready */

static void
ring_add(struct class *class, struct schedule_flow *flow)
{
	flow->next = NULL;
	*class->end = flow;
	class->end = &flow->next;
}

static void
make_ready(struct schedule *schedule, struct schedule_lot *lot)
{
	struct schedule_destination *destination = lot->destination;
	struct class *class = &destination->classes[lot->fresh ? CLASS_FRESH : CLASS_TRIED];
	struct schedule_flow *flow = index_find(&class->flows, lot->flow);
	if (!flow) {
		flow = mem_alloc(sizeof(*flow));
		flow->key = lot->flow;
		flow->end = &flow->first;
		index_add(&class->flows, flow->key, flow);
		ring_add(class, flow);
	}
	lot->next = NULL;
	lot->in = flow;
	*flow->end = lot;
	flow->end = &lot->next;
	lot->state = SCHEDULE_READY;
	schedule->counts.ready++;
	destination->counts.ready++;
	enter_ring(schedule, destination);
}

static void
leave_ready(struct schedule *schedule, struct schedule_lot *lot)
{
	lot->in = NULL;
	lot->state = SCHEDULE_IDLE;
	schedule->counts.ready--;
	lot->destination->counts.ready--;
}

static struct schedule_lot *
take_of(struct schedule *schedule, struct class *class)
{
	struct schedule_flow *flow = class->first;
	struct schedule_lot *lot = flow->first;
	class->first = flow->next;
	if (!class->first)
		class->end = &class->first;
	flow->first = lot->next;
	if (flow->first) {
		ring_add(class, flow);
	} else {
		index_take(&class->flows, flow->key);
		mem_free(&flow);
	}
	leave_ready(schedule, lot);
	return lot;
}

static void
remove_ready(struct schedule *schedule, struct schedule_lot *lot)
{
	struct class *class =
		&lot->destination->classes[lot->fresh ? CLASS_FRESH : CLASS_TRIED];
	struct schedule_flow *flow = lot->in;
	struct schedule_lot **at = &flow->first;
	while (*at != lot)
		at = &(*at)->next;
	*at = lot->next;
	if (flow->end == &lot->next)
		flow->end = at;
	leave_ready(schedule, lot);
	if (flow->first)
		return;
	struct schedule_flow **flow_at = &class->first;
	while (*flow_at != flow)
		flow_at = &(*flow_at)->next;
	*flow_at = flow->next;
	if (class->end == &flow->next)
		class->end = flow_at;
	index_take(&class->flows, flow->key);
	mem_free(&flow);
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
	if (lot->state == SCHEDULE_WAITING)
		heap_remove(schedule, lot);
	else if (lot->state == SCHEDULE_READY)
		remove_ready(schedule, lot);
}

/* Whose turn it is: a class of the destination that has something ready. */
static struct class *
class_of_turn(struct schedule_destination *destination)
{
	struct class *fresh = &destination->classes[CLASS_FRESH];
	struct class *tried = &destination->classes[CLASS_TRIED];
	bool tried_first = ++destination->turn % TURNS_TO_TRIED == 0;
	if (!fresh->first || (tried_first && tried->first))
		return tried;
	return fresh;
}

struct schedule_lot *
schedule_take(struct schedule *schedule, int64_t now_ms)
{
	while (schedule->counts.waiting && schedule->heap[0]->due_ms <= now_ms) {
		struct schedule_lot *due = schedule->heap[0];
		heap_remove(schedule, due);
		make_ready(schedule, due);
	}
	if (schedule->counts.under_way >= schedule->slots)
		return NULL;
	struct schedule_destination *destination;
	/* Since it entered, its lots may have been removed or its slots taken away. */
	do {
		destination = leave_ring(schedule);
	} while (destination && (!destination->counts.ready ||
					destination->counts.under_way >= destination->slots));
	if (!destination)
		return NULL;
	struct schedule_lot *lot = take_of(schedule, class_of_turn(destination));
	lot->state = SCHEDULE_UNDER_WAY;
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
	return schedule->counts.waiting ? schedule->heap[0]->due_ms : INT64_MAX;
}

struct schedule_counts
schedule_count(const struct schedule *schedule)
{
	return schedule->counts;
}

void
schedule_visit(const struct schedule *schedule,
	void (*visit)(void *context, const char *name, struct schedule_counts counts),
	void *context)
{
	for (size_t i = 0; i < schedule->destination_count; i++)
		visit(context, schedule->destinations[i]->name, schedule->destinations[i]->counts);
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
