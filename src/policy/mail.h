/* SPDX-License-Identifier: BSD-2-Clause */
/* One message in the making: what the stages look at, and what they may change. */
#ifndef POLICY_MAIL_H
#define POLICY_MAIL_H

#include "base/buffer.h"
#include "base/digest.h"
#include "base/memory.h"
#include "config/settings.h"
#include "policy/identity.h"
#include "policy/verdict.h"
#include "wire/header.h"

enum {
	MAIL_RECIPIENTS_MAX = 1000,
	MAIL_MEMORY_MAX_BYTES = 64 * 1024, /* of a body; a longer one is in a file */
};

/* What is known of the connection; kept by the session, the same for all its messages. */
struct mail_session {
	const struct settings *settings;
	const struct settings_listener *listener;
	const char *id;                 /* session id, for the log */
	const struct identity *identity; /* NULL before a login */
	const char *helo;               /* as given, checked; "" before */
	bool esmtp;                     /* EHLO, not HELO */
	const char *client_address;     /* text, without port */
	uint16_t client_port;
	unsigned char client_network[NETWORK_BYTES];
	uint64_t client_connections;    /* from there to this listener, at MAIL; 0: nobody knows */
	struct settings_texts certificates; /* names in a verified client certificate; none without */
	const char *tls_version;        /* "TLS1.3"; "" without TLS, the two below too */
	const char *tls_cipher;         /* "TLS_AES_256_GCM_SHA384" */
	const char *tls_group;          /* "X25519" */
	unsigned tls_bits;              /* of the cipher; 0 without TLS */
	const char *tls_name;           /* the host that the client wants, a lower-case name; "" if none */
	const char *local_address;      /* where the client reached us: text, without port */
	uint16_t local_port;
	const char *certificate_subject; /* of a verified client certificate, RFC 4514; "" without */
	const char *certificate_issuer;
};

struct mail_recipient {
	const char *path;               /* wire form without brackets */
	const char *orcpt;              /* xtext as received, or "" */
	uint8_t notify;                 /* as in ipc/message_mail.h */
	const char *parameters;         /* of RCPT as received, parted by one blank or more; "" */
	bool added;                     /* by a filter, and the session itself may not name it */
};

/*
 * Everything lives in arena. Header and body are in wire form (CRLF, no dot-stuffing); the empty
 * line between them belongs to neither. The body is in memory, or in a file from which it can be
 * read (body_fd).
 */
struct mail {
	struct arena *arena;
	const struct mail_session *session;
	const char *id;                 /* made at MAIL */
	int64_t now_ms;                 /* wall clock at MAIL */

	const char *sender;             /* "" is the null sender */
	/*
	 * The one that the rights allowed, where a filter put another in its place that the session
	 * may not name; else NULL.
	 */
	const char *allowed_sender;
	bool smtputf8;
	bool eightbit;                  /* BODY=8BITMIME */
	uint64_t declared_size;         /* SIZE=, 0 if none */
	const char *parameters;         /* of MAIL as received, parted by one blank or more; "" */
	const char *envid;              /* xtext as received, or "" */
	uint8_t ret;                    /* enum return_kind of ipc/message_mail.h */

	struct mail_recipient *recipients;
	size_t recipient_count;
	size_t recipient_room;

	struct buf header_block;        /* as received */
	struct header header;           /* mail_parse_header() makes it; stages change it */
	const char *trace;              /* where our own Received begins (its whole.start); NULL before */
	struct buf body;                /* empty if body_fd >= 0 */
	int body_fd;                    /* -1: in memory */
	uint64_t body_length;
	/* Queue's number of the file; 0: in memory. Who puts another body here drops this file. */
	uint64_t body_file;
	unsigned char body_hash[DIGEST_BYTES]; /* of what is in the file */
	bool body_8bit;                 /* any byte of the body over 127 */

	uint64_t filters_ms;            /* that remote filters have had for it, all together */

	bool hold;
	const char *hold_reason;
	struct verdict rights;          /* what the rights said of it, for the log; see rights_weigh() */
};

struct mail *mail_new(const struct mail_session *session, const char *id, int64_t now_ms);
void mail_free(struct mail **mail);             /* closes and drops no file: smtp does */
/*
 * From the block to the list: strict for what is submitted (a login or the right to relay),
 * lenient (HEADER_RAW) for a stranger's mail; HEADER_8BIT for what a lenient listener is
 * submitted. The fault says what is wrong, fit for a reply.
 */
bool mail_parse_header(struct mail *mail, bool submitted, struct fault *fault_out);
/* The same, as the client is told: 554 5.6.0, or 552 5.3.4 past a cap. */
struct verdict mail_judge_header(struct mail *mail, bool submitted);
/* Without parameters, and as the client's; who knows more says so in it, before the next is added. */
struct mail_recipient *mail_add_recipient(struct mail *mail, const char *path, const char *orcpt,
	uint8_t notify);
/* Is this the Received that we put in? */
bool mail_is_trace(const struct mail *mail, const struct header_field *field);
uint64_t mail_size(const struct mail *mail);    /* bytes: header, empty line, body; as it stands */

#endif
