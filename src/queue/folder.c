/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool's folder: its owner and mode, body files, the reserve, what is set aside. */
#include "queue/folder.h"

#include "base/keep.h"
#include "base/log.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct folder {
	char *database;
	int top;
	int bodies;
	int corrupt;
};

enum { BODY_NAME_SIZE = 24, READ_BYTES = 128 * 1024 };

static int
open_part(int parent, const char *name, struct fault *fault)
{
	struct stat stat;
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST) {
		fault_set_errno(fault, "%s: cannot be made", name);
		return -1;
	}
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0) {
		fault_set_errno(fault, "%s: cannot be opened", name);
	} else if (stat.st_uid != geteuid()) {
		fault_set(fault, FAULT_CONFIG, "%s: belongs to user %u, not to %u", name,
			(unsigned)stat.st_uid, (unsigned)geteuid());
	} else if (stat.st_mode & 077) {
		fault_set(fault, FAULT_CONFIG, "%s: mode %04o, must be 0700", name,
			(unsigned)(stat.st_mode & 07777));
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Nothing in corrupt/ is overwritten: a name in use gets a number behind it. */
static void
set_aside(const struct folder *folder, int from, const char *name)
{
	char wanted[NAME_MAX + 1];
	struct fault fault = FAULT_INIT;
	snprintf(wanted, sizeof(wanted), "%.200s", name);
	char *kept = keep_rename(from, name, folder->corrupt, wanted);
	if (kept) {
		log_event(EV_SPOOL_SET_ASIDE, kv_str("file", name), kv_str("as", kept));
	} else {
		fault_set_errno(&fault, "cannot be moved to corrupt/");
		log_event(EV_SPOOL_FAILED, kv_str("file", name), kv_fault(&fault));
	}
	mem_free(&kept);
}

static bool
is_ours(const char *name)
{
	static const char *const names[] = { ".", "..", "body", "corrupt", "reserve", "backup",
		"queue.db", "queue.db-wal", "queue.db-shm", "queue.db-journal",
		"queue.db.damaged", "queue.db.salvage", "queue.db.salvaged",
		"SHA256SUMS" /* of a backup that stands here now */ };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return strncmp(name, "queue.db.v", 10) == 0; /* backups of older versions */
}

/* Calls for every name but "." and ".."; kind is readdir()'s: DT_UNKNOWN where it does not tell. */
static bool
each_name(int fd, void (*on_name)(void *context, const char *name, int kind), void *context)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	if (!stream) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	for (struct dirent *entry; (entry = readdir(stream));) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			on_name(context, entry->d_name, entry->d_type);
	}
	closedir(stream);
	return true;
}

