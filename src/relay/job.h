/* SPDX-License-Identifier: BSD-2-Clause */
/* One job: some recipients of one message that go to one route, and what became of each. */
#ifndef RELAY_JOB_H
#define RELAY_JOB_H

#include "base/buffer.h"
#include "base/memory.h"
#include "ipc/message_mail.h"

/* Lives in its own arena, with a copy of what queue sent. */
struct job {
	struct arena *arena;
	struct job *next;             /* of whoever has it waiting */
	struct message_job message;
	int body_fd;                  /* -1: the body is in the message; closed with the job */
	bool probe;                   /* only a question: are these recipients taken? No content */
	struct message_recipient_result *results; /* beside message.envelope.recipients */
	size_t open;                  /* results not yet set */
	bool fresh_only;              /* a kept connection failed it; the next one is new */
	const char *hop;              /* where it went, "" so far */
	const char *hop_address;
	const char *tls;
};

/* Copies bytes; takes the descriptor on success. NULL if the bytes are not a job. */
struct job *job_new(struct span bytes, int fd);
void job_free(struct job **job);

/* Only the first result of a recipient counts. text is made printable and cut. */
void job_set(struct job *job, size_t recipient, enum outcome outcome, unsigned code,
	const char *enhanced, struct span text);
bool job_is_set(const struct job *job, size_t recipient);
/* All that have no result yet. */
void job_set_rest(struct job *job, enum outcome outcome, unsigned code, const char *enhanced,
	struct span text);
/* Takes all results back. */
void job_reopen(struct job *job);
void job_set_hop(struct job *job, const char *hop, const char *address, const char *tls);
/* Header, empty line and body in bytes, without dot-stuffing. */
uint64_t job_size(const struct job *job);
/* Does the content have a byte beyond ASCII? True too if its file cannot be read. */
bool job_has_8bit(const struct job *job);
bool job_header_has_8bit(const struct job *job);
/* What queue is told. */
void job_pack_result(const struct job *job, struct buf *to);

#endif
