/* SPDX-License-Identifier: BSD-2-Clause */
/* What dispatch.c and dispatch_result.c share. For them alone. */
#ifndef QUEUE_DISPATCH_STATE_H
#define QUEUE_DISPATCH_STATE_H

#include "queue/dispatch.h"
#include "queue/loader.h"

struct replay;

struct dispatch {
	struct loop *loop;
	struct spool *spool;
	struct settings *settings;
	struct schedule *schedule;
	struct backlog *backlog;
	struct loader *loader;
	struct channel *relay;
	bool relay_ready;
	bool stopping;
	struct index jobs;           /* lots at relay, by the number of their job */
	size_t settling;             /* results on their way to disk */
	size_t settling_max;         /* no job goes out while there are as many */
	struct timekeeper_gap gap;   /* before this run */
	size_t shutting;             /* read, to be put off */
	size_t replays;              /* results of another queue's jobs, not yet dealt with */
	struct replay *unread;       /* results whose message could not be read just now */
	struct loop_timer fill;
	struct loop_timer due;
	struct loop_defer pump;
	int64_t (*now)(void *context);
	void *context;
};

static inline int64_t
dispatch_now(const struct dispatch *dispatch)
{
	return dispatch->now(dispatch->context);
}

/* Nothing goes out that a result on its way to disk may speak of. */
static inline bool
dispatch_may_send(const struct dispatch *dispatch)
{
	return dispatch->relay_ready && dispatch->replays == 0;
}

/*
 * A lot that has left the schedule, and what became of it: writes it down, tells relay, puts back
 * what still waits. The result's texts are in the arena, which is taken.
 */
void dispatch_settle(struct dispatch *dispatch, struct lot *lot,
	const struct message_result *result, struct arena *arena);
/* The same of a lot for which nothing was tried: it is tried again, told of, returned in the end. */
void dispatch_settle_untried(struct dispatch *dispatch, struct lot *lot, const char *enhanced,
	const char *text);
/* A lot that has left the schedule, but is not settling, goes back without an attempt counted. */
void dispatch_return(struct dispatch *dispatch, struct lot *lot, int64_t wait_ms);
/* How long one waits that relay took to its grave, or that could not be read: longer each time. */
int64_t dispatch_longer_wait(struct lot *lot);
/* Puts off what is due at destinations that are down, a bit at a time. */
void dispatch_shut(struct dispatch *dispatch, int64_t now_ms);
/* A result of a job that another queue sent. Takes the arena too. */
void dispatch_replay(struct dispatch *dispatch, const struct message_result *result,
	struct arena *arena);
void dispatch_retry_replays(struct dispatch *dispatch);
void dispatch_forget_replays(struct dispatch *dispatch);

#endif
