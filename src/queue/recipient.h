/* SPDX-License-Identifier: BSD-2-Clause */
/* How far one recipient of a queued message has come: as a struct, and as bytes on disk. */
#ifndef QUEUE_RECIPIENT_H
#define QUEUE_RECIPIENT_H

#include "ipc/message_mail.h"

enum recipient_stage {
	RECIPIENT_WAITING,   /* not tried, or deferred */
	RECIPIENT_DELIVERED, /* the mailbox has it, or a hop that notifies if it must */
	RECIPIENT_RELAYED,   /* the next hop has it, and knows no notices */
	RECIPIENT_FAILED,    /* refused, or given up after expiry */
	RECIPIENT_DELETED,   /* by the administrator */
	RECIPIENT_STAGE_COUNT,
};

/* A recipient of which nothing is stored is all zero but for its number. */
struct recipient {
	uint32_t number;     /* within the envelope */
	enum recipient_stage stage;
	uint32_t attempts;
	bool delay_told;     /* a delay notice was queued */
	int64_t tried_ms;    /* wall clock of the last result */
	uint64_t job;        /* that gave it */
	uint16_t code;       /* what the hop said last */
	const char *enhanced;
	const char *text;
	const char *hop;
};

/* Longer texts of a hop are cut to this before they are kept. */
enum { RECIPIENT_TEXT_MAX_BYTES = 512 };

const char *recipient_stage_name(enum recipient_stage stage); /* "waiting", … */
/* The number is the caller's to keep. */
void recipient_pack(struct buf *to, const struct recipient *recipient);
void recipient_unpack(struct unpack *from, struct arena *arena, struct recipient *recipient_out);

#endif
