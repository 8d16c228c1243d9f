/* SPDX-License-Identifier: BSD-2-Clause */
/* The canonical form of a login: one account has one name, however it was typed. */
#ifndef AUTH_LOGIN_NAME_H
#define AUTH_LOGIN_NAME_H

#include "base/text.h"

enum { LOGIN_NAME_MAX_BYTES = 255, LOGIN_NAME_SIZE = LOGIN_NAME_MAX_BYTES + 1 };

/*
 * ASCII letters count in any case, as in the comparison of own addresses, and are written in lower
 * case; letters beyond ASCII count as they are, in Normalization Form C. "@REALM" at the end is cut
 * off. The rules look at the name alone, never at the accounts there are, so that a stranger learns
 * nothing by trying forms of a name.
 *
 * Refused: nothing at all, more than 255 bytes, control bytes, outer blanks, bytes that are not
 * UTF-8, and code points that deceive the eye (wire/utf8.h). name_out is written only on success.
 */
bool login_name_parse(struct span raw, const char *realm, char name_out[LOGIN_NAME_SIZE]);

#endif
