/* SPDX-License-Identifier: BSD-2-Clause */
/* Files are put where nothing stands yet: what was kept before is never overwritten. */
#include "base/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum { NUMBER_MAX = 10000 };

char *
keep_rename(int from, const char *name, int to, const char *wanted)
{
	for (unsigned i = 0; i < NUMBER_MAX; i++) {
		char *kept = i ? mem_printf("%s.%u", wanted, i) : mem_strdup(wanted);
		int error;

		if (renameat2(from, name, to, kept, RENAME_NOREPLACE) == 0)
			return kept;
		error = errno;
		mem_free(&kept);
		errno = error;
		if (error != EEXIST)
			break;
	}
	return NULL;
}

static bool
sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);
	bool done = fd >= 0 && fsync(fd) == 0;
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return done;
}

static bool
sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
	bool done = sync_path(folder, O_DIRECTORY);

	mem_free(&folder);
	return done;
}

char *
keep_whole(const char *path, const char *wanted, struct fault *fault)
{
	char *kept = NULL;

	if (sync_path(path, 0))
		kept = keep_rename(AT_FDCWD, path, AT_FDCWD, wanted);
	if (kept && !sync_folder_of(kept)) {
		fault_set_errno(fault, "%s", kept);
		(void)renameat2(AT_FDCWD, kept, AT_FDCWD, path, RENAME_NOREPLACE);
		mem_free(&kept);
	} else if (!kept) {
		fault_set_errno(fault, "%s", path);
	}
	return kept;
}
