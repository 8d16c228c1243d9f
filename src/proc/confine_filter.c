/* SPDX-License-Identifier: BSD-2-Clause */
/* Seccomp: the system calls that a role has. Everything else ends it. */
#include "proc/confine_parts.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Calls that the roles have, by group; ALWAYS is every role's. */
enum { ALWAYS = 0 };

static const struct {
	unsigned may;
	const char *name;
} allowed[] = {
	/* memory; what maps code is below */
	{ ALWAYS, "brk" },
	{ ALWAYS, "munmap" },
	{ ALWAYS, "mremap" },
	{ ALWAYS, "madvise" },
	/* threads that run already */
	{ ALWAYS, "futex" },
	{ ALWAYS, "futex_waitv" },
	{ ALWAYS, "set_robust_list" },
	{ ALWAYS, "rseq" },
	{ ALWAYS, "sched_yield" },
	{ ALWAYS, "sched_getaffinity" },
	{ ALWAYS, "getcpu" },
	{ ALWAYS, "membarrier" },
	{ ALWAYS, "gettid" },
	{ ALWAYS, "getpid" },
	{ ALWAYS, "getppid" },
	{ ALWAYS, "getuid" },
	{ ALWAYS, "geteuid" },
	{ ALWAYS, "getgid" },
	{ ALWAYS, "getegid" },
	{ ALWAYS, "exit" },
	{ ALWAYS, "exit_group" },
	/* signals */
	{ ALWAYS, "rt_sigreturn" },
	{ ALWAYS, "rt_sigprocmask" },
	{ ALWAYS, "sigaltstack" },
	{ ALWAYS, "restart_syscall" },
	/* clocks and randomness */
	{ ALWAYS, "clock_gettime" },
	{ ALWAYS, "clock_getres" },
	{ ALWAYS, "clock_nanosleep" },
	{ ALWAYS, "nanosleep" },
	{ ALWAYS, "gettimeofday" },
	{ ALWAYS, "time" },
	{ ALWAYS, "getrandom" },
	/* what is open already, or came over a channel */
	{ ALWAYS, "read" },
	{ ALWAYS, "readv" },
	{ ALWAYS, "write" },
	{ ALWAYS, "writev" },
	{ ALWAYS, "pread64" },
	{ ALWAYS, "preadv" },
	{ ALWAYS, "pwrite64" },
	{ ALWAYS, "pwritev" },
	{ ALWAYS, "lseek" },
	{ ALWAYS, "close" },
	{ ALWAYS, "close_range" },
	{ ALWAYS, "dup" },
	{ ALWAYS, "dup2" },
	{ ALWAYS, "dup3" },
	{ ALWAYS, "fstat" },
	{ ALWAYS, "fsync" },
	{ ALWAYS, "fdatasync" },
	{ ALWAYS, "ftruncate" },
	{ ALWAYS, "fallocate" },
	{ ALWAYS, "fadvise64" },
	{ ALWAYS, "poll" },
	{ ALWAYS, "ppoll" },
	{ ALWAYS, "select" },
	{ ALWAYS, "pselect6" },
	{ ALWAYS, "epoll_ctl" },
	{ ALWAYS, "epoll_wait" },
	{ ALWAYS, "epoll_pwait" },
	{ ALWAYS, "epoll_pwait2" },
	{ ALWAYS, "recvmsg" },
	{ ALWAYS, "recvfrom" },
	{ ALWAYS, "shutdown" },
	{ ALWAYS, "getsockname" },
	{ ALWAYS, "getpeername" },
	{ ALWAYS, "getsockopt" },
	{ ALWAYS, "setsockopt" },
	/* facts */
	{ ALWAYS, "uname" },
	{ ALWAYS, "getrusage" },
	{ ALWAYS, "sysinfo" },
	{ ALWAYS, "getrlimit" },

	{ MAY_ACCEPT, "accept" },
	{ MAY_ACCEPT, "accept4" },

	{ MAY_THREAD, "set_tid_address" },

	{ MAY_READ_FILES, "stat" },
	{ MAY_READ_FILES, "lstat" },
	{ MAY_READ_FILES, "newfstatat" },
	{ MAY_READ_FILES, "statx" },
	{ MAY_READ_FILES, "access" },
	{ MAY_READ_FILES, "faccessat" },
	{ MAY_READ_FILES, "faccessat2" },
	{ MAY_READ_FILES, "readlink" },
	{ MAY_READ_FILES, "readlinkat" },
	{ MAY_READ_FILES, "getdents64" },
	{ MAY_READ_FILES, "getcwd" },
	{ MAY_READ_FILES, "statfs" },
	{ MAY_READ_FILES, "fstatfs" },

	{ MAY_WRITE_FILES, "open" },
	{ MAY_WRITE_FILES, "openat" },
	{ MAY_WRITE_FILES, "unlink" },
	{ MAY_WRITE_FILES, "unlinkat" },
	{ MAY_WRITE_FILES, "rename" },
	{ MAY_WRITE_FILES, "renameat" },
	{ MAY_WRITE_FILES, "renameat2" },
	{ MAY_WRITE_FILES, "link" },
	{ MAY_WRITE_FILES, "linkat" },
	{ MAY_WRITE_FILES, "mkdir" },
	{ MAY_WRITE_FILES, "mkdirat" },
	{ MAY_WRITE_FILES, "rmdir" },
	{ MAY_WRITE_FILES, "flock" },
	{ MAY_WRITE_FILES, "fchmod" },
	{ MAY_WRITE_FILES, "chmod" },
	{ MAY_WRITE_FILES, "fchmodat" },
	{ MAY_WRITE_FILES, "utimensat" },
	{ MAY_WRITE_FILES, "truncate" },
	{ MAY_WRITE_FILES, "syncfs" },
	{ MAY_WRITE_FILES, "sync_file_range" },
	{ MAY_WRITE_FILES, "copy_file_range" },
	{ MAY_WRITE_FILES, "sendfile" },
	{ MAY_WRITE_FILES, "umask" },

	{ MAY_REMOVE_FILES, "unlink" },
	{ MAY_REMOVE_FILES, "unlinkat" },

	{ MAY_ASK, "connect" },

	{ MAY_AWAIT, "rt_sigtimedwait" },
	{ MAY_AWAIT, "rt_sigsuspend" },
	{ MAY_AWAIT, "pause" },
	{ MAY_AWAIT, "pipe" },
	{ MAY_AWAIT, "pipe2" },

	{ MAY_CONNECT, "connect" },
	{ MAY_CONNECT, "bind" },
	{ MAY_CONNECT, "sendmsg" },
	{ MAY_CONNECT, "sendto" },
	{ MAY_CONNECT, "sendmmsg" },
	{ MAY_CONNECT, "recvmmsg" },
	/* the resolver's thread */
	{ MAY_CONNECT, "epoll_create1" },
	{ MAY_CONNECT, "eventfd2" },
	{ MAY_CONNECT, "pipe2" },
};

