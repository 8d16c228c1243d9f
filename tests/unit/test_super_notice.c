/* SPDX-License-Identifier: BSD-2-Clause */
/* One daemon at a time, and the file that says which process it is. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "super/notice.h"

static char folder[64];
static char pid_path[96];

static bool
is_there(void)
{
	struct stat status;

	return stat(pid_path, &status) == 0;
}

/* In a process of its own, as a second daemon is: 0 if it was refused, and says who runs. */
static int
start_another(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct fault fault = FAULT_INIT;
		bool refused = !notice_lock(folder, &fault);
		char said[64];

		notice_unlock();
		snprintf(said, sizeof said, "process %d ", (int)getppid());
		_exit(refused && fault.kind == FAULT_BUSY && strstr(fault.text, said) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The file says who runs; who comes second is refused, and leaves it where it is. */
static void
test_lock(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(notice_lock(folder, &fault));
	assert_true(is_there());
	assert_int_equal(start_another(), 0);
	assert_true(is_there());
	assert_int_equal(start_another(), 0);
	notice_unlock();
	assert_false(is_there());
	notice_unlock();
	assert_int_equal(start_another(), 1);
}

static int
start_with_same_state(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct fault fault = FAULT_INIT;
		bool refused = !notice_lock_state(folder, &fault);

		_exit(refused && fault.kind == FAULT_BUSY && strstr(fault.text, folder) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* With a run-dir of its own a second daemon is refused too, before it has touched anything. */
static void
test_state_lock(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(notice_lock_state(folder, &fault));
	assert_int_equal(start_with_same_state(), 0);
	notice_unlock();
	assert_int_equal(start_with_same_state(), 1);
	assert_false(notice_lock_state("/no/such/folder", &fault));
	assert_int_equal(fault.kind, FAULT_SYSTEM);
	assert_false(notice_lock_state(__FILE__, &fault));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_state_lock),
	};
	int failed;

	snprintf(folder, sizeof folder, "/tmp/sallyport-notice-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	snprintf(pid_path, sizeof pid_path, "%s/pid", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(pid_path);
	rmdir(folder);
	return failed;
}
