/* SPDX-License-Identifier: BSD-2-Clause */
/* One filter through the messages of a session: what it is told, step by step, and what it says. */
#ifndef POLICY_MILTER_SCRIPT_H
#define POLICY_MILTER_SCRIPT_H

#include "policy/milter_change.h"
#include "policy/milter_clock.h"
#include "policy/milter_link.h"

enum milter_said {
	MILTER_SAID_GO_ON,
	MILTER_SAID_OF_RECIPIENT, /* the one that was asked about is refused */
	MILTER_SAID_OF_COMMAND,   /* how the unknown one is refused */
	/* It hears no more of this message. With a fault it asked for what cannot be. */
	MILTER_SAID_OF_MESSAGE,
	MILTER_SAID_OF_SESSION,   /* the same for all messages of the session */
	MILTER_SAID_NOTHING,      /* it failed; the fault says why */
};

struct milter_saying {
	enum milter_said said;
	struct verdict verdict;
	struct fault fault;
	enum milter_place place;  /* what it was asked about last */
	bool changed;             /* the message, or had begun to */
	bool unmet;               /* NOTHING: it was not connected, or not negotiated with */
	bool crowded;             /* NOTHING: others had had most of the time of all filters */
};

/* Once for each question, at the end of the turn; not after milter_script_end(). */
typedef void milter_said_fn(void *context, const struct milter_saying *saying);

struct milter_refused;

/*
 * Places are told in their order, from at up to the goal. A lost connection is replaced by telling
 * all of it once more, from CONNECT on: once for each message, and only until END was told.
 */
struct milter_script {
	const struct milter *milter;
	const struct mail_session *session;
	struct milter_link link;
	milter_said_fn *on_said;
	void *context;
	struct loop_timer idle;             /* for a connection that is kept between two messages */

	/* ---- the message; NULL between two */
	struct mail *mail;
	struct arena *arena;                /* for this message */
	struct milter_clock clock;
	const char *sender;                 /* as it was before filters changed it; recipients too */
	const struct mail_recipient *recipients;
	size_t recipient_count;
	bool settled;                       /* the two above are copies; until then they are the mail's */
	struct milter_refused *refused;     /* by others, in their order */
	size_t refused_count;
	size_t refused_room;
	size_t refused_bytes;

	/* ---- where it stands */
	enum milter_place at;               /* to be told next */
	enum milter_place told;             /* last */
	enum milter_place goal;
	const struct mail_recipient *asked; /* to be told, behind those of before; or NULL */
	bool asked_told;
	size_t recipient_at;                /* of those accepted, which only a new connection needs … */
	size_t recipient_end;
	size_t refused_at;
	size_t field_at;
	uint64_t body_at;
	bool skip_recipients;
	bool skip_body;
	size_t owed_refused;                /* answers due, in this order */
	size_t owed_fields;
	size_t owed;
	unsigned progress;
	bool replayed;
	bool unknown;                       /* the question is about an unknown command */
	bool begun;                         /* MAIL was told, END was not, nor did it decide */
	bool over;                          /* it decided, or failed */
	struct milter_change *change;

	/* ---- the question under way */
	bool asking;
	struct milter_saying saying;
	struct loop_defer answer;
	bool lost;                          /* between two questions; saying.fault tells the next */
};

void milter_script_init(struct milter_script *script, const struct milter *milter,
	const struct mail_session *session, milter_said_fn *on_said, void *context);
void milter_script_fini(struct milter_script *script);

/* A message; texts of the last one's verdict are gone. */
void milter_script_begin(struct milter_script *script, struct mail *mail);
/* goal: MAIL, RCPT (with the one that is asked about, which outlives the answer), DATA, END. */
void milter_script_ask(struct milter_script *script, enum milter_place goal,
	const struct mail_recipient *asked);
/*
 * A command that nobody knows, in a message before DATA was told or between two; only while the
 * filter is connected. False: it does not hear of it, and nothing will be said. A filter lost by it
 * is replaced by the next question, or fails then.
 */
bool milter_script_ask_unknown(struct milter_script *script, struct span line);
/* Another stage has refused it: a filter that wants to know is told with what it is asked next. */
void milter_script_refused(struct milter_script *script, const struct mail_recipient *recipient,
	const struct verdict *verdict);
/* The message is over, wherever it stands. The connection is kept if it can be. */
void milter_script_end(struct milter_script *script);
/* What the filter was told of the session no longer holds. Only between two messages. */
void milter_script_forget(struct milter_script *script);

#endif
