/* SPDX-License-Identifier: BSD-2-Clause */
/* The one interface of built-in stages and remote filters: libmilter's events, answered by callback. */
#ifndef POLICY_STAGE_H
#define POLICY_STAGE_H

#include "policy/mail.h"
#include "policy/verdict.h"

/*
 * The chain asks one event at a time and waits for stage_done_fn, which may be called from inside
 * the event. A stage changes the mail only in eom (header fields, recipients, sender, body): the
 * next stage sees the change. After REJECT, TEMPFAIL, DISCARD or ACCEPT it hears no more of this
 * message but abort. Events left NULL are answered by CONTINUE.
 */
typedef void (*stage_done_fn)(void *context, const struct verdict *verdict);

struct stage;

struct stage_type {
	const char *name;
	/* A stage for one session; settings and session outlive it. */
	struct stage *(*open)(const struct mail_session *session, void *service);
	void (*connect)(struct stage *stage, stage_done_fn done, void *context);
	void (*helo)(struct stage *stage, stage_done_fn done, void *context);
	void (*auth)(struct stage *stage, stage_done_fn done, void *context);
	void (*envfrom)(struct stage *stage, struct mail *mail, stage_done_fn done, void *context);
	void (*envrcpt)(struct stage *stage, struct mail *mail,
		const struct mail_recipient *recipient, stage_done_fn done, void *context);
	/*
	 * A recipient that a stage before this one, or smtp itself, refused for good or for now;
	 * nothing is answered. Of what is no mailbox nobody is told, nor of one too many: that is
	 * for the next message.
	 */
	void (*refused)(struct stage *stage, struct mail *mail,
		const struct mail_recipient *recipient, const struct verdict *verdict);
	/*
	 * A command that is not known or not offered, at any time but in content: it is refused
	 * whatever they say, REJECT and TEMPFAIL choose the words. Nothing else may be said.
	 */
	void (*unknown)(struct stage *stage, struct span line, stage_done_fn done, void *context);
	void (*data)(struct stage *stage, struct mail *mail, stage_done_fn done, void *context);
	/* header, eoh, body and eom are replayed from the mail once it is there as a whole. */
	void (*header)(struct stage *stage, struct mail *mail, struct span name, struct span value,
		stage_done_fn done, void *context);
	void (*eoh)(struct stage *stage, struct mail *mail, stage_done_fn done, void *context);
	void (*body)(struct stage *stage, struct mail *mail, struct span piece, stage_done_fn done,
		void *context);
	void (*eom)(struct stage *stage, struct mail *mail, stage_done_fn done, void *context);
	/* This message is over, and any waiting event forgotten; the lines of a verdict stay. */
	void (*abort)(struct stage *stage);
	void (*close)(struct stage **stage);
};

/* Every stage's own struct begins with this. */
struct stage {
	const struct stage_type *type;
};

#endif
