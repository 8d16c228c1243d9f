/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop: order within a turn, timers that move, watches that go away in their own callback. */
#include "io_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static struct loop *loop;

static int
set_up(void **state)
{
	(void)state;
	loop = loop_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	loop_free(&loop);
	assert_null(loop);
	return 0;
}

/* --- timers */

enum { TIMERS = 200 };

static struct loop_timer timers[TIMERS];
static uint64_t fired_due[TIMERS];
static int fired;

static void
on_timer(void *context)
{
	fired_due[fired++] = *(uint64_t *)context;
	if (fired == TIMERS / 2)
		loop_stop(loop);
}

static void
timers_fire_in_order(void **state)
{
	static uint64_t due[TIMERS];

	(void)state;
	fired = 0;
	srandom(7);
	for (int i = 0; i < TIMERS; i++) {
		due[i] = 1 + (uint64_t)random() % 60;
		loop_timer_init(&timers[i], loop, on_timer, &due[i]);
		loop_timer_start(&timers[i], due[i] + 5000);
		assert_true(loop_timer_is_running(&timers[i]));
	}
	/* All are brought nearer; then every other one is stopped again. */
	for (int i = 0; i < TIMERS; i++)
		loop_timer_start(&timers[i], due[i]);
	for (int i = 0; i < TIMERS; i += 2)
		loop_timer_stop(&timers[i]);
	fixture_run(loop);
	assert_int_equal(fired, TIMERS / 2);
	for (int i = 1; i < fired; i++)
		assert_true(fired_due[i - 1] <= fired_due[i]);
	for (int i = 0; i < TIMERS; i++)
		assert_false(loop_timer_is_running(&timers[i]));
}

static int extensions;

static void
on_extend(void *context)
{
	struct loop_timer *deadline = context;

	/* A deadline that is moved in time never fires early. */
	loop_timer_start(deadline, 60);
	if (++extensions < 10)
		loop_timer_start(&timers[0], 10);
}

static uint64_t deadline_at;

static void
on_deadline(void *context)
{
	deadline_at = loop_now_ms(loop);
	loop_stop(context);
}

static void
timer_moved_away_fires_late(void **state)
{
	struct loop_timer deadline;
	uint64_t begin = loop_now_ms(loop);

	(void)state;
	extensions = 0;
	loop_timer_init(&deadline, loop, on_deadline, loop);
	loop_timer_init(&timers[0], loop, on_extend, &deadline);
	loop_timer_start(&deadline, 30);
	loop_timer_start(&timers[0], 10);
	fixture_run(loop);
	assert_int_equal(extensions, 10);
	assert_true(deadline_at - begin >= 10 * 10 + 60);
}

static void
on_again(void *context)
{
	loop_timer_start(context, 0);
	fired++;
}

static void
timer_of_zero_does_not_keep_the_loop(void **state)
{
	struct loop_timer again;

	(void)state;
	fired = 0;
	loop_timer_init(&again, loop, on_again, &again);
	loop_timer_start(&again, 0);
	fixture_run_for(loop, 20);
	assert_in_range(fired, 1, 21);
	loop_timer_stop(&again);
}

static void
time_is_fresh_outside_of_a_run(void **state)
{
	uint64_t before = loop_now_ms(loop);

	(void)state;
	while (clock_steady_ms() < before + 3)
		;
	assert_true(loop_now_ms(loop) >= before + 2);
}

/* --- deferred calls */

static char order[16];
static struct loop_defer first;
static struct loop_defer second;
static struct loop_defer third;

static void
note(const char *what)
{
	strcat(order, what);
}

static void
on_first(void *context)
{
	(void)context;
	note("1");
	loop_defer_cancel(&second);
	loop_defer(&third);
	loop_defer(&third);
}

static void
on_second(void *context)
{
	(void)context;
	note("2");
}

static void
on_third(void *context)
{
	(void)context;
	note("3");
	loop_stop(loop);
}

static void
on_start(void *context)
{
	(void)context;
	note("t");
	loop_defer(&first);
	loop_defer(&second);
	loop_defer(&first);
	note("e");
}

static void
deferred_calls_run_once_at_the_end_of_the_turn(void **state)
{
	struct loop_timer start;

	(void)state;
	order[0] = '\0';
	loop_defer_init(&first, loop, on_first, NULL);
	loop_defer_init(&second, loop, on_second, NULL);
	loop_defer_init(&third, loop, on_third, NULL);
	loop_timer_init(&start, loop, on_start, NULL);
	loop_timer_start(&start, 1);
	fixture_run(loop);
	assert_string_equal(order, "te13");
}

static struct loop_defer eternal;

static void
on_eternal(void *context)
{
	(void)context;
	fired++;
	loop_defer(&eternal);
}

static void
deferred_call_that_repeats_lets_timers_through(void **state)
{
	(void)state;
	fired = 0;
	loop_defer_init(&eternal, loop, on_eternal, NULL);
	loop_defer(&eternal);
	fixture_run_for(loop, 10);
	assert_true(fired > 8);
	loop_defer_cancel(&eternal);
}

/* --- watches */

struct end {
	int fd;
	struct loop_watch *watch;
	struct end *other;
	unsigned seen;
};