/*
 * Calls that libraries make on their way and do without: they get an error, not death. libuv opens
 * /dev/null at EMFILE, glibc looks at overcommit_memory, GnuTLS at its system configuration, GSSAPI
 * asks for the host's addresses.
 */
static const struct {
	const char *name;
	int error;
} denied[] = {
	{ "open", EACCES },
	{ "openat", EACCES },
	{ "openat2", ENOSYS },
	{ "fchmodat2", ENOSYS },
	{ "stat", EACCES },
	{ "lstat", EACCES },
	{ "statx", EACCES },
	{ "access", EACCES },
	{ "faccessat", EACCES },
	{ "faccessat2", EACCES },
	{ "readlink", EACCES },
	{ "readlinkat", EACCES },
	{ "getcwd", EACCES },
	{ "socket", EACCES },
	{ "clone3", ENOSYS }, /* glibc then takes clone(), of which the filter sees the flags */
	{ "io_uring_setup", ENOSYS },
	{ "sched_setaffinity", EPERM },
	{ "sched_setscheduler", EPERM },
	{ "setpriority", EPERM },
	{ "chown", EPERM },
	{ "fchown", EPERM },
	{ "fchownat", EPERM },
};

static bool
add_rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
	const struct scmp_arg_cmp *conditions, struct fault *fault)
{
	int number = seccomp_syscall_resolve_name(name);
	int result;

	/* Not on this architecture, or newer than the library: it stays forbidden. */
	if (number == __NR_SCMP_ERROR || number < 0)
		return true;
	result = seccomp_rule_add_array(filter, action, number, count, conditions);
	/* A rule that repeats the default action, or one that is there already. */
	if (result == 0 || result == -EACCES || result == -EEXIST)
		return true;
	errno = -result;
	return fault_set_errno(fault, "seccomp rule for %s", name);
}

