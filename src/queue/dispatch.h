/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends what is due to relay as jobs, and writes down what came of them. */
#ifndef QUEUE_DISPATCH_H
#define QUEUE_DISPATCH_H

#include "ipc/channel.h"
#include "ipc/message_recipient.h"
#include "queue/schedule.h"
#include "queue/spool.h"

struct dispatch;

/* settings are held; now gives the queue's time. The spool outlives it. */
struct dispatch *dispatch_new(struct loop *loop, struct spool *spool,
	const struct settings *settings, int64_t (*now)(void *context), void *context);
/* After the spool has been closed. */
void dispatch_free(struct dispatch **dispatch);

/* Takes fd, the queue's end of a channel to relay; an older relay is given up. */
void dispatch_link(struct dispatch *dispatch, int fd);
void dispatch_unlink(struct dispatch *dispatch);
bool dispatch_has_relay(const struct dispatch *dispatch);
/* CALL_AHEAD to relay. False if it is away: then there is no answer. */
bool dispatch_call_ahead(struct dispatch *dispatch, const struct message_call_ahead *asked,
	uint64_t wait_ms, channel_answer_fn on_answer, void *context);
/* New routes and limits. */
void dispatch_use(struct dispatch *dispatch, const struct settings *settings);
/* Mail from before does not age by it. */
void dispatch_set_gap(struct dispatch *dispatch, const struct timekeeper_gap *gap);
/* No new jobs from now on. */
void dispatch_stop(struct dispatch *dispatch);
/* Jobs under way, and results being written. */
size_t dispatch_busy(const struct dispatch *dispatch);

/* A message is in the spool, and not held. */
void dispatch_add(struct dispatch *dispatch, struct parcel *parcel);
/* Mail is wanted out now: no destination is left alone any longer. */
void dispatch_flush(struct dispatch *dispatch);
/* A message was held or deleted: it is not tried any more, but for what is under way. */
void dispatch_park(struct dispatch *dispatch, uint64_t seq);
/* A message was released, or is to be tried now. */
void dispatch_wake(struct dispatch *dispatch, uint64_t seq);
/* Many were: everything is loaded afresh. */
void dispatch_restart(struct dispatch *dispatch);

const struct schedule *dispatch_schedule(const struct dispatch *dispatch);

#endif
