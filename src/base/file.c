/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files, read whole. */
#include "base/file.h"

#include <errno.h>
#include <unistd.h>

enum { FILE_PIECE_BYTES = 4096 };

bool
file_read_all(int fd, struct buf *out)
{
	for (;;) {
		size_t room = buf_room(out);
		size_t want = room < FILE_PIECE_BYTES ? room : FILE_PIECE_BYTES;
		/* With no room left, a further byte tells a file that just fits from one too large. */
		char further;
		ssize_t got = want ? read(fd, buf_reserve(out, want), want) : read(fd, &further, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		if (!want) {
			errno = EFBIG;
			return false;
		}
		buf_claim(out, (size_t)got);
	}
}
