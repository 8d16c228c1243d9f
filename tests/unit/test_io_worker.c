/* SPDX-License-Identifier: BSD-2-Clause */
/* Worker pools: results on the loop, caps, deadlines, jobs that hang. */
#include "io_fixture.h"

#include <pthread.h>
#include <signal.h>

#include "io/worker.h"

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool open;
	int inside;
};

struct job {
	struct gate *gate; /* runs until it is open; NULL: at once */
	int number;
	pthread_t thread;
	int done;
	int released;
	enum worker_result result;
	sigset_t blocked;
};

static struct loop *loop;
static struct worker_pool *pool;
static int done_count;
static int released_count;
static int stop_at_done;
static int stop_at_released;

static int
set_up(void **state)
{
	(void)state;
	loop = loop_new();
	done_count = 0;
	released_count = 0;
	stop_at_done = -1;
	stop_at_released = -1;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	worker_pool_free(&pool, 5000);
	loop_free(&loop);
	return 0;
}

static void
gate_init(struct gate *gate)
{
	*gate = (struct gate){ .open = false };
	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->moved, NULL);
}

static void
gate_open(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->open = true;
	pthread_cond_broadcast(&gate->moved);
	pthread_mutex_unlock(&gate->lock);
}

static void
gate_await(struct gate *gate, int inside)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->inside < inside)
		pthread_cond_wait(&gate->moved, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void
job_run(void *context)
{
	struct job *job = context;

	job->thread = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &job->blocked);
	if (!job->gate)
		return;
	pthread_mutex_lock(&job->gate->lock);
	job->gate->inside++;
	pthread_cond_broadcast(&job->gate->moved);
	while (!job->gate->open)
		pthread_cond_wait(&job->gate->moved, &job->gate->lock);
	pthread_mutex_unlock(&job->gate->lock);
}

static void
job_done(enum worker_result result, void *context)
{
	struct job *job = context;

	assert_int_equal(job->released, 0);
	job->done++;
	job->result = result;
	if (++done_count == stop_at_done)
		loop_stop(loop);
}

static void
job_release(void *context)
{
	struct job *job = context;

	job->released++;
	if (++released_count == stop_at_released)
		loop_stop(loop);
}

static const struct worker_task task = {
	.run = job_run,
	.done = job_done,
	.release = job_release,
};

static void
start(unsigned threads, unsigned queue_max)
{
	struct fault fault = FAULT_INIT;

	pool = worker_pool_new(loop, "test-pool-of-a-long-name", threads, queue_max, &fault);
	if (!pool)
		fail_msg("%s", fault.text);
}

static void
results_come_on_the_loop(void **state)
{
	static struct job jobs[50];

	(void)state;
	memset(jobs, 0, sizeof jobs);
	start(3, 100);
	stop_at_released = 50;
	for (int i = 0; i < 50; i++)
		assert_non_null(worker_submit(pool, &task, &jobs[i], 5000));
	assert_int_equal(worker_pool_load(pool), 50);
	assert_int_equal(done_count, 0);
	fixture_run(loop);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(jobs[i].done, 1);
		assert_int_equal(jobs[i].released, 1);
		assert_int_equal(jobs[i].result, WORKER_DONE);
		assert_false(pthread_equal(jobs[i].thread, pthread_self()));
		assert_true(sigismember(&jobs[i].blocked, SIGTERM));
	}
	assert_int_equal(worker_pool_load(pool), 0);
}

static void
queue_has_a_cap(void **state)
{
	struct gate gate;
	struct job jobs[4] = { { .gate = &gate }, { 0 }, { 0 }, { 0 } };

	(void)state;
	gate_init(&gate);
	start(1, 2);
	assert_non_null(worker_submit(pool, &task, &jobs[0], 5000));
	gate_await(&gate, 1);
	assert_non_null(worker_submit(pool, &task, &jobs[1], 5000));
	assert_non_null(worker_submit(pool, &task, &jobs[2], 5000));
	assert_null(worker_submit(pool, &task, &jobs[3], 5000));
	gate_open(&gate);
	stop_at_released = 3;
	fixture_run(loop);
	assert_int_equal(jobs[3].done, 0);
	assert_non_null(worker_submit(pool, &task, &jobs[3], 5000));
	stop_at_released = 4;
	fixture_run(loop);
}

