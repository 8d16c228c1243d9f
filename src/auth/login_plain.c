/* SPDX-License-Identifier: BSD-2-Clause */
/* PLAIN's message. */
#include "auth/login_plain.h"

static bool
has_control(struct span bytes)
{
	for (size_t i = 0; i < bytes.length; i++) {
		unsigned char byte = (unsigned char)bytes.start[i];

		if (byte < 0x20 || byte == 0x7f)
			return true;
	}
	return false;
}

static bool
is_name(struct span name)
{
	return name.start[0] != ' ' && name.start[name.length - 1] != ' ' && !has_control(name);
}

enum login_plain_result
login_plain_parse(struct span message, struct login_plain *plain_out)
{
	struct login_plain plain;
	struct span rest;
	size_t nuls = 0;

	for (size_t i = 0; i < message.length; i++)
		nuls += message.start[i] == '\0';
	if (nuls != 2)
		return LOGIN_PLAIN_SYNTAX;
	plain.authzid = span_cut(message, '\0', &rest);
	plain.login = span_cut(rest, '\0', &plain.password);
	*plain_out = plain;
	if (plain.login.length == 0 || plain.password.length == 0 ||
		(plain.authzid.length > 0 && !is_name(plain.authzid)) ||
		!is_name(plain.login) || has_control(plain.password))
		return LOGIN_PLAIN_REFUSED;
	return LOGIN_PLAIN_GOOD;
}
