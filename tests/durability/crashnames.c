/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file system that keeps names as POSIX promises it, and no better: the name of a new file or folder
 * is on the disk when its folder has been synced, not when the file has. Those of the machine's own file
 * systems that can be cut do more than they must, and would hide a sync of a folder that was left out.
 *
 *	crashnames BACKING FOLDER
 *
 * Shows BACKING at FOLDER, in the foreground, until that is unmounted. SIGUSR1 is the power cut: from then
 * on every call fails, and at the end the names that were not synced are gone. Contents are kept.
 */
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { NAMES_MAX = 65536, OPEN_AT_ONCE = 20 };

static int root_fd = -1;
static volatile sig_atomic_t is_cut;
static char *unsynced[NAMES_MAX]; /* paths whose folder was not synced since they were made */
static size_t unsynced_count;

static int
result_of(int code)
{
	return code < 0 ? -errno : code;
}

/* openat() and its like take paths without the slash; "." is the root. */
static const char *
inside(const char *path)
{
	return path[1] ? path + 1 : ".";
}

static void
forget(size_t at)
{
	free(unsynced[at]);
	unsynced[at] = unsynced[--unsynced_count];
}

static void
add_name(const char *path)
{
	if (unsynced_count == NAMES_MAX || !(unsynced[unsynced_count] = strdup(inside(path)))) {
		fprintf(stderr, "crashnames: too many names\n");
		_exit(1);
	}
	unsynced_count++;
}

static void
drop_name(const char *path)
{
	for (size_t i = unsynced_count; i-- > 0;)
		if (!strcmp(unsynced[i], inside(path)))
			forget(i);
}

/* Those right in this folder are on the disk. */
static void
sync_names(const char *folder)
{
	size_t length = folder[1] ? strlen(folder + 1) : 0;

	for (size_t i = unsynced_count; i-- > 0;) {
		const char *slash = strrchr(unsynced[i], '/');
		size_t above = slash ? (size_t)(slash - unsynced[i]) : 0;
		if (above == length && !strncmp(unsynced[i], folder + 1, length))
			forget(i);
	}
}

static int
on_getattr(const char *path, struct stat *out, struct fuse_file_info *file)
{
	(void)file;
	return result_of(fstatat(root_fd, inside(path), out, AT_SYMLINK_NOFOLLOW));
}

