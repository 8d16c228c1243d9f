/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into every process of the daemon: counts its system calls and, at one of them, ends the
 * process or lets the call fail, as the plan says that all processes and the harness share. It keeps
 * a ledger too: which files have content that no successful fsync has covered yet; and it sets their
 * clock.
 *
 * Calls are made by number, so that the roles' filters see what they always see.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* In the order of single_faults.py. */
enum call { OPENAT, RENAMEAT2, LINKAT, WRITE, PWRITE64, WRITEV, FSYNC, FDATASYNC, FTRUNCATE,
	FALLOCATE, UNLINKAT, CLOSE, SENDMSG, RECVMSG, SENDTO, RECVFROM, READ, PREAD64, SOCKET, CONNECT,
	ACCEPT4, CALLS };
enum action { NOTHING, DIE, FAIL, SHORTEN, FREEZE };
enum ledger { CLEAN, DIRTY, POISONED };
enum { ROLES = 8, FILES = 256, IOVECS = 64 };

static const char *const roles[ROLES] = { "sallyportd", "sallyport-smtp", "sallyport-auth",
	"sallyport-keys", "sallyport-dial", "sallyport-queue", "sallyport-relay", "sallyport-mailbox" };

struct plan {
	_Atomic uint32_t armed;
	uint32_t role, call, at, action, error, persists;
	_Atomic uint32_t fired;
	_Atomic int64_t ahead_s; /* of the wall clock */
	_Atomic uint32_t counts[ROLES][CALLS];
	struct {
		_Atomic uint64_t inode;
		_Atomic uint32_t state;
	} files[FILES];
};

static struct plan *plan;
static uint32_t own_role = ROLES;

static void __attribute__((constructor))
map_plan(void)
{
	const char *path = getenv("FAULT_PLAN");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	void *at = MAP_FAILED;

	if (fd >= 0) {
		at = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		syscall(SYS_close, fd);
	}
	for (uint32_t i = 0; at != MAP_FAILED && i < ROLES; i++) {
		if (strcmp(program_invocation_short_name, roles[i]) == 0) {
			plan = at;
			own_role = i;
		}
	}
}

static enum action
look(enum call call)
{
	if (!plan || !plan->armed)
		return NOTHING;
	uint32_t now = ++plan->counts[own_role][call];
	if (own_role != plan->role || call != plan->call || now < plan->at ||
		(plan->fired && !plan->persists))
		return NOTHING;
	plan->fired++;
	if (plan->action == DIE) {
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGKILL);
		syscall(SYS_exit_group, 137);
	}
	if (plan->action == FREEZE) /* the harness now ends all of them */
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSTOP);
	errno = (int)plan->error;
	return (enum action)plan->action;
}

/*
 * A wake-up between threads is no file: neither an eventfd nor the pipe of libuv's signals gives any
 * of these errors, and libuv ends a process that sees one.
 */
static enum action
look_at(enum call call, int fd)
{
	struct stat stat;

	if (!plan || !plan->armed || (fstat(fd, &stat) == 0 &&
		(!(stat.st_mode & S_IFMT) || S_ISFIFO(stat.st_mode))))
		return NOTHING;
	return look(call);
}

static size_t
half(size_t length)
{
	return length > 1 ? length / 2 : length;
}

static size_t
halve(const struct iovec *from, size_t count, struct iovec to[IOVECS])
{
	size_t total = 0, used = 0;

	for (size_t i = 0; i < count; i++)
		total += from[i].iov_len;
	total = half(total);
	while (used < count && used < IOVECS && total > 0) {
		to[used] = from[used];
		if (to[used].iov_len > total)
			to[used].iov_len = total;
		total -= to[used++].iov_len;
	}
	return used;
}

/* ---- the ledger --------------------------------------------------------------------------------- */

static void
note(uint64_t inode, bool written, bool synced)
{
	for (size_t i = 0; i < FILES; i++) {
		uint64_t none = 0;

		if (plan->files[i].inode != inode &&
			!atomic_compare_exchange_strong(&plan->files[i].inode, &none, inode) &&
			none != inode)
			continue;
		/* Linux marks what a failed fsync lost as clean: a second one is not believed. */
		if (written)
			plan->files[i].state = DIRTY;
		else if (!synced)
			plan->files[i].state = POISONED;
		else if (plan->files[i].state == DIRTY)
			plan->files[i].state = CLEAN;
		return;
	}
}

static void
note_fd(int fd, bool written, bool synced)
{
	struct stat stat;
	int saved = errno;

	if (plan && plan->armed && fstat(fd, &stat) == 0 &&
		(S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode)))
		note(stat.st_ino, written, synced);
	errno = saved;
}

static ssize_t
wrote(int fd, ssize_t result)
{
	if (result > 0)
		note_fd(fd, true, false);
	return result;
}

/* ---- files ---------------------------------------------------------------------------------------- */

static int
open_one(int folder, const char *path, int flags, mode_t mode)
{
	if (look(OPENAT) != NOTHING)
		return -1;
	int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
	/* A new name in it. */
	if (fd >= 0 && flags & O_EXCL && folder >= 0)
		note_fd(folder, true, false);
	return fd;
}

#define OPEN_MODE(flags)                                                                            \
	va_list rest;                                                                               \
	va_start(rest, flags);                                                                      \
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;                   \
	va_end(rest)

