/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded pools of threads: a queue with a cap, a deadline for each job, results on the loop. */
#include "io/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "io/loop_uv.h"

enum { STACK_BYTES = 1024 * 1024, NAME_MAX_BYTES = 16 };

enum job_state {
	JOB_WAITING,
	JOB_RUNNING,
	JOB_RETURNED,
};

struct worker_job {
	struct worker_pool *pool;
	const struct worker_task *task;
	void *context;
	struct loop_timer deadline;
	enum job_state state;      /* under the lock */
	bool owed;                 /* done() is still to be called */
	struct worker_job *next;   /* in the queue or among the returned, under the lock */
};

struct job_list {
	struct worker_job *first;
	struct worker_job **end;
};

/*
 * What the threads see. It outlives the pool if a thread hangs: the pool, the wake-up handle and each
 * thread hold it.
 */
struct core {
	pthread_mutex_t lock;
	pthread_cond_t work;       /* something waits, or the end has come */
	pthread_cond_t back;       /* a job has returned while the pool is ending */
	uv_async_t wake;
	struct worker_pool *pool;  /* NULL once it is gone */
	struct job_list waiting;
	struct job_list returned;
	unsigned waiting_count;
	unsigned running_count;
	unsigned holds;
	bool stopping;
};

struct worker_thread {
	pthread_t id;
	struct core *core;
	struct worker_job *job;    /* what it is at, under the lock */
};

struct worker_pool {
	struct loop *loop;
	struct core *core;
	struct worker_thread *threads;
	unsigned thread_count;
	unsigned queue_max;
	unsigned owed_count;
};

static void
list_clear(struct job_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void
list_append(struct job_list *list, struct worker_job *job)
{
	job->next = NULL;
	*list->end = job;
	list->end = &job->next;
}

static struct worker_job *
list_take(struct job_list *list)
{
	struct worker_job *job = list->first;

	if (job) {
		list->first = job->next;
		if (!list->first)
			list_clear(list);
	}
	return job;
}

static void
list_cut(struct job_list *list, struct worker_job *job)
{
	struct worker_job **place = &list->first;

	while (*place != job)
		place = &(*place)->next;
	*place = job->next;
	if (!*place)
		list->end = place;
}

/* --- the thread's side; the lock is held where a comment does not say otherwise */

static void
core_drop(struct core *core)
{
	bool last = --core->holds == 0;

	pthread_mutex_unlock(&core->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&core->lock);
	pthread_cond_destroy(&core->work);
	pthread_cond_destroy(&core->back);
	mem_free(&core);
}

static void
run_one(struct core *core, struct worker_thread *self, struct worker_job *job)
{
	core->waiting_count--;
	core->running_count++;
	job->state = JOB_RUNNING;
	self->job = job;
	pthread_mutex_unlock(&core->lock);
	job->task->run(job->context);
	pthread_mutex_lock(&core->lock);
	core->running_count--;
	job->state = JOB_RETURNED;
	if (!core->pool) {
		/* Abandoned: nobody is left to say what the context was. */
		mem_free(&job);
		return;
	}
	self->job = NULL;
	list_append(&core->returned, job);
	if (core->stopping)
		pthread_cond_signal(&core->back);
	else
		uv_async_send(&core->wake);
}

static void *
thread_main(void *context)
{
	struct worker_thread *self = context;
	struct core *core = self->core;

	pthread_mutex_lock(&core->lock);
	while (!core->stopping) {
		struct worker_job *job = list_take(&core->waiting);

		if (job)
			run_one(core, self, job);
		else
			pthread_cond_wait(&core->work, &core->lock);
	}
	core_drop(core);
	return NULL;
}

/* --- the loop's side */

static void
forget(struct worker_job *job)
{
	loop_timer_stop(&job->deadline);
	if (job->task->release)
		job->task->release(job->context);
	mem_free(&job);
}

static void
settle(struct worker_job *job, enum worker_result result)
{
	if (!job->owed)
		return;
	job->owed = false;
	job->pool->owed_count--;
	loop_timer_stop(&job->deadline);
	job->task->done(result, job->context);
}

static void
on_wake(uv_async_t *wake)
{
	struct core *core = wake->data;
	struct worker_job *job;

	/* A callback may free the pool, and with it what had returned. */
	do {
		pthread_mutex_lock(&core->lock);
		job = list_take(&core->returned);
		pthread_mutex_unlock(&core->lock);
		if (job) {
			settle(job, WORKER_DONE);
			forget(job);
		}
	} while (job);
}

/* Takes it out of the queue if it waits there; true if no thread has it. */
static bool
withdraw(struct worker_job *job)
{
	struct core *core = job->pool->core;
	bool waited;

	pthread_mutex_lock(&core->lock);
	waited = job->state == JOB_WAITING;
	if (waited) {
		list_cut(&core->waiting, job);
		core->waiting_count--;
	}
	pthread_mutex_unlock(&core->lock);
	return waited;
}

static void
on_late(void *context)
{
	struct worker_job *job = context;
	struct core *core = job->pool->core;
	bool returned;

	pthread_mutex_lock(&core->lock);
	returned = job->state == JOB_RETURNED;
	pthread_mutex_unlock(&core->lock);
	/* Just in time: its result is on its way. */
	if (returned)
		return;
	if (withdraw(job)) {
		settle(job, WORKER_LATE);
		forget(job);
	} else {
		settle(job, WORKER_LATE);
	}
}

struct worker_job *
worker_submit(struct worker_pool *pool, const struct worker_task *task, void *context,
		uint64_t deadline_ms)
{
	struct core *core = pool->core;
	struct worker_job *job;
	bool full;

	pthread_mutex_lock(&core->lock);
	full = core->waiting_count >= pool->queue_max;
	pthread_mutex_unlock(&core->lock);
	if (full)
		return NULL;
	job = mem_alloc(sizeof(*job));
	job->pool = pool;
	job->task = task;
	job->context = context;
	job->owed = true;
	pool->owed_count++;
	loop_timer_init(&job->deadline, pool->loop, on_late, job);
	loop_timer_start(&job->deadline, deadline_ms);
	pthread_mutex_lock(&core->lock);
	list_append(&core->waiting, job);
	core->waiting_count++;
	pthread_cond_signal(&core->work);
	pthread_mutex_unlock(&core->lock);
	return job;
}

void
worker_cancel(struct worker_job **job)
{
	struct worker_job *old = *job;

	*job = NULL;
	if (!old || !old->owed)
		return;
	old->owed = false;
	old->pool->owed_count--;
	loop_timer_stop(&old->deadline);
	if (withdraw(old))
		forget(old);
}

unsigned
worker_pool_load(const struct worker_pool *pool)
{
	return pool->owed_count;
}

/* --- start and end */

static bool
start_thread(struct worker_pool *pool, const char *name, struct fault *fault_out)
{
	struct worker_thread *thread = &pool->threads[pool->thread_count];
	char short_name[NAME_MAX_BYTES];
	pthread_attr_t attributes;
	sigset_t all;
	sigset_t old;
	int error;

	thread->core = pool->core;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	/* Signals are the loop's; a forbidden system call is told by whoever makes it. */
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread->id, &attributes, thread_main, thread);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	if (error)
		return fault_set(fault_out, FAULT_SYSTEM, "thread %s: %s", name, strerror(error));
	snprintf(short_name, sizeof short_name, "%s", name);
	pthread_setname_np(thread->id, short_name);
	pool->thread_count++;
	return true;
}

