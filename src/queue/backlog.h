/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in memory: small entries of what the spool holds, split into lots by route. */
#ifndef QUEUE_BACKLOG_H
#define QUEUE_BACKLOG_H

#include "queue/index.h"
#include "queue/schedule.h"
#include "queue/spool.h"

/* A recipient of a lot: still waiting. */
struct lot_recipient {
	uint32_t number;
	uint16_t attempts;
	bool delay_told;
};

/* Recipients of one message that take the same route. It begins with its place in the schedule. */
struct lot {
	struct schedule_lot schedule;
	struct entry *entry;
	struct lot *next;           /* of the same message */
	bool has_route;             /* false: no route fits, it can only be put off */
	bool at_mailbox;            /* the route is LMTP */
	bool settling;              /* its result is being written */
	unsigned interruptions;     /* jobs that came back without a result */
	uint64_t job;               /* under way */
	struct parcel *parcel;      /* under way: what was sent */
	size_t count;
	struct lot_recipient recipients[];
};

struct entry {
	uint64_t seq;
	uint64_t flow;
	int64_t received_ms;
	struct lot *lots;
	bool stored;                /* recipients of it are stored */
	bool parked;                /* held or deleted while under way: not to be tried again */
	bool stale;                 /* split by routes that are no longer in force */
	struct parcel *parcel;      /* cached; NULL: fetch it */
	struct entry *cache_next;
	struct entry *cache_previous;
};

struct backlog;

/* schedule and settings outlive it. */
struct backlog *backlog_new(struct schedule *schedule, const struct settings *settings);
void backlog_free(struct backlog **backlog);
/* New routes hold for what is added from now on. */
void backlog_use(struct backlog *backlog, const struct settings *settings);

/*
 * No destination fills the memory: one may have 20,000 messages there, and 1,000 even if 50,000 are
 * there in all. Of every flow some 100 are let in none the less, so that nobody waits for the end of
 * what somebody else has sent.
 */
bool backlog_has_room(const struct backlog *backlog, const struct record *record);
/* Is it worth while to look for more for this destination? */
bool backlog_wants(const struct backlog *backlog, const struct schedule_destination *destination);
/* Calls visit with the destination of each recipient; the same one perhaps more than once. */
void backlog_visit(const struct backlog *backlog, const struct record *record,
	void (*visit)(void *context, struct schedule_destination *destination), void *context);

size_t backlog_count(const struct backlog *backlog);
struct entry *backlog_find(const struct backlog *backlog, uint64_t seq);
/*
 * Adds a message that is not there yet, and schedules its lots: at due_ms, or now if that is 0.
 * recipients are those of which something is stored. Without a recipient that waits: NULL.
 */
struct entry *backlog_add(struct backlog *backlog, uint64_t seq, int64_t received_ms,
	const struct record *record, const struct recipient *recipients, size_t recipient_count,
	int64_t due_ms);
/* Keeps a reference for as long as there is room for it; the oldest make room. */
void backlog_cache(struct backlog *backlog, struct entry *entry, struct parcel *parcel);
void backlog_uncache(struct backlog *backlog, struct entry *entry);

/* Is none of its lots under way or settling? */
bool backlog_is_idle(const struct entry *entry);
/* An idle one goes out of memory; the spool has it still. */
void backlog_remove(struct backlog *backlog, struct entry *entry);
/* The lot has no recipient left. It must be idle. */
void backlog_remove_lot(struct backlog *backlog, struct lot *lot);
/* Every idle one; the others are stale from now on. */
void backlog_clear(struct backlog *backlog);
/* The earliest of its lots; now counts for one under way. INT64_MAX if it has none that waits. */
int64_t backlog_due(const struct entry *entry, int64_t now_ms);

#endif
