/* SPDX-License-Identifier: BSD-2-Clause */
/* A new body that a filter sends: in memory while it is small, then in a file of the queue. */
#ifndef POLICY_MILTER_BODY_H
#define POLICY_MILTER_BODY_H

#include "policy/milter.h"

struct milter_body;

enum milter_taken {
	MILTER_TAKEN,
	MILTER_TAKEN_LATER, /* a body waits for its file: no further packet before on_room */
	MILTER_TAKEN_BAD,   /* the filter is at fault, or asks for too much: its message is tempfailed */
};

/*
 * Line ends become CRLF, also those that are torn between two pieces: a lone LF, a lone CR. NUL and
 * dots at the begin of a line stay: nothing here is stuffed. A last line without its end gets one.
 * size_limit: most bytes, 0 for none. Writing is plain pwrite on the loop, as smtp/content.c does.
 */
struct milter_body *milter_body_new(const struct milter_means *means, uint64_t size_limit,
	void (*on_room)(void *context), void *context);
void milter_body_free(struct milter_body **body); /* closes and drops its file */
/* All of the piece is taken, also with LATER; not to be called before on_room then. */
enum milter_taken milter_body_take(struct milter_body *body, struct span piece,
	struct fault *fault_out);
/* Nothing more comes. False if it is not whole: no file, no room on the disk. */
bool milter_body_end(struct milter_body *body, struct fault *fault_out);
uint64_t milter_body_length(const struct milter_body *body);
/* After milter_body_end(): the mail's body, whose old file is closed and dropped. Frees. */
void milter_body_put(struct milter_body **body, struct mail *mail);

#endif
