/* SPDX-License-Identifier: BSD-2-Clause */
/* An asynchronous channel between two roles: framed messages, descriptors, questions and answers. */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include "base/buffer.h"
#include "base/fault.h"
#include "ipc/messages.h"

struct loop;
struct channel;

/*
 * One end of a SOCK_STREAM pair. A frame is: u32 content length, u16 message id, u16 flags, u32
 * request, content. Descriptors travel with the first byte of their frame. Neither side trusts the
 * other: what messages.h does not allow closes the channel, and never the process.
 */
struct channel_message {
	enum message_id id;
	uint32_t request; /* to be given to channel_answer(); 0 if no answer is wanted */
	struct span bytes; /* valid during the callback */
	int fd;           /* -1 if none; closed after the callback unless the callback sets it to -1 */
};

struct channel_events {
	/* A message that is not an answer to one of ours. False if its content was bad: closes. */
	bool (*on_message)(void *context, struct channel_message *message);
	/* Once, at the end of a turn, never from inside a call; all questions were answered by NULL. */
	void (*on_closed)(void *context, const struct fault *why);
	/* Optional: what waits to be sent fell below half of the quota after a refused send. */
	void (*on_room)(void *context);
};

/*
 * An answer; NULL when the deadline passed or the channel closed. True ends the question, false
 * waits for a further answer with the same request (an AUTH exchange, pages of a listing).
 */
typedef bool (*channel_answer_fn)(void *context, struct channel_message *answer);

/* What may wait to be sent; a channel_send() beyond it gives false. */
enum { CHANNEL_QUOTA_BYTES = 32 * 1024 * 1024 };

/* Takes fd. self and peer say which rows of the message table are allowed. */
struct channel *channel_new(struct loop *loop, int fd, enum role self, enum role peer,
	const struct channel_events *events, void *context);
void channel_free(struct channel **channel); /* questions end without an answer; no callback */
/* The same, but first all questions are answered by NULL. The channel is not open meanwhile. */
void channel_hang_up(struct channel **channel);
enum role channel_peer(const struct channel *channel);
bool channel_is_open(const struct channel *channel);

/*
 * content (may be NULL) is emptied, and wiped if the message is secret. fd (or -1) is taken in every
 * case. False if the channel is closed or its quota is full. Frames leave at the end of the turn.
 */
bool channel_send(struct channel *channel, enum message_id id, struct buf *content, int fd);
bool channel_answer(struct channel *channel, uint32_t request, enum message_id id,
	struct buf *content, int fd);
bool channel_refuse(struct channel *channel, uint32_t request, unsigned code,
	const char *enhanced, const char *text);
/* wait_ms 0: no deadline. Gives the request's number, or 0 if it could not be sent. */
uint32_t channel_ask(struct channel *channel, enum message_id id, struct buf *content, int fd,
	uint64_t wait_ms, channel_answer_fn on_answer, void *context);
void channel_forget(struct channel *channel, uint32_t request); /* a late answer is dropped */
/* Says so in the log, and closes at the end of the turn. For content the caller found bad. */
void channel_drop(struct channel *channel, const char *why);

#endif
