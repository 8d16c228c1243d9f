/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded into queue: a call fails while the file that is named for it stands in the spool, or once. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* FAULTY_DISK: the folder. In it CALL.ERRNO fails until it is taken away, CALL.ERRNO.once one time. */
static int
fails(const char *call)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT, EROFS };
	const char *folder = getenv("FAULTY_DISK");
	char path[512];
	struct stat stat_of;
	int before = errno;

	for (size_t i = 0; folder && i < sizeof errors / sizeof errors[0]; i++) {
		snprintf(path, sizeof path, "%s/%s.%d", folder, call, errors[i]);
		if (stat(path, &stat_of) == 0)
			return errors[i];
		snprintf(path, sizeof path, "%s/%s.%d.once", folder, call, errors[i]);
		if (unlink(path) == 0)
			return errors[i];
	}
	errno = before;
	return 0;
}

int
fdatasync(int fd)
{
	int error = fails("fdatasync");

	return error ? (errno = error, -1) : (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	int error = fails("fsync");

	return error ? (errno = error, -1) : (int)syscall(SYS_fsync, fd);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
	int error = fails("pwrite");

	return error ? (errno = error, -1) : syscall(SYS_pwrite64, fd, bytes, size, at);
}
