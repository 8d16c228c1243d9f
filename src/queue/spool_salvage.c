/* SPDX-License-Identifier: BSD-2-Clause */
/* A damaged queue.db: what can be read of it goes into a new one, and the old one is kept. */
#include "queue/spool_salvage.h"

#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	COPIES_MOST = 10000,       /* in corrupt/ */
	LOG_HEAD_BYTES = 32,       /* of queue.db-wal: without a frame */
};

static char *
path_of(const struct folder *folder, const char *end)
{
	return mem_printf("%s%s", folder_database(folder), end);
}

/* -1: there is none. */
static off_t
size_of(const struct folder *folder, const char *end)
{
	struct stat stat;
	char *path = path_of(folder, end);
	off_t size = lstat(path, &stat) == 0 ? stat.st_size : -1;
	mem_free(&path);
	return size;
}

/* SQLite would follow a link, and wait for a FIFO. */
static bool
is_file_or_none(const struct folder *folder, const char *end, struct fault *fault)
{
	struct stat stat;
	char *path = path_of(folder, end);
	bool good = lstat(path, &stat) != 0 || (S_ISREG(stat.st_mode) && stat.st_uid == geteuid());
	if (!good)
		fault_set(fault, FAULT_CONFIG, "%s: not a file of ours", path);
	mem_free(&path);
	return good;
}

static void
remove_file(const struct folder *folder, const char *end)
{
	char *path = path_of(folder, end);
	unlink(path);
	mem_free(&path);
}

/* queue.db.salvage, complete and synced, becomes queue.db.salvaged. */
static enum spool_salvage_result
make_new(const struct folder *folder, struct fault *fault)
{
	enum spool_salvage_result result = SPOOL_SALVAGE_FAILED;
	char *path = path_of(folder, "");
	char *part = path_of(folder, ".salvage");
	char *whole = path_of(folder, ".salvaged");
	unlink(part);
	int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		fault_set_errno(fault, "%s", part);
	else
		result = spool_salvage_copy(path, part, fault);
	if (result == SPOOL_SALVAGE_DONE && (fsync(fd) != 0 || rename(part, whole) != 0)) {
		fault_set_errno(fault, "%s", part);
		result = SPOOL_SALVAGE_FAILED;
	}
	if (fd >= 0)
		close(fd);
	if (result != SPOOL_SALVAGE_DONE)
		unlink(part);
	mem_free(&path);
	mem_free(&part);
	mem_free(&whole);
	return result;
}

/* ---- the exchange: each step may be the last before a power failure, and is done again after it */

/* A second name for the damaged files, below corrupt/, so that the first can be taken over. */
static bool
keep_damaged(const struct folder *folder, struct fault *fault)
{
	char name[60];
	char *path = path_of(folder, "");
	char *log = path_of(folder, "-wal");
	int corrupt = folder_open_part(folder, "corrupt", fault);
	int result = -1;
	errno = EEXIST;
	for (unsigned i = 1; corrupt >= 0 && result < 0 && errno == EEXIST && i < COPIES_MOST; i++) {
		snprintf(name, sizeof(name), "queue.db.corrupt-%u", i);
		result = linkat(AT_FDCWD, path, corrupt, name, 0);
	}
	bool done = result == 0;
	if (done) {
		log_event(EV_SPOOL_SET_ASIDE, kv_str("file", "queue.db"), kv_str("as", name));
		snprintf(name + strlen(name), sizeof(name) - strlen(name), "-wal");
		done = linkat(AT_FDCWD, log, corrupt, name, 0) == 0 || errno == ENOENT;
	}
	done = done && fsync(corrupt) == 0;
	if (!done && fault->kind == FAULT_NONE)
		fault_set_errno(fault, "queue.db cannot be moved to corrupt/");
	if (corrupt >= 0)
		close(corrupt);
	mem_free(&path);
	mem_free(&log);
	return done;
}

static bool
exchange(const struct folder *folder, struct fault *fault)
{
	char *path = path_of(folder, "");
	char *whole = path_of(folder, ".salvaged");
	bool done = keep_damaged(folder, fault);
	if (done) {
		/* The old log behind the new database would be the end of it. */
		remove_file(folder, "-wal");
		remove_file(folder, "-shm");
		done = folder_sync(folder, fault);
	}
	if (done && rename(whole, path) != 0)
		done = fault_set_errno(fault, "%s", whole);
	if (done) {
		remove_file(folder, ".damaged");
		done = folder_sync(folder, fault);
	}
	mem_free(&path);
	mem_free(&whole);
	return done;
}

bool
spool_salvage(const struct folder *folder, struct fault *fault)
{
	*fault = FAULT_INIT;
	switch (make_new(folder, fault)) {
	case SPOOL_SALVAGE_DONE:
		return exchange(folder, fault);
	case SPOOL_SALVAGE_NEEDLESS:
		remove_file(folder, ".damaged");
		return true;
	case SPOOL_SALVAGE_FAILED:
		break;
	}
	if (fault->kind == FAULT_CONFIG)
		fault_add(fault, "queue.db is damaged, and too little of it can be read: restore "
				 "a backup, or move it away to begin with an empty queue");
	return false;
}

/* SQLite would make a new one, and forget the log that is left of the old one. */
static bool
check_presence(const struct folder *folder, struct fault *fault)
{
	static const char help[] = "restore a backup, or move what is left of it away to begin "
				   "with an empty queue";
	off_t size = size_of(folder, "");
	if (size > 0)
		return true;
	if (size_of(folder, "-wal") > LOG_HEAD_BYTES)
		return fault_set(fault, FAULT_CONFIG, "queue.db is %s, but queue.db-wal is not: %s",
			size < 0 ? "missing" : "empty", help);
	if (size == 0 && folder_has_reserve(folder))
		return fault_set(fault, FAULT_CONFIG,
			"queue.db is empty, and was not when queue ended: %s", help);
	return true;
}

bool
spool_salvage_before_open(const struct folder *folder, struct fault *fault)
{
	if (!is_file_or_none(folder, "", fault) || !is_file_or_none(folder, "-wal", fault))
		return false;
	if (size_of(folder, ".salvaged") > 0)
		return exchange(folder, fault);
	if (!check_presence(folder, fault))
		return false;
	if (size_of(folder, ".damaged") >= 0 && size_of(folder, "") > 0)
		return spool_salvage(folder, fault);
	return true;
}

void
spool_salvage_mark(const struct folder *folder)
{
	struct fault fault = FAULT_INIT;
	char *path = path_of(folder, ".damaged");
	int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
		folder_sync(folder, &fault);
	}
	mem_free(&path);
}
