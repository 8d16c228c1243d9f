/* SPDX-License-Identifier: BSD-2-Clause */
/* The Kerberos keytab. */
#include "auth/keytab.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"

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
	while (bytes.length) {
		ssize_t size = write(fd, bytes.start, bytes.length);

		if (size < 0 && errno != EINTR)
			return false;
		bytes = span_from(bytes, size > 0 ? (size_t)size : 0);
	}
	return true;
}

char *
keytab_copy(int fd, struct fault *fault_out)
{
	struct buf bytes = BUF_INIT(KEYTAB_MAX_BYTES);
	char *path = NULL;
	int copy = -1;

	if (!read_all(fd, &bytes, fault_out))
		goto out;
	/* The format of MIT and Heimdal: 5, and 1 or 2. */
	if (buf_length(&bytes) < 2 || buf_span(&bytes).start[0] != 5) {
		fault_set(fault_out, FAULT_CONFIG, "the file is no keytab");
		goto out;
	}
	copy = memfd_create("keytab", MFD_CLOEXEC);
	if (copy < 0 || !write_all(copy, buf_span(&bytes))) {
		fault_set_errno(fault_out, "a copy of the keytab");
		if (copy >= 0)
			close(copy);
		goto out;
	}
	path = mem_printf("/proc/self/fd/%d", copy);
out:
	buf_wipe(&bytes);
	buf_fini(&bytes);
	return path;
}
