/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords from standard input and from a terminal, where they are not seen. */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/password.h"

static struct secret *
read_from(const char *bytes, size_t size, struct fault *fault)
{
	FILE *in = tmpfile();
	struct secret *password;

	assert_non_null(in);
	assert_int_equal(fwrite(bytes, 1, size, in), size);
	rewind(in);
	password = password_read(in, true, true, fault);
	fclose(in);
	return password;
}

static void
standard_input(void **state)
{
	static const struct {
		const char *text;
		const char *password; /* NULL: refused */
		const char *reason;
	} cases[] = {
		{ "s3cret\n", "s3cret", NULL },
		{ "s3cret", "s3cret", NULL },
		{ "first\nsecond\n", "first", NULL },
		{ " with blanks \n", " with blanks ", NULL },
		{ "carriage\r\n", "carriage\r", NULL },
		{ "\n", NULL, "the password is empty" },
		{ "", NULL, "the password is empty" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fault fault = FAULT_INIT;
		struct secret *password = read_from(cases[i].text, strlen(cases[i].text), &fault);

		if (cases[i].password) {
			assert_non_null(password);
			assert_span_equal(secret_span(password), cases[i].password);
		} else {
			assert_null(password);
			assert_string_equal(fault.text, cases[i].reason);
		}
		secret_free(&password);
	}
}

static void
lengths(void **state)
{
	char text[PASSWORD_MAX_BYTES + 2];
	struct fault fault = FAULT_INIT;
	struct secret *password;

	(void)state;
	memset(text, 'x', sizeof text);
	text[PASSWORD_MAX_BYTES] = '\n';
	password = read_from(text, PASSWORD_MAX_BYTES + 1, &fault);
	assert_int_equal(secret_span(password).length, PASSWORD_MAX_BYTES);
	secret_free(&password);
	text[PASSWORD_MAX_BYTES] = 'x';
	text[PASSWORD_MAX_BYTES + 1] = '\n';
	assert_null(read_from(text, sizeof text, &fault));
	assert_string_equal(fault.text, "the password is longer than 1024 bytes");
}

/* ---- on a terminal of its own ----------------------------------------------------------------- */

/* What the terminal shows up to and with this text; fails after some seconds. */
static void
expect(int terminal, char *seen, size_t size, const char *text)
{
	size_t used = strlen(seen);

	while (!strstr(seen, text)) {
		struct pollfd poll_fd = { .fd = terminal, .events = POLLIN };
		ssize_t got;

		assert_int_equal(poll(&poll_fd, 1, 10000), 1);
		got = read(terminal, seen + used, size - used - 1);
		assert_true(got > 0);
		used += (size_t)got;
		seen[used] = '\0';
	}
}

/* The echo is back at the end. The child asks and exits with 0 if it got "s3cret", else with 1. */
static int
converse(bool twice, const char *first, const char *second, char *seen, size_t size)
{
	struct termios after;
	int terminal;
	int status;
	pid_t child = forkpty(&terminal, NULL, NULL, NULL);

	if (child == 0) {
		struct fault fault = FAULT_INIT;
		struct secret *password = password_read(stdin, false, twice, &fault);
		_exit(password && span_is(secret_span(password), "s3cret") ? 0 : 1);
	}
	assert_true(child > 0);
	seen[0] = '\0';
	expect(terminal, seen, size, "Password: ");
	assert_int_equal(write(terminal, first, strlen(first)), strlen(first));
	if (second) {
		expect(terminal, seen, size, "Once more: ");
		assert_int_equal(write(terminal, second, strlen(second)), strlen(second));
	}
	/* the terminal must be read, or its end may wait for that */
	for (;;) {
		size_t used = strlen(seen);
		ssize_t got = read(terminal, seen + used, size - used - 1);
		if (got <= 0)
			break;
		seen[used + (size_t)got] = '\0';
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(tcgetattr(terminal, &after), 0);
	assert_true(after.c_lflag & ECHO);
	close(terminal);
	return status;
}

static void
terminal_unseen(void **state)
{
	char seen[1024];

	(void)state;
	assert_int_equal(converse(false, "s3cret\n", NULL, seen, sizeof seen), 0);
	assert_null(strstr(seen, "s3cret"));
	assert_int_equal(converse(true, "s3cret\n", "s3cret\n", seen, sizeof seen), 0);
	assert_null(strstr(seen, "s3cret"));
	assert_int_equal(WEXITSTATUS(converse(true, "s3cret\n", "other\n", seen, sizeof seen)), 1);
	assert_int_equal(WEXITSTATUS(converse(false, "\n", NULL, seen, sizeof seen)), 1);
}

/* ^C ends the program, and not before the echo is back. */
static void
terminal_interrupted(void **state)
{
	char seen[1024];
	int status = converse(false, "s3c\003", NULL, seen, sizeof seen);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
	assert_null(strstr(seen, "s3c"));
}

static void
no_terminal(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct fault fault = FAULT_INIT;
		setsid();
		_exit(password_read(stdin, false, false, &fault) == NULL &&
					strstr(fault.text, "--password-stdin")
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_input),
		cmocka_unit_test(lengths),
		cmocka_unit_test(terminal_unseen),
		cmocka_unit_test(terminal_interrupted),
		cmocka_unit_test(no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
