/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection to a filter: dialled, negotiated, packets both ways, one deadline, its end. */
#ifndef POLICY_MILTER_LINK_H
#define POLICY_MILTER_LINK_H

#include "io/stream.h"
#include "policy/milter.h"
#include "wire/milter_packet.h"

enum milter_loss {
	MILTER_LOSS_UNMET,  /* not connected, or not negotiated */
	MILTER_LOSS_GONE,   /* closed or reset later: the next connection may do better */
	MILTER_LOSS_LATE,
	MILTER_LOSS_BROKEN, /* what it sends is not the protocol */
};

/* From the loop, or from milter_link_open(). All may close the link; none may free its storage. */
struct milter_link_hooks {
	void (*on_open)(void *context);     /* negotiated */
	/* An answer; the payload lasts until the return. */
	void (*on_packet)(void *context, const struct milter_packet *packet);
	void (*on_room)(void *context);     /* milter_link_is_full() is over */
	void (*on_lost)(void *context, enum milter_loss loss, const struct fault *why); /* closed */
};

enum milter_link_state {
	MILTER_LINK_CLOSED,
	MILTER_LINK_DIALING,
	MILTER_LINK_MEETING,    /* the offer is made */
	MILTER_LINK_OPEN,
};

struct milter_link {
	enum milter_link_state state;
	struct milter_offer offer;      /* while open: what was agreed */
	struct buf out;                 /* commands, until milter_link_send() */
	size_t body_max_bytes;          /* of a new body */
	bool torn_change;               /* lost in the midst of a packet that was to change something */
	/* ---- the link's own */
	const struct milter *milter;
	const char *session_id;
	const struct milter_link_hooks *hooks;
	void *context;
	void *call;
	struct loop_timer late;         /* for a dialler that says nothing */
	uint64_t answer_ms;
	struct stream *stream;
	struct milter_reader reader;
	struct arena *arena;
	bool held;
};

void milter_link_init(struct milter_link *link, const struct milter *milter, const char *session_id,
	const struct milter_link_hooks *hooks, void *context);
void milter_link_fini(struct milter_link *link);

/* Only when closed. connect_ms for the connection, then answer_ms for the negotiation. */
void milter_link_open(struct milter_link *link, uint64_t connect_ms, uint64_t answer_ms);
/* An open one that nothing is due from: still there, and silent? */
bool milter_link_is_quiet(const struct milter_link *link);
/* Has it said something that nobody has looked at yet? */
bool milter_link_has_input(const struct milter_link *link);
/* What stands in out goes to the filter. */
void milter_link_send(struct milter_link *link);
bool milter_link_is_full(const struct milter_link *link); /* wait for on_room */
/* on_lost(LATE) in so many ms; 0: never. Replaces the former. */
void milter_link_wait(struct milter_link *link, uint64_t in_ms);
/* No more on_packet; the next is then offered from the loop. */
void milter_link_hold(struct milter_link *link);
void milter_link_resume(struct milter_link *link);
/* Says QUIT if anybody is there, and closes. What stands in out and was not sent is forgotten. */
void milter_link_close(struct milter_link *link);

#endif
