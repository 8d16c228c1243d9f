/* SPDX-License-Identifier: BSD-2-Clause */
/* Every row of the table, from inside: what it may do works, what it may not do fails or ends it. */
#include "confine_probes.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SET_UP_FAILED = 250, ORDINARY_UID = 65534 };

/* ---- what each row is to give ----------------------------------------------------------------- */

static const struct confine_place milter_places[] = { { spool, CONFINE_READ },
	{ spool, CONFINE_APPEND }, { spool, CONFINE_REMOVE }, { "/not/there", CONFINE_READ },
	{ NULL, CONFINE_READ } };
static const struct confine_place database_places[] = { { spool, CONFINE_DATABASE },
	{ NULL, CONFINE_READ } };
static bool with_database;

static unsigned
may_of(enum role role)
{
	unsigned may = confine_row(role)->may;

	return role == ROLE_MILTER ? may & ~(unsigned)MAY_WRITE_FILES : may;
}

static void
fill_paths(enum role role, struct confine_paths *paths)
{
	*paths = (struct confine_paths){ .read_write = { NULL } };
	if (role == ROLE_MILTER) {
		paths->places = with_database ? database_places : milter_places;
		return;
	}
	if (confine_row(role)->may & MAY_WRITE_FILES)
		paths->read_write[0] = spool;
	if (confine_row(role)->may & MAY_LOAD) {
		paths->read_only[0] = "/etc/hosts";
		paths->read_only[1] = "/lib";
		paths->read_only[2] = "/usr/lib";
		paths->read_only[3] = "/not/there";
	}
}

/* In a process of its own, since it does not come back from there. */
static int
run_confined(enum role role, bool as_root, int (*run)(void))
{
	struct fault fault = FAULT_INIT;
	struct confine_paths paths;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* What a forbidden call says is wanted here, not on the terminal. */
		int null = open("/dev/null", O_WRONLY);

		if (geteuid() == 0 && !as_root &&
			(setgroups(0, NULL) != 0 || setgid(ORDINARY_UID) != 0 ||
				setuid(ORDINARY_UID) != 0))
			_exit(SET_UP_FAILED);
		fill_paths(role, &paths);
		if (!confine_drop(role, as_root ? "nobody" : "", &fault) ||
			!confine_enter(role, &paths, &fault)) {
			dprintf(STDERR_FILENO, "%s: %s\n", role_name(role), fault.text);
			_exit(SET_UP_FAILED);
		}
		dup2(null, STDERR_FILENO);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* The C library starts threads with all signals blocked: our handler does not get to speak. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return DIES;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool
has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static void
check_row(enum role role, bool as_root)
{
	unsigned may = may_of(role);

	for (size_t i = 0; i < probe_count; i++) {
		const struct probe *probe = &probes[i];
		bool has = probe->may && (may & probe->may) == probe->may;
		int got = run_confined(role, as_root, probe->run);

		if (got != (has ? probe->wanted_if_may : probe->wanted))
			fail_msg("%s as %s: %s gave %d", role_name(role),
				as_root ? "root" : "ordinary user", probe->name, got);
	}
}

#ifdef SALLYPORT_SANITIZE
static const bool has_walls = false;
#else
static const bool has_walls = true;
#endif

static void
need_walls(void)
{
	if (!has_walls) {
		print_message("SKIP: the walls are left out in builds with sanitizers\n");
		skip();
	}
	if (!has_landlock()) {
		print_message("SKIP: this kernel has no Landlock\n");
		skip();
	}
}

static void
check_all_rows(bool as_root)
{
	need_walls();
	for (enum role role = ROLE_SMTP; role < ROLE_END; role++) {
		if (confine_row(role))
			check_row(role, as_root);
	}
}

static void
P02_rows_as_ordinary_user(void **state)
{
	(void)state;
	check_all_rows(false);
}

static void
P02_rows_as_root(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP: not started as root\n");
		skip();
	}
	check_all_rows(true);
}

