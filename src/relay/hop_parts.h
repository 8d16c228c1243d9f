/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a hop share among themselves; nobody else includes this. */
#ifndef RELAY_HOP_PARTS_H
#define RELAY_HOP_PARTS_H

#include "io/stream.h"
#include "relay/hop.h"
#include "relay/hop_journal.h"
#include "relay/hop_login.h"
#include "relay/pace.h"
#include "relay/transfer.h"

enum hop_phase {
	HOP_CONNECT,
	HOP_GREETING,
	HOP_EHLO,
	HOP_STARTTLS,
	HOP_HANDSHAKE,
	HOP_AUTH,
	HOP_READY,
	HOP_TRANSFER,
	HOP_QUIT,
	HOP_GONE,
};

struct hop {
	struct hop_route *route;
	const struct hop_hooks *hooks;
	void *context;
	enum hop_phase phase;
	struct fault fault;        /* why it ended */
	struct loop_defer news;    /* on_ready, on_done, on_gone */

	struct connector *connector;
	bool local;                /* the hop is on this machine */
	char address_text[SOCK_TEXT_MAX_BYTES];
	char tls_text[TLS_TEXT_MAX_BYTES];

	struct stream *stream;
	struct smtp_reply_reader reply;
	struct offer offer;
	bool helo_tried;           /* EHLO was refused */
	struct hop_login login;
	struct hop_journal journal;

	struct transfer transfer;
	struct pace pace;          /* of the content */
	struct job *job;
	bool job_done;
	bool sending;              /* content: the pace holds, not yet the wait for its end */
	bool was_ready;
	bool kept;                 /* waited for a job, or had one: it may have been lost meanwhile */
	bool reused;               /* it was so when this job came */
	bool heard;                /* a reply in this job */
	bool untried;              /* it was lost, and the job shall be tried elsewhere */
	uint64_t jobs;             /* done on this connection */
};

/* --- hop.c */

/* Ends the connection; the first reason is told. */
void hop_fail(struct hop *hop, enum fault_kind kind, const char *what, struct span detail);
/* The same with the hop's own words. */
void hop_fail_reply(struct hop *hop, const char *what);

/* --- hop_wait.c */

/* A phase has one deadline from its start: what trickles in meanwhile does not move it. */
void hop_enter(struct hop *hop, enum hop_phase phase);
/* The same within a transfer: after each step, and when content had its turn to be sent. */
void hop_watch_transfer(struct hop *hop);
void hop_on_deadline(struct stream *stream, void *context);

/* --- hop_reply.c */

void hop_start_tls(struct hop *hop);
void hop_on_secure(struct stream *stream, void *context);
/* A reply is in hop->reply. */
void hop_on_reply(struct hop *hop);
void hop_on_transfer_step(struct hop *hop, enum transfer_step step);

#endif
