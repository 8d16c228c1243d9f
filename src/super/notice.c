/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is told that the daemon runs. */
#include "super/notice.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "config.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

/* There is one daemon in a process. */
static struct {
	int lock_fd;
	int state_fd;
	char *pid_path;
	int waiting_fd; /* of the process that waits for us; -1: none */
} notice = { .lock_fd = -1, .state_fd = -1, .waiting_fd = -1 };

static bool
write_pid(struct fault *fault)
{
	char text[32];
	int length = snprintf(text, sizeof text, "%d\n", (int)getpid());

	if (ftruncate(notice.lock_fd, 0) != 0 ||
		pwrite(notice.lock_fd, text, (size_t)length, 0) != length)
		return fault_set_errno(fault, "%s", notice.pid_path);
	return true;
}

static bool
say_running(struct fault *fault)
{
	char text[32] = "";
	ssize_t length = pread(notice.lock_fd, text, sizeof text - 1, 0);

	if (errno != EWOULDBLOCK)
		return fault_set_errno(fault, "%s", notice.pid_path);
	text[length > 0 ? length : 0] = '\0';
	return fault_set(fault, FAULT_BUSY, "is running already, as process %d (%s)", atoi(text),
		notice.pid_path);
}

/* The file is not ours, or not there: notice_unlock() must leave it alone. */
static bool
give_up_lock(void)
{
	if (notice.lock_fd >= 0)
		close(notice.lock_fd);
	notice.lock_fd = -1;
	mem_free(&notice.pid_path);
	return false;
}

bool
notice_lock(const char *run_dir, struct fault *fault)
{
	if (mkdir(run_dir, 0750) != 0 && errno != EEXIST)
		return fault_set_errno(fault, "run-dir %s", run_dir);
	notice.pid_path = mem_printf("%s/pid", run_dir);
	notice.lock_fd = open(notice.pid_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (notice.lock_fd < 0) {
		fault_set_errno(fault, "%s", notice.pid_path);
		return give_up_lock();
	}
	if (flock(notice.lock_fd, LOCK_EX | LOCK_NB) != 0) {
		say_running(fault);
		return give_up_lock();
	}
	return write_pid(fault);
}

bool
notice_lock_state(const char *state_dir, struct fault *fault)
{
	int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fault_set_errno(fault, "state-dir %s", state_dir);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		notice.state_fd = fd;
		return true;
	}
	if (errno == EWOULDBLOCK)
		fault_set(fault, FAULT_BUSY, "state-dir %s is in use by another daemon", state_dir);
	else
		fault_set_errno(fault, "state-dir %s: lock", state_dir);
	close(fd);
	return false;
}

void
notice_unlock(void)
{
	if (notice.state_fd >= 0)
		close(notice.state_fd);
	notice.state_fd = -1;
	if (notice.lock_fd < 0)
		return;
	unlink(notice.pid_path);
	close(notice.lock_fd);
	notice.lock_fd = -1;
	mem_free(&notice.pid_path);
}

/* The process that was called: its status is what became of the new one. */
static void __attribute__((noreturn))
wait_for_ready(int fd)
{
	char byte;
	ssize_t size;

	do {
		size = read(fd, &byte, 1);
	} while (size < 0 && errno == EINTR);
	_exit(size == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

bool
notice_detach(struct fault *fault)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return fault_set_errno(fault, "pipe");
	pid = fork();
	if (pid < 0)
		return fault_set_errno(fault, "fork");
	if (pid > 0) {
		close(fds[1]);
		wait_for_ready(fds[0]);
	}
	close(fds[0]);
	notice.waiting_fd = fds[1];
	setsid();
	return true;
}

static void
let_go_of_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

static void
tell_systemd(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

void
notice_ready(int ready_fd)
{
	if (ready_fd >= 0) {
		(void)!write(ready_fd, "ready\n", 6);
		close(ready_fd);
	}
	tell_systemd("READY=1");
	if (notice.waiting_fd < 0)
		return;
	let_go_of_terminal();
	(void)!write(notice.waiting_fd, "r", 1);
	close(notice.waiting_fd);
	notice.waiting_fd = -1;
}

void
notice_reloading(void)
{
	char text[96];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	tell_systemd(text);
}

void
notice_reloaded(void)
{
	tell_systemd("READY=1");
}

void
notice_stopping(void)
{
	tell_systemd("STOPPING=1");
}
