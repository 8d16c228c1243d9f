/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that the administrator's signals go to. */
#include "filter/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/confine.h"

/* The child has come to its end: how, as an exit status. A thread that begins cannot tell its breach. */
static bool
has_ended(pid_t child, int *status_out)
{
	int status;

	if (waitpid(child, &status, WNOHANG) != child)
		return false;
	if (WIFEXITED(status))
		*status_out = WEXITSTATUS(status);
	else
		*status_out = WTERMSIG(status) == SIGSYS ? CONFINE_BREACH_STATUS : EXIT_FAILURE;
	return true;
}

/* So many may wait already that one more tells nothing new. */
static void
give(int orders, enum guardian_order order)
{
	char byte = (char)order;
	ssize_t put = write(orders, &byte, 1);

	(void)put;
}

static int
keep(pid_t child, int orders, const sigset_t *signals)
{
	const struct timespec stop_wait = { .tv_sec = GUARDIAN_STOP_MS / 1000 };
	bool stopping = false;
	int status;

	for (;;) {
		int got = stopping ? sigtimedwait(signals, NULL, &stop_wait)
				   : sigwaitinfo(signals, NULL);

		if (has_ended(child, &status))
			break;
		if (got == SIGHUP)
			give(orders, GUARDIAN_RELOAD);
		if (got == SIGTERM || got == SIGINT) {
			give(orders, GUARDIAN_STOP);
			stopping = true;
		}
		if (got < 0 && errno == EAGAIN)
			kill(child, SIGKILL);
	}
	return status;
}

enum guardian_side
guardian_start(int *orders_out, int *status_out, struct fault *fault_out)
{
	sigset_t signals;
	sigset_t before;
	int orders[2];
	pid_t child;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGPIPE); /* of an order to who has just ended */
	sigprocmask(SIG_BLOCK, &signals, &before);
	if (pipe2(orders, O_CLOEXEC) != 0 || (child = fork()) < 0) {
		fault_set_errno(fault_out, "cannot start a process");
		return GUARDIAN_FAILED;
	}
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		close(orders[1]);
		*orders_out = orders[0];
		return GUARDIAN_CHILD;
	}
	close(orders[0]);
	fcntl(orders[1], F_SETFL, O_NONBLOCK);
	*status_out = keep(child, orders[1], &signals);
	close(orders[1]);
	return GUARDIAN_DONE;
}
