/* SPDX-License-Identifier: BSD-2-Clause */
/* A password from the terminal or from standard input. */
#include "ctl/password.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "base/memory.h"

/* A signal must not leave the terminal without echo: it is kept until the echo is back. */
static volatile sig_atomic_t caught;

/*
 * Byte by byte, so that nothing but our own buffer ever holds it. While waiting, and only then, the
 * signals of mask_waiting come in: one that came just before would be missed by a plain read.
 */
static bool
read_byte(int fd, const sigset_t *mask_waiting, char *byte_out)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	/* poll() would wait for ever on what is no descriptor. */
	while (fd >= 0 && !caught) {
		int ready = ppoll(&wait, 1, NULL, mask_waiting);

		if (ready > 0)
			return read(fd, byte_out, 1) == 1 && *byte_out != '\n';
		if (ready < 0 && errno != EINTR)
			break;
	}
	return false;
}

static struct secret *
read_line(int fd, const sigset_t *mask_waiting, struct fault *fault_out)
{
	char line[PASSWORD_MAX_BYTES + 1];
	size_t length = 0;
	struct secret *password = NULL;
	char byte;

	while (length < sizeof line && read_byte(fd, mask_waiting, &byte))
		line[length++] = byte;
	mem_wipe(&byte, 1);
	if (length == sizeof line)
		fault_set(fault_out, FAULT_CONFIG, "the password is longer than %d bytes",
			PASSWORD_MAX_BYTES);
	else if (length == 0)
		fault_set(fault_out, FAULT_CONFIG, "the password is empty");
	else
		password = secret_new(span_of(line, length));
	mem_wipe(line, sizeof line);
	return password;
}

static void
on_signal(int number)
{
	caught = number;
}

static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP };
enum { SIGNAL_COUNT = sizeof signals / sizeof signals[0] };

static void
catch_signals(struct sigaction before[SIGNAL_COUNT], sigset_t *mask_before)
{
	struct sigaction keep = { .sa_handler = on_signal };
	sigset_t all;

	caught = 0;
	sigemptyset(&all);
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaddset(&all, signals[i]);
	sigprocmask(SIG_BLOCK, &all, mask_before);
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(signals[i], &keep, &before[i]);
}

static void
release_signals(const struct sigaction before[SIGNAL_COUNT], const sigset_t *mask_before)
{
	int number;

	/* What is still kept back comes to our handler, and then again to theirs. */
	sigprocmask(SIG_SETMASK, mask_before, NULL);
	number = caught;
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(signals[i], &before[i], NULL);
	if (number)
		raise(number);
}

static struct secret *
ask(FILE *terminal, const char *prompt, struct fault *fault_out)
{
	struct sigaction signals_before[SIGNAL_COUNT];
	sigset_t mask_before;
	struct termios before;
	struct termios quiet;
	struct secret *password;

	if (tcgetattr(fileno(terminal), &before) != 0) {
		fault_set_errno(fault_out, "terminal");
		return NULL;
	}
	catch_signals(signals_before, &mask_before);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fileno(terminal), TCSAFLUSH, &quiet);
	fputs(prompt, terminal);
	fflush(terminal);
	password = read_line(fileno(terminal), &mask_before, fault_out);
	tcsetattr(fileno(terminal), TCSAFLUSH, &before);
	fputc('\n', terminal);
	release_signals(signals_before, &mask_before);
	return password;
}

static struct secret *
ask_twice(FILE *terminal, struct fault *fault_out)
{
	struct secret *password = ask(terminal, "Password: ", fault_out);
	struct secret *again;

	if (!password)
		return NULL;
	again = ask(terminal, "Once more: ", fault_out);
	if (again && !secret_equal(secret_span(password), secret_span(again))) {
		fault_set(fault_out, FAULT_CONFIG, "the two passwords differ");
		secret_free(&again);
	}
	if (!again)
		secret_free(&password);
	secret_free(&again);
	return password;
}

struct secret *
password_read(FILE *in, bool from_stdin, bool twice, struct fault *fault_out)
{
	FILE *terminal;
	struct secret *password;
	sigset_t mask;

	if (from_stdin) {
		sigprocmask(SIG_SETMASK, NULL, &mask);
		return read_line(fileno(in), &mask, fault_out);
	}
	terminal = fopen("/dev/tty", "r+e");
	if (!terminal) {
		fault_set(fault_out, FAULT_CONFIG,
			"there is no terminal to ask for a password; use --password-stdin");
		return NULL;
	}
	password = twice ? ask_twice(terminal, fault_out)
			 : ask(terminal, "Password: ", fault_out);
	fclose(terminal);
	return password;
}
