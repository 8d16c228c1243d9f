/* SPDX-License-Identifier: BSD-2-Clause */
/* Who logged in how: by which credential, protocol, listener, mechanism and TLS, from where, and when. */
#ifndef AUTH_DIRECTORY_LOCAL_SEEN_H
#define AUTH_DIRECTORY_LOCAL_SEEN_H

#include "auth/directory_local.h"

enum {
	LOGIN_SEEN_ROWS_MAX = 64,     /* of one login that got in; the oldest go */
	LOGIN_SEEN_STRANGE_MAX = 16,  /* of one login that never did: guesses push nobody out */
};

struct login_seen {
	const char *login;
	uint64_t credential;          /* 0: the password, or no password */
	const char *label;            /* of that app password; "" when read, if it is gone or none */
	enum identity_protocol protocol;
	const char *listener;
	const char *mechanism;
	const char *tls;              /* "TLS1.3"; "" in clear */
	const char *address;
	int64_t first_ms;             /* wall clock */
	int64_t last_ms;              /* of the last success; 0: none */
	int64_t failed_ms;            /* of the last failure; 0: none */
	uint64_t successes;
	uint64_t failures;
};

/* Adds what was seen since to what is there, and dates the app passwords that were used. */
bool directory_local_see(struct directory_local *local, const struct login_seen *rows, size_t count,
	struct fault *fault_out);

/* What is asked for; login "" for all, of those behind "after". */
struct login_seen_question {
	const char *login;
	const char *after;
	int64_t since_ms;
	bool insecure;                /* only those in clear, or by TLS below 1.2 */
	size_t max;                   /* rows; the last login comes whole all the same */
};
/* In order of logins. *more_out: there are logins behind the last one. */
bool directory_local_seen(struct directory_local *local, const struct login_seen_question *question,
	void (*each)(void *context, const struct login_seen *row), void *context, bool *more_out,
	struct fault *fault_out);

#endif
