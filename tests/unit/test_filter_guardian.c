/* SPDX-License-Identifier: BSD-2-Clause */
/* Two processes: signals to the first become orders for the second, and neither outlives the other. */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter/guardian.h"
#include "proc/confine.h"

enum { WAIT_MS = 20 * 1000, STATUS = 7, STATUS_ORPHAN = 8 };

/* What the child tells the test: its pid once it listens, then each order, then the end of orders. */
static int told;
static pid_t guardian;
static pid_t child;

/* In the child: tells, and ends at GUARDIAN_STOP or the end of orders. */
static void
obey(int orders, int tell)
{
	pid_t own = getpid();
	char order;

	signal(SIGSYS, SIG_DFL); /* cmocka has a handler of its own */
	if (write(tell, &own, sizeof own) != sizeof own)
		_exit(1);
	while (read(orders, &order, 1) == 1) {
		if (write(tell, &order, 1) != 1)
			_exit(1);
		if (order == GUARDIAN_STOP)
			_exit(STATUS);
	}
	_exit(STATUS_ORPHAN);
}

static void
read_told(void *to, size_t size)
{
	struct pollfd poll_fd = { .fd = told, .events = POLLIN };

	assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
	assert_int_equal(read(told, to, size), size);
}

static int
setup(void **state)
{
	struct fault fault = FAULT_INIT;
	int fds[2];
	int orders;
	int status;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	guardian = fork();
	assert_true(guardian >= 0);
	if (guardian == 0) {
		close(fds[0]);
		switch (guardian_start(&orders, &status, &fault)) {
		case GUARDIAN_CHILD:
			obey(orders, fds[1]);
			break;
		case GUARDIAN_DONE:
			_exit(status);
		case GUARDIAN_FAILED:
			break;
		}
		_exit(1);
	}
	close(fds[1]);
	told = fds[0];
	read_told(&child, sizeof child);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close(told);
	return 0;
}

/* The guardian's exit status; it must end by itself. */
static int
status_of_guardian(void)
{
	int status;

	assert_int_equal(waitpid(guardian, &status, 0), guardian);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
tell_and_expect(int signal, char order)
{
	char got;

	assert_int_equal(kill(guardian, signal), 0);
	read_told(&got, 1);
	assert_int_equal(got, order);
}

static void
orders(void **state)
{
	(void)state;
	tell_and_expect(SIGHUP, GUARDIAN_RELOAD);
	/* As of an order that nobody reads any more. */
	assert_int_equal(kill(guardian, SIGPIPE), 0);
	tell_and_expect(SIGHUP, GUARDIAN_RELOAD);
	tell_and_expect(SIGTERM, GUARDIAN_STOP);
	assert_int_equal(status_of_guardian(), STATUS);
}

static void
interrupted(void **state)
{
	(void)state;
	tell_and_expect(SIGINT, GUARDIAN_STOP);
	assert_int_equal(status_of_guardian(), STATUS);
}

static void
child_dies(void **state)
{
	(void)state;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(status_of_guardian(), EXIT_FAILURE);
}

static void
child_makes_a_forbidden_call(void **state)
{
	(void)state;
	assert_int_equal(kill(child, SIGSYS), 0);
	assert_int_equal(status_of_guardian(), CONFINE_BREACH_STATUS);
}

/* The pipe ends for the child, which the end of its own pipe to us shows. */
static void
guardian_dies(void **state)
{
	struct pollfd poll_fd = { .fd = told, .events = POLLIN };
	char none;

	(void)state;
	assert_int_equal(kill(guardian, SIGKILL), 0);
	assert_int_equal(status_of_guardian(), -SIGKILL);
	assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
	assert_int_equal(read(told, &none, 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(orders, setup, teardown),
		cmocka_unit_test_setup_teardown(interrupted, setup, teardown),
		cmocka_unit_test_setup_teardown(child_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(child_makes_a_forbidden_call, setup, teardown),
		cmocka_unit_test_setup_teardown(guardian_dies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
