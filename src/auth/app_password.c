/* SPDX-License-Identifier: BSD-2-Clause */
/* App passwords: their form, their labels, and whether one is good. */
#include "auth/app_password.h"

#include <string.h>

#include "base/digest.h"
#include "base/memory.h"

static const char signs[] = "23456789abcdefghjkmnpqrstuvwxyz";

enum {
	SIGN_COUNT = sizeof signs - 1,
	GROUP_SIGNS = 5,
	SIGN_LIMIT = 256 / SIGN_COUNT * SIGN_COUNT, /* above it signs would not be equally likely */
};

static void
put_sign(char *password, size_t at, char sign)
{
	password[at + at / GROUP_SIGNS] = sign;
	if (at % GROUP_SIGNS == GROUP_SIGNS - 1)
		password[at + at / GROUP_SIGNS + 1] = at + 1 < APP_PASSWORD_SIGNS ? '-' : '\0';
}

void
app_password_make(char password_out[APP_PASSWORD_SIZE])
{
	unsigned char byte;
	size_t at = 0;

	while (at < APP_PASSWORD_SIGNS) {
		digest_random(&byte, 1);
		if (byte < SIGN_LIMIT)
			put_sign(password_out, at++, signs[byte % SIGN_COUNT]);
	}
	mem_wipe(&byte, 1);
}

bool
app_password_read(struct span typed, char password_out[APP_PASSWORD_SIZE])
{
	size_t at = 0;
	bool good = true;

	for (size_t i = 0; i < typed.length && good; i++) {
		char sign = text_lower(typed.start[i]);

		if (sign == ' ' || sign == '-')
			continue;
		good = at < APP_PASSWORD_SIGNS && sign && strchr(signs, sign);
		if (good)
			put_sign(password_out, at++, sign);
	}
	if (good && at == APP_PASSWORD_SIGNS)
		return true;
	mem_wipe(password_out, APP_PASSWORD_SIZE);
	return false;
}

static bool
is_label_sign(char sign)
{
	return (sign >= '0' && sign <= '9') || (sign >= 'a' && sign <= 'z') ||
		(sign >= 'A' && sign <= 'Z') || sign == '.' || sign == '_' || sign == '-' ||
		sign == ' ';
}

bool
app_label_is_valid(struct span label)
{
	if (label.length == 0 || label.length > APP_LABEL_MAX_BYTES || label.start[0] == ' ' ||
		label.start[label.length - 1] == ' ')
		return false;
	for (size_t i = 0; i < label.length; i++) {
		if (!is_label_sign(label.start[i]))
			return false;
	}
	return true;
}

const char *
app_password_refusal(const struct app_password *password, enum identity_protocol protocol,
	int64_t now_ms)
{
	if (password->expires_ms && now_ms >= password->expires_ms)
		return "app password has expired";
	if (!(password->protocols & protocol))
		return "app password is not for this protocol";
	return NULL;
}
