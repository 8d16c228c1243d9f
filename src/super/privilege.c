/* SPDX-License-Identifier: BSD-2-Clause */
/* What super keeps of root. */
#include "super/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc/confine.h"

enum {
	CAPABILITY_MOST = 63,
	DESCRIPTORS_MOST = 1024 * 1024,
};

static const int kept[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_NET_BIND_SERVICE,
	CAP_DAC_READ_SEARCH };

/* ---- directories ------------------------------------------------------------------------------ */

static bool
make_directory(const char *path, mode_t mode, const char *user, struct fault *fault)
{
	struct passwd *owner;

	if (mkdir(path, mode) != 0)
		return errno == EEXIST || fault_set_errno(fault, "%s", path);
	if (user[0] == '\0' || geteuid() != 0)
		return true;
	owner = getpwnam(user);
	if (!owner)
		return fault_set(fault, FAULT_CONFIG, "there is no system user %s", user);
	return chown(path, owner->pw_uid, owner->pw_gid) == 0 ||
		fault_set_errno(fault, "chown %s", path);
}

static bool
make_part(const struct settings *settings, const char *part, const char *user, struct fault *fault)
{
	char *path = mem_printf("%s/%s", settings->state_dir, part);
	bool done = make_directory(path, 0700, user, fault);

	mem_free(&path);
	return done;
}

bool
privilege_make_directories(const struct settings *settings, struct fault *fault)
{
	return make_directory(settings->state_dir, 0755, "", fault) &&
		make_part(settings, "auth", settings->users.auth, fault) &&
		make_part(settings, "queue", settings->users.queue, fault);
}

/* ---- capabilities ----------------------------------------------------------------------------- */

static bool
is_kept(int capability)
{
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		if (kept[i] == capability)
			return true;
	}
	return false;
}

static bool
set_capabilities(struct fault *fault)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	for (int capability = 0; capability <= CAPABILITY_MOST; capability++) {
		/* A unit may have taken away the right to do this, and most of the set with it. */
		if (!is_kept(capability) && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
			prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	}
	if (syscall(SYS_capget, &head, sets) != 0)
		return fault_set_errno(fault, "capget");
	for (int capability = 0; capability <= CAPABILITY_MOST; capability++) {
		if (!is_kept(capability))
			sets[capability / 32].permitted &= ~(1u << capability % 32);
	}
	for (size_t i = 0; i < 2; i++) {
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &head, sets) == 0 || fault_set_errno(fault, "capset");
}

bool
privilege_reduce(struct fault *fault)
{
	struct rlimit none = { 0, 0 };
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max < DESCRIPTORS_MOST &&
		geteuid() == 0) {
		/* Without the capability for it, a role that needs more says so. */
		files.rlim_max = DESCRIPTORS_MOST;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return fault_set_errno(fault, "RLIMIT_CORE");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fault_set_errno(fault, "no_new_privs");
	return (geteuid() != 0 || set_capabilities(fault)) && confine_super(fault);
}
