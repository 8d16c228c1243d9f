/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is at one destination: by class, and within one by flow. */
#include "queue/turns.h"

/* Of eight turns. A class that has nobody leaves its turns to the first that has. */
static const enum schedule_class order[] = { SCHEDULE_HIGH, SCHEDULE_NORMAL, SCHEDULE_HIGH,
	SCHEDULE_TRIED, SCHEDULE_NORMAL, SCHEDULE_HIGH, SCHEDULE_LOW, SCHEDULE_TRIED };

/* The lots of one sender, first come first served. */
struct schedule_flow {
	struct schedule_flow *next;
	struct schedule_flow *previous;
	uint64_t key;
	struct schedule_lot *first;
	struct schedule_lot *last;
};

/* ---- the ring of a class */

static void
ring_add(struct turns_class *class, struct schedule_flow *flow)
{
	flow->next = NULL;
	flow->previous = class->last;
	*(class->last ? &class->last->next : &class->first) = flow;
	class->last = flow;
}

static void
ring_remove(struct turns_class *class, struct schedule_flow *flow)
{
	*(flow->previous ? &flow->previous->next : &class->first) = flow->next;
	*(flow->next ? &flow->next->previous : &class->last) = flow->previous;
}

static void
end_flow(struct turns_class *class, struct schedule_flow *flow)
{
	ring_remove(class, flow);
	index_take(&class->flows, flow->key);
	mem_free(&flow);
}

void
turns_fini(struct turns *turns)
{
	for (size_t i = 0; i < SCHEDULE_CLASS_COUNT; i++) {
		struct turns_class *class = &turns->classes[i];
		while (class->first)
			end_flow(class, class->first);
		index_fini(&class->flows);
	}
}

/* ---- lots */

void
turns_add(struct turns *turns, struct schedule_lot *lot)
{
	struct turns_class *class = &turns->classes[lot->class];
	struct schedule_flow *flow = index_find(&class->flows, lot->flow);
	if (!flow) {
		flow = mem_alloc(sizeof(*flow));
		flow->key = lot->flow;
		index_add(&class->flows, flow->key, flow);
		ring_add(class, flow);
	}
	lot->in = flow;
	lot->next = NULL;
	lot->previous = flow->last;
	*(flow->last ? &flow->last->next : &flow->first) = lot;
	flow->last = lot;
}

static void
unlink_lot(struct schedule_lot *lot)
{
	struct schedule_flow *flow = lot->in;
	*(lot->previous ? &lot->previous->next : &flow->first) = lot->next;
	*(lot->next ? &lot->next->previous : &flow->last) = lot->previous;
	lot->next = lot->previous = NULL;
	lot->in = NULL;
}

void
turns_remove(struct turns *turns, struct schedule_lot *lot)
{
	struct schedule_flow *flow = lot->in;
	unlink_lot(lot);
	if (!flow->first)
		end_flow(&turns->classes[lot->class], flow);
}

static struct turns_class *
class_of_turn(struct turns *turns)
{
	struct turns_class *class =
		&turns->classes[order[turns->turn++ % (sizeof(order) / sizeof(order[0]))]];
	for (size_t i = 0; !class->first && i < SCHEDULE_CLASS_COUNT; i++)
		class = &turns->classes[i];
	return class->first ? class : NULL;
}

struct schedule_lot *
turns_take(struct turns *turns)
{
	struct turns_class *class = class_of_turn(turns);
	if (!class)
		return NULL;
	struct schedule_flow *flow = class->first;
	struct schedule_lot *lot = flow->first;
	unlink_lot(lot);
	if (flow->first) {
		ring_remove(class, flow);
		ring_add(class, flow);
	} else {
		end_flow(class, flow);
	}
	return lot;
}