static void
on_end(unsigned events, void *context)
{
	struct end *end = context;

	end->seen |= events;
	/* Both are ready in the same turn; the first to be called takes the other one away too. */
	loop_watch_free(&end->watch);
	if (end->other) {
		loop_watch_free(&end->other->watch);
		close(end->other->fd);
	}
	loop_stop(loop);
}

static void
watch_freed_in_a_callback_is_not_called_again(void **state)
{
	struct end ends[2] = { 0 };
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	for (int i = 0; i < 2; i++) {
		ends[i].fd = fds[i];
		ends[i].other = &ends[1 - i];
		ends[i].watch = loop_watch_new(loop, fds[i], on_end, &ends[i]);
		loop_watch_set(ends[i].watch, LOOP_READABLE);
		assert_int_equal(write(fds[i], "x", 1), 1);
	}
	fixture_run(loop);
	assert_int_equal(!!ends[0].seen + !!ends[1].seen, 1);
	close(ends[0].seen ? fds[0] : fds[1]);
}

static int ticks;

static void
on_tick(unsigned events, void *context)
{
	struct end *end = context;

	end->seen |= events;
	if (++ticks == 3)
		loop_stop(loop);
}

static void
watch_is_level_triggered_and_obeys_its_mask(void **state)
{
	struct end end = { 0 };
	int fds[2];

	(void)state;
	ticks = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	end.watch = loop_watch_new(loop, fds[0], on_tick, &end);
	assert_int_equal(write(fds[1], "x", 1), 1);
	fixture_run_for(loop, 5);
	assert_int_equal(ticks, 0);
	loop_watch_set(end.watch, LOOP_READABLE);
	fixture_run(loop);
	assert_int_equal(end.seen, LOOP_READABLE);
	ticks = 0;
	end.seen = 0;
	loop_watch_set(end.watch, LOOP_WRITABLE);
	fixture_run(loop);
	assert_int_equal(end.seen, LOOP_WRITABLE);
	loop_watch_set(end.watch, 0);
	ticks = 0;
	fixture_run_for(loop, 5);
	assert_int_equal(ticks, 0);
	loop_watch_free(&end.watch);
	close(fds[0]);
	close(fds[1]);
}

static void
error_shows_as_readiness(void **state)
{
	struct end end = { 0 };
	int fds[2];

	(void)state;
	ticks = 0;
	/* The writing end of a pipe without a reader shows an error alone. */
	assert_int_equal(pipe(fds), 0);
	end.watch = loop_watch_new(loop, fds[1], on_tick, &end);
	loop_watch_set(end.watch, LOOP_WRITABLE);
	close(fds[0]);
	fixture_run(loop);
	assert_int_equal(end.seen, LOOP_WRITABLE);
	loop_watch_free(&end.watch);
	close(fds[1]);
}

/* --- signals */

static void
on_usr1(void *context)
{
	loop_stop(context);
}

static void
signal_calls_from_the_loop(void **state)
{
	(void)state;
	loop_signal(loop, SIGUSR1, on_usr1, loop);
	raise(SIGUSR1);
	fixture_run(loop);
}

/* --- memory */

static size_t
resident_pages(void)
{
	unsigned long total;
	unsigned long resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &total, &resident), 2);
	fclose(file);
	return resident;
}

static void
memory_goes_back_when_it_is_quiet(void **state)
{
	enum { PIECES = 4000, PIECE_BYTES = 4000 };
	static char *pieces[PIECES];
	size_t full;

	(void)state;
	for (int i = 0; i < PIECES; i++)
		pieces[i] = memset(mem_alloc(PIECE_BYTES), 'x', PIECE_BYTES);
	full = resident_pages();
	/* The last one stays, so that the heap cannot simply shrink. */
	for (int i = 0; i < PIECES - 1; i++)
		mem_free(&pieces[i]);
	loop_tidy_later(loop);
	fixture_run_for(loop, 1200);
	/* Under a sanitizer memory is kept on purpose. */
	if (!SANITIZED)
		assert_true(resident_pages() < full - PIECES / 2);
	mem_free(&pieces[PIECES - 1]);
}

/* For measuring: it goes on within a turn, and is of the same kind as the turn's own time. */
static void
exact_time_goes_on(void **state)
{
	uint64_t start_us = loop_exact_us();
	uint64_t turn_us = loop_now_ms(loop) * 1000;

	(void)state;
	assert_true(turn_us + 1000 >= start_us);
	while (loop_exact_us() < start_us + 100)
		;
	assert_true(loop_exact_us() >= start_us + 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(timers_fire_in_order),
		TEST(timer_moved_away_fires_late),
		TEST(timer_of_zero_does_not_keep_the_loop),
		TEST(time_is_fresh_outside_of_a_run),
		TEST(deferred_calls_run_once_at_the_end_of_the_turn),
		TEST(deferred_call_that_repeats_lets_timers_through),
		TEST(watch_freed_in_a_callback_is_not_called_again),
		TEST(watch_is_level_triggered_and_obeys_its_mask),
		TEST(error_shows_as_readiness),
		TEST(signal_calls_from_the_loop),
		TEST(memory_goes_back_when_it_is_quiet),
		TEST(exact_time_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
