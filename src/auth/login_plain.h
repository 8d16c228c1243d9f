/* SPDX-License-Identifier: BSD-2-Clause */
/* PLAIN's message (RFC 4616), read here; LOGIN's answers come in the same form. */
#ifndef AUTH_LOGIN_PLAIN_H
#define AUTH_LOGIN_PLAIN_H

#include "base/text.h"

enum login_plain_result {
	LOGIN_PLAIN_GOOD,
	LOGIN_PLAIN_SYNTAX,  /* not of the form: 501 */
	LOGIN_PLAIN_REFUSED, /* of the form, but nobody has such a name or password: 535 */
};

/* Spans into the message. */
struct login_plain {
	struct span authzid; /* may be empty; who may act for whom is for the caller */
	struct span login;
	struct span password;
};

/* [authzid] NUL authcid NUL passwd: exactly two NULs. */
enum login_plain_result login_plain_parse(struct span message, struct login_plain *plain_out);

#endif