int
open(const char *path, int flags, ...)
{
	OPEN_MODE(flags);
	return open_one(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

/* open() where the compiler saw that no mode is needed */
int __open64_2(const char *path, int flags);

int
__open64_2(const char *path, int flags)
{
	return open_one(AT_FDCWD, path, flags, 0);
}

int
openat(int folder, const char *path, int flags, ...)
{
	OPEN_MODE(flags);
	return open_one(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) __attribute__((alias("openat")));

int
renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	return look(RENAMEAT2) ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

int
rename(const char *old, const char *new)
{
	return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int
linkat(int from, const char *old, int to, const char *new, int flags)
{
	return look(LINKAT) ? -1 : (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int
link(const char *old, const char *new)
{
	return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int
unlinkat(int folder, const char *path, int flags)
{
	return look(UNLINKAT) ? -1 : (int)syscall(SYS_unlinkat, folder, path, flags);
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

static int
sync_one(int fd, enum call call, long number)
{
	int result = look(call) ? -1 : (int)syscall(number, fd);

	note_fd(fd, false, result == 0);
	return result;
}

int
fsync(int fd)
{
	return sync_one(fd, FSYNC, SYS_fsync);
}

int
fdatasync(int fd)
{
	return sync_one(fd, FDATASYNC, SYS_fdatasync);
}

int
ftruncate(int fd, off_t length)
{
	return look(FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate64(int fd, off64_t length) __attribute__((alias("ftruncate")));

/* Gives the error, does not set it. */
int
posix_fallocate(int fd, off_t offset, off_t length)
{
	if (look(FALLOCATE) || syscall(SYS_fallocate, fd, 0, offset, length) < 0)
		return errno;
	return 0;
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) __attribute__((alias("posix_fallocate")));

/* Whatever it says, it is closed. */
int
close(int fd)
{
	enum action action = look(CLOSE);
	int error = errno;
	int result = (int)syscall(SYS_close, fd);

	if (action == NOTHING)
		return result;
	errno = error;
	return -1;
}

/* ---- bytes ------------------------------------------------------------------------------------------ */

ssize_t
write(int fd, const void *bytes, size_t length)
{
	enum action action = look_at(WRITE, fd);

	if (action == FAIL)
		return -1;
	return wrote(fd, syscall(SYS_write, fd, bytes, action ? half(length) : length));
}

ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	enum action action = look(PWRITE64);

	if (action == FAIL)
		return -1;
	return wrote(fd, syscall(SYS_pwrite64, fd, bytes, action ? half(length) : length, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) __attribute__((alias("pwrite")));

ssize_t
writev(int fd, const struct iovec *pieces, int count)
{
	struct iovec less[IOVECS];
	enum action action = look(WRITEV);

	if (action == FAIL)
		return -1;
	if (action == SHORTEN) {
		count = (int)halve(pieces, (size_t)count, less);
		pieces = less;
	}
	return wrote(fd, syscall(SYS_writev, fd, pieces, count));
}

ssize_t
read(int fd, void *bytes, size_t length)
{
	enum action action = look_at(READ, fd);

	return action == FAIL ? -1 : syscall(SYS_read, fd, bytes, action ? half(length) : length);
}

ssize_t
pread(int fd, void *bytes, size_t length, off_t offset)
{
	enum action action = look(PREAD64);

	if (action == FAIL)
		return -1;
	return syscall(SYS_pread64, fd, bytes, action ? half(length) : length, offset);
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset) __attribute__((alias("pread")));

/* ---- the clock --------------------------------------------------------------------------------------- */

int
clock_gettime(clockid_t clock, struct timespec *now_out)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now_out);

	if (plan && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now_out->tv_sec += plan->ahead_s;
	return result;
}

int
gettimeofday(struct timeval *restrict now_out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*now_out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *now_out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now_out)
		*now_out = now.tv_sec;
	return now.tv_sec;
}

/* ---- sockets ---------------------------------------------------------------------------------------- */

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct iovec less[IOVECS];
	struct msghdr shorter = *message;
	enum action action = look(SENDMSG);

	if (action == FAIL)
		return -1;
	if (action == SHORTEN) {
		shorter.msg_iovlen = halve(message->msg_iov, message->msg_iovlen, less);
		shorter.msg_iov = less;
	}
	return syscall(SYS_sendmsg, fd, &shorter, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
	struct iovec less[IOVECS];
	struct iovec *pieces = message->msg_iov;
	size_t count = message->msg_iovlen;
	enum action action = look(RECVMSG);

	if (action == FAIL)
		return -1;
	if (action == SHORTEN) {
		message->msg_iovlen = halve(pieces, count, less);
		message->msg_iov = less;
	}
	ssize_t result = syscall(SYS_recvmsg, fd, message, flags);
	message->msg_iov = pieces;
	message->msg_iovlen = count;
	return result;
}

ssize_t
send(int fd, const void *bytes, size_t length, int flags)
{
	enum action action = look(SENDTO);

	if (action == FAIL)
		return -1;
	return syscall(SYS_sendto, fd, bytes, action ? half(length) : length, flags, NULL, 0);
}

ssize_t
recv(int fd, void *bytes, size_t length, int flags)
{
	enum action action = look(RECVFROM);

	if (action == FAIL)
		return -1;
	return syscall(SYS_recvfrom, fd, bytes, action ? half(length) : length, flags, NULL, NULL);
}

int
socket(int domain, int type, int protocol)
{
	return look(SOCKET) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int
connect(int fd, const struct sockaddr *to, socklen_t length)
{
	return look(CONNECT) ? -1 : (int)syscall(SYS_connect, fd, to, length);
}

int
accept4(int fd, struct sockaddr *from, socklen_t *length, int flags)
{
	return look(ACCEPT4) ? -1 : (int)syscall(SYS_accept4, fd, from, length, flags);
}
