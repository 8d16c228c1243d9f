/* SPDX-License-Identifier: BSD-2-Clause */
/* What every client connection shares: stream, phases and their deadlines, TLS, login, the end. */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "client/login.h"
#include "client/setup.h"
#include "client/standing.h"
#include "io/sock_address.h"

struct front;
struct session;

/* What is awaited. session_expect() alone changes it. */
enum session_phase {
	SESSION_PROXY,     /* the PROXY header of a balancer */
	SESSION_GREET,     /* nothing: who talks before the greeting is cut off */
	SESSION_HANDSHAKE,
	SESSION_COMMAND,   /* a command line; no byte of it is here */
	SESSION_LINE,      /* the rest of a command line */
	SESSION_SKIP,      /* the end of a line that is too long */
	SESSION_SECRET,    /* a response line of the login under way */
	SESSION_CONTENT,   /* bytes that are no lines */
	SESSION_WAITING,   /* another role's answer, which has its own deadline; nothing is read */
	SESSION_SENDING,   /* the client, to read what was sent; nothing is read */
	SESSION_CLOSING,
	SESSION_PHASE_COUNT
};

/* Why it ended; what the client is told of it is the protocol's. */
enum session_end {
	SESSION_END_NONE,
	SESSION_END_CLIENT,    /* it closed in order */
	SESSION_END_LOST,      /* reset, or torn off under TLS */
	SESSION_END_QUIT,
	SESSION_END_HANDSHAKE, /* TLS or the PROXY header failed or took too long */
	SESSION_END_EARLY,     /* talked before the greeting */
	SESSION_END_INJECTED,  /* clear text behind STARTTLS */
	SESSION_END_FOREIGN,   /* speaks another protocol */
	SESSION_END_IDLE,
	SESSION_END_SLOW,      /* a line or content took too long */
	SESSION_END_LATE,      /* no login in time */
	SESSION_END_UNREAD,    /* replies were not read */
	SESSION_END_LINE,      /* a line without end */
	SESSION_END_ERRORS,
	SESSION_END_LOGINS,    /* too many failed logins */
	SESSION_END_MESSAGES,  /* its number of messages is used up */
	SESSION_END_POSITION,  /* where the next command begins is unknown */
	SESSION_END_POLICY,    /* a stage said 421 */
	SESSION_END_REFUSED,   /* by the gate, after the PROXY header */
	SESSION_END_REVOKED,
	SESSION_END_KICKED,
	SESSION_END_STOPPING,
	SESSION_END_COUNT
};

/* "idle", "slow", … for the log. */
const char *session_end_name(enum session_end end);

/* What a session is to know of who it is. */
struct session_identity {
	const char *login;
	const char *credential; /* label of the app password; "" for none */
	uint64_t epoch;
};

/*
 * One protocol: what a session asks it. context is what open() gave. All calls come from the loop
 * and may call session_*() back, session_bye() too; none comes after close().
 */
struct session_protocol {
	const char *name; /* "smtp" */
	void *(*open)(struct session *session);
	void (*close)(void *context);
	void (*on_ready)(void *context);  /* say the greeting */
	void (*on_secure)(void *context); /* STARTTLS is done: what came before is forgotten */
	void (*on_line)(struct span line, void *context); /* without its CRLF */
	void (*on_long_line)(void *context); /* nothing of it was looked at; the rest is skipped */
	/* Takes from the front as much as makes sense; the rest comes again. */
	size_t (*on_content)(struct span bytes, void *context);
	/* The last words, with text for the client if it is not empty. */
	void (*on_bye)(enum session_end why, const char *text, void *context);

	/* Who auth says this is; false if the bytes cannot be read. The texts are the protocol's. */
	bool (*on_identity)(struct span identity, struct session_identity *who_out,
		void *context);
	void (*on_challenge)(struct span base64, void *context);
	void (*on_login)(enum login_end end, const char *text, void *context);

	/* Where in a command line a credential begins; its length if none does. */
	size_t (*secret_from)(struct span line);
	/* Does input that may have no line end yet belong to another protocol? */
	bool (*is_foreign)(struct span start);
	/* The words for a connection that gets no session. */
	bool (*refuse)(enum gate_answer why, const char *hostname, struct buf *out);
};

/* Takes fd. NULL if the gate refuses it, which was said to the client and the log. */
struct session *session_new(struct front *front, struct setup *setup,
	const struct listener *listener, int fd, const struct sock_address *client);
/* At once, without words; the session is gone at the end of the turn. */
void session_abort(struct session *session, enum session_end why);

/*
 * What comes next; reply before. From WAITING back to another phase input goes on. COMMAND is where
 * a session that shall leave does so.
 */
void session_expect(struct session *session, enum session_phase phase);
enum session_phase session_phase(const struct session *session);
/* Replies of one turn leave in one write. They go into the protocol log, unless masked. */
void session_send(struct session *session, struct span bytes);
/* Last words, what waits is sent, and the end. */
void session_bye(struct session *session, enum session_end why, const char *text);
/* session_bye() once the client's next command is there, or (STOPPING) now if none is under way. */
void session_leave(struct session *session, enum session_end why, const char *text);
/* After the reply to STARTTLS. Anything waiting behind it ends the session. */
void session_start_tls(struct session *session);
/* Welcome without login: the time limit and the counters before login hold no more. */
void session_welcome(struct session *session);

struct front *session_front(const struct session *session);
const struct setup *session_setup(const struct session *session);
const struct listener *session_listener(const struct session *session);
const char *session_id(const struct session *session);
const struct sock_address *session_client(const struct session *session);
const char *session_client_host(const struct session *session); /* as text, without port */
/* Where the client reached us, as the balancer says if there is one; "" if nobody knows. */
const char *session_server_host(const struct session *session);
uint16_t session_server_port(const struct session *session);
bool session_is_secure(const struct session *session);
const struct tls_session *session_tls(const struct session *session);
/* The names of the client's certificate, if it showed one that holds; they live in the session. */
struct certificate_names session_certificates(const struct session *session);
/* How many connections the client's address has at this listener, IPv6 by /64; 0: nobody counts. */
uint64_t session_connections(const struct session *session);
/* The login under way, and who the session is; both live in the session. */
struct login *session_login(struct session *session);
struct standing *session_standing(struct session *session);
struct session *session_next(const struct session *session); /* in the front's list */

#endif
