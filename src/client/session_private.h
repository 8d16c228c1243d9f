/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session is made of, for the files of this folder that make it up. */
#ifndef CLIENT_SESSION_PRIVATE_H
#define CLIENT_SESSION_PRIVATE_H

#include "client/front.h"

struct session {
	struct front *front;
	struct session *next;
	struct session *previous;
	struct setup *setup;
	const struct listener *listener;
	const struct session_protocol *protocol;
	void *context;              /* the protocol's; NULL until the client is let in */
	struct stream *stream;
	struct gate_pass pass;
	struct login login;
	struct standing standing;

	enum session_phase phase;
	enum session_phase after;   /* SENDING: what comes when the client has read */
	bool paused;                /* the stream is */
	bool greeted;
	enum session_end end;
	enum session_end leaving;   /* at the next command */
	char *leaving_text;

	uint64_t opened_ms;
	uint64_t login_due_ms;      /* 0: welcome */
	uint64_t rate_due_ms;       /* CONTENT: end of the window in which bytes are counted */
	uint64_t rate_mark;         /* bytes in at its begin */
	uint64_t skipped;

	struct sock_address client;
	char client_host[SOCK_TEXT_MAX_BYTES];
	char server_host[SOCK_TEXT_MAX_BYTES]; /* "" until begin() */
	uint16_t server_port;
	char id[SERIAL_SESSION_SIZE];
	struct journal_session line;
	char *client_text;          /* with ports, for the protocol log; NULL without one */
	char *server_text;
};

extern const struct stream_hooks session_hooks;

/* Says the greeting. */
void admission_ready(struct session *session);
/* A word to a connection for which there is no room; it stays the caller's. */
void admission_turn_away(const struct front *front, const struct listener *listener, int fd);
/* False: more bytes of the PROXY header are needed, or the session is over. */
bool admission_read_proxy(struct session *session);
void admission_on_secure(struct stream *stream, void *context);
void reader_on_input(struct stream *stream, void *context);
void session_on_close(struct stream *stream, enum stream_end end, const struct fault *fault,
	void *context);

/* For front.c: its list, and the end of a session that is in it no more. */
void session_link(struct session *session, struct session **head);
void session_unlink(struct session *session, struct session **head);
void session_free(struct session **session);

/* Changes the phase, logs it and arms its deadline; input that was paused stays so. */
void session_enter(struct session *session, enum session_phase phase);
void session_arm_deadline(struct session *session);
/* Why it ends, if nothing said so before; and CLOSING. */
void session_close_for(struct session *session, enum session_end why);
/* Into the protocol log. */
void session_note(struct session *session, enum journal_event event, struct span text);

#endif