static void
late_jobs_are_told_at_once_and_released_when_safe(void **state)
{
	struct gate gate;
	struct job jobs[3] = { { .gate = &gate }, { 0 }, { 0 } };

	(void)state;
	gate_init(&gate);
	start(1, 10);
	worker_submit(pool, &task, &jobs[0], 20);
	worker_submit(pool, &task, &jobs[1], 20);
	worker_submit(pool, &task, &jobs[2], 5000);
	stop_at_done = 2;
	fixture_run(loop);
	assert_int_equal(jobs[0].result, WORKER_LATE);
	assert_int_equal(jobs[1].result, WORKER_LATE);
	/* The one that waited never runs; the one that runs still has its context. */
	assert_int_equal(jobs[1].released, 1);
	assert_int_equal(jobs[0].released, 0);
	assert_int_equal(worker_pool_load(pool), 1);
	gate_open(&gate);
	stop_at_released = 3;
	fixture_run(loop);
	assert_int_equal(jobs[0].done, 1);
	assert_int_equal(jobs[2].result, WORKER_DONE);
}

static void
cancelled_jobs_are_never_done(void **state)
{
	struct gate gate;
	struct job jobs[2] = { { .gate = &gate }, { 0 } };
	struct worker_job *running;
	struct worker_job *waiting;

	(void)state;
	gate_init(&gate);
	start(1, 10);
	running = worker_submit(pool, &task, &jobs[0], 5000);
	waiting = worker_submit(pool, &task, &jobs[1], 5000);
	gate_await(&gate, 1);
	worker_cancel(&waiting);
	assert_null(waiting);
	assert_int_equal(jobs[1].released, 1);
	worker_cancel(&running);
	worker_cancel(&running);
	assert_int_equal(jobs[0].released, 0);
	assert_int_equal(worker_pool_load(pool), 0);
	gate_open(&gate);
	stop_at_released = 2;
	fixture_run(loop);
	assert_int_equal(done_count, 0);
}

static void
pool_that_ends_releases_what_comes_back(void **state)
{
	struct gate gate;
	struct job jobs[3] = { { .gate = &gate }, { 0 }, { 0 } };

	(void)state;
	gate_init(&gate);
	start(1, 10);
	for (int i = 0; i < 3; i++)
		worker_submit(pool, &task, &jobs[i], 5000);
	gate_await(&gate, 1);
	gate_open(&gate);
	worker_pool_free(&pool, 5000);
	assert_null(pool);
	assert_int_equal(done_count, 0);
	assert_int_equal(released_count, 3);
}

static void
pool_with_a_thread_that_hangs_ends_all_the_same(void **state)
{
	/* Both outlive the test, as a hanging thread does. */
	static struct gate gate;
	static struct job hung = { .gate = &gate };
	struct job waiting = { 0 };

	(void)state;
	gate_init(&gate);
	start(2, 10);
	worker_submit(pool, &task, &hung, 60000);
	gate_await(&gate, 1);
	worker_submit(pool, &task, &waiting, 5000);
	stop_at_released = 1;
	fixture_run(loop);
	worker_pool_free(&pool, 20);
	assert_int_equal(waiting.released, 1);
	assert_int_equal(hung.released, 0);
	loop_free(&loop);
	/* It comes back when nobody is left to hear of it. */
	gate_open(&gate);
	loop = loop_new();
	fixture_run_for(loop, 20);
	assert_int_equal(hung.done, 0);
	assert_int_equal(hung.released, 0);
}

static void
free_in_done(enum worker_result result, void *context)
{
	(void)result;
	(void)context;
	worker_pool_free(&pool, 5000);
	loop_stop(loop);
}

static void
pool_freed_in_a_callback(void **state)
{
	static const struct worker_task last = { .run = job_run, .done = free_in_done };
	struct job jobs[2] = { { 0 }, { 0 } };

	(void)state;
	start(2, 10);
	worker_submit(pool, &last, &jobs[0], 5000);
	worker_submit(pool, &task, &jobs[1], 5000);
	fixture_run(loop);
	assert_null(pool);
	fixture_run_for(loop, 2);
	assert_int_equal(jobs[1].released, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(results_come_on_the_loop),
		TEST(queue_has_a_cap),
		TEST(late_jobs_are_told_at_once_and_released_when_safe),
		TEST(cancelled_jobs_are_never_done),
		TEST(pool_that_ends_releases_what_comes_back),
		TEST(pool_with_a_thread_that_hangs_ends_all_the_same),
		TEST(pool_freed_in_a_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
