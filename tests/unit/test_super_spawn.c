/* SPDX-License-Identifier: BSD-2-Clause */
/* A role's process: what it has of ours, told by a script that stands where the program would. */
#include "unit.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/sock.h"
#include "super/spawn.h"

static char program[512];

/* A role that this build has no program for, so that none stands beside this test. */
static const enum role role = ROLE_DIAL;

static const char script[] =
	"#!/bin/sh\n"
	"{\n"
	"  echo arguments=$#\n"
	"  echo name=${0##*/}\n"
	"  env\n"
	"  for fd in /proc/$$/fd/*; do echo fd=${fd##*/}; done\n"
	"  while read -r line; do echo \"$line\"; done < /proc/$$/status\n"
	"  echo group=$(cut -d' ' -f5 /proc/$$/stat) pid=$$\n"
	"  echo end\n"
	"} >&3\n"
	"echo words >&2\n"
	"exit 7\n";

static void
read_until_end(int fd, char *text, size_t size)
{
	size_t length = 0;

	fcntl(fd, F_SETFL, 0);
	while (length < size - 1) {
		ssize_t got = read(fd, text + length, size - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	text[length] = '\0';
}

static void
has_only_its_channel(void **state)
{
	char text[16384] = "", said[64] = "", wanted[64];
	int fds[2], errors[2], leaked, status;
	struct fault fault = FAULT_INIT;
	sigset_t blocked;
	pid_t pid;

	(void)state;
	setenv("SALLYPORT_TEST_SECRET", "secret", 1);
	setenv("KRB5_CONFIG", "/the/krb5.conf", 1);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	/* Without close-on-exec, and above what the shell opens for itself. */
	leaked = fcntl(STDIN_FILENO, F_DUPFD, 50);
	assert_true(leaked >= 50);
	assert_true(sock_pair(fds, &fault));
	assert_int_equal(pipe(errors), 0);
	assert_true(spawn_role(role, fds[1], errors[1], &pid, &fault));
	assert_true(fcntl(fds[1], F_GETFD) >= 0);
	close(fds[1]);
	close(errors[1]);
	read_until_end(fds[0], text, sizeof text);
	read_until_end(errors[0], said, sizeof said);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_string_equal(said, "words\n");

	assert_non_null(strstr(text, "arguments=0\n"));
	assert_non_null(strstr(text, "name=sallyport-dial\n"));
	assert_non_null(strstr(text, "KRB5_CONFIG=/the/krb5.conf\n"));
	assert_null(strstr(text, "SECRET"));
	assert_null(strstr(text, "HOME="));
	snprintf(wanted, sizeof wanted, "fd=%d\n", leaked);
	assert_null(strstr(text, wanted));
	assert_non_null(strstr(text, "fd=3\n"));
	assert_non_null(strstr(text, "SigBlk:\t0000000000000000\n"));
	/* 32 and 33 belong to the C library, and no program may set them. */
	assert_non_null(strstr(text, "SigIgn:\t"));
	assert_int_equal(strtoull(strstr(text, "SigIgn:\t") + 8, NULL, 16) & ~0x180000000ull, 0);
	snprintf(wanted, sizeof wanted, "group=%d pid=%d\n", (int)pid, (int)pid);
	assert_non_null(strstr(text, wanted));
	close(fds[0]);
	close(errors[0]);
	close(leaked);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
}

static void
no_program(void **state)
{
	struct fault fault = FAULT_INIT;
	pid_t pid = -5;

	(void)state;
	assert_false(spawn_role(ROLE_MAILBOX, 0, 2, &pid, &fault));
	assert_int_equal(fault.kind, FAULT_SYSTEM);
	assert_non_null(strstr(fault.text, "sallyport-mailbox"));
	assert_int_equal(pid, -5);
}

/* E14: there is no room for a process. That is a fault like another, and nothing is left of it. */
static void
E14_no_fork(void **state)
{
	pid_t tester = fork();
	int status;

	(void)state;
	if (tester == 0) {
		const struct rlimit none = { 0, 0 };
		struct fault fault = FAULT_INIT;
		pid_t pid = -5;

		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(77);
		if (access(program, X_OK) != 0 || setrlimit(RLIMIT_NPROC, &none) != 0)
			_exit(77);
		if (spawn_role(role, 0, 2, &pid, &fault))
			_exit(1);
		_exit(pid == -5 && strncmp(fault.text, "fork: ", 6) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(tester, &status, 0), tester);
	if (WEXITSTATUS(status) == 77)
		skip(); /* the ordinary user cannot reach this folder */
	assert_int_equal(status, 0);
}

static int
set_up(void **state)
{
	char own[400];
	ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
	int fd;

	(void)state;
	if (length <= 0)
		return -1;
	own[length] = '\0';
	snprintf(program, sizeof program, "%s/sallyport-%s", dirname(own), role_name(role));
	fd = open(program, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (fd < 0 || write(fd, script, sizeof script - 1) != sizeof script - 1)
		return -1;
	fchmod(fd, 0755);
	return close(fd);
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(program);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_only_its_channel),
		cmocka_unit_test(no_program),
		cmocka_unit_test(E14_no_fork),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