static int
on_readdir(const char *path, void *list, fuse_fill_dir_t add, off_t offset,
	struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
	(void)offset;
	(void)file;
	(void)flags;
	int fd = openat(root_fd, inside(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder)
		return -errno;
	for (struct dirent *entry; (entry = readdir(folder));)
		add(list, entry->d_name, NULL, 0, 0);
	closedir(folder);
	return 0;
}

/* What a caller makes is the caller's. */
static int
give_to_caller(const char *path)
{
	const struct fuse_context *caller = fuse_get_context();
	return fchownat(root_fd, inside(path), caller->uid, caller->gid, AT_SYMLINK_NOFOLLOW);
}

static int
on_mkdir(const char *path, mode_t mode)
{
	if (is_cut)
		return -EIO;
	if (mkdirat(root_fd, inside(path), mode) < 0 || give_to_caller(path) < 0)
		return -errno;
	add_name(path);
	return 0;
}

static int
on_create(const char *path, mode_t mode, struct fuse_file_info *file)
{
	if (is_cut)
		return -EIO;
	bool is_new = faccessat(root_fd, inside(path), F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	int fd = openat(root_fd, inside(path), file->flags | O_CREAT | O_CLOEXEC, mode);
	if (fd < 0 || (is_new && give_to_caller(path) < 0))
		return -errno;
	if (is_new)
		add_name(path);
	file->fh = (uint64_t)fd;
	return 0;
}

static int
on_open(const char *path, struct fuse_file_info *file)
{
	int fd = openat(root_fd, inside(path), file->flags | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	file->fh = (uint64_t)fd;
	return 0;
}

static int
on_release(const char *path, struct fuse_file_info *file)
{
	(void)path;
	close((int)file->fh);
	return 0;
}

static int
on_read(const char *path, char *bytes, size_t length, off_t offset, struct fuse_file_info *file)
{
	(void)path;
	return is_cut ? -EIO : result_of((int)pread((int)file->fh, bytes, length, offset));
}

static int
on_write(const char *path, const char *bytes, size_t length, off_t offset,
	struct fuse_file_info *file)
{
	(void)path;
	return is_cut ? -EIO : result_of((int)pwrite((int)file->fh, bytes, length, offset));
}

static int
on_fsync(const char *path, int data_only, struct fuse_file_info *file)
{
	(void)path;
	(void)data_only;
	(void)file;
	return is_cut ? -EIO : 0;
}

static int
on_fsyncdir(const char *path, int data_only, struct fuse_file_info *file)
{
	(void)data_only;
	(void)file;
	if (is_cut)
		return -EIO;
	sync_names(path);
	return 0;
}

static int
on_fallocate(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *file)
{
	(void)path;
	return is_cut ? -EIO : result_of(fallocate((int)file->fh, mode, offset, length));
}

static int
on_truncate(const char *path, off_t length, struct fuse_file_info *file)
{
	if (is_cut)
		return -EIO;
	int fd = file ? (int)file->fh : openat(root_fd, inside(path), O_WRONLY | O_CLOEXEC);
	int code = fd < 0 ? -errno : result_of(ftruncate(fd, length));
	if (!file && fd >= 0)
		close(fd);
	return code;
}

static int
on_unlink(const char *path)
{
	if (is_cut)
		return -EIO;
	drop_name(path);
	return result_of(unlinkat(root_fd, inside(path), 0));
}

static int
on_rmdir(const char *path)
{
	if (is_cut)
		return -EIO;
	drop_name(path);
	return result_of(unlinkat(root_fd, inside(path), AT_REMOVEDIR));
}

static int
on_rename(const char *from, const char *to, unsigned flags)
{
	if (is_cut)
		return -EIO;
	if (renameat2(root_fd, inside(from), root_fd, inside(to), flags) < 0)
		return -errno;
	drop_name(from);
	add_name(to);
	return 0;
}

static int
on_chmod(const char *path, mode_t mode, struct fuse_file_info *file)
{
	(void)file;
	return is_cut ? -EIO : result_of(fchmodat(root_fd, inside(path), mode, 0));
}

static int
on_chown(const char *path, uid_t user, gid_t group, struct fuse_file_info *file)
{
	(void)file;
	return is_cut ? -EIO :
			result_of(fchownat(
				root_fd, inside(path), user, group, AT_SYMLINK_NOFOLLOW));
}

static int
on_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file)
{
	(void)file;
	return is_cut ? -EIO :
			result_of(utimensat(root_fd, inside(path), times, AT_SYMLINK_NOFOLLOW));
}

static int
on_statfs(const char *path, struct statvfs *out)
{
	(void)path;
	return result_of(fstatvfs(root_fd, out));
}

static const struct fuse_operations operations = {
	.getattr = on_getattr,
	.readdir = on_readdir,
	.mkdir = on_mkdir,
	.create = on_create,
	.open = on_open,
	.release = on_release,
	.read = on_read,
	.write = on_write,
	.fsync = on_fsync,
	.fsyncdir = on_fsyncdir,
	.fallocate = on_fallocate,
	.truncate = on_truncate,
	.unlink = on_unlink,
	.rmdir = on_rmdir,
	.rename = on_rename,
	.chmod = on_chmod,
	.chown = on_chown,
	.utimens = on_utimens,
	.statfs = on_statfs,
};

static void
on_power_cut(int number)
{
	(void)number;
	is_cut = 1;
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

int
main(int argc, char **argv)
{
	char in_foreground[] = "-f", one_by_one[] = "-s", option[] = "-o";
	char options[] = "allow_other,default_permissions,attr_timeout=0,entry_timeout=0";

	if (argc != 3) {
		fprintf(stderr, "usage: crashnames BACKING FOLDER\n");
		return 2;
	}
	root_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0) {
		perror("crashnames");
		return 1;
	}
	umask(0);
	signal(SIGUSR1, on_power_cut);
	char *arguments[] = { argv[0], argv[2], in_foreground, one_by_one, option, options, NULL };
	int code = fuse_main(6, arguments, &operations, NULL);
	if (!is_cut || fchdir(root_fd) < 0)
		return code;
	for (size_t i = 0; i < unsynced_count; i++)
		nftw(unsynced[i], remove_one, OPEN_AT_ONCE, FTW_DEPTH | FTW_PHYS);
	return code;
}
