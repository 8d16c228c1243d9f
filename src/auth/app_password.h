/* SPDX-License-Identifier: BSD-2-Clause */
/* App passwords: made at random, one for each device, easy to type, and known by their form. */
#ifndef AUTH_APP_PASSWORD_H
#define AUTH_APP_PASSWORD_H

#include "auth/scram_keys.h"
#include "policy/identity.h"

enum {
	APP_PASSWORD_SIGNS = 25,        /* of 31 each: 123 bits */
	APP_PASSWORD_SIZE = 30,         /* "k7m2p-…": five groups of five, and a NUL */
	APP_PASSWORDS_MAX = 32,         /* of one account */
	APP_LABEL_MAX_BYTES = 40,
	APP_LABEL_SIZE,
};

/* In the arena of its account. */
struct app_password {
	uint64_t id;           /* never given twice, not even after it was revoked */
	const char *label;     /* as the administrator wrote it; the same in any case of its letters */
	uint8_t protocols;     /* enum identity_protocol, or-ed */
	int64_t expires_ms;    /* wall clock; 0: never */
	int64_t created_ms;
	int64_t used_ms;       /* of the last login; 0: never. Some seconds late */
	uint8_t used_protocol; /* 0: never */
	const char *used_address;
	struct scram_keys keys[SCRAM_HASH_COUNT]; /* salt and iterations are those of all its siblings */
};

/* No digit or letter that looks like another (0 1 i l o), none in capitals. */
void app_password_make(char password_out[APP_PASSWORD_SIZE]);
/*
 * Has what was typed the form of an app password? Blanks, hyphens and capitals do not matter; what
 * comes out is as it was made, which is what the keys are of. False leaves "" there.
 */
bool app_password_read(struct span typed, char password_out[APP_PASSWORD_SIZE]);

/* Letters and digits of ASCII, ".", "_", "-", and blanks between: it is typed in a user name. */
bool app_label_is_valid(struct span label);

/* Why it is not good now for this protocol; NULL if it is. Never for the client. */
const char *app_password_refusal(const struct app_password *password,
	enum identity_protocol protocol, int64_t now_ms);

#endif
