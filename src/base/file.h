/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files, read whole. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buffer.h"

/*
 * From where fd stands to its end; the fd stays the caller's. False, with errno set, on an error, and
 * with EFBIG if it does not fit under the buffer's cap; what was read so far is then in the buffer.
 */
bool file_read_all(int fd, struct buf *out);

#endif