static struct core *
core_new(struct worker_pool *pool, unsigned threads)
{
	struct core *core = mem_alloc(sizeof(*core));
	pthread_condattr_t steady;

	pthread_mutex_init(&core->lock, NULL);
	pthread_cond_init(&core->work, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&core->back, &steady);
	pthread_condattr_destroy(&steady);
	list_clear(&core->waiting);
	list_clear(&core->returned);
	uv_async_init(loop_uv(pool->loop), &core->wake, on_wake);
	core->wake.data = core;
	core->pool = pool;
	core->holds = threads + 2;
	return core;
}

struct worker_pool *
worker_pool_new(struct loop *loop, const char *name, unsigned threads, unsigned queue_max,
		struct fault *fault_out)
{
	struct worker_pool *pool = mem_alloc(sizeof(*pool));

	pool->loop = loop;
	pool->queue_max = queue_max;
	pool->threads = mem_alloc_array(threads, sizeof(*pool->threads));
	pool->core = core_new(pool, threads);
	for (unsigned i = 0; i < threads; i++) {
		if (start_thread(pool, name, fault_out))
			continue;
		pool->core->holds -= threads - i;
		worker_pool_free(&pool, 0);
		break;
	}
	return pool;
}

static void
await_running(struct core *core, uint64_t wait_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(wait_ms / 1000);
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (core->running_count && pthread_cond_timedwait(&core->back, &core->lock, &until) == 0)
		;
}

static void
on_wake_closed(uv_handle_t *handle)
{
	struct core *core = handle->data;

	pthread_mutex_lock(&core->lock);
	core_drop(core);
}

static void
forget_all(struct job_list *list)
{
	struct worker_job *job;

	while ((job = list_take(list)))
		forget(job);
}

void
worker_pool_free(struct worker_pool **pool, uint64_t wait_ms)
{
	struct worker_pool *old = *pool;
	struct core *core;

	if (!old)
		return;
	*pool = NULL;
	core = old->core;
	pthread_mutex_lock(&core->lock);
	core->stopping = true;
	pthread_cond_broadcast(&core->work);
	await_running(core, wait_ms);
	core->pool = NULL;
	for (unsigned i = 0; i < old->thread_count; i++) {
		if (old->threads[i].job)
			loop_timer_stop(&old->threads[i].job->deadline);
	}
	pthread_mutex_unlock(&core->lock);
	/* From here on a thread that hangs touches nothing but the core and its job. */
	for (unsigned i = 0; i < old->thread_count; i++) {
		if (old->threads[i].job)
			pthread_detach(old->threads[i].id);
		else
			pthread_join(old->threads[i].id, NULL);
	}
	forget_all(&core->waiting);
	forget_all(&core->returned);
	uv_close((uv_handle_t *)&core->wake, on_wake_closed);
	pthread_mutex_lock(&core->lock);
	core_drop(core);
	mem_free(&old->threads);
	mem_free(&old);
}
