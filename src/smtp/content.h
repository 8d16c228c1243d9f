/* SPDX-License-Identifier: BSD-2-Clause */
/* The content of a message as it comes in: the header in memory, the body there or in a file. */
#ifndef SMTP_CONTENT_H
#define SMTP_CONTENT_H

#include "base/digest.h"
#include "policy/mail.h"
#include "policy/verdict.h"
#include "wire/smtp_data.h"

struct queue_body;
struct queue_link;

/*
 * A body of more than MESSAGE_BODY_MAX_BYTES goes to a file of the queue, by plain writes on the
 * loop: the queue syncs, so they end in the page cache, and a session writes at most the input of
 * one turn (twice 64 KiB), which takes some tens of microseconds.
 */
enum content_step {
	CONTENT_MORE,
	CONTENT_WAIT, /* for a file; on_file is called when to go on */
	CONTENT_END,  /* the final dot, or the end of the chunk */
};

enum content_fault {
	CONTENT_OK,
	CONTENT_GRAMMAR, /* data.fault says which */
	CONTENT_SIZE,
	CONTENT_HEADER,
	CONTENT_SPACE,   /* no room on disk */
	CONTENT_QUEUE,   /* no file to be had */
	CONTENT_ENDLESS, /* went on and on after one of these: nobody waits for its end */
};

struct content_limits {
	uint64_t size;        /* 0: none */
	uint64_t header_size;
	bool normalize;       /* bare CR and LF */
};

/* In the transaction. data and fault may be read. */
struct content {
	struct smtp_data data;
	enum content_fault fault;
	struct mail *mail;
	struct queue_link *queue;
	struct content_limits limits;
	void (*on_file)(void *context);
	void *context;
	struct queue_body *asked; /* the file; NULL: not under way */
	uint64_t fault_at;    /* bytes received when the fault was seen */
	struct digest hash;
};

void content_init(struct content *content, struct mail *mail, struct queue_link *queue,
	const struct content_limits *limits, void (*on_file)(void *context), void *context);
/* Tells the queue that the mail's file, if it has one, is not needed. */
void content_fini(struct content *content);
/* Takes from the front of *in. After CONTENT_WAIT: call it again, with what came or nothing. */
enum content_step content_take(struct content *content, struct span *in);
/* The message is whole: what is left goes to the file, and the mail knows its body. */
void content_end(struct content *content);
/* Closes the file: queue takes none that can still be written. */
void content_close(struct content *content);
/* The queue has it now: content_fini() leaves the file alone. */
void content_release(struct content *content);
/* What the client is told about the fault; NULL texts for CONTENT_OK. */
void content_explain(const struct content *content, struct verdict *verdict_out);

#endif
