/* SPDX-License-Identifier: BSD-2-Clause */
/* What the process may do once it serves. */
#include "filter/privileges.h"

#include <errno.h>
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

bool
privileges_give_socket(const struct settings_filter *filter, struct fault *fault_out)
{
	const char *path = filter->socket.path;
	gid_t group;

	if (filter->socket.kind != ENDPOINT_UNIX)
		return true;
	if (!find_group(filter, &group, fault_out))
		return false;
	if (chown(path, (uid_t)-1, group) != 0)
		return fault_set_errno(fault_out, "%s: group", path);
	if (chmod(path, (mode_t)filter->socket_mode) != 0)
		return fault_set_errno(fault_out, "%s: mode", path);
	return true;
}

static bool
change_user(const char *name, struct fault *fault_out)
{
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user)
		return fault_name(fault_out, "user", name);
	if (user->pw_uid == 0)
		return fault_set(fault_out, FAULT_CONFIG, "user %s is root itself", name);
	if (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
		return fault_set_errno(fault_out, "cannot change to user %s", name);
	if (setuid(0) == 0 || geteuid() == 0)
		return fault_set(fault_out, FAULT_SYSTEM, "user %s can become root again", name);
	return true;
}

bool
privileges_drop(const char *user, struct fault *fault_out)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0 && !change_user(user, fault_out))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
		return fault_set_errno(fault_out, "cannot give up privileges");
	umask(077);
	return true;
}