/* What is called reserve is given back and filled anew: it must be nothing else. */
static bool
is_reserve(const struct folder *folder)
{
	struct stat stat;
	return fstatat(folder->top, "reserve", &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(stat.st_mode) && stat.st_nlink == 1 && stat.st_uid == geteuid();
}

static void
on_top_name(void *context, const char *name, int kind)
{
	const struct folder *folder = context;
	(void)kind;
	if (!is_ours(name) || (strcmp(name, "reserve") == 0 && !is_reserve(folder)))
		set_aside(folder, folder->top, name);
}

/* What was made just now is there after a power failure too, or nothing in it would be. */
static void
sync_names(const struct folder *folder)
{
	int above = openat(folder->top, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fsync(folder->top);
	if (above >= 0) {
		fsync(above);
		close(above);
	}
}

struct folder *
folder_open(const char *path, struct fault *fault)
{
	struct folder *folder = mem_alloc(sizeof(*folder));
	folder->bodies = folder->corrupt = -1;
	folder->database = mem_printf("%s/queue.db", path);
	folder->top = open_part(AT_FDCWD, path, fault);
	if (folder->top >= 0)
		folder->bodies = open_part(folder->top, "body", fault);
	if (folder->bodies >= 0)
		folder->corrupt = open_part(folder->top, "corrupt", fault);
	if (folder->corrupt < 0) {
		folder_free(&folder);
		return NULL;
	}
	each_name(folder->top, on_top_name, folder);
	sync_names(folder);
	return folder;
}

void
folder_free(struct folder **folder)
{
	struct folder *old = *folder;
	*folder = NULL;
	if (!old)
		return;
	const int fds[] = { old->top, old->bodies, old->corrupt };
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	mem_free(&old->database);
	mem_free(&old);
}

const char *
folder_database(const struct folder *folder)
{
	return folder->database;
}

bool
folder_sync(const struct folder *folder, struct fault *fault)
{
	return fsync(folder->top) == 0 || fault_set_errno(fault, "queue/: fsync");
}

int
folder_open_part(const struct folder *folder, const char *name, struct fault *fault)
{
	return open_part(folder->top, name, fault);
}

static void
format_name(uint64_t number, char name[BODY_NAME_SIZE])
{
	snprintf(name, BODY_NAME_SIZE, "%" PRIu64, number);
}

/* Only what format_name() writes: no sign, no leading zero. */
static bool
parse_name(const char *name, uint64_t *number_out)
{
	return name[0] != '0' && text_parse_number(span_text(name), INT64_MAX, number_out);
}

int
folder_make_body(const struct folder *folder, uint64_t number, struct fault *fault)
{
	char name[BODY_NAME_SIZE];
	format_name(number, name);
	int fd = openat(folder->bodies, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		0600);
	if (fd < 0)
		fault_set_errno(fault, "body/%s: cannot be made", name);
	return fd;
}

/* Owner, links and kind are checked: a restored backup may hold anything. */
static int
open_checked(const struct folder *folder, uint64_t number, struct stat *stat_out,
	struct fault *fault)
{
	char name[BODY_NAME_SIZE];
	format_name(number, name);
	int fd = openat(folder->bodies, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
		fault_set(fault, FAULT_MISSING, "body/%s: %s", name, strerror(errno));
	else if (fd < 0 || fstat(fd, stat_out) < 0)
		fault_set_errno(fault, "body/%s: cannot be opened", name);
	else if (!S_ISREG(stat_out->st_mode) || stat_out->st_nlink != 1 ||
		stat_out->st_uid != geteuid())
		fault_set(fault, FAULT_MISSING, "body/%s: not a file of ours", name);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

enum folder_result
folder_check_body(int fd, const unsigned char hash[DIGEST_BYTES])
{
	struct digest digest;
	unsigned char found[DIGEST_BYTES];
	char *block = mem_alloc(READ_BYTES);
	off_t at = 0;
	ssize_t got;
	digest_init(&digest);
	while ((got = pread(fd, block, READ_BYTES, at)) > 0 || (got < 0 && errno == EINTR)) {
		if (got > 0)
			digest_add(&digest, span_of(block, (size_t)got));
		at += got > 0 ? got : 0;
	}
	int error = errno;
	digest_final(&digest, found);
	mem_free(&block);
	errno = error;
	if (got < 0)
		return FOLDER_FAILED;
	return memcmp(found, hash, sizeof(found)) == 0 ? FOLDER_DONE : FOLDER_WRONG;
}

/*
 * Who had it open could still change what was hashed. A lease is given only where nobody has; that
 * nobody will is because nobody else can open it.
 */
static bool
has_writer(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return errno == EAGAIN;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

enum folder_result
folder_seal_body(const struct folder *folder, uint64_t number, uint64_t length,
	const unsigned char hash[DIGEST_BYTES], bool sync, struct fault *fault)
{
	struct stat stat;
	enum folder_result result = FOLDER_FAILED;
	int fd = open_checked(folder, number, &stat, fault);
	if (fd < 0)
		return FOLDER_FAILED;
	if ((uint64_t)stat.st_size != length || has_writer(fd))
		result = FOLDER_WRONG;
	else if (sync && fsync(fd) < 0)
		fault_set_errno(fault, "body/%" PRIu64 ": fsync", number);
	else if ((result = folder_check_body(fd, hash)) == FOLDER_FAILED)
		fault_set_errno(fault, "body/%" PRIu64 ": read", number);
	if (result == FOLDER_WRONG)
		fault_set(fault, FAULT_PEER, "body/%" PRIu64 ": not the body announced", number);
	close(fd);
	return result;
}

bool
folder_sync_bodies(const struct folder *folder, struct fault *fault)
{
	return fsync(folder->bodies) == 0 || fault_set_errno(fault, "body/: fsync");
}

int
folder_open_body(const struct folder *folder, uint64_t number, uint64_t length, struct fault *fault)
{
	struct stat stat;
	int fd = open_checked(folder, number, &stat, fault);
	if (fd >= 0 && length != FOLDER_ANY_LENGTH && (uint64_t)stat.st_size != length) {
		fault_set(fault, FAULT_MISSING, "body/%" PRIu64 ": has %jd bytes, not %" PRIu64,
			number, (intmax_t)stat.st_size, length);
		close(fd);
		return -1;
	}
	return fd;
}

void
folder_remove_body(const struct folder *folder, uint64_t number)
{
	char name[BODY_NAME_SIZE];
	format_name(number, name);
	unlinkat(folder->bodies, name, 0);
}

struct sweep {
	const struct folder *folder;
	uint64_t limit;
	bool (*is_wanted)(void *context, uint64_t number);
	void *context;
	size_t removed;
};

static bool
is_own_file(const struct folder *folder, const char *name)
{
	struct stat stat;
	return fstatat(folder->bodies, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(stat.st_mode) && stat.st_nlink == 1 && stat.st_uid == geteuid();
}

/*
 * A wanted file by its name and kind alone: to look at each inode would cost most of the time of a
 * start. What else it must be is checked whenever it is opened.
 */
static void
on_body_name(void *context, const char *name, int kind)
{
	struct sweep *sweep = context;
	uint64_t number = 0;
	bool named = parse_name(name, &number);
	if (named && kind == DT_REG && sweep->is_wanted(sweep->context, number))
		return;
	bool own = named && is_own_file(sweep->folder, name);
	if (own && kind != DT_REG && sweep->is_wanted(sweep->context, number))
		return;
	if (!own || number >= sweep->limit) {
		set_aside(sweep->folder, sweep->folder->bodies, name);
	} else {
		folder_remove_body(sweep->folder, number);
		sweep->removed++;
	}
}

size_t
folder_sweep_bodies(const struct folder *folder, uint64_t limit,
	bool (*is_wanted)(void *context, uint64_t number), void *context)
{
	struct sweep sweep = { folder, limit, is_wanted, context, 0 };
	each_name(folder->bodies, on_body_name, &sweep);
	return sweep.removed;
}

bool
folder_has_reserve(const struct folder *folder)
{
	struct stat stat;
	return fstatat(folder->top, "reserve", &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
		stat.st_size >= FOLDER_RESERVE_BYTES;
}

bool
folder_fill_reserve(const struct folder *folder)
{
	int fd = openat(folder->top, "reserve", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool there = posix_fallocate(fd, 0, FOLDER_RESERVE_BYTES) == 0;
	close(fd);
	if (!there)
		folder_release_reserve(folder);
	return there;
}

void
folder_release_reserve(const struct folder *folder)
{
	unlinkat(folder->top, "reserve", 0);
}

bool
folder_space(const struct folder *folder, struct folder_space *space_out)
{
	struct statvfs space;
	uint64_t owed = folder_has_reserve(folder) ? 0 : FOLDER_RESERVE_BYTES;
	if (fstatvfs(folder->top, &space) < 0)
		return false;
	space_out->bytes = (uint64_t)space.f_bavail * space.f_frsize;
	space_out->bytes -= space_out->bytes < owed ? space_out->bytes : owed;
	space_out->files = space.f_files ? (uint64_t)space.f_favail : UINT64_MAX;
	return true;
}
