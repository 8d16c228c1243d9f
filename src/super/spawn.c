/* SPDX-License-Identifier: BSD-2-Clause */
/* A role's program as a new process. */
#include "super/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "config.h"
#include "proc/role.h"

enum {
	PROGRAM_PATH_MAX_BYTES = 4096,
	NOT_STARTED_STATUS = 127,
};

/* All that a role is given of our environment; nothing here is a secret. */
static const char *const passed[] = {
	"KRB5_CONFIG", /* auth: where the realm is described */
#ifdef SALLYPORT_SANITIZE
	"ASAN_OPTIONS",
	"LSAN_OPTIONS",
	"UBSAN_OPTIONS",
#endif
	NULL,
};

static char *
find_program(enum role role, struct fault *fault)
{
	char own[PROGRAM_PATH_MAX_BYTES];
	ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
	char *path = NULL;
	char *slash;

	if (length > 0) {
		own[length] = '\0';
		slash = strrchr(own, '/');
		path = mem_printf("%.*s/sallyport-%s", (int)(slash - own), own, role_name(role));
		if (access(path, X_OK) == 0)
			return path;
		mem_free(&path);
	}
	path = mem_printf("%s/sallyport-%s", PKGLIBEXECDIR, role_name(role));
	if (access(path, X_OK) == 0)
		return path;
	fault_set_errno(fault, "%s", path);
	mem_free(&path);
	return NULL;
}

/* Ends with NULL. The texts are the environment's own. */
static void
fill_environment(char *to[])
{
	size_t count = 0;

	for (size_t i = 0; passed[i]; i++) {
		const char *value = getenv(passed[i]);

		/* "NAME=value" stands in the environment as one string. */
		if (value)
			to[count++] = (char *)(uintptr_t)value - strlen(passed[i]) - 1;
	}
	to[count] = NULL;
}

/* Between fork() and exec(): nothing but system calls. */
static void __attribute__((noreturn))
become(const char *path, char *const argv[], char *const environment[], int fd, int error_fd)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	if (null >= 0 && dup2(error_fd, STDERR_FILENO) >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
		dup2(null, STDOUT_FILENO) >= 0) {
		if (fd == ROLE_SUPER_FD)
			fcntl(fd, F_SETFD, 0);
		else
			fd = dup2(fd, ROLE_SUPER_FD);
		if (fd == ROLE_SUPER_FD) {
			close_range(ROLE_SUPER_FD + 1, ~0u, 0);
			execve(path, argv, environment);
		}
	}
	_exit(NOT_STARTED_STATUS);
}

bool
spawn_role(enum role role, int fd, int error_fd, pid_t *pid_out, struct fault *fault)
{
	char *environment[sizeof passed / sizeof passed[0]];
	char *path = find_program(role, fault);
	char *argv[2];
	pid_t pid;

	if (!path)
		return false;
	argv[0] = strrchr(path, '/') + 1;
	argv[1] = NULL;
	fill_environment(environment);
	pid = fork();
	if (pid == 0)
		become(path, argv, environment, fd, error_fd);
	mem_free(&path);
	if (pid < 0)
		return fault_set_errno(fault, "fork");
	*pid_out = pid;
	return true;
}