static void
P02_the_filter_of_other_servers(void **state)
{
	(void)state;
	need_walls();
	for (int database = 0; database <= 1; database++) {
		with_database = database;
		for (size_t i = 0; i < milter_probe_count; i++) {
			const struct probe *probe = &milter_probes[i];
			int got = run_confined(ROLE_MILTER, false, probe->run);

			if (got != (database ? probe->wanted_if_may : probe->wanted))
				fail_msg("%s%s gave %d", probe->name,
					database ? " with a database" : "", got);
		}
	}
	with_database = false;
}

/* ---- the filter alone -------------------------------------------------------------------------- */

static void
P02_files_are_only_read_where_none_are_written(void **state)
{
	static const struct {
		unsigned may;
		int flags;
		int wanted;
	} cases[] = {
		{ MAY_READ_FILES, O_RDONLY | O_CLOEXEC, WORKS },
		{ MAY_READ_FILES, O_WRONLY, EACCES },
		{ MAY_READ_FILES, O_RDWR | O_CLOEXEC, EACCES },
		{ MAY_READ_FILES, O_ACCMODE, EACCES },
		{ MAY_READ_FILES, O_RDONLY | O_CREAT, EACCES },
		{ MAY_READ_FILES, O_RDONLY | O_TRUNC, EACCES },
		{ MAY_READ_FILES | MAY_WRITE_FILES, O_WRONLY | O_CREAT | O_TRUNC, WORKS },
		{ MAY_READ_FILES | MAY_APPEND_FILES, O_RDONLY, WORKS },
		{ MAY_READ_FILES | MAY_APPEND_FILES, O_WRONLY | O_APPEND, WORKS },
		{ MAY_READ_FILES | MAY_APPEND_FILES, O_WRONLY | O_APPEND | O_CREAT, WORKS },
		{ MAY_READ_FILES | MAY_APPEND_FILES, O_WRONLY | O_APPEND | O_TRUNC, EACCES },
		{ MAY_READ_FILES | MAY_APPEND_FILES, O_WRONLY, EACCES },
		{ MAY_READ_FILES | MAY_APPEND_FILES, O_RDWR | O_APPEND, EACCES },
		{ MAY_READ_FILES | MAY_APPEND_FILES, O_RDONLY | O_CREAT, EACCES },
		{ MAY_READ_FILES | MAY_APPEND_FILES, O_ACCMODE | O_APPEND, EACCES },
		{ 0, O_RDONLY, EACCES },
	};
	char file[96];

	(void)state;
	snprintf(file, sizeof file, "%s/there", spool);
	for (size_t i = 0; has_walls && i < sizeof cases / sizeof cases[0]; i++) {
		const struct confine_row row = { cases[i].may };
		struct fault fault = FAULT_INIT;
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(confine_filter(&row, &fault) ? probe_open(file, cases[i].flags)
							   : SET_UP_FAILED);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) != cases[i].wanted)
			fail_msg("case %zu gave %d", i, WEXITSTATUS(status));
	}
}

/* What listens is shut down, and would then be one that calls out. */
static int
call_out(void)
{
	static const char text[] = "hello";
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	shutdown(listening, SHUT_RD);
	return sendto(listening, text, sizeof text, MSG_FASTOPEN, (struct sockaddr *)&to,
		       sizeof to) < 0 ? errno : 0;
}

static int
call_out_by_message(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1) };
	struct iovec piece = { (char[]){ "hello" }, 5 };
	struct msghdr message = { &to, sizeof to, &piece, 1, NULL, 0, 0 };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	shutdown(listening, SHUT_RD);
	return sendmsg(listening, &message, MSG_FASTOPEN) < 0 ? errno : 0;
}

