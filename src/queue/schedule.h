/* SPDX-License-Identifier: BSD-2-Clause */
/* What is sent next: due times, slots in all and per destination, fair turns; pure. */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "config/settings.h"

struct schedule;
struct schedule_destination;
struct schedule_flow;

enum schedule_state {
	SCHEDULE_IDLE,      /* not in the schedule */
	SCHEDULE_WAITING,   /* until it is due */
	SCHEDULE_READY,     /* due, for want of a slot */
	SCHEDULE_UNDER_WAY, /* taken */
};

/* Some recipients of one message that go the same way. In its owner's storage; zeroed at first. */
struct schedule_lot {
	uint64_t flow;  /* whose mail it is: every flow has its turn at a destination */
	bool fresh;     /* never tried; goes before what was, three times out of four */
	int64_t due_ms;
	/* the schedule's own */
	enum schedule_state state;
	struct schedule_destination *destination;
	struct schedule_flow *in;
	struct schedule_lot *next;
	uint64_t order; /* of coming in: first come first served among those due together */
	size_t slot;
};

struct schedule *schedule_new(void);
void schedule_free(struct schedule **schedule); /* lots stay their owners' */
void schedule_set_slots(struct schedule *schedule, unsigned slots); /* in all; 0 stops */

/* Found by its name or made; it stays. slots is how many may be under way to it. */
struct schedule_destination *schedule_destination(struct schedule *schedule, const char *name,
	unsigned slots);
const char *schedule_destination_name(const struct schedule_destination *destination);

/* An idle lot; due at due_ms. */
void schedule_add(struct schedule *schedule, struct schedule_destination *destination,
	struct schedule_lot *lot, int64_t due_ms);
/* A waiting or ready one becomes idle. */
void schedule_remove(struct schedule *schedule, struct schedule_lot *lot);
/* The next one that is due and has a slot, now under way; NULL if there is none. */
struct schedule_lot *schedule_take(struct schedule *schedule, int64_t now_ms);
/* One that was under way becomes idle, and its slot is free. */
void schedule_done(struct schedule *schedule, struct schedule_lot *lot);
/* When the next one comes due; INT64_MAX if none waits. */
int64_t schedule_next_due(const struct schedule *schedule);

struct schedule_counts {
	size_t waiting;
	size_t ready;
	size_t under_way;
};
struct schedule_counts schedule_count(const struct schedule *schedule);
/* Calls visit for each destination. */
void schedule_visit(const struct schedule *schedule,
	void (*visit)(void *context, const char *name, struct schedule_counts counts),
	void *context);

/* How long after the nth attempt (from 1) failed the next one comes. */
int64_t schedule_retry_ms(const struct settings_durations *retry, uint32_t attempts);

#endif
