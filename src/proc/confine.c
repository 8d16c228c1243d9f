/* SPDX-License-Identifier: BSD-2-Clause */
/* Confinement: ids, capabilities, limits; then the walls; and the proof that each stuck. */
#include "proc/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "config.h"
#include "proc/confine_parts.h"

enum { CAPABILITY_MOST = 63 };

/* ---- user ------------------------------------------------------------------------------------- */

static bool
become_user(const char *user, struct fault *fault)
{
	struct passwd *found;
	uid_t uid;
	gid_t gid;

	if (user[0] == '\0' || geteuid() != 0)
		return true;
	errno = 0;
	found = getpwnam(user);
	if (!found)
		return fault_set(fault, FAULT_CONFIG, "there is no system user %s", user);
	if (found->pw_uid == 0)
		return fault_set(fault, FAULT_CONFIG, "user %s is root", user);
	uid = found->pw_uid;
	gid = found->pw_gid;
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
		setresuid(uid, uid, uid) != 0)
		return fault_set_errno(fault, "cannot become %s", user);
	if (getgroups(0, NULL) != 0 || getuid() != uid || getegid() != gid || setuid(0) == 0 ||
		setgid(0) == 0)
		return fault_set(fault, FAULT_SYSTEM, "became %s, but not for good", user);
	return true;
}

/* ---- capabilities ----------------------------------------------------------------------------- */

/* Before the user changes: the bounding set needs a capability to be emptied. */
static void
drop_bounding_set(void)
{
	for (int capability = 0; capability <= CAPABILITY_MOST; capability++) {
		if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
			prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	}
}

static bool
drop_capabilities(struct fault *fault)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, sets) != 0)
		return fault_set_errno(fault, "capset");
	if (syscall(SYS_capget, &head, sets) != 0)
		return fault_set_errno(fault, "capget");
	for (size_t i = 0; i < 2; i++) {
		if (sets[i].effective || sets[i].permitted || sets[i].inheritable)
			return fault_set(fault, FAULT_SYSTEM, "capabilities are left");
	}
	return true;
}

/* ---- limits ----------------------------------------------------------------------------------- */

static bool
set_limits(struct fault *fault)
{
	static const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return fault_set_errno(fault, "RLIMIT_CORE");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fault_set_errno(fault, "no_new_privs");
#ifndef SALLYPORT_SANITIZE
	/* The leak checker looks at its own process from outside. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return fault_set_errno(fault, "PR_SET_DUMPABLE");
#endif
	umask(077);
	return true;
}

bool
confine_drop(enum role role, const char *user, struct fault *fault)
{
	(void)role;
	if (geteuid() == 0)
		drop_bounding_set();
	return become_user(user, fault) && drop_capabilities(fault) && set_limits(fault);
}

/* ---- walls ------------------------------------------------------------------------------------ */

#ifdef SALLYPORT_SANITIZE

/* Sanitizers read /proc, open their own files and start helpers, some of it while the process ends. */
bool
confine_enter(enum role role, const struct confine_paths *paths, struct fault *fault)
{
	(void)paths;
	(void)fault;
	log_event(EV_ROLE_SANDBOX, kv_str("part", "all"), kv_str("of", role_name(role)),
		kv_str("reason", "built with sanitizers"));
	return true;
}

bool
confine_super(struct fault *fault)
{
	(void)fault;
	return true;
}

#else

/* The lists are of 64-bit systems. Where there are filters of calls, none at all is a bad address. */
static bool
has_filters(void)
{
	if (sizeof(long) < 8)
		return false;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) == 0 || errno != EINVAL;
}

bool
confine_super(struct fault *fault)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return fault_set_errno(fault, "PR_SET_DUMPABLE");
	return !has_filters() || confine_filter_super(fault);
}

/* No thread and no process from here on, also where there is no seccomp. */
static bool
forbid_threads(struct fault *fault)
{
	static const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_NPROC, &none) == 0 || fault_set_errno(fault, "RLIMIT_NPROC");
}

static bool
has_writing(const struct confine_paths *paths)
{
	const struct confine_place *place = paths->places;

	while (place && place->path && place->right != CONFINE_DATABASE)
		place++;
	return paths->read_write[0] || (place && place->path);
}

/* The file was opened before the walls; what it says is of now. */
static bool
check_status(FILE *status, bool filtered, struct fault *fault)
{
	char line[256];
	int filter = -1;
	int no_new = -1;

	rewind(status);
	while (fgets(line, sizeof line, status)) {
		if (strncmp(line, "Seccomp:", 8) == 0)
			filter = atoi(line + 8);
		else if (strncmp(line, "NoNewPrivs:", 11) == 0)
			no_new = atoi(line + 11);
	}
	if (no_new != 1)
		return fault_set(fault, FAULT_SYSTEM, "no_new_privs did not stick");
	if (filtered && filter != 2)
		return fault_set(fault, FAULT_SYSTEM, "the system call filter did not stick");
	return true;
}

bool
confine_enter(enum role role, const struct confine_paths *paths, struct fault *fault)
{
	struct confine_row row = *confine_row(role);
	FILE *status = fopen("/proc/self/status", "re");
	bool filtered = has_filters();
	bool done = false;

	if (!has_writing(paths))
		row.may &= ~(unsigned)MAY_WRITE_FILES;
	if (!(row.may & MAY_THREAD) && !forbid_threads(fault))
		goto out;
	if (!confine_landlock(&row, paths, fault) || (filtered && !confine_filter(&row, fault)))
		goto out;
	if (!filtered)
		log_event(EV_ROLE_SANDBOX, kv_str("part", "seccomp"),
			kv_str("reason", "not in this kernel, or one of 32 bits"));
	if (!status)
		log_event(EV_ROLE_SANDBOX, kv_str("part", "proof"),
			kv_str("reason", "no /proc to read"));
	done = !status || check_status(status, filtered, fault);
out:
	if (status)
		fclose(status);
	return done;
}

#endif
