/* SPDX-License-Identifier: BSD-2-Clause */
/* A domain for the addresses of a header field that have none. */
#ifndef WIRE_ADDRESS_QUALIFY_H
#define WIRE_ADDRESS_QUALIFY_H

#include "base/buffer.h"

/*
 * The value of From, To and the like, folded or not. In each part between commas a word alone, as in
 * "scanner", or the word in the one pair of brackets, as in "Third floor <scanner>", gets "@" and the
 * domain if it is a dot-atom (RFC 5322 3.2.3) and nothing but blanks stands around it. Whatever has
 * an "@", a comment or a group stays as it came, byte for byte. True if something was changed, with
 * all of the value in out; false, and out of no use, if nothing was or it did not fit.
 */
bool address_qualify(struct span value, const char *domain, struct buf *out);

#endif