#define ALLOW_IF(name, ...)                                                                        \
	add_rule(filter, SCMP_ACT_ALLOW, name,                                                     \
		sizeof((struct scmp_arg_cmp[]){ __VA_ARGS__ }) / sizeof(struct scmp_arg_cmp),      \
		(struct scmp_arg_cmp[]){ __VA_ARGS__ }, fault)

/* Memory is never writable and executable, nor made executable later. */
static bool
add_memory(scmp_filter_ctx filter, const struct confine_row *row, struct fault *fault)
{
	if (!ALLOW_IF("mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) ||
		!ALLOW_IF("mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)))
		return false;
	return !(row->may & MAY_LOAD) ||
		ALLOW_IF("mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC),
			SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0));
}

static bool
add_threads(scmp_filter_ctx filter, const struct confine_row *row, struct fault *fault)
{
	const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

	return !(row->may & MAY_THREAD) ||
		ALLOW_IF("clone", SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
}

/*
 * With MSG_FASTOPEN it connects too, beyond what Landlock sees: a listening socket that is shut down
 * could call out.
 */
static bool
add_sending(scmp_filter_ctx filter, struct fault *fault)
{
	return ALLOW_IF("sendto", SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0)) &&
		ALLOW_IF("sendmsg", SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
}

static bool
add_sockets(scmp_filter_ctx filter, const struct confine_row *row, struct fault *fault)
{
	if (row->may & MAY_ASK &&
		!(ALLOW_IF("socket", SCMP_A0(SCMP_CMP_EQ, AF_UNIX)) &&
			ALLOW_IF("socketpair", SCMP_A0(SCMP_CMP_EQ, AF_UNIX))))
		return false;
	if (!(row->may & MAY_CONNECT))
		return add_sending(filter, fault);
	/* Netlink is how resolvers learn which address families this host has. */
	return ALLOW_IF("socket", SCMP_A0(SCMP_CMP_EQ, AF_INET)) &&
		ALLOW_IF("socket", SCMP_A0(SCMP_CMP_EQ, AF_INET6)) &&
		ALLOW_IF("socket", SCMP_A0(SCMP_CMP_EQ, AF_NETLINK));
}

/*
 * Who reads files makes none, and writes none that are there, but at the end of a log: also in a kernel
 * without Landlock.
 */
static bool
add_flags(scmp_filter_ctx filter, const struct confine_row *row, const char *name,
	unsigned flags_at, struct fault *fault)
{
	static const struct {
		unsigned may_not;
		int mask;
		int flags;
	} writing[] = {
		{ MAY_APPEND_FILES, O_ACCMODE, O_WRONLY },
		{ 0, O_ACCMODE | O_APPEND, O_WRONLY },
		{ 0, O_ACCMODE, O_RDWR },
		{ 0, O_ACCMODE, O_ACCMODE },
		{ MAY_APPEND_FILES, O_CREAT, O_CREAT },
		{ 0, O_ACCMODE | O_CREAT, O_RDONLY | O_CREAT },
		{ 0, O_TRUNC, O_TRUNC },
	};

	for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++) {
		if (!(row->may & writing[i].may_not) &&
			!add_rule(filter, SCMP_ACT_ERRNO(EACCES), name, 1,
				&SCMP_CMP64(flags_at, SCMP_CMP_MASKED_EQ,
					(scmp_datum_t)writing[i].mask,
					(scmp_datum_t)writing[i].flags),
				fault))
			return false;
	}
	return ALLOW_IF(name, SCMP_CMP64(flags_at, SCMP_CMP_MASKED_EQ,
				      O_ACCMODE | O_CREAT | O_TRUNC, 0)) &&
		(!(row->may & MAY_APPEND_FILES) ||
			ALLOW_IF(name, SCMP_CMP64(flags_at, SCMP_CMP_MASKED_EQ,
					       O_ACCMODE | O_APPEND | O_TRUNC,
					       O_WRONLY | O_APPEND)));
}

static bool
add_opening(scmp_filter_ctx filter, const struct confine_row *row, struct fault *fault)
{
	if (!(row->may & MAY_READ_FILES) || row->may & MAY_WRITE_FILES)
		return true;
	return add_flags(filter, row, "open", 1, fault) &&
		add_flags(filter, row, "openat", 2, fault);
}

/* Single arguments of calls that can do more than a role needs. */
static bool
add_conditions(scmp_filter_ctx filter, const struct confine_row *row, struct fault *fault)
{
	static const int fcntls[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_SETLK,
		F_SETLKW, F_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_OFD_GETLK };
	static const unsigned long ioctls[] = { FIONREAD, FIONBIO, FIOCLEX };
	/* Is it a terminal? It is not: scanners and streams of the C library ask, in one way or another. */
	static const unsigned long terminals[] = { TCGETS, TIOCGWINSZ,
#ifdef TCGETS2
		TCGETS2,
#endif
	};

	for (size_t i = 0; i < sizeof fcntls / sizeof fcntls[0]; i++) {
		if (!ALLOW_IF("fcntl", SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntls[i])))
			return false;
	}
	for (size_t i = 0; i < sizeof ioctls / sizeof ioctls[0]; i++) {
		if (!ALLOW_IF("ioctl", SCMP_A1(SCMP_CMP_EQ, ioctls[i])))
			return false;
	}
	for (size_t i = 0; i < sizeof terminals / sizeof terminals[0]; i++) {
		if (!add_rule(filter, SCMP_ACT_ERRNO(ENOTTY), "ioctl", 1,
			    &SCMP_A1(SCMP_CMP_EQ, terminals[i]), fault))
			return false;
	}
	/* The proof that nobody else writes a file. */
	if (row->may & MAY_WRITE_FILES &&
		!ALLOW_IF("fcntl", SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)F_SETLEASE)))
		return false;
	/* Our own handler of forbidden calls cannot be taken away. */
	return ALLOW_IF("rt_sigaction", SCMP_A0(SCMP_CMP_NE, SIGSYS)) &&
		ALLOW_IF("prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)) &&
		ALLOW_IF("prctl", SCMP_A0(SCMP_CMP_EQ, PR_GET_DUMPABLE)) &&
		/* abort() and raise() */
		ALLOW_IF("tgkill", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())) &&
		ALLOW_IF("prlimit64", SCMP_A2(SCMP_CMP_EQ, 0)) &&
		/* fstat() of newer C libraries */
		ALLOW_IF("newfstatat", SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
}

