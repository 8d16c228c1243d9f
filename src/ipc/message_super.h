/* SPDX-License-Identifier: BSD-2-Clause */
/* What super and a role tell each other: set-up, supervision, control. */
#ifndef IPC_MESSAGE_SUPER_H
#define IPC_MESSAGE_SUPER_H

#include "ipc/messages.h"

/*
 * SETTINGS: the role's slice (config/slice.h); the files and secrets of the generation follow. Then the
 * first time START, a question: answered by READY when the role serves. A reload has two steps: CHECK, a
 * question, is answered by READY if the role could use the generation, by REFUSED if not; nothing has
 * changed then. TAKE, a question, puts what was checked into use, which cannot fail, and READY says so;
 * FORGET, without an answer, drops it. Files and secrets outside of this replace one: a rolled log, a
 * new ticket key.
 */
struct message_settings {
	uint32_t generation;
	uint8_t instance; /* which of several processes of one role, from 0; never changes */
	const char *user; /* system user to become; empty: stay */
	struct span slice;
};

/* LINK: the descriptor is this role's end of a channel to another role. UNLINK: that one is gone. */
enum link_kind {
	LINK_CHANNEL,
	LINK_SIGN, /* the blocking pair between a front end and keys */
	LINK_KIND_COUNT,
};
struct message_link {
	enum role peer;
	uint8_t instance; /* which of several processes of one role, from 0 */
	enum link_kind kind;
};

/* FILE: a descriptor that super opened. name is a listener, a certificate path, a log… by its kind. */
enum file_kind {
	FILE_LISTENER,      /* name "LISTENER", index which of its addresses */
	FILE_CERTIFICATE,   /* name "TLS-BLOCK", index which pair; read it whole */
	FILE_KEY,           /* the same, to keys alone */
	FILE_EVENT_LOG,
	FILE_PROTOCOL_LOG,  /* name is the service: "smtp", … */
	FILE_GATE,          /* the table of connection counters: proc/gate_layout.h */
	FILE_SECRET,        /* name "route:NAME" or "backend:NAME" */
	FILE_KEYTAB,
	FILE_TRUST,         /* certificate authorities; name as in the settings */
	FILE_LOOKUP,        /* the socket of ipc/lookup.h, listening; to auth */
	FILE_KIND_COUNT,
};
struct message_file {
	enum file_kind kind;
	uint16_t index;
	const char *name;
};

/* SECRET: bytes that several roles share; super makes them and keeps them in memory only. */
enum secret_kind {
	SECRET_GRANT_KEY,  /* auth, queue */
	SECRET_TICKET_KEY, /* front ends; name is the listener */
	SECRET_KIND_COUNT,
};
struct message_secret {
	enum secret_kind kind;
	const char *name;
	struct span bytes;
};

/* LOST: the role has no link to this peer, though nobody told it that the peer has gone. */
struct message_lost {
	enum role peer;
	uint8_t instance;
};

/* STOP: finish within grace_ms. START, CHECK, TAKE, FORGET, PING, PONG, SESSIONS_ANNOUNCED have no content. */
struct message_stop {
	uint32_t grace_ms;
};

/* CONTROL and ANSWER: JSON as in ipc/control.h; more: further pages follow with the same request. */
struct message_control {
	struct span json;
	bool more; /* ANSWER only */
};

/*
 * READY: the answer to START, CHECK and TAKE. anew, to CHECK: the generation is good, but it takes a new
 * process to use it.
 */
struct message_ready {
	uint32_t generation;
	bool anew;
};

MESSAGE_PAIR(settings);
MESSAGE_PAIR(link);
MESSAGE_PAIR(file);
MESSAGE_PAIR(secret);
MESSAGE_PAIR(lost);
MESSAGE_PAIR(stop);
MESSAGE_PAIR(control);
MESSAGE_PAIR(ready);

#endif
