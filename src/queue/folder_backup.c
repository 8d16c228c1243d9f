/* SPDX-License-Identifier: BSD-2-Clause */
/* A copy of the spool in the making, below backup/: NAME.partial, and NAME once it is whole. */
#include "queue/folder_backup.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 128 * 1024, FILE_NAME_SIZE = 40 };

static const char partial_end[] = ".partial";

struct folder_backup {
	const struct folder *folder;
	char *name;
	char *partial;
	char *database;
	int above;       /* backup/ */
	int top;         /* backup/NAME.partial/ */
	int bodies;
	int sums;        /* SHA256SUMS, as sha256sum writes and checks it */
	char file[FILE_NAME_SIZE]; /* the one under way */
	int from;
	int to;          /* -1: it is there already */
	struct digest digest;
	uint64_t bytes;
	bool finished;
};

static bool
is_partial(const char *name)
{
	size_t length = strlen(name);
	size_t end = sizeof(partial_end) - 1;
	return length > end && strcmp(name + length - end, partial_end) == 0;
}

bool
folder_backup_is_name(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t length = strlen(name);
	return length > 0 && length <= FOLDER_BACKUP_NAME_MAX && name[0] != '.' &&
		strspn(name, good) == length && !is_partial(name);
}

/* ---- removal: two levels, nothing is followed */

static void
remove_names(int fd, const char *keep_folder)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	if (!stream) {
		if (copy >= 0)
			close(copy);
		return;
	}
	for (struct dirent *entry; (entry = readdir(stream));) {
		if (strcmp(entry->d_name, keep_folder) != 0)
			unlinkat(fd, entry->d_name, 0);
	}
	closedir(stream);
}

static void
remove_partial(int above, const char *name)
{
	static const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int top = openat(above, name, flags);
	int bodies = top < 0 ? -1 : openat(top, "body", flags);
	if (bodies >= 0) {
		remove_names(bodies, "");
		close(bodies);
		unlinkat(top, "body", AT_REMOVEDIR);
	}
	if (top >= 0) {
		remove_names(top, "body");
		close(top);
	}
	unlinkat(above, name, AT_REMOVEDIR);
}

void
folder_backup_sweep(const struct folder *folder)
{
	struct fault fault = FAULT_INIT;
	int above = folder_open_part(folder, "backup", &fault);
	DIR *stream = above < 0 ? NULL : fdopendir(above);
	if (!stream) {
		if (above >= 0)
			close(above);
		return;
	}
	for (struct dirent *entry; (entry = readdir(stream));) {
		if (is_partial(entry->d_name))
			remove_partial(above, entry->d_name);
	}
	closedir(stream);
}

