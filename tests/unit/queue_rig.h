/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests of the queue's parts share: a loop with a deadline, and a spool in a folder of its own. */
#ifndef UNIT_QUEUE_RIG_H
#define UNIT_QUEUE_RIG_H

#include "../fake/mail_samples.h"
#include "queue/spool.h"
#include "unit.h"

#include <stdio.h>

enum { QUEUE_RIG_WAIT_MS = 20000 };

static struct loop *loop;
static struct spool *spool;
static char path[300];
static struct loop_timer deadline;
static bool late;

static inline void
rig_on_deadline(void *context)
{
	(void)context;
	late = true;
	loop_stop(loop);
}

static inline void
rig_begin(void)
{
	snprintf(path, sizeof(path), "%s/queue", sample_folder_make());
	loop = loop_new();
	loop_timer_init(&deadline, loop, rig_on_deadline, NULL);
	late = false;
}

/* Opened (again), or the test fails here and with the reason. */
static inline void
rig_open_spool(bool sync)
{
	struct fault fault = FAULT_INIT;
	spool = spool_open(loop, path, sync, &fault);
	if (!spool)
		fail_msg("%s", fault.text);
}

static inline void
rig_end(void)
{
	spool_close(&spool);
	loop_timer_stop(&deadline);
	loop_free(&loop);
	sample_folder_remove();
}

/* Runs the loop until so many have come; callbacks that count stop the loop. */
static inline void
wait_for_least(const size_t *count, size_t wanted)
{
	loop_timer_start(&deadline, QUEUE_RIG_WAIT_MS);
	while (*count < wanted && !late)
		loop_run(loop);
	loop_timer_stop(&deadline);
	assert_false(late);
}

static inline void
wait_for(const size_t *count, size_t wanted)
{
	wait_for_least(count, wanted);
	assert_int_equal(*count, wanted);
}

static size_t rig_answered;

static inline void
rig_on_answer(struct spool_request *request)
{
	(void)request;
	rig_answered++;
	loop_stop(loop);
}

/* One request, and what came of it. */
static inline enum spool_result
ask_spool(struct spool_request *request)
{
	request->on_done = rig_on_answer;
	rig_answered = 0;
	spool_ask(spool, request);
	wait_for(&rig_answered, 1);
	return request->result;
}

#endif
