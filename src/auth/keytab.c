/* SPDX-License-Identifier: BSD-2-Clause */
/* The Kerberos keytab. */
#include "auth/keytab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

struct keytab {
	int fd;
	char path[32];
};

/* The format of MIT and Heimdal begins with 5, and 1 or 2. */
static bool
check(int fd, struct fault *fault_out)
{
	struct stat status;
	char head[2];

	if (fstat(fd, &status) != 0)
		return fault_set_errno(fault_out, "keytab");
	if (status.st_size > KEYTAB_MAX_BYTES)
		return fault_set(fault_out, FAULT_CONFIG, "keytab is too large");
	/* Wherever the descriptor stands: its place is shared with whoever passed it. */
	if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head || head[0] != 5)
		return fault_set(fault_out, FAULT_CONFIG, "the file is no keytab");
	return true;
}

struct keytab *
keytab_new(int fd, struct fault *fault_out)
{
	struct keytab *keytab;

	if (!check(fd, fault_out)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	keytab = mem_alloc(sizeof *keytab);
	keytab->fd = fd;
	snprintf(keytab->path, sizeof keytab->path, "/proc/self/fd/%d", keytab->fd);
	return keytab;
}

void
keytab_free(struct keytab **keytab)
{
	if (*keytab)
		close((*keytab)->fd);
	mem_free(keytab);
}

const char *
keytab_path(const struct keytab *keytab)
{
	return keytab->path;
}

void
keytab_replace(struct keytab *keytab, struct keytab **fresh)
{
	int done;

	do
		done = dup3((*fresh)->fd, keytab->fd, O_CLOEXEC);
	while (done < 0 && errno == EINTR);
	keytab_free(fresh);
}
