/* SPDX-License-Identifier: BSD-2-Clause */
/* What the spool knows of a message beside its content: as a struct, and as bytes on disk. */
#ifndef QUEUE_RECORD_H
#define QUEUE_RECORD_H

#include "base/digest.h"
#include "ipc/message_mail.h"

/* Never changes after COMMIT. Texts are "" where there is nothing. */
struct record {
	const char *id;
	const char *parent;         /* of a notice: the message it tells of; else "" */
	const char *session;
	const char *listener;
	const char *protocol;
	const char *client_address;
	const char *login;
	struct message_envelope envelope;
	uint32_t header_length;     /* content begins with it; its empty line included */
	uint64_t file;              /* 0: the body follows the header in the content */
	uint64_t body_length;
	unsigned char body_hash[DIGEST_BYTES]; /* with a file */
	unsigned char content_hash[DIGEST_BYTES];
};

enum { RECORD_VERSION = 1, RECORD_DIGEST_BYTES = 16 };

/*
 * A version, a digest of the rest, the fields length-prefixed. The same fields give the same bytes,
 * so two records are of the same message if their digests are equal.
 */
void record_pack(struct buf *to, const struct record *record);
struct span record_digest(struct span bytes); /* RECORD_DIGEST_BYTES; empty if there is none */

enum record_state {
	RECORD_GOOD,
	RECORD_TORN,  /* not what was written */
	RECORD_NEWER, /* written by a later version */
};

/* Texts live in the arena. */
enum record_state record_unpack(struct span bytes, struct arena *arena, struct record *record_out);
/* Is this the content that the record was written with? */
bool record_has_content(const struct record *record, struct span content);
void record_hash_content(struct record *record, struct span content);

#endif
