/* SPDX-License-Identifier: BSD-2-Clause */
/* A message on its way: smtp to queue, queue to relay, and results back. */
#ifndef IPC_MESSAGE_MAIL_H
#define IPC_MESSAGE_MAIL_H

#include "ipc/certificate_names.h"
#include "ipc/messages.h"

/* BODY_FILE: an empty file for one body; the descriptor is for writing. BODY_DROP: not needed. */
struct message_body {
	uint64_t file;
};

enum notify_flag {
	NOTIFY_DEFAULT = 0, /* RFC 3461 4.1: the sender said nothing */
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8,
};
enum return_kind {
	RETURN_DEFAULT,
	RETURN_FULL,
	RETURN_HEADERS,
	RETURN_KIND_COUNT,
};
enum body_kind {
	BODY_7BIT,
	BODY_8BITMIME,
	BODY_KIND_COUNT,
};

struct message_recipient {
	uint32_t number;             /* within its message, from 0 */
	const char *path;            /* without brackets, as it goes on the wire */
	uint8_t notify;              /* notify_flag, or-ed */
	const char *orcpt;           /* as received, xtext still encoded; empty if none */
};

/* What a message carries beside its content. */
struct message_envelope {
	const char *sender;          /* without brackets; empty is the null sender */
	const char *envid;           /* xtext still encoded */
	enum return_kind ret;
	enum body_kind body_kind;
	bool smtputf8;
	size_t recipient_count;      /* 1 to MESSAGE_RECIPIENTS_MAX */
	const struct message_recipient *recipients;
};

/*
 * The content: final header with its empty line, then the body, in wire form without dot-stuffing.
 * The body stands here up to MESSAGE_BODY_MAX_BYTES, beyond that in a file that BODY_FILE gave.
 */
struct message_content {
	struct span header;
	bool in_file;
	struct span body;
	uint64_t file;               /* in COMMIT: which; in JOB the descriptor comes along */
	uint64_t body_length;
	unsigned char body_hash[32]; /* SHA-256 of the body; in COMMIT with a file */
};

/*
 * COMMIT: answered by COMMITTED once it is safe on disk, or by REFUSED. Sent again if unanswered.
 * COMMITTED names another id where the login has lately sent the same message already.
 */
struct message_commit {
	const char *id;              /* made by smtp at MAIL; UNIQUE in the queue */
	const char *session;
	const char *listener;
	const char *protocol;        /* "ESMTPSA", … for the record */
	const char *client_address;
	struct certificate_names certificates; /* of the client, verified; as in the grant of a login */
	const char *login;           /* empty without login */
	struct span grant;           /* empty without login */
	bool hold;
	const char *hold_reason;
	uint64_t over_since_ms;      /* held as CHARGED said; else 0 */
	bool has_sent_hash;          /* the client gave a Message-ID and a login */
	unsigned char sent_hash[32]; /* SHA-256 over envelope, header and body as the client sent them */
	struct message_envelope envelope;
	/*
	 * Whom a filter put in, and the session itself may not name: queue asks whether one may, and
	 * asks the rights about the others.
	 */
	bool sender_changed;
	const char *allowed_sender;  /* the one in whose place it stands; empty is the null sender */
	size_t added_count;
	const uint32_t *added;       /* numbers of recipients, ascending */
	struct message_content content;
};
struct message_committed {
	const char *id;
};
/* PRESSURE: the queue's disk is short (refuse MAIL with 452 4.3.1) or well again. */
struct message_pressure {
	bool short_of_space;
	const char *text;
};

/* JOB: some recipients of one message that share a route. */
struct message_job {
	uint64_t job;
	const char *id;
	const char *route;           /* name in the settings */
	struct message_envelope envelope;
	struct message_content content;
};
enum outcome {
	OUTCOME_DELIVERED,
	OUTCOME_RELAYED,   /* delivered to a hop that has no DSN */
	OUTCOME_DEFERRED,
	OUTCOME_FAILED,
	OUTCOME_COUNT,
};
struct message_recipient_result {
	uint32_t number;
	enum outcome outcome;
	uint16_t code;               /* the hop's reply, 0 if it said none */
	const char *enhanced;        /* "5.1.1" */
	const char *text;            /* printable, cut */
};
/* RESULT: kept by relay until RESULT_KEPT names its job, and sent again after a restart of queue. */
struct message_result {
	uint64_t job;
	const char *id;
	const char *hop;             /* name of the next hop */
	const char *hop_address;
	const char *tls;             /* version and cipher, or empty */
	size_t count;
	const struct message_recipient_result *results;
};
struct message_result_kept {
	uint64_t job;
};
/* RELAY_READY: results from before were all sent; this many jobs may be under way at once. */
struct message_relay_ready {
	uint32_t slots;
};

/* A part of COMMIT and JOB, and of the queue's records on disk: their version counts its changes. */
void message_envelope_pack(struct buf *to, const struct message_envelope *from);
void message_envelope_unpack(struct unpack *from, struct arena *arena,
	struct message_envelope *envelope_out);

MESSAGE_PAIR(body); /* BODY_FILE, BODY_DROP */
MESSAGE_PAIR(commit);
MESSAGE_PAIR(committed);
MESSAGE_PAIR(pressure);
MESSAGE_PAIR(job);
MESSAGE_PAIR(result);
MESSAGE_PAIR(result_kept);
MESSAGE_PAIR(relay_ready);

#endif