static bool
add_denied(scmp_filter_ctx filter, const struct confine_row *row, struct fault *fault)
{
	for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
		const char *name = denied[i].name;

		/* The library does not keep two actions for one call without conditions. */
		if (row->may & MAY_READ_FILES && denied[i].error == EACCES &&
			strcmp(name, "socket") != 0)
			continue;
		if (strcmp(name, "socket") == 0 && row->may & (MAY_CONNECT | MAY_ASK))
			continue;
		if (!add_rule(filter, SCMP_ACT_ERRNO(denied[i].error), name, 0, NULL, fault))
			return false;
	}
	if ((row->may & (MAY_CONNECT | MAY_ASK)) == MAY_ASK &&
		!add_rule(filter, SCMP_ACT_ERRNO(EACCES), "socket", 1,
			&SCMP_A0(SCMP_CMP_NE, AF_UNIX), fault))
		return false;
	/* Limits may be read, not set. */
	if (!add_rule(filter, SCMP_ACT_ERRNO(EPERM), "prlimit64", 1,
		    &SCMP_A2(SCMP_CMP_NE, 0), fault))
		return false;
	/* The rest of a call of which some forms are allowed: the form that fstat() does not use. */
	return row->may & MAY_READ_FILES ||
		add_rule(filter, SCMP_ACT_ERRNO(EACCES), "newfstatat", 1,
			&SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0), fault);
}

