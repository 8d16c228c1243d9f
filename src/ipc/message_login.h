/* SPDX-License-Identifier: BSD-2-Clause */
/* What a front end asks of auth, keys and dial. */
#ifndef IPC_MESSAGE_LOGIN_H
#define IPC_MESSAGE_LOGIN_H

#include "ipc/certificate_names.h"
#include "ipc/messages.h"

/*
 * LOGIN_START: an exchange; its request number names it in LOGIN_STEP and LOGIN_CANCEL. PLAIN and LOGIN
 * are one step: the front end asks LOGIN's two questions itself, and initial is for both the message
 * of RFC 4616 (authzid NUL authcid NUL password).
 */
#define LOGIN_BY_NETWORK "NETWORK" /* in place of a mechanism: the account that the listener names */
struct message_login_start {
	const char *session;
	const char *listener;
	const char *protocol;        /* "smtp", "pop3", "imap" */
	const char *mechanism;       /* upper case, one of those offered */
	const char *client_address;
	bool tls;
	struct certificate_names certificates; /* of the client, verified */
	const char *tls_version;     /* "TLS1.3"; "" in clear */
	struct span bind_exporter;   /* channel bindings, empty where there are none */
	struct span bind_endpoint;
	bool has_initial;
	struct span initial;         /* a secret: wipe the frame */
};
struct message_login_step {
	uint32_t exchange;
	struct span response;        /* a secret */
};
struct message_login_cancel {
	uint32_t exchange;
};
struct message_login_challenge {
	struct span challenge;
};
/*
 * LOGIN_DONE: what auth says of who this is; grant is for the queue, unread by the front end. Last
 * words of a mechanism came before it, as a challenge.
 */
struct message_login_done {
	struct span identity;        /* policy/identity.h */
	struct span grant;           /* ipc/grant.h, over the identity */
};
enum login_failure {
	LOGIN_BAD_CREDENTIALS,  /* 535 5.7.8: wrong, unknown, disabled, bound wrongly: all alike */
	LOGIN_BAD_SYNTAX,       /* 501 5.5.2 */
	LOGIN_NO_MECHANISM,     /* 504 5.5.4 */
	LOGIN_TEMPORARY,        /* 454 4.7.0: our fault, not the client's */
	LOGIN_TOO_WEAK,         /* 534 5.7.9 */
	LOGIN_LIMIT,            /* 454 4.7.0 with the limit's words */
	LOGIN_REFUSED,          /* 550 5.7.1: the account that the listener names may not be used */
	LOGIN_FAILURE_COUNT,
};
struct message_login_failed {
	enum login_failure failure;
	uint32_t delay_ms;           /* wait so long before the client hears of it */
	const char *login;           /* as far as known, for the log; may be empty */
	const char *text;            /* for LOGIN_LIMIT: what the client may read; else for the log */
};

/* IDENTITY_GET is answered by LOGIN_DONE (fresh) or LOGIN_FAILED (no longer). */
struct message_session {
	const char *session;
	const char *login;
	const char *listener;
	const char *protocol;
	const char *client_address;
	uint64_t epoch;
	int64_t since_ms;            /* wall clock */
	struct span grant;           /* the newest one; auth believes no session without it */
};
struct message_session_end {
	const char *session;
	const char *login;
};
struct message_session_kick {
	const char *session;
	const char *text;            /* what the client may read */
};
/* To a front end with epoch 0: nothing was taken away, but the identity is to be fetched anew. */
struct message_revoke {
	const char *login;
	uint64_t epoch;              /* grants below it are void */
	uint64_t credential;         /* to queue: grants of this app password are void; 0: of none */
};

/*
 * CHARGE: one message about to be queued. CHARGED says what to do with it. REFUND: nothing came of
 * it after all; what was charged is given back.
 */
struct message_charge {
	const char *session;
	const char *login;           /* empty: it counts by address */
	const char *listener;
	const char *client_address;
	uint32_t recipients;
	struct span marks;           /* where new ones count: MESSAGE_MARK_BYTES of each one's hash */
	struct certificate_names certificates; /* of the client, verified */
};
enum charge_verdict {
	CHARGE_PASS,
	CHARGE_HOLD,
	CHARGE_TEMPFAIL,
	CHARGE_REFUSE,
	CHARGE_VERDICT_COUNT,
};
struct message_charged {
	enum charge_verdict verdict;
	const char *text;            /* which limit, for the client and the log */
	uint64_t over_since_ms;      /* HOLD: wall clock, from when on its mail is held; else 0 */
};
struct message_refund {
	const char *session;
	uint32_t charge;             /* the request of its CHARGE */
};
/* HELD_SEEN: held mail of this login was released or deleted as a whole. */
struct message_held_seen {
	const char *login;
};

/*
 * SIGN: the key is known by the hash of its public half, which is in the certificate: whoever still
 * serves an older certificate gets its signatures too. algorithm is io/tls_certificate.h's number.
 */
struct message_sign {
	struct span key_id;          /* MESSAGE_KEY_ID_BYTES */
	uint32_t algorithm;
	struct span hash;
};
struct message_signed {
	struct span signature;       /* empty: refused */
};

/*
 * DIAL: an endpoint that the settings name, e.g. "milter:opendkim"; its request number names it in
 * DIAL_CANCEL, after which it is not answered, unless it was already. REFUSED with MESSAGE_DIAL_BUSY:
 * not for want of the endpoint.
 */
#define MESSAGE_DIAL_BUSY "4.3.2"
struct message_dial {
	const char *endpoint;
	uint32_t wait_ms;
};
struct message_dialed {
	const char *address;         /* what was connected, for the log */
};
struct message_dial_cancel {
	uint32_t call;
};

MESSAGE_PAIR(login_start);
MESSAGE_PAIR(login_step);
MESSAGE_PAIR(login_cancel);
MESSAGE_PAIR(login_challenge);
MESSAGE_PAIR(login_done);
MESSAGE_PAIR(login_failed);
MESSAGE_PAIR(session); /* SESSION_ANNOUNCE, IDENTITY_GET */
MESSAGE_PAIR(session_end);
MESSAGE_PAIR(session_kick);
MESSAGE_PAIR(revoke);
MESSAGE_PAIR(charge);
MESSAGE_PAIR(charged);
MESSAGE_PAIR(refund);
MESSAGE_PAIR(held_seen);
MESSAGE_PAIR(sign);
MESSAGE_PAIR(signed);
MESSAGE_PAIR(dial);
MESSAGE_PAIR(dialed);
MESSAGE_PAIR(dial_cancel);

#endif
