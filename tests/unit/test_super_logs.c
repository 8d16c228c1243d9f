/* SPDX-License-Identifier: BSD-2-Clause */
/* Log files are opened, with their modes, and deleted when they are old. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "super/logs.h"

static char folder[64];
static char path[96];
static struct settings_listener listener = { .protocol = LISTENER_SMTP };
static struct settings settings;

static int
set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/sallyport-logs-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/event.log", folder);
	settings = (struct settings){ .listener = { &listener, 1 },
		.log = { .file = path, .protocol_directory = folder } };
	return 0;
}

static int
tear_down(void **state)
{
	char name[128];

	(void)state;
	unlink(path);
	snprintf(name, sizeof name, "%s/smtp.log", folder);
	unlink(name);
	snprintf(name, sizeof name, "%s/relay.log", folder);
	unlink(name);
	return rmdir(folder);
}

static void
files(void **state)
{
	struct fault fault = FAULT_INIT;
	struct logs *logs;
	struct stat status;

	(void)state;
	settings.log.protocol_log = LOG_PROTOCOL_CSV;
	logs = logs_open(&settings, &fault);
	assert_non_null(logs);
	assert_true(fcntl(logs_event_fd(logs), F_GETFL) & O_APPEND);
	assert_true(fcntl(logs_event_fd(logs), F_GETFD) & FD_CLOEXEC);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07, 0);
	/* A log for each protocol that is served, and no other. */
	assert_true(fcntl(logs_protocol_fd(logs, "smtp"), F_GETFL) & O_APPEND);
	assert_true(fcntl(logs_protocol_fd(logs, LOGS_RELAY), F_GETFL) & O_APPEND);
	assert_int_equal(logs_protocol_fd(logs, "imap"), -1);
	assert_int_equal(logs_protocol_fd(logs, "none"), -1);
	logs_free(&logs);
	assert_null(logs);
}

static void
standard_error(void **state)
{
	struct fault fault = FAULT_INIT;
	struct logs *logs;

	(void)state;
	settings.log.file = "";
	logs = logs_open(&settings, &fault);
	assert_true(logs_event_fd(logs) > STDERR_FILENO);
	assert_true(fcntl(logs_event_fd(logs), F_GETFD) & FD_CLOEXEC);
	assert_int_equal(logs_protocol_fd(logs, "smtp"), -1);
	assert_false(logs_roll(logs, &settings, 0));
	logs_free(&logs);
	assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0);
}

/* What is old goes also where nothing is rolled, but is not looked for all the time. */
static void
old_files(void **state)
{
	const int64_t now_ms = 1763726400000; /* 2025-11-21 */
	struct fault fault = FAULT_INIT;
	struct logs *logs;
	char old[160];

	(void)state;
	settings.log.roll = LOG_ROLL_OFF;
	settings.log.keep = 1000;
	logs = logs_open(&settings, &fault);
	snprintf(old, sizeof old, "%s.20010101T000000Z", path);
	for (unsigned turn = 0; turn < 3; turn++) {
		const struct timespec times[2] = { { .tv_sec = 978307200 }, { .tv_sec = 978307200 } };
		int fd = open(old, O_WRONLY | O_CREAT, 0600);

		assert_int_equal(futimens(fd, times), 0);
		close(fd);
		assert_false(logs_roll(logs, &settings, now_ms + turn * 3600 * 1000 / 2));
		assert_int_equal(access(old, F_OK), turn == 1 ? 0 : -1);
	}
	logs_free(&logs);
}

static void
faults(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	settings.log.file = "/not/there/event.log";
	assert_null(logs_open(&settings, &fault));
	assert_non_null(strstr(fault.text, "/not/there/event.log"));
	settings.log.file = path;
	settings.log.protocol_log = LOG_PROTOCOL_JSON;
	settings.log.protocol_directory = "";
	assert_null(logs_open(&settings, &fault));
	assert_non_null(strstr(fault.text, "protocol-directory"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(standard_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(old_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(faults, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
