/* SPDX-License-Identifier: BSD-2-Clause */
/* One child of super: super's side is real, its process only waits, and the role is played here. */
#ifndef UNIT_CHILD_FIXTURE_H
#define UNIT_CHILD_FIXTURE_H

#include "unit.h"

#include "ipc/message_super.h"
#include "super/child.h"

enum { NEW_GENERATION = 9 };

/* What the owner of the child was told. */
struct child_told {
	unsigned answers;
	unsigned unanswered;
	bool open; /* was the channel, when there was no answer */
	unsigned served;
	unsigned reloads;
	enum child_reload reload;
	char text[128];
	unsigned ends;
	int status;
	unsigned restarts;
	unsigned lost;
};

extern struct child_told told;

extern struct super super;
extern struct child *child;
extern struct channel *role; /* the other end */

/* What the role was told, and how it answers. */
extern enum message_id heard;
extern enum message_id answer_id; /* NONE: keeps silent */
extern struct message_ready ready;
extern bool answered_by_question;
extern bool role_closed;
extern uint32_t provided; /* generation */
extern bool no_processes;
extern bool busy_processes; /* they work instead of waiting */

int child_set_up(void **state);
int child_tear_down(void **state);

/* Until something is told, or heard. */
void run(void);
#define RUN_UNTIL(what)                                                                            \
	do                                                                                         \
		run();                                                                             \
	while (!(what))

/* A process with its settings. */
void make_process(void);
/* From there until it serves. */
void begin(void);
/* Reaps it, as children.c does. */
int reap(void);

#endif
