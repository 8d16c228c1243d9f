/* SPDX-License-Identifier: BSD-2-Clause */
/* Who works is waited for, who hangs is not. */
#include "unit.h"

#include "super/patience.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
work(void)
{
	clock_t end = clock() + 3 * PATIENCE_WORK_MS * (CLOCKS_PER_SEC / 1000);

	while (clock() < end)
		;
}

static void
work_is_waited_for(void **state)
{
	struct patience patience = { .since_ms = 0 };

	(void)state;
	patience_begin(&patience, getpid(), 1000);
	for (unsigned i = 1; i <= 3; i++) {
		work();
		assert_true(patience_lasts(&patience, getpid(), 1000 + i * PATIENCE_LOOK_MS));
	}
	/* Nothing since: the look before is what counts. */
	assert_false(patience_lasts(&patience, getpid(), 1000 + 4 * PATIENCE_LOOK_MS));
}

static void
not_for_ever(void **state)
{
	struct patience patience = { .since_ms = 0 };

	(void)state;
	patience_begin(&patience, getpid(), 1000);
	work();
	assert_true(patience_lasts(&patience, getpid(), 1000 + PATIENCE_MOST_MS - 1));
	work();
	assert_false(patience_lasts(&patience, getpid(), 1000 + PATIENCE_MOST_MS));
}

static void
who_hangs_or_is_gone(void **state)
{
	struct patience patience = { .since_ms = 0 };
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		for (;;)
			pause();
	}
	patience_begin(&patience, pid, 1000);
	work(); /* ours, not its */
	assert_false(patience_lasts(&patience, pid, 2000));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(patience_lasts(&patience, pid, 3000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_is_waited_for),
		cmocka_unit_test(not_for_ever),
		cmocka_unit_test(who_hangs_or_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
