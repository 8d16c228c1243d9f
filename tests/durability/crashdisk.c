/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that remembers: a FUSE folder with the file "disk", whose writes and flushes are logged in
 * the order in which they came, and the files "acks" and "sink", whose lines go into the same log. So
 * replay.py knows what was promised, and what was delivered, before each write.
 *
 *	crashdisk IMAGE LOG FOLDER
 *
 * Stays in the foreground and serves one request after the other: that order is the log's. IMAGE is
 * what the disk holds at the start, and is changed. A record of LOG is a struct record in the
 * machine's byte order, then `length` bytes. Ends when FOLDER is unmounted.
 */
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum record_kind {
	RECORD_WRITE, /* `length` bytes at `offset` of the disk */
	RECORD_FLUSH, /* all writes before it are on the platter */
	RECORD_ACK, /* the load has read the 250 that this line tells of */
	RECORD_SINK, /* the next hop has taken what this line tells of, and has not said so yet */
};

struct record {
	uint32_t kind; /* enum record_kind */
	uint32_t length;
	uint64_t offset;
};

/* The files of the folder. */
static const struct {
	const char *path;
	enum record_kind written;
} files[] = {
	{ "/disk", RECORD_WRITE },
	{ "/acks", RECORD_ACK },
	{ "/sink", RECORD_SINK },
};
enum { FILE_COUNT = sizeof(files) / sizeof(files[0]) };

static int image_fd = -1;
static int log_fd = -1;
static off_t image_bytes;

static int
file_find(const char *path)
{
	for (int i = 0; i < FILE_COUNT; i++)
		if (!strcmp(path, files[i].path))
			return i;
	return -ENOENT;
}

/* A log that is not whole proves nothing: whoever waits for the disk learns of it by its end. */
static void
log_add(enum record_kind kind, const char *bytes, size_t length, off_t offset)
{
	struct record head = {
		.kind = kind,
		.length = (uint32_t)length,
		.offset = (uint64_t)offset,
	};
	struct iovec parts[] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (char *)bytes, .iov_len = length },
	};

	if (writev(log_fd, parts, 2) != (ssize_t)(sizeof(head) + length)) {
		perror("crashdisk: log");
		_exit(1);
	}
}

static int
on_getattr(const char *path, struct stat *out, struct fuse_file_info *file)
{
	(void)file;
	*out = (struct stat){ .st_nlink = 1, .st_uid = getuid(), .st_gid = getgid() };
	if (!strcmp(path, "/")) {
		out->st_mode = S_IFDIR | 0755;
		return 0;
	}
	int found = file_find(path);
	if (found < 0)
		return found;
	out->st_mode = S_IFREG | 0600;
	out->st_size = files[found].written == RECORD_WRITE ? image_bytes : 0;
	return 0;
}

static int
on_readdir(const char *path, void *list, fuse_fill_dir_t add, off_t offset,
	struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
	(void)path;
	(void)offset;
	(void)file;
	(void)flags;
	for (int i = 0; i < FILE_COUNT; i++)
		add(list, files[i].path + 1, NULL, 0, 0);
	return 0;
}

static int
on_open(const char *path, struct fuse_file_info *file)
{
	int found = file_find(path);

	if (found < 0)
		return found;
	file->fh = (uint64_t)found;
	file->direct_io = 1; /* a cache between the loop device and the log would blur the order */
	return 0;
}

static int
on_read(const char *path, char *bytes, size_t length, off_t offset, struct fuse_file_info *file)
{
	(void)path;
	if (files[file->fh].written != RECORD_WRITE)
		return 0;
	ssize_t count = pread(image_fd, bytes, length, offset);
	return count < 0 ? -errno : (int)count;
}

static int
on_write(const char *path, const char *bytes, size_t length, off_t offset,
	struct fuse_file_info *file)
{
	enum record_kind kind = files[file->fh].written;

	(void)path;
	if (kind == RECORD_WRITE) {
		if (offset + (off_t)length > image_bytes)
			return -ENOSPC;
		ssize_t count = pwrite(image_fd, bytes, length, offset);
		if (count < 0)
			return -errno;
		length = (size_t)count;
	}
	log_add(kind, bytes, length, offset);
	return (int)length;
}

static int
on_fsync(const char *path, int data_only, struct fuse_file_info *file)
{
	(void)path;
	(void)data_only;
	if (files[file->fh].written == RECORD_WRITE)
		log_add(RECORD_FLUSH, NULL, 0, 0);
	return 0;
}

/* The lines are appended: whoever opens them may say so. */
static int
on_truncate(const char *path, off_t length, struct fuse_file_info *file)
{
	(void)length;
	(void)file;
	int found = file_find(path);
	return found < 0 ? found : files[found].written == RECORD_WRITE ? -EPERM : 0;
}

static const struct fuse_operations operations = {
	.getattr = on_getattr,
	.readdir = on_readdir,
	.open = on_open,
	.read = on_read,
	.write = on_write,
	.fsync = on_fsync,
	.truncate = on_truncate,
};

int
main(int argc, char **argv)
{
	struct stat image;

	if (argc != 4) {
		fprintf(stderr, "usage: crashdisk IMAGE LOG FOLDER\n");
		return 2;
	}
	image_fd = open(argv[1], O_RDWR | O_CLOEXEC);
	log_fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (image_fd < 0 || log_fd < 0 || fstat(image_fd, &image) < 0) {
		perror("crashdisk");
		return 1;
	}
	image_bytes = image.st_size;
	char in_foreground[] = "-f", one_by_one[] = "-s";
	char *arguments[] = { argv[0], argv[3], in_foreground, one_by_one, NULL };
	return fuse_main(4, arguments, &operations, NULL);
}