static int
answer_client(void)
{
	int ends[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 &&
			send(ends[0], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 &&
			sendmsg(ends[0], &(struct msghdr){ .msg_iov = NULL }, MSG_NOSIGNAL) == 0
		? WORKS : errno;
}

static void
P02_nobody_calls_out_by_a_listening_socket(void **state)
{
	(void)state;
	need_walls();
	for (enum role role = ROLE_SMTP; role < ROLE_END; role++) {
		const struct confine_row *row = confine_row(role);

		if (!row || row->may & MAY_CONNECT)
			continue;
		assert_int_equal(run_confined(role, false, call_out), DIES);
		assert_int_equal(run_confined(role, false, call_out_by_message), DIES);
	}
	assert_int_equal(run_confined(ROLE_MILTER, false, answer_client), WORKS);
	assert_int_equal(listen(listening, 4), 0);
}

/* ---- the first step alone --------------------------------------------------------------------- */

static bool
status_has(const char *wanted)
{
	char line[256];
	FILE *file = fopen("/proc/self/status", "r");
	bool found = false;

	while (file && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		found |= strcmp(line, wanted) == 0;
	}
	if (file)
		fclose(file);
	return found;
}

static int
look_at_drop(void)
{
	struct rlimit core;

	if (getuid() == 0 || getgroups(0, NULL) != 0)
		return 1;
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
		return 2;
	if (!status_has("CapEff:\t0000000000000000") || !status_has("CapPrm:\t0000000000000000") ||
		!status_has("CapInh:\t0000000000000000"))
		return 3;
	if (!status_has("NoNewPrivs:\t1") || !status_has("Umask:\t0077"))
		return 4;
	return setuid(0) == 0 ? 5 : 0;
}

static void
drop(void **state)
{
	struct fault fault = FAULT_INIT;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP: not started as root\n");
		skip();
	}
	assert_int_equal(setgroups(1, (const gid_t[]){ 4 }), 0);
	pid = fork();
	if (pid == 0) {
		if (!confine_drop(ROLE_SMTP, "nobody", &fault))
			_exit(SET_UP_FAILED);
		_exit(status_has("CapBnd:\t0000000000000000") ? look_at_drop() : 6);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
no_such_user(void **state)
{
	struct fault fault = FAULT_INIT;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP: not started as root\n");
		skip();
	}
	pid = fork();
	if (pid == 0)
		_exit(confine_drop(ROLE_SMTP, "no-such-user-here", &fault) ||
			confine_drop(ROLE_SMTP, "root", &fault));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
super_has_no_row(void **state)
{
	(void)state;
	assert_null(confine_row(ROLE_SUPER));
	assert_null(confine_row(ROLE_CTL));
	assert_null(confine_row(ROLE_END));
	/* A front end has no files, no sockets, no threads: nothing but its connections. */
	assert_int_equal(confine_row(ROLE_SMTP)->may, MAY_ACCEPT);
	assert_int_equal(confine_row(ROLE_MAILBOX)->may, MAY_ACCEPT);
	/* Who has the private keys has nothing else. */
	assert_int_equal(confine_row(ROLE_KEYS)->may, MAY_THREAD);
	/* Under another server the rights have neither the network nor code of others. */
	assert_int_equal(confine_row(ROLE_MILTER)->may & (MAY_CONNECT | MAY_LOAD), 0);
	/* Nobody has both the network and a place to write. */
	for (enum role role = ROLE_SMTP; role < ROLE_COUNT; role++)
		assert_true((confine_row(role)->may & (MAY_CONNECT | MAY_WRITE_FILES)) !=
			(MAY_CONNECT | MAY_WRITE_FILES));
}

static int
set_up(void **state)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	char file[96];

	(void)state;
	snprintf(spool, sizeof spool, "/tmp/sallyport-confine-XXXXXX");
	if (!mkdtemp(spool) || chmod(spool, 0777) != 0)
		return -1;
	snprintf(file, sizeof file, "%s/there", spool);
	if (probe_open(file, O_RDWR | O_CREAT) != 0 || chmod(file, 0666) != 0)
		return -1;
	listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(listening, (struct sockaddr *)&any, sizeof any) != 0)
		return -1;
	return listen(listening, 4);
}

static int
tear_down(void **state)
{
	char file[96];

	(void)state;
	close(listening);
	snprintf(file, sizeof file, "%s/there", spool);
	unlink(file);
	return rmdir(spool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(super_has_no_row),
		cmocka_unit_test(drop),
		cmocka_unit_test(no_such_user),
		cmocka_unit_test(P02_rows_as_ordinary_user),
		cmocka_unit_test(P02_the_filter_of_other_servers),
		cmocka_unit_test(P02_files_are_only_read_where_none_are_written),
		cmocka_unit_test(P02_rows_as_root),
		cmocka_unit_test(P02_nobody_calls_out_by_a_listening_socket),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
