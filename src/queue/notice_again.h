/* SPDX-License-Identifier: BSD-2-Clause */
/* A notice once more, in 7 bits: for a hop that does not take the original which it returns. */
#ifndef QUEUE_NOTICE_AGAIN_H
#define QUEUE_NOTICE_AGAIN_H

#include "queue/notice.h"

/*
 * Has our own relay given up this notice because it returns an 8-bit original, which nobody may encode
 * (RFC 2046 5.2.1), and the hop does not offer 8BITMIME (RFC 6152 3)?
 */
bool notice_again_is_due(const struct record *notice, const struct recipient *recipient);
/*
 * The same to the same, sealed, with the original's header alone (text/rfc822-headers, RFC 6522 4), as if
 * it had said RET=HDRS. NULL if the notice has not the form that notice_make() gives it.
 */
struct parcel *notice_again_make(const struct parcel *notice, int64_t now_ms);

#endif
