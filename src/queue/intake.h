/* SPDX-License-Identifier: BSD-2-Clause */
/* One front end's channel: body files, commits, and what it must be told. */
#ifndef QUEUE_INTAKE_H
#define QUEUE_INTAKE_H

#include "ipc/channel.h"
#include "queue/admission.h"
#include "queue/bodies.h"
#include "queue/herald.h"
#include "queue/inquiry.h"
#include "queue/pressure.h"
#include "queue/spool.h"

/* What all intakes share; outlives them. */
struct intake_means {
	struct loop *loop;
	struct spool *spool;
	struct bodies *bodies;
	struct admission admission;
	struct pressure pressure;
	struct inquiry_means inquiry;
	struct herald *herald;
	int64_t (*now)(void *context);   /* the queue's time */
	void (*on_message)(void *context, struct parcel *parcel); /* it is in, and not held */
	void *context;
};

struct intake;

/* Takes fd. on_closed is called once, at the end of a turn: then free it. */
struct intake *intake_new(struct intake_means *means, int fd, uint8_t instance,
	void (*on_closed)(void *context, struct intake *intake), void *context);
/* The channel closes; what is under way is finished without an answer; body files go. */
void intake_free(struct intake **intake);
uint8_t intake_instance(const struct intake *intake);
/* How short of space the queue is has changed. */
void intake_tell_pressure(struct intake *intake);
/* COMMITs and files under way. */
size_t intake_busy(const struct intake *intake);

#endif
