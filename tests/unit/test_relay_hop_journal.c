/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop's connection leaves in the protocol log, and what it does not. */
#include "unit.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/hop_journal.h"

static char text[8192];

static void
read_back(int file)
{
	ssize_t length = pread(file, text, sizeof text - 1, 0);

	assert_true(length >= 0);
	text[length] = '\0';
}

static void
hear(struct hop_journal *journal, const char *bytes, bool secret)
{
	struct smtp_reply_reader reply;
	struct span in = span_text(bytes);

	smtp_reply_reader_init(&reply);
	assert_int_equal(smtp_reply_reader_feed(&reply, &in), PARSE_DONE);
	hop_journal_heard(journal, &reply, secret);
	smtp_reply_reader_fini(&reply);
}

static void
lines(void **state)
{
	struct sock_address peer = { .length = 0 };
	struct hop_journal journal = { .open = false };
	struct journal *log;
	int file = memfd_create("journal", 0);
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	peer.length = sizeof peer.of;
	assert_int_equal(getpeername(fds[0], &peer.of.any, &peer.length), 0);
	log = journal_new(dup(file), LOG_PROTOCOL_JSON);
	hop_journal_open(&journal, &log, "example.net", fds[0], &peer);
	hop_journal_said(&journal, SPAN_LITERAL("EHLO me\r\n"));
	hear(&journal, "250-hop\r\n250 SIZE 1000\r\n", false);
	hear(&journal, "334 c2VjcmV0\r\n", true);
	hear(&journal, "235 2.7.0 welcome\r\n", false);
	hop_journal_remark(&journal, "TLS1.3");
	hop_journal_close(&journal, "reset");
	hop_journal_said(&journal, SPAN_LITERAL("late\r\n"));
	read_back(file);
	assert_non_null(strstr(text, "\"listener\":\"example.net\""));
	assert_non_null(strstr(text, "\"event\":\"<\",\"text\":\"EHLO me\""));
	assert_non_null(strstr(text, "\"event\":\">\",\"text\":\"250-hop\""));
	assert_non_null(strstr(text, "\"event\":\">\",\"text\":\"250 SIZE 1000\""));
	assert_non_null(strstr(text, "\"text\":\"334 ***\""));
	assert_null(strstr(text, "c2VjcmV0"));
	assert_non_null(strstr(text, "\"text\":\"235 2.7.0 welcome\""));
	assert_non_null(strstr(text, "\"event\":\"-\",\"text\":\"reset\""));
	assert_null(strstr(text, "late"));
	journal_free(&log);
	close(file);
	close(fds[0]);
	close(fds[1]);
}

/* Off: there is no log, or none just now. */
static void
nothing(void **state)
{
	struct sock_address peer = { .length = 0 };
	struct hop_journal journal = { .open = false };
	struct journal *log = NULL;

	(void)state;
	hop_journal_open(&journal, NULL, "x", -1, &peer);
	hop_journal_said(&journal, SPAN_LITERAL("QUIT\r\n"));
	hop_journal_open(&journal, &log, "x", -1, &peer);
	hop_journal_close(&journal, "");
	assert_false(journal.open);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