static bool
add_rules(scmp_filter_ctx filter, const struct confine_row *row, struct fault *fault)
{
	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
		if ((row->may & allowed[i].may) == allowed[i].may &&
			!add_rule(filter, SCMP_ACT_ALLOW, allowed[i].name, 0, NULL, fault))
			return false;
	}
	return add_memory(filter, row, fault) && add_threads(filter, row, fault) &&
		add_opening(filter, row, fault) && add_sockets(filter, row, fault) &&
		add_conditions(filter, row, fault) && add_denied(filter, row, fault);
}

/* What super has no use for, whatever becomes of it. */
static const char *const refused_to_super[] = { "acct", "add_key", "bpf", "chroot", "clock_adjtime",
	"clock_settime", "delete_module", "fanotify_init", "finit_module", "fsopen", "init_module",
	"io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_file_load", "kexec_load", "keyctl",
	"lookup_dcookie", "mount", "mount_setattr", "move_mount", "move_pages", "name_to_handle_at",
	"open_by_handle_at", "open_tree", "perf_event_open", "personality", "pivot_root",
	"process_madvise", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "reboot",
	"request_key", "setdomainname", "sethostname", "setns", "settimeofday", "swapoff", "swapon",
	"syslog", "umount2", "unshare", "userfaultfd", "vhangup" };

bool
confine_filter_super(struct fault *fault)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool done = filter || fault_set(fault, FAULT_SYSTEM, "seccomp: no filter");
	int result;

	for (size_t i = 0; done && i < sizeof refused_to_super / sizeof refused_to_super[0]; i++)
		done = add_rule(filter, SCMP_ACT_ERRNO(EPERM), refused_to_super[i], 0, NULL, fault);
	if (!done)
		goto out;
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	result = seccomp_load(filter);
	if (result != 0) {
		errno = -result;
		done = fault_set_errno(fault, "seccomp");
	}
out:
	seccomp_release(filter);
	return done;
}

/* The call was not made. Say which it was, for whoever reads standard error, and end. */
static void
on_forbidden(int number, siginfo_t *info, void *context)
{
	char text[] = "sallyport: forbidden system call number      \n";
	int call = info->si_syscall;
	char *digit = text + sizeof text - 3;

	(void)number;
	(void)context;
	do {
		*digit-- = (char)('0' + call % 10);
		call /= 10;
	} while (call > 0 && *digit == ' ');
	(void)!write(STDERR_FILENO, text, sizeof text - 1);
	_exit(CONFINE_BREACH_STATUS);
}

static bool
catch_forbidden(struct fault *fault)
{
	struct sigaction action = { .sa_sigaction = on_forbidden, .sa_flags = SA_SIGINFO };

	sigfillset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) == 0 || fault_set_errno(fault, "sigaction");
}

bool
confine_filter(const struct confine_row *row, struct fault *fault)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	bool done = false;
	int result;

	if (!filter)
		return fault_set(fault, FAULT_SYSTEM, "seccomp: no filter");
	/* Threads that run already get it too; calls of another architecture end the process. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!catch_forbidden(fault) || !add_rules(filter, row, fault))
		goto out;
	result = seccomp_load(filter);
	if (result != 0) {
		errno = -result;
		fault_set_errno(fault, "seccomp");
		goto out;
	}
	done = true;
out:
	seccomp_release(filter);
	return done;
}
