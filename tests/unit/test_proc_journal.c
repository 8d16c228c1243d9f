/* SPDX-License-Identifier: BSD-2-Clause */
/* The protocol log: one event is one line that nothing in it can break. */
#include "unit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proc/journal.h"

static const int64_t when = 1700000000123;

static void
read_back(int fd, char *to, size_t size)
{
	ssize_t got = pread(fd, to, size - 1, 0);

	assert_true(got >= 0);
	to[got] = '\0';
}

static void
write_some(int fd, enum log_protocol format)
{
	struct journal *journal = journal_new(dup(fd), format);
	struct journal_session session = { .id = "s1",
		.listener = "sub\"mission",
		.server = "192.0.2.1:587",
		.client = "[2001:db8::1]:4000" };

	journal_write(journal, &session, JOURNAL_OPENED, when, SPAN_EMPTY);
	journal_write(
		journal, &session, JOURNAL_RECEIVED, when, SPAN_LITERAL("EHLO \"x\",\r\n250 ok\\"));
	journal_write(NULL, &session, JOURNAL_SENT, when, SPAN_LITERAL("nobody listens"));
	assert_int_equal(session.sequence, 2);
	journal_free(&journal);
}

static void
test_csv(void **state)
{
	int fd = memfd_create("journal", 0);
	char text[2000];

	(void)state;
	write_some(fd, LOG_PROTOCOL_CSV);
	read_back(fd, text, sizeof text);
	assert_string_equal(text,
		"#Fields: time,session,sequence,listener,server,client,event,text\n"
		"2023-11-14T22:13:20.123Z,s1,0,\"sub\"\"mission\",192.0.2.1:587,"
		"[2001:db8::1]:4000,+,\"\"\n"
		"2023-11-14T22:13:20.123Z,s1,1,\"sub\"\"mission\",192.0.2.1:587,"
		"[2001:db8::1]:4000,<,\"EHLO \"\"x\"\",\\x0d\\x0a250 ok\\x5c\"\n");
	close(fd);
}

static void
test_json(void **state)
{
	int fd = memfd_create("journal", 0);
	char text[2000];

	(void)state;
	write_some(fd, LOG_PROTOCOL_JSON);
	read_back(fd, text, sizeof text);
	assert_string_equal(text,
		"{\"time\":\"2023-11-14T22:13:20.123Z\",\"session\":\"s1\",\"sequence\":0,"
		"\"listener\":\"sub\\\"mission\",\"server\":\"192.0.2.1:587\","
		"\"client\":\"[2001:db8::1]:4000\",\"event\":\"+\",\"text\":\"\"}\n"
		"{\"time\":\"2023-11-14T22:13:20.123Z\",\"session\":\"s1\",\"sequence\":1,"
		"\"listener\":\"sub\\\"mission\",\"server\":\"192.0.2.1:587\","
		"\"client\":\"[2001:db8::1]:4000\",\"event\":\"<\","
		"\"text\":\"EHLO \\\"x\\\",\\\\x0d\\\\x0a250 ok\\\\x5c\"}\n");
	close(fd);
}

/* The head stands once in each file, also after the file was rolled. */
static void
test_head(void **state)
{
	int first = memfd_create("journal", 0);
	int second = memfd_create("journal", 0);
	struct journal *journal = journal_new(dup(first), LOG_PROTOCOL_CSV);
	char text[2000];

	(void)state;
	journal_free(&journal);
	journal = journal_new(dup(first), LOG_PROTOCOL_CSV);
	read_back(first, text, sizeof text);
	assert_null(strstr(text + 1, "#Fields"));
	journal_reopen(journal, dup(second));
	read_back(second, text, sizeof text);
	assert_non_null(strstr(text, "#Fields"));
	journal_free(&journal);
	close(first);
	close(second);
}

/* However long and strange: one line. */
static void
test_long(void **state)
{
	int fd = memfd_create("journal", 0);
	struct journal *journal = journal_new(dup(fd), LOG_PROTOCOL_JSON);
	struct journal_session session = {
		.id = "s", .listener = "l", .server = "s", .client = "c"
	};
	char text[20000];
	char bytes[5000];
	char *end;

	(void)state;
	memset(bytes, 0x80, sizeof bytes);
	journal_write(journal, &session, JOURNAL_RECEIVED, when, span_of(bytes, sizeof bytes));
	read_back(fd, text, sizeof text);
	end = strchr(text, '\n');
	assert_non_null(end);
	assert_int_equal(end[1], '\0');
	assert_true(strlen(text) > 4096);
	journal_free(&journal);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
