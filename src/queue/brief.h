/* SPDX-License-Identifier: BSD-2-Clause */
/* A message that has left the queue, in a few lines: who, whom, when, with which replies. */
#ifndef QUEUE_BRIEF_H
#define QUEUE_BRIEF_H

#include "queue/parcel.h"
#include "queue/recipient.h"

struct brief_recipient {
	const char *path;
	struct recipient recipient;
};

struct brief {
	uint64_t seq;          /* not packed */
	unsigned char digest[RECORD_DIGEST_BYTES]; /* its record's: tells a repeat by it */
	const char *id;
	const char *parent;
	const char *session;
	const char *login;
	const char *client_address;
	const char *sender;
	int64_t received_ms;
	int64_t finished_ms;
	uint64_t size;
	struct brief_recipient *recipients;
	size_t recipient_count;
};

/* recipients[i] is the state of the record's ith recipient. */
void brief_pack(struct buf *to, const struct parcel *parcel, const struct recipient *recipients,
	int64_t finished_ms);
bool brief_unpack(struct span bytes, struct arena *arena, struct brief *brief_out);
/* Is text its id, its login, its sender or one of its recipients? Case does not count. */
bool brief_is_about(const struct brief *brief, struct span text);

#endif
