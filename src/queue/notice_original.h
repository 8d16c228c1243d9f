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
 * The header line by line, up to its empty line: nothing in it can end a line or the part. Cut at a line's
 * end when the cap is near; a line that is too long loses its tail. Without utf8 it is ASCII.
 */
void notice_original_add_header(struct buf *to, struct span header, bool utf8, size_t room);
/*
 * Must the notice be global: did the original need SMTPUTF8 for its header or its sender? Who wrote
 * it reads such notices; another may not, and is told in ASCII.
 */
bool notice_original_is_global(const struct parcel *parcel);
/* Unfolded, at most max bytes of printable ASCII; false if it has no such field. */
bool notice_original_field(const struct parcel *parcel, const char *name, size_t max,
	struct buf *to);

#endif
