/* SPDX-License-Identifier: BSD-2-Clause */
/* One forbidden or allowed thing after the other, each by its own call. */
#include "confine_probes.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

char spool[64];
int listening = -1;

static int
result(int value)
{
	return value < 0 ? errno : 0;
}

int
probe_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd >= 0)
		close(fd);
	return result(fd);
}

static int
read_elsewhere(void)
{
	return probe_open("/etc/shells", O_RDONLY);
}

static int
read_root(void)
{
	return probe_open("/", O_RDONLY | O_DIRECTORY);
}

static int
read_hosts(void)
{
	return probe_open("/etc/hosts", O_RDONLY);
}

static int
write_hosts(void)
{
	return probe_open("/etc/hosts", O_WRONLY);
}

static int
write_tmp(void)
{
	return probe_open("/tmp/sallyport-confine-probe", O_WRONLY | O_CREAT);
}

static int
write_spool(void)
{
	char from[96];
	char to[96];
	int fd;

	snprintf(from, sizeof from, "%s/from-%d", spool, (int)getpid());
	snprintf(to, sizeof to, "%s/to-%d", spool, (int)getpid());
	fd = open(from, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) != 0 || ftruncate(fd, 0) != 0)
		return errno;
	close(fd);
	if (rename(from, to) != 0 || mkdir(from, 0700) != 0 || rmdir(from) != 0 || unlink(to) != 0)
		return errno;
	return 0;
}

static int
run_program(void)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };

	return result(execv("/bin/true", argv));
}

static int
fork_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return result(pid);
}

static void *
nothing(void *context)
{
	return context;
}

static int
start_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);

	if (error == 0)
		pthread_join(thread, NULL);
	return error;
}

static int
make_epoll(void)
{
	return result(epoll_create1(EPOLL_CLOEXEC));
}

static int
socket_inet(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int
socket_packet(void)
{
	return result(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
connect_inet(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* Nobody is there; being told so means that we were let through. */
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno == ECONNREFUSED)
		return 0;
	return errno;
}

static int
connect_unix(void)
{
	static const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/nowhere/filter" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 && errno == ENOENT)
		return 0;
	return errno;
}

static int
accept_one(void)
{
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);

	return fd < 0 && errno == EAGAIN ? 0 : result(fd);
}

static int
map_writable_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : 0;
}

static int
make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int
map_anonymous_code(void)
{
	void *page =
		mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : 0;
}

static int
map_library(void)
{
	int fd = open("/lib/x86_64-linux-gnu/libm.so.6", O_RDONLY);
	void *page;

	if (fd < 0 && errno == ENOENT)
		fd = open("/usr/lib/libm.so.6", O_RDONLY);
	if (fd < 0)
		return errno;
	page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	return page == MAP_FAILED ? errno : 0;
}

