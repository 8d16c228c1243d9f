/* SPDX-License-Identifier: BSD-2-Clause */
/* What a role's process knows of itself. Private to role.c and role_messages.c. */
#ifndef PROC_ROLE_CONTEXT_H
#define PROC_ROLE_CONTEXT_H

#include "io/loop.h"
#include "proc/role.h"
#include "proc/role_links.h"
#include "proc/role_store.h"

enum role_phase {
	ROLE_WAITING,  /* for START */
	ROLE_SERVING,
	ROLE_STOPPING,
	ROLE_ENDED,
};

enum { ROLE_CUT_MAX = 64 }; /* super asks for less at a time */

/* What SETTINGS began: in use, or gathered until START. */
struct generation {
	uint32_t number;
	struct settings *settings;
	struct role_store *store;
};

struct role_context {
	const struct role_program *program;
	struct loop *loop;
	struct channel *super;
	enum role_phase phase;
	struct generation now;
	struct generation next; /* settings NULL: none under way */
	bool checked;           /* next was found good, and waits for TAKE or FORGET */
	bool anew;              /* it takes a new process */
	unsigned instance;
	char *user;
	struct role_links links; /* that came before START */
	struct role_lost lost;   /* links that super will be asked for */
	uint32_t cut[ROLE_CUT_MAX]; /* verbs of which a page could not be sent; they hear of it */
	size_t cut_count;
	struct loop_timer ask_links;
	struct loop_timer last_moment;
	void *private;
};

/* What arrived as FILE_EVENT_LOG, if anything did, is where lines go from now on. */
void role_use_event_log(struct role_context *context);
void role_offer_link(struct role_context *context, const struct message_link *link, int fd);
/* START, CHECK and TAKE; each is answered. */
void role_begin(struct role_context *context, uint32_t request);
void role_check(struct role_context *context, uint32_t request);
void role_take(struct role_context *context, uint32_t request);
/* FORGET; free if there is nothing to forget. */
void role_forget(struct role_context *context);
void role_begin_stop(struct role_context *context, uint64_t grace_ms);
/* Of the channel to super. */
bool role_on_message(void *context, struct channel_message *message);

#endif
