/* SPDX-License-Identifier: BSD-2-Clause */
/* What the process may do once it serves. */
#include "filter/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* An errno of 0 is how the name services say that there is no such entry. */
static bool
fault_name(struct fault *fault_out, const char *kind, const char *name)
{
	if (errno)
		return fault_set_errno(fault_out, "%s %s", kind, name);
	return fault_set(fault_out, FAULT_MISSING, "there is no %s %s", kind, name);
}

static bool
find_group(const struct settings_filter *filter, gid_t *group_out, struct fault *fault_out)
{
	const struct group *group;
	const struct passwd *user;

	errno = 0;
	if (filter->socket_group[0]) {
		group = getgrnam(filter->socket_group);
		if (!group)
			return fault_name(fault_out, "group", filter->socket_group);
		*group_out = group->gr_gid;
		return true;
	}
	if (geteuid() != 0) {
		*group_out = getegid();
		return true;
	}
	user = getpwnam(filter->user);
	if (!user)
		return fault_name(fault_out, "user", filter->user);
	*group_out = user->pw_gid;
	return true;
}

/* Whoever may write to its folder may have put something else in its place by now. */
static bool
give_group(const char *path, gid_t group, struct fault *fault_out)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	bool given;

	if (fd < 0 || fstat(fd, &status) != 0)
		given = fault_set_errno(fault_out, "%s", path);
	else if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid())
		given = fault_set(fault_out, FAULT_DENIED, "%s is not our socket", path);
	else
		given = fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH) == 0 ||
			fault_set_errno(fault_out, "%s: group", path);
	if (fd >= 0)
		close(fd);
	return given;
}

bool
privileges_give_socket(const struct settings_filter *filter, struct fault *fault_out)
{
	const char *path = filter->socket.path;
	gid_t group;

	return filter->socket.kind != ENDPOINT_UNIX ||
		(find_group(filter, &group, fault_out) && give_group(path, group, fault_out));
}

/* NULL with a fault. */
static const struct passwd *
find_user(const char *name, struct fault *fault_out)
{
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user)
		fault_name(fault_out, "user", name);
	else if (user->pw_uid == 0)
		fault_set(fault_out, FAULT_CONFIG, "user %s is root itself", name);
	return user && user->pw_uid != 0 ? user : NULL;
}

bool
privileges_check(const struct settings_filter *filter, struct fault *fault_out)
{
	gid_t group;

	return (geteuid() != 0 || find_user(filter->user, fault_out)) &&
		(filter->socket.kind != ENDPOINT_UNIX || find_group(filter, &group, fault_out));
}

bool
privileges_give_log(int fd, const char *name, struct fault *fault_out)
{
	const struct passwd *user;
	struct stat status;

	if (geteuid() != 0)
		return true;
	user = find_user(name, fault_out);
	if (!user)
		return false;
	if (fstat(fd, &status) != 0)
		return fault_set_errno(fault_out, "log-file");
	if (!S_ISREG(status.st_mode))
		return true;
	if (status.st_nlink > 1)
		return fault_set(fault_out, FAULT_DENIED, "log-file has another name, too");
	return fchown(fd, user->pw_uid, (gid_t)-1) == 0 || fault_set_errno(fault_out, "log-file");
}

static bool
change_user(const char *name, struct fault *fault_out)
{
	const struct passwd *user = find_user(name, fault_out);

	if (!user)
		return false;
	if (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
		return fault_set_errno(fault_out, "cannot change to user %s", name);
	if (setuid(0) == 0 || geteuid() == 0)
		return fault_set(fault_out, FAULT_SYSTEM, "user %s can become root again", name);
	return true;
}

/* Each connection of the mail server has one; without any left libmilter turns in circles. */
static void
raise_descriptors(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

bool
privileges_drop(const char *user, struct fault *fault_out)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0 && !change_user(user, fault_out))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		return fault_set_errno(fault_out, "cannot give up privileges");
	raise_descriptors();
	umask(077);
	return true;
}
