/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of a unix socket, looked at before it is connected to. */
#include "dial/socket_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static bool
look(int (*how)(const char *restrict path, struct stat *restrict status), const char *path,
	struct stat *status_out, struct fault *fault)
{
	if (how(path, status_out) == 0)
		return true;
	fault_set_errno(fault, "%s", path);
	if (fault && (errno == ENOENT || errno == ENOTDIR))
		fault->kind = FAULT_MISSING;
	return false;
}

static bool
check_folder(const char *folder, const struct stat *socket, struct fault *fault)
{
	struct stat status;

	if (!look(stat, folder, &status, fault))
		return false;
	if (!(status.st_mode & S_IWOTH))
		return true;
	if (!(status.st_mode & S_ISVTX))
		return fault_set(fault, FAULT_DENIED,
			"everybody may write in %s: a socket there may be anybody's", folder);
	return socket->st_uid == 0 || socket->st_uid == geteuid() ||
		fault_set(fault, FAULT_DENIED,
			"everybody may write in %s, and the socket there is neither root's nor ours",
			folder);
}

bool
socket_file_check(const char *path, struct fault *fault)
{
	const char *last = strrchr(path, '/');
	struct stat status;
	char *folder;
	bool good;

	if (!look(lstat, path, &status, fault))
		return false;
	if (S_ISLNK(status.st_mode))
		return fault_set(fault, FAULT_DENIED, "%s is a symbolic link", path);
	if (!S_ISSOCK(status.st_mode))
		return fault_set(fault, FAULT_DENIED, "%s is not a socket", path);
	folder = mem_printf("%.*s", last > path ? (int)(last - path) : 1, path);
	good = check_folder(folder, &status, fault);
	mem_free(&folder);
	return good;
}
