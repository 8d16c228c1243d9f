/* SPDX-License-Identifier: BSD-2-Clause */
/* The Kerberos keytab. */
#include "auth/keytab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"

enum { MEMORY_NOT_RUN = 0x0008 }; /* MFD_NOEXEC_SEAL, which older headers do not have */

struct keytab {
	int fd;
	char path[32];
};

/* From the start, wherever the descriptor stands: it is shared with whoever passed it. */
static bool
read_all(int fd, struct buf *to, struct fault *fault_out)
{
	for (;;) {
		char *room = buf_reserve(to, 4096);
		ssize_t size;

		if (!room)
			return fault_set(fault_out, FAULT_CONFIG, "keytab is too large");
		size = pread(fd, room, 4096, (off_t)buf_length(to));
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return fault_set_errno(fault_out, "keytab");
		if (size == 0)
			return true;
		buf_claim(to, (size_t)size);
	}
}

static bool
write_all(int fd, struct span bytes)
{
	size_t done = 0;

	while (done < bytes.length) {
		ssize_t size = pwrite(fd, bytes.start + done, bytes.length - done, (off_t)done);

		if (size < 0 && errno != EINTR)
			return false;
		done += size > 0 ? (size_t)size : 0;
	}
	return true;
}

static bool
read_keytab(int fd, struct buf *to, struct fault *fault_out)
{
	if (!read_all(fd, to, fault_out))
		return false;
	/* The format of MIT and Heimdal: 5, and 1 or 2. */
	if (buf_length(to) < 2 || buf_span(to).start[0] != 5)
		return fault_set(fault_out, FAULT_CONFIG, "the file is no keytab");
	return true;
}

/* Kerberos reads under a lock of the open file; this is its counterpart. */
static bool
lock(int fd, short kind)
{
	struct flock range = { .l_type = kind, .l_whence = SEEK_SET };
	int result;

	do
		result = fcntl(fd, F_OFD_SETLKW, &range);
	while (result != 0 && errno == EINTR);
	return result == 0;
}

static bool
replace(struct keytab *keytab, struct span bytes, struct fault *fault_out)
{
	bool written = lock(keytab->fd, F_WRLCK) && ftruncate(keytab->fd, 0) == 0 &&
		write_all(keytab->fd, bytes);

	if (!written)
		fault_set_errno(fault_out, "a copy of the keytab");
	lock(keytab->fd, F_UNLCK);
	return written;
}

bool
keytab_update(struct keytab *keytab, int fd, struct fault *fault_out)
{
	struct buf bytes = BUF_INIT(KEYTAB_MAX_BYTES);
	bool done = read_keytab(fd, &bytes, fault_out) &&
		replace(keytab, buf_span(&bytes), fault_out);

	buf_wipe(&bytes);
	buf_fini(&bytes);
	return done;
}

/* Where the kernel knows of it: memory that can never be run. */
static int
make_memory(void)
{
	int fd = memfd_create("keytab", MFD_CLOEXEC | MEMORY_NOT_RUN);

	return fd >= 0 || errno != EINVAL ? fd : memfd_create("keytab", MFD_CLOEXEC);
}

struct keytab *
keytab_new(int fd, struct fault *fault_out)
{
	struct keytab *keytab = mem_alloc(sizeof *keytab);

	keytab->fd = make_memory();
	if (keytab->fd < 0) {
		fault_set_errno(fault_out, "memory for the keytab");
		mem_free(&keytab);
		return NULL;
	}
	snprintf(keytab->path, sizeof keytab->path, "/proc/self/fd/%d", keytab->fd);
	if (!keytab_update(keytab, fd, fault_out))
		keytab_free(&keytab);
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
