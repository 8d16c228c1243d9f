/* SPDX-License-Identifier: BSD-2-Clause */
/* Logging in, the same for all protocols: one SASL exchange over the channel to auth. */
#ifndef CLIENT_LOGIN_H
#define CLIENT_LOGIN_H

#include "base/secret.h"
#include "client/offer.h"
#include "io/loop.h"
#include "ipc/message_login.h"

struct session;

/* How an exchange ended; what the client hears is the protocol's. */
enum login_end {
	LOGIN_END_DONE,
	LOGIN_END_ABORTED,     /* "*" */
	LOGIN_END_BASE64,      /* not base64, or not the grammar of the mechanism */
	LOGIN_END_LONG,        /* over a cap */
	LOGIN_END_CREDENTIALS,
	LOGIN_END_MECHANISM,   /* not one of those offered */
	LOGIN_END_TEMPORARY,   /* auth is away or slow, or its back end is */
	LOGIN_END_WEAK,
	LOGIN_END_LIMIT,       /* text says which */
	LOGIN_END_REFUSED,     /* the account that the listener names may not be used */
	LOGIN_END_COUNT
};

enum { LOGIN_RESPONSE_MAX_BYTES = 12288 }; /* decoded; RFC 4954 4 speaks of the line */

/* Where an exchange stands. */
enum login_step {
	LOGIN_STEP_NONE,
	LOGIN_STEP_WHOLE,    /* PLAIN: the whole message is awaited */
	LOGIN_STEP_USER,     /* LOGIN: answers to its two questions */
	LOGIN_STEP_PASSWORD,
	LOGIN_STEP_ASKED,    /* auth's turn */
	LOGIN_STEP_RESPONSE, /* the client's turn */
	LOGIN_STEP_DELAY,    /* a failure is told later */
};

/* Part of a session. All of it is login.c's. */
struct login {
	struct session *session;
	enum login_step step;
	const char *mechanism;
	uint32_t exchange;       /* its number on the channel; 0 when auth has had its last word */
	unsigned failures;
	struct secret *user;     /* LOGIN's first answer */
	struct loop_timer timer; /* ASKED: auth's time; DELAY: until the client is told */
	enum login_end delayed;
	char *text;              /* that goes with it */
};

void login_init(struct login *login, struct session *session, struct loop *loop);
/* Cancels what is under way, and wipes. */
void login_fini(struct login *login);
/* What the session may use now. */
void login_offer(const struct login *login, struct offer *offer_out);
/*
 * Begins an exchange; initial is base64, or "=" for the empty one. The session waits until the
 * protocol hears on_challenge() or on_login(), perhaps from inside this call.
 */
void login_start(struct login *login, struct span mechanism, bool has_initial, struct span initial);
/* Without a word of the client's: as the account that the listener names for its networks. */
void login_by_network(struct login *login);
/* The client's next line. */
void login_answer(struct login *login, struct span line);
void login_answer_long(struct login *login); /* it was over the cap of lines */

#endif
