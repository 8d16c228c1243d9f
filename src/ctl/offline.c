/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts while the daemon is down. */
#include "ctl/offline.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/config.h"

enum { PATH_SIZE = 4096 };

/* Beside this program where it was built, else where it was installed. */
static void
find_program(char path_out[PATH_SIZE])
{
	char self[PATH_SIZE];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	self[length > 0 ? length : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash) {
		int used = snprintf(path_out, PATH_SIZE, "%.*s/sallyport-auth",
			(int)(slash - self), self);
		if (used < PATH_SIZE && access(path_out, X_OK) == 0)
			return;
	}
	snprintf(path_out, PATH_SIZE, "%s/sallyport-auth", SALLYPORT_LIBEXECDIR);
}

/* Only root can be somebody else; any other user keeps the files that are his already. */
static bool
find_user(const char *config, const struct passwd **user_out, struct fault *fault_out)
{
	struct settings *settings;

	*user_out = NULL;
	if (geteuid() != 0)
		return true;
	settings = config_load(config, fault_out);
	if (!settings)
		return false;
	*user_out = getpwnam(settings->users.auth);
	if (!*user_out)
		fault_set(fault_out, FAULT_MISSING, "there is no system user %s",
			settings->users.auth);
	settings_free(&settings);
	return *user_out != NULL;
}

/* In the child: never returns. */
static void __attribute__((noreturn))
become(const char *program, const char *config, const struct passwd *user, int fd)
{
	const char *const argv[] = { program, "--offline", "-c", config, NULL };

	if (user && (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
			    setuid(user->pw_uid) != 0)) {
		fprintf(stderr, "sallyportctl: cannot become %s: %s\n", user->pw_name,
			strerror(errno));
		_exit(127);
	}
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(127);
	/* execv() has no const for what it does not change. */
	execv(program, (char *const *)(uintptr_t)argv);
	fprintf(stderr, "sallyportctl: %s: %s\n", program, strerror(errno));
	_exit(127);
}

struct control_client *
offline_start(const char *config, struct fault *fault_out)
{
	char program[PATH_SIZE];
	const struct passwd *user;
	int fds[2];
	pid_t child;

	if (!find_user(config, &user, fault_out))
		return NULL;
	find_program(program);
	if (access(program, X_OK) != 0) {
		fault_set_errno(fault_out, "%s", program);
		return NULL;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		fault_set_errno(fault_out, "socketpair");
		return NULL;
	}
	child = fork();
	if (child == 0)
		become(program, config, user, fds[1]);
	close(fds[1]);
	if (child < 0) {
		fault_set_errno(fault_out, "fork");
		close(fds[0]);
		return NULL;
	}
	return control_client_new(fds[0], child);
}
