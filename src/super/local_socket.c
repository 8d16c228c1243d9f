/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix sockets for programs of this machine. */
#include "super/local_socket.h"

#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/sock.h"

enum {
	SOCKET_MODE = 0660,
	OPEN_TO_OTHERS = S_IWGRP | S_IWOTH,
};

static bool
stat_folder(const char *path, struct stat *status_out)
{
	char *copy = mem_strdup(path);
	bool done = stat(dirname(copy), status_out) == 0;

	mem_free(&copy);
	return done;
}

int
local_socket_listen(const char *path, struct fault *fault)
{
	char *text = mem_printf("unix:%s", path);
	gid_t own = getegid();
	struct sock_address address;
	struct stat status;
	int fd = -1;

	if (geteuid() == 0 && stat_folder(path, &status))
		(void)!setegid(status.st_gid);
	if (sock_address_parse(span_text(text), &address, fault))
		fd = sock_listen(&address, fault);
	if (setegid(own) != 0 || (fd >= 0 && chmod(path, SOCKET_MODE) != 0)) {
		fault_set_errno(fault, "%s", path);
		sock_close(&fd);
	}
	mem_free(&text);
	return fd;
}

bool
local_socket_check_folder(const char *path, struct fault *fault)
{
	struct stat status;

	if (!stat_folder(path, &status))
		return fault_set_errno(fault, "the folder of %s", path);
	if ((status.st_uid != 0 && status.st_uid != geteuid()) || status.st_mode & OPEN_TO_OTHERS)
		return fault_set(fault, FAULT_CONFIG,
			"others may write to the folder of %s", path);
	return true;
}
