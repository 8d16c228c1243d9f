/* SPDX-License-Identifier: BSD-2-Clause */
/* What a stage says: go on, or what the client is told instead, and why. */
#ifndef POLICY_VERDICT_H
#define POLICY_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

enum verdict_kind {
	VERDICT_CONTINUE,
	VERDICT_ACCEPT,   /* this stage wants to hear no more of this message */
	VERDICT_REJECT,   /* code, enhanced, text: 5xx */
	VERDICT_TEMPFAIL, /* the same: 4xx */
	VERDICT_DISCARD,  /* 250 to the client, and nothing is queued */
	VERDICT_HOLD,     /* queued, but not sent until somebody releases it */
};

/* What was done to the message so that it may pass, or-ed. */
enum verdict_change {
	VERDICT_REWRITTEN = 1, /* a sender that was not the client's became its primary address */
	VERDICT_ON_BEHALF = 2, /* a Sender was put beside the From of another */
	VERDICT_STRIPPED = 4,  /* a display name that showed another address was taken out */
};

enum { VERDICT_TEXT_MAX_BYTES = 256 };

/* In the caller's storage, passed by value; the texts are our own or checked and printable. */
struct verdict {
	enum verdict_kind kind;
	uint8_t changed;                    /* CONTINUE: enum verdict_change, or-ed */
	uint16_t code;                      /* REJECT and TEMPFAIL: 4xx or 5xx */
	char enhanced[16];                  /* "5.7.1" */
	char text[VERDICT_TEXT_MAX_BYTES];  /* for the client, and for the log */
	/*
	 * All lines, parted by '\n', if text is only the first; else NULL. The stage's: abort leaves
	 * them, for the client is told after it, and the next message may take them away.
	 */
	const char *lines;
	char where[VERDICT_TEXT_MAX_BYTES]; /* what decided: "FILE:LINE", a stage; for log and explain */
};

#define VERDICT_PASS ((struct verdict){ .kind = VERDICT_CONTINUE })

/* The same, with what allowed it. */
struct verdict verdict_pass(const char *where);
bool verdict_is_refusal(const struct verdict *verdict); /* REJECT or TEMPFAIL: it has a code */
/* In one word: "pass", "rewrite", "on-behalf", "strip", "refuse", "hold", … */
const char *verdict_word(const struct verdict *verdict);
/* 4xx makes TEMPFAIL, 5xx REJECT. where may be "". */
struct verdict verdict_refuse(unsigned code, const char *enhanced, const char *where,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
struct verdict verdict_hold(const char *where, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
