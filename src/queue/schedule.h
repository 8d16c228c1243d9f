/* SPDX-License-Identifier: BSD-2-Clause */
/* What is sent next: due times, slots in all and per destination, rests, fair turns; pure. */
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

/* In order of precedence. Who comes later has turns too: nobody is kept waiting for ever. */
enum schedule_class {
	SCHEDULE_HIGH,
	SCHEDULE_NORMAL,
	SCHEDULE_LOW,   /* notices too */
	SCHEDULE_TRIED, /* whatever was deferred before */
	SCHEDULE_CLASS_COUNT,
};

/* Some recipients of one message that go the same way. In its owner's storage; zeroed at first. */
struct schedule_lot {
	uint64_t flow;  /* whose mail it is: every flow has its turn at a destination */
	enum schedule_class class; /* changed while it is idle alone */
	int64_t due_ms;
	/* the schedule's own */
	enum schedule_state state;
	struct schedule_destination *destination;
	struct schedule_flow *in;
	struct schedule_lot *next;
	struct schedule_lot *previous;
	unsigned outages; /* of the destination, when it was taken */
	unsigned cuts;    /* likewise */
	uint64_t order; /* of coming in: first come first served among those due together */
	size_t slot;
};

struct schedule *schedule_new(void);
void schedule_free(struct schedule **schedule); /* lots stay their owners' */
void schedule_set_slots(struct schedule *schedule, unsigned slots); /* in all; 0 stops */

/* How long a destination that cannot be reached is left alone: doubled each time, up to longest. */
struct schedule_rests {
	int64_t first_ms;
	int64_t longest_ms;
};
void schedule_set_rests(struct schedule *schedule, struct schedule_rests rests);

/*
 * Found by its name or made; it stays. slots is how many may be under way to it; it begins with
 * fewer, and has more with each that arrives.
 */
struct schedule_destination *schedule_destination(struct schedule *schedule, const char *name,
	unsigned slots);
const char *schedule_destination_name(const struct schedule_destination *destination);
const char *schedule_destination_why(const struct schedule_destination *destination);
size_t schedule_destination_lots(const struct schedule_destination *destination);

/* An idle lot; due at due_ms. */
void schedule_add(struct schedule *schedule, struct schedule_destination *destination,
	struct schedule_lot *lot, int64_t due_ms);
/* A waiting or ready one becomes idle. */
void schedule_remove(struct schedule *schedule, struct schedule_lot *lot);
/* The next one that is due and has a slot, now under way; NULL if there is none. */
struct schedule_lot *schedule_take(struct schedule *schedule, int64_t now_ms);
/* One that was under way becomes idle, and its slot is free. */
void schedule_done(struct schedule *schedule, struct schedule_lot *lot);
/* When the next one comes due, or a rest ends; INT64_MAX if nothing is waited for. */
int64_t schedule_next_due(const struct schedule *schedule);

/*
 * What a lot that was taken has shown of its destination. One that could not be reached rests: what
 * was sent before it did so says nothing new. After that a single lot tries it again.
 */
enum schedule_sight {
	SCHEDULE_ARRIVED,
	SCHEDULE_BROKE_OFF,  /* too much at once, perhaps: half the slots, once for all under way */
	SCHEDULE_UNREACHED,
};
void schedule_saw(struct schedule *schedule, const struct schedule_lot *lot,
	enum schedule_sight sight, const char *why, int64_t now_ms);
/*
 * Down: it rests for the longest time. What comes due there is better put off than kept: the next
 * such lot, idle now; NULL if there is none.
 */
struct schedule_lot *schedule_take_shut(struct schedule *schedule, int64_t now_ms);
/* No rest for any of them. */
void schedule_wake(struct schedule *schedule);

struct schedule_counts {
	size_t waiting;
	size_t ready;
	size_t under_way;
};
struct schedule_counts schedule_count(const struct schedule *schedule);
/* How a destination stands. Texts are its own. */
struct schedule_standing {
	const char *name;
	struct schedule_counts counts;
	unsigned slots;         /* the most there may be */
	unsigned open;          /* that many may be under way at the moment */
	unsigned outages;       /* failures in a row; 0: it is well */
	int64_t failing_ms;     /* since then, if it is not well */
	int64_t rest_until_ms;  /* 0: it does not rest */
	bool is_down;
	const char *why;        /* what was last said of it */
};
void schedule_visit(const struct schedule *schedule,
	void (*visit)(void *context, const struct schedule_standing *standing), void *context);

/* How long after the nth attempt (from 1) failed the next one comes. */
int64_t schedule_retry_ms(const struct settings_durations *retry, uint32_t attempts);

#endif
