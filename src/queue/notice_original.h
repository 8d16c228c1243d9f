/* SPDX-License-Identifier: BSD-2-Clause */
/* What a notice returns of the original: all of it, its header, or nothing; never past the cap. */
#ifndef QUEUE_NOTICE_ORIGINAL_H
#define QUEUE_NOTICE_ORIGINAL_H

#include "queue/notice.h"

struct notice_original {
	const char *type;    /* of the part; NULL: nothing is returned */
	bool eightbit;       /* it stands in the notice with its 8-bit bytes */
	struct buf bytes;
};

/* global: in the forms of RFC 6532 and 6533, which may be in base64. buf_fini(&bytes) frees. */
void notice_original_init(struct notice_original *original, const struct notice *notice,
	bool global);
/*
 * Must the notice be global: did the original need SMTPUTF8 for its header or its sender? Who wrote
 * it reads such notices; another may not, and is told in ASCII.
 */
bool notice_original_is_global(const struct parcel *parcel);
/* Unfolded, at most max bytes of printable ASCII; false if it has no such field. */
bool notice_original_field(const struct parcel *parcel, const char *name, size_t max,
	struct buf *to);

#endif