/* ---- one backup */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
make_file(int parent, const char *name, struct fault *fault)
{
	int fd = openat(parent, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		fault_set_errno(fault, "%s", name);
	return fd;
}

static int
make_folder(int parent, const char *name, struct fault *fault)
{
	int fd = -1;
	if (mkdirat(parent, name, 0700) == 0)
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fault_set_errno(fault, "%s", name);
	return fd;
}

struct folder_backup *
folder_backup_new(const struct folder *folder, const char *name, struct fault *fault)
{
	struct stat stat;
	struct folder_backup *backup = mem_alloc(sizeof(*backup));
	const char *database = folder_database(folder);
	int queue_db = -1;
	backup->folder = folder;
	backup->name = mem_strdup(name);
	backup->partial = mem_printf("%s%s", name, partial_end);
	backup->database = mem_printf("%.*s/backup/%s/queue.db",
		(int)(strrchr(database, '/') - database), database, backup->partial);
	backup->top = backup->bodies = backup->sums = backup->from = backup->to = -1;
	backup->above = folder_open_part(folder, "backup", fault);
	if (backup->above < 0)
		goto failed;
	if (fstatat(backup->above, name, &stat, AT_SYMLINK_NOFOLLOW) == 0) {
		fault_set(fault, FAULT_BUSY, "there is a backup %s already", name);
		goto failed;
	}
	remove_partial(backup->above, backup->partial);
	backup->top = make_folder(backup->above, backup->partial, fault);
	if (backup->top >= 0)
		backup->bodies = make_folder(backup->top, "body", fault);
	if (backup->bodies >= 0)
		backup->sums = make_file(backup->top, "SHA256SUMS", fault);
	/* Empty, so that it is closed to others whatever SQLite makes of new files. */
	if (backup->sums >= 0)
		queue_db = make_file(backup->top, "queue.db", fault);
	if (queue_db >= 0) {
		close(queue_db);
		return backup;
	}
failed:
	folder_backup_free(&backup);
	return NULL;
}

void
folder_backup_free(struct folder_backup **backup)
{
	struct folder_backup *old = *backup;
	*backup = NULL;
	if (!old)
		return;
	close_fd(&old->from);
	close_fd(&old->to);
	close_fd(&old->sums);
	close_fd(&old->bodies);
	if (old->top >= 0 && !old->finished)
		remove_partial(old->above, old->partial);
	close_fd(&old->top);
	close_fd(&old->above);
	mem_free(&old->name);
	mem_free(&old->partial);
	mem_free(&old->database);
	mem_free(&old);
}

const char *
folder_backup_database(const struct folder_backup *backup)
{
	return backup->database;
}

bool
folder_backup_sync_database(const struct folder_backup *backup, struct fault *fault)
{
	int fd = openat(backup->top, "queue.db", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool done = fd >= 0 && fdatasync(fd) == 0;
	if (!done)
		fault_set_errno(fault, "%s", backup->database);
	close_fd(&fd);
	return done;
}

uint64_t
folder_backup_bytes(const struct folder_backup *backup)
{
	return backup->bytes;
}

/* ---- files */

bool
folder_backup_begin_body(
	struct folder_backup *backup, uint64_t number, bool *missing_out, struct fault *fault)
{
	/* Its message is held for that, or will be. */
	backup->from = folder_open_body(backup->folder, number, FOLDER_ANY_LENGTH, NULL);
	*missing_out = backup->from < 0;
	if (*missing_out)
		return true;
	snprintf(backup->file, sizeof(backup->file), "body/%" PRIu64, number);
	digest_init(&backup->digest);
	backup->to = make_file(backup->bodies, strchr(backup->file, '/') + 1, fault);
	return backup->to >= 0;
}

bool
folder_backup_begin_database(struct folder_backup *backup, struct fault *fault)
{
	snprintf(backup->file, sizeof(backup->file), "queue.db");
	digest_init(&backup->digest);
	backup->from = openat(backup->top, "queue.db", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return backup->from >= 0 || fault_set_errno(fault, "%s", backup->database);
}

static bool
write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = write(fd, bytes, length);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		length -= (size_t)sent;
	}
	return true;
}

/* As sha256sum --check reads it. */
static bool
add_sum(struct folder_backup *backup)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char hash[DIGEST_BYTES];
	char line[2 * DIGEST_BYTES + 3 + FILE_NAME_SIZE];
	digest_final(&backup->digest, hash);
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		line[2 * i] = digits[hash[i] >> 4];
		line[2 * i + 1] = digits[hash[i] & 15];
	}
	int length = snprintf(line + 2 * DIGEST_BYTES, sizeof(line) - 2 * DIGEST_BYTES, "  %s\n",
		backup->file);
	return write_all(backup->sums, line, 2 * DIGEST_BYTES + (size_t)length);
}

static bool
end_file(struct folder_backup *backup)
{
	bool done = (backup->to < 0 || fsync(backup->to) == 0) && add_sum(backup);
	close_fd(&backup->from);
	close_fd(&backup->to);
	return done;
}

enum folder_backup_piece
folder_backup_piece(struct folder_backup *backup, struct fault *fault)
{
	char *block = mem_alloc(BLOCK_BYTES);
	size_t moved = 0;
	ssize_t got = 1;
	bool good = true;
	while (good && got != 0 && moved < FOLDER_BACKUP_PIECE_BYTES) {
		got = read(backup->from, block, BLOCK_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		good = got >= 0 && (backup->to < 0 || write_all(backup->to, block, (size_t)got));
		if (good)
			digest_add(&backup->digest, span_of(block, (size_t)got));
		moved += got > 0 ? (size_t)got : 0;
	}
	if (good && got == 0)
		good = end_file(backup);
	if (!good)
		fault_set_errno(fault, "backup/%s/%s", backup->partial, backup->file);
	backup->bytes += moved;
	mem_free(&block);
	if (!good)
		return FOLDER_BACKUP_FAILED;
	return got == 0 ? FOLDER_BACKUP_LAST : FOLDER_BACKUP_MORE;
}

bool
folder_backup_finish(struct folder_backup *backup, struct fault *fault)
{
	if (fsync(backup->sums) < 0 || fsync(backup->bodies) < 0 || fsync(backup->top) < 0 ||
		renameat2(backup->above, backup->partial, backup->above, backup->name,
			RENAME_NOREPLACE) < 0)
		return fault_set_errno(fault, "backup/%s", backup->name);
	backup->finished = true;
	return fsync(backup->above) == 0 || fault_set_errno(fault, "backup/%s", backup->name);
}
