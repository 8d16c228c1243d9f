/* SPDX-License-Identifier: BSD-2-Clause */
/* From an account to a session: its limits, its identity, and its signed grant. */
#ifndef AUTH_ADMISSION_H
#define AUTH_ADMISSION_H

#include "auth/account.h"
#include "auth/auth.h"

/* Whose session it is to be, or is. */
struct admission {
	const char *session;
	const char *listener;
	const char *client_address;
	const char *mechanism;
	const char *credential;      /* label of the app password; "" for none */
	uint64_t credential_id;
	enum identity_protocol protocol;
	struct certificate_names certificates; /* of the client, as its front end says */
	int64_t expires_ms;          /* when it ends, wall clock; 0: never. Announced ones: not known */
};

enum { ADMISSION_TEXT_SIZE = 160 };

/*
 * The section whose budgets count what a client without a login sends; NULL: none does, or it is
 * free of them.
 */
const struct settings_limits *admission_limits_of_stranger(const struct auth *auth,
	const struct admission *admission);
/*
 * Is there room under the limits for one more session of this login? False with the words for the
 * client.
 */
bool admission_check(const struct auth *auth, const struct admission *admission,
	const struct identity *identity, char text_out[ADMISSION_TEXT_SIZE]);
/* Enters the session, or enters it anew with what holds now. */
void admission_enter(struct auth *auth, const struct login_request *request,
	const struct admission *admission, const struct identity *identity, int64_t since_ms);
/* What holds the shorter: the account, or the app password, which may be NULL. */
int64_t admission_expiry(const struct account *account, const struct app_password *app);
/* What is said of the account in this session: a copy that borrows its texts. */
struct identity admission_identity(const struct admission *admission,
	const struct account *account);
/* The content of LOGIN_DONE; false if the identity is too large for it. */
bool admission_pack(const struct auth *auth, const struct admission *admission,
	const struct account *account, int64_t now_ms, struct buf *to);

#endif
