/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded pools of threads for work that may block; results come back on the loop. */
#ifndef IO_WORKER_H
#define IO_WORKER_H

#include "base/fault.h"
#include "io/loop.h"

struct worker_pool;
struct worker_job;

enum worker_result {
	WORKER_DONE,
	WORKER_LATE, /* the deadline passed, in the queue or on the thread */
};

/*
 * What a job is. run() is called on a thread and touches nothing but its context. done() is called
 * on the loop, exactly once unless the job was cancelled. release() is called on the loop when no
 * thread can touch the context any more: right after done(), or, for a job that was late or
 * cancelled while it ran, when its thread has come back; never if it never does.
 */
struct worker_task {
	void (*run)(void *context);
	void (*done)(enum worker_result result, void *context);
	void (*release)(void *context); /* NULL allowed */
};

/*
 * The threads are started here, so before a system call filter is entered; they block all signals.
 * They are not replaced: a pool whose threads all hang refuses work when its queue is full.
 * The name shows in the system's thread list: at most 15 bytes.
 */
struct worker_pool *worker_pool_new(struct loop *loop, const char *name, unsigned threads,
	unsigned queue_max, struct fault *fault_out);
/* NULL if the queue is full. The task must outlive the job. */
struct worker_job *worker_submit(struct worker_pool *pool, const struct worker_task *task,
	void *context, uint64_t deadline_ms);
/* done() will not be called. Only between submit and done. */
void worker_cancel(struct worker_job **job);
/* Jobs of which the outcome is still owed, waiting or running. */
unsigned worker_pool_load(const struct worker_pool *pool);
/*
 * Cancels what waits and runs, gives running jobs wait_ms to come back, and abandons the threads of
 * those that do not (their contexts are then never released). Nobody may hold a job of it any more: a
 * stream in its handshake is freed before its pool.
 */
void worker_pool_free(struct worker_pool **pool, uint64_t wait_ms);

#endif
