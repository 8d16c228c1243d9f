/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is logged in where, over all front ends. */
#ifndef AUTH_SESSIONS_H
#define AUTH_SESSIONS_H

#include "auth/table.h"
#include "config/settings.h"
#include "ipc/message_login.h"
#include "policy/identity.h"

struct sessions;
struct login_use;

/* The LOGIN_START of a front end. */
struct login_request {
	const void *front;
	uint64_t number;                 /* 0: announced, not logged in here */
};

/* One session of a login. Read by anybody in auth, written by sessions.c alone. */
struct login_session {
	struct table_entry by_id;
	struct table_entry by_request;   /* of the login it came from, if that is known */
	struct login_request request;
	struct login_session *next;      /* of the same login */
	struct login_session *previous;
	struct login_use *use;
	char *id;
	char *listener;
	char *client_address;
	char *mechanism;
	char *limits;                    /* name of the limits section that holds for it */
	enum identity_protocol protocol;
	char *credential;                /* label of its app password; "" for none */
	uint64_t credential_id;
	uint64_t epoch;
	int64_t since_ms;                /* wall clock */
	int64_t expires_ms;              /* wall clock: the account's, or its app password's; 0: never */
	bool bypass_limits;
};

/* A login that has sessions. */
struct login_use {
	struct table_entry by_login;
	char *login;
	struct login_session *sessions;
	unsigned counts[IDENTITY_POP3 + 1]; /* by protocol */
};

/* What sessions_add() copies. */
struct login_session_facts {
	const char *id;
	const char *login;
	const char *listener;
	const char *client_address;
	const char *mechanism;
	const char *limits;
	const char *credential;
	uint64_t credential_id;
	enum identity_protocol protocol;
	uint64_t epoch;
	int64_t since_ms;
	int64_t expires_ms;
	bool bypass_limits;
};

struct sessions *sessions_new(void);
void sessions_free(struct sessions **sessions);

/* How many sessions of this protocol the login has. */
unsigned sessions_count_of(const struct sessions *sessions, const char *login,
	enum identity_protocol protocol);
/* A session of this id that is there already is replaced. */
struct login_session *sessions_add(struct sessions *sessions, const struct login_request *request,
	const struct login_session_facts *facts);
struct login_session *sessions_find(const struct sessions *sessions, const char *id);
struct login_session *sessions_find_request(const struct sessions *sessions,
	const struct login_request *request);
void sessions_end(struct sessions *sessions, struct login_session *session);
void sessions_set_expiry(struct login_session *session, int64_t expires_ms);
void sessions_drop_front(struct sessions *sessions, const void *front); /* all of it */
struct login_use *sessions_find_login(const struct sessions *sessions, const char *login);
/* In the order in which they began; NULL at the end; after NULL: the first. */
struct login_session *sessions_next(const struct sessions *sessions,
	const struct login_session *after);
struct login_use *sessions_next_login(const struct sessions *sessions,
	const struct login_use *after);
size_t sessions_count(const struct sessions *sessions);

#endif
