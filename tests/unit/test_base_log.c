/* SPDX-License-Identifier: BSD-2-Clause */
/* One line for each event, whatever its values hold and whatever becomes of the log's end. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static int file;

static const char *
written(void)
{
	static char line[8192];
	ssize_t got = pread(file, line, sizeof line - 1, 0);

	assert_true(got >= 0);
	line[got] = '\0';
	assert_int_equal(ftruncate(file, 0), 0);
	return line;
}

static void
text_is_one_line_per_event(void **state)
{
	const char *line;

	(void)state;
	log_start("smtp", file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_event(EV_ROLE_FAILED, kv_str("sid", "a1"), kv_str("reason", "x\ny\"z\x9b="), kv_int("n", -3),
		kv_str("none", NULL));
	line = written();
	assert_non_null(strstr(line, "Z error smtp["));
	assert_non_null(strstr(line, "] role.failed sid=a1 reason=\"x\\x0ay\\\"z\\x9b=\" n=-3\n"));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void
json(void **state)
{
	(void)state;
	log_start("smtp", file, LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_event(EV_ROLE_READY, kv_str("sid", "a\"\x01"));
	assert_non_null(strstr(written(), "\"event\":\"role.ready\",\"sid\":\"a\\\"\\u0001\"}\n"));
	log_event(EV_ROLE_READY, kv_str("to", "gr\xc3\xbcn \xf0\x9f\x98\x80 \xff\xc3"));
	assert_non_null(strstr(written(), "\"gr\\u00fcn \\ud83d\\ude00 \\u00ff\\u00c3\""));
	log_event(EV_ROLE_READY);
	assert_non_null(strstr(written(), "\"event\":\"role.ready\"}\n"));
}

static void
level_and_length(void **state)
{
	char value[4000];

	(void)state;
	log_start("smtp", file, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	log_event(EV_ROLE_READY);
	assert_string_equal(written(), "");
	memset(value, 'v', sizeof value);
	log_event(EV_ROLE_FAILED, kv_span("long", span_of(value, sizeof value)));
	assert_true(strlen(written()) < LOG_VALUE_MAX_BYTES + 200);
}

static void
lost_lines_are_counted(void **state)
{
	int closed = dup(file);

	(void)state;
	close(closed);
	log_start("smtp", closed, LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_event(EV_ROLE_READY);
	log_event(EV_ROLE_READY);
	log_start("smtp", file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_event(EV_ROLE_READY);
	assert_non_null(strstr(written(), " lost-lines=2\n"));
	log_event(EV_ROLE_READY);
	assert_null(strstr(written(), "lost-lines"));
}

/* A disk that is full within a line: the next one is a line of its own. */
static void
a_torn_line_spoils_no_other(void **state)
{
	struct rlimit all;
	struct rlimit less;
	struct stat stat;

	(void)state;
	log_start("smtp", file, LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	written();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &all);
	fstat(file, &stat);
	less = all;
	less.rlim_cur = (rlim_t)stat.st_size + 10;
	setrlimit(RLIMIT_FSIZE, &less);
	log_event(EV_ROLE_READY);
	setrlimit(RLIMIT_FSIZE, &all);
	log_event(EV_ROLE_STOPPED);
	const char *text = written();
	const char *end = strchr(text, '\n');
	assert_int_equal(end - text, 10);
	assert_non_null(strstr(end, "role.stopped lost-lines=1\n"));
	log_event(EV_ROLE_READY);
	assert_int_not_equal(*written(), '\n');
}

static void
every_event_has_a_meaning(void **state)
{
	(void)state;
	for (int i = 0; i < LOG_EVENT_COUNT; i++) {
		assert_non_null(log_event_meaning(i));
		assert_non_null(strchr(log_event_name(i), '.'));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(log_event_name(i), log_event_name(j));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_one_line_per_event),
		cmocka_unit_test(json),
		cmocka_unit_test(level_and_length),
		cmocka_unit_test(lost_lines_are_counted),
		cmocka_unit_test(a_torn_line_spoils_no_other),
		cmocka_unit_test(every_event_has_a_meaning),
	};
	char name[] = "/tmp/sallyport-log-XXXXXX";

	file = mkostemp(name, O_APPEND);
	unlink(name);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