static int
trace_parent(void)
{
	return result((int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
signal_parent(void)
{
	return result(kill(getppid(), 0));
}

static int
become_root(void)
{
	return result(setuid(0));
}

static int
unshare_user(void)
{
	return result((int)syscall(SYS_unshare, 0x10000000));
}

static int
mount_something(void)
{
	return result((int)syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
}

static int
use_bpf(void)
{
	return result((int)syscall(SYS_bpf, 0, NULL, 0));
}

static int
use_keyring(void)
{
	return result((int)syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int
use_io_uring(void)
{
	return result((int)syscall(SYS_io_uring_setup, 1, NULL));
}

static int
take_handler_away(void)
{
	struct sigaction standard = { .sa_handler = SIG_IGN };

	return result(sigaction(SIGSYS, &standard, NULL));
}

static int
ask_for_terminal(void)
{
	return isatty(listening) ? 0 : errno;
}

static int
raise_limit(void)
{
	struct rlimit limit = { 64, 64 };

	return result(setrlimit(RLIMIT_NOFILE, &limit));
}

static int
read_limit(void)
{
	struct rlimit limit;

	return result(getrlimit(RLIMIT_NOFILE, &limit));
}

static int
status_of_open_fd(void)
{
	struct stat status;

	return result(fstat(listening, &status));
}

static int
stat_path(void)
{
	struct stat status;

	return result(stat("/etc/hosts", &status));
}

static int
is_dumpable(void)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static int
allocate(void)
{
	void *volatile large = malloc(8 * 1024 * 1024);

	if (!large)
		return ENOMEM;
	memset(large, 1, 8 * 1024 * 1024);
	free(large);
	return 0;
}

const struct probe probes[] = {
	{ "allocate", allocate, WORKS, 0, 0 },
	{ "fstat", status_of_open_fd, WORKS, 0, 0 },
	{ "getrlimit", read_limit, WORKS, 0, 0 },
	{ "dumpable", is_dumpable, 0, 0, 0 },
	{ "open elsewhere", read_elsewhere, EACCES, 0, 0 },
	{ "open /", read_root, EACCES, 0, 0 },
	{ "open what names need", read_hosts, EACCES, MAY_LOAD, WORKS },
	{ "write what is read only", write_hosts, EACCES, 0, 0 },
	{ "write /tmp", write_tmp, EACCES, 0, 0 },
	{ "stat", stat_path, EACCES, MAY_READ_FILES, WORKS },
	{ "work in the spool", write_spool, EACCES, MAY_WRITE_FILES, WORKS },
	{ "exec", run_program, DIES, 0, 0 },
	{ "fork", fork_process, DIES, 0, 0 },
	{ "thread", start_thread, DIES, MAY_THREAD, WORKS },
	{ "the resolver's loop", make_epoll, DIES, MAY_CONNECT, WORKS },
	{ "socket", socket_inet, EACCES, MAY_CONNECT, WORKS },
	{ "connect", connect_inet, EACCES, MAY_CONNECT, WORKS },
	{ "connect to a unix socket", connect_unix, EACCES, MAY_ASK, WORKS },
	{ "packet socket", socket_packet, EACCES, MAY_CONNECT, DIES },
	{ "accept", accept_one, DIES, MAY_ACCEPT, WORKS },
	{ "mmap rwx", map_writable_code, DIES, 0, 0 },
	{ "mprotect x", make_code, DIES, 0, 0 },
	{ "mmap x of no file", map_anonymous_code, DIES, 0, 0 },
	{ "mmap x of a library", map_library, EACCES, MAY_LOAD, WORKS },
	{ "ptrace", trace_parent, DIES, 0, 0 },
	{ "kill", signal_parent, DIES, 0, 0 },
	{ "setuid", become_root, DIES, 0, 0 },
	{ "unshare", unshare_user, DIES, 0, 0 },
	{ "mount", mount_something, DIES, 0, 0 },
	{ "bpf", use_bpf, DIES, 0, 0 },
	{ "keyctl", use_keyring, DIES, 0, 0 },
	{ "io_uring", use_io_uring, ENOSYS, 0, 0 },
	{ "SIGSYS handler", take_handler_away, DIES, 0, 0 },
	{ "terminal", ask_for_terminal, ENOTTY, 0, 0 },
	{ "setrlimit", raise_limit, EPERM, 0, 0 },
};

const size_t probe_count = sizeof probes / sizeof probes[0];

/* ---- the filter for other servers ------------------------------------------------------------- */

static int
open_in_spool(const char *name, int flags)
{
	char path[96];

	snprintf(path, sizeof path, "%s/%s", spool, name);
	return probe_open(path, flags | O_CLOEXEC);
}

static int
read_table(void)
{
	return open_in_spool("there", O_RDONLY);
}

static int
list_folder(void)
{
	return probe_open(spool, O_RDONLY | O_DIRECTORY);
}

static int
log_and_remove(void)
{
	char path[96];
	int error = open_in_spool("log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW);

	snprintf(path, sizeof path, "%s/log", spool);
	return error ? error : result(unlink(path));
}

static int
log_elsewhere(void)
{
	return probe_open("/tmp/sallyport-confine-probe", O_WRONLY | O_APPEND | O_CREAT);
}

static int
overwrite(void)
{
	return open_in_spool("there", O_WRONLY);
}

static int
empty_log(void)
{
	return open_in_spool("there", O_WRONLY | O_APPEND | O_TRUNC);
}

/* As SQLite does it. */
static int
make_database_log(void)
{
	char path[96];
	int fd;

	snprintf(path, sizeof path, "%s/x-wal", spool);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0644) != 0 || pwrite(fd, "x", 1, 0) != 1 || ftruncate(fd, 0) != 0)
		return errno;
	close(fd);
	return result(unlink(path));
}

static int
make_folder(void)
{
	char path[96];

	snprintf(path, sizeof path, "%s/folder", spool);
	return result(mkdir(path, 0700));
}

static int
change_mode(void)
{
	return result(fchmod(listening, 0600));
}

static int
accept_as_libmilter(void)
{
	int fd = accept(listening, NULL, NULL);

	return fd < 0 && errno == EAGAIN ? 0 : result(fd);
}

static int
await_signal(void)
{
	static const struct timespec now = { 0, 0 };
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	return sigtimedwait(&signals, NULL, &now) < 0 && errno == EAGAIN ? 0 : errno;
}

static int
make_pipe(void)
{
	int ends[2];

	return result(pipe(ends));
}

const struct probe milter_probes[] = {
	{ "read a table", read_table, WORKS, 0, WORKS },
	{ "list a folder", list_folder, EACCES, 0, WORKS },
	{ "open the log, remove the socket", log_and_remove, WORKS, 0, WORKS },
	{ "log elsewhere", log_elsewhere, EACCES, 0, EACCES },
	{ "overwrite a table", overwrite, EACCES, 0, WORKS },
	{ "empty the log", empty_log, EACCES, 0, WORKS },
	{ "write-ahead log", make_database_log, EACCES, 0, WORKS },
	{ "mkdir", make_folder, DIES, 0, EACCES },
	{ "fchmod of what is another's", change_mode, DIES, 0, EPERM },
	{ "accept()", accept_as_libmilter, WORKS, 0, WORKS },
	{ "wait for a signal", await_signal, WORKS, 0, WORKS },
	{ "pipe", make_pipe, WORKS, 0, WORKS },
};

const size_t milter_probe_count = sizeof milter_probes / sizeof milter_probes[0];
