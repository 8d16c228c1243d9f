/* SPDX-License-Identifier: BSD-2-Clause */
/* The look-up protocol: other programs of this machine ask auth who a login is. */
#ifndef IPC_LOOKUP_H
#define IPC_LOOKUP_H

#include "base/buffer.h"
#include "base/memory.h"

/*
 * Frames both ways: u32 big-endian length, then so many bytes of content. A question is a version
 * and a login as its client typed it; the answer is a word and what belongs to it. A client may ask
 * on before it is answered; the answers come in the order of the questions. Whoever sends anything
 * else is cut off. Texts and bytes within a content have a u32 length in front (base/pack.h).
 */
enum {
	LOOKUP_VERSION = 1,
	LOOKUP_HEAD_BYTES = 4,
	LOOKUP_LOGIN_MAX_BYTES = 255,
	LOOKUP_QUESTION_MAX_BYTES = 1 + 4 + LOOKUP_LOGIN_MAX_BYTES,
	LOOKUP_IDENTITY_MAX_BYTES = 64 * 1024,
	LOOKUP_REASON_MAX_BYTES = 512,
	LOOKUP_ANSWER_MAX_BYTES = 1 + 4 + LOOKUP_IDENTITY_MAX_BYTES,
};

enum lookup_frame {
	LOOKUP_FRAME_DONE,
	LOOKUP_FRAME_MORE,
	LOOKUP_FRAME_BAD, /* empty, or longer than max */
};

/* The first frame in bytes; *size_out is what to consume. */
enum lookup_frame lookup_frame_next(
	struct span bytes, size_t max, struct span *content_out, size_t *size_out);

/* One whole frame. The login has at most LOOKUP_LOGIN_MAX_BYTES. */
void lookup_question_pack(struct buf *to, struct span login);
/* False unless the content is exactly one question of this version; login_out points into it. */
bool lookup_question_unpack(struct span content, struct span *login_out);

enum lookup_result {
	LOOKUP_FOUND,   /* identity: as identity_pack() writes it */
	LOOKUP_UNKNOWN, /* no such login, or one that may not send now */
	LOOKUP_UNSURE,  /* reason: why nobody can say */
	LOOKUP_RESULT_COUNT,
};
struct lookup_answer {
	enum lookup_result result;
	struct span identity; /* FOUND */
	struct span reason;   /* UNSURE; text */
};
/* One whole frame; the parts within their caps. */
void lookup_answer_pack(struct buf *to, const struct lookup_answer *answer);
/* The spans point into the content. */
bool lookup_answer_unpack(struct span content, struct lookup_answer *answer_out);

#endif
