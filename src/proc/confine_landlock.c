/* SPDX-License-Identifier: BSD-2-Clause */
/* Landlock: where a role may touch files, and that it may not use TCP. */
#include "proc/confine_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

/* Rights newer than the headers we build with; the kernel's ABI decides whether they are asked for. */
enum {
	FS_TRUNCATE = 1 << 14,  /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
	NET_BIND = 1 << 0,      /* ABI 4 */
	NET_CONNECT = 1 << 1,
	SCOPE_ABSTRACT = 1 << 0, /* ABI 6 */
	SCOPE_SIGNAL = 1 << 1,
	FS_REFER = 1 << 13,     /* ABI 2 */
	FS_ABI_1 = (1 << 13) - 1,
	FS_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	/* Rights that make sense on something that is not a directory. */
	FS_OF_FILE = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
		LANDLOCK_ACCESS_FS_EXECUTE | FS_TRUNCATE | FS_IOCTL_DEV,
	FS_WRITE = FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR |
		LANDLOCK_ACCESS_FS_MAKE_REG | FS_REFER | FS_TRUNCATE,
};

static const uint64_t place_rights[] = {
	[CONFINE_READ] = LANDLOCK_ACCESS_FS_READ_FILE,
	[CONFINE_APPEND] = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG,
	[CONFINE_REMOVE] = LANDLOCK_ACCESS_FS_REMOVE_FILE,
	[CONFINE_DATABASE] = FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
		LANDLOCK_ACCESS_FS_REMOVE_FILE | FS_TRUNCATE,
};

/* As the kernel knows it at ABI 6; an older one is given a shorter size. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static int
ask_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);
}

static uint64_t
fs_rights(int abi)
{
	uint64_t rights = FS_ABI_1;

	if (abi >= 2)
		rights |= FS_REFER;
	if (abi >= 3)
		rights |= FS_TRUNCATE;
	if (abi >= 5)
		rights |= FS_IOCTL_DEV;
	return rights;
}

static bool
allow(int ruleset, const char *path, uint64_t rights, struct fault *fault)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	struct stat status;
	bool done;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0 && (errno == ENOENT || errno == EACCES || errno == ENOTDIR))
		return true;
	if (rule.parent_fd < 0)
		return fault_set_errno(fault, "%s", path);
	if (fstat(rule.parent_fd, &status) == 0 && !S_ISDIR(status.st_mode))
		rule.allowed_access &= FS_OF_FILE;
	done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ||
		fault_set_errno(fault, "Landlock rule for %s", path);
	close(rule.parent_fd);
	return done;
}

static bool
allow_paths(int ruleset, const struct confine_row *row, const struct confine_paths *paths,
	uint64_t known, struct fault *fault)
{
	uint64_t read = FS_READ | (row->may & MAY_LOAD ? LANDLOCK_ACCESS_FS_EXECUTE : 0);

	for (size_t i = 0; paths->read_write[i]; i++) {
		if (!allow(ruleset, paths->read_write[i], FS_WRITE & known, fault))
			return false;
	}
	for (size_t i = 0; paths->read_only[i]; i++) {
		if (!allow(ruleset, paths->read_only[i], read & known, fault))
			return false;
	}
	for (const struct confine_place *place = paths->places; place && place->path; place++) {
		if (!allow(ruleset, place->path, place_rights[place->right] & known, fault))
			return false;
	}
	return true;
}

/* What must fail now, in every role. */
static bool
prove(struct fault *fault)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return true;
	close(fd);
	return fault_set(fault, FAULT_SYSTEM, "Landlock is on, and yet / can be opened");
}

bool
confine_landlock(const struct confine_row *row, const struct confine_paths *paths,
	struct fault *fault)
{
	int abi = ask_abi();
	struct ruleset attr = { .fs = fs_rights(abi) };
	size_t size = sizeof attr.fs;
	bool done = false;
	int ruleset;

	if (abi < 1) {
		log_event(EV_ROLE_SANDBOX, kv_str("part", "landlock"),
			kv_str("reason", "not in this kernel"));
		return true;
	}
	if (abi >= 4 && !(row->may & MAY_CONNECT))
		attr.net = NET_BIND | NET_CONNECT;
	if (abi >= 4)
		size = sizeof attr.fs + sizeof attr.net;
	if (abi >= 6) {
		attr.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
		size = sizeof attr;
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0u);
	if (ruleset < 0)
		return fault_set_errno(fault, "Landlock");
	if (!allow_paths(ruleset, row, paths, attr.fs, fault))
		goto out;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0u) != 0) {
		fault_set_errno(fault, "Landlock");
		goto out;
	}
	done = prove(fault);
out:
	close(ruleset);
	return done;
}
