/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor as a whole: what its parts share, and the big steps: start, stop. */
#ifndef SUPER_SUPER_H
#define SUPER_SUPER_H

#include "io/loop.h"
#include "super/supply.h"

struct children;
struct control;
struct reload;
struct secrets;
struct shared_gate;

/* How it was called. */
struct super_options {
	const char *config;
	bool foreground;
	int ready_fd; /* -1: none */
};

/* Every part has the whole; each is made in super_start() and freed in super_free(). */
struct super {
	struct super_options options;
	struct loop *loop;
	struct supply now;   /* in use; who starts gets it */
	struct supply next;  /* of a reload under way: looked at by the roles, in use nowhere */
	uint64_t started_ms; /* steady */
	struct secrets *secrets;
	struct shared_gate *gate;
	struct children *children;
	struct reload *reload;
	struct control *control;
	struct loop_timer roll; /* looks whether log files are due */
	bool stopping;
	int status;          /* to exit with */
};

/* Binds, opens and starts everything. Takes the settings. False before anything runs. */
bool super_start(struct super *super, const struct super_options *options,
	struct settings *settings, struct fault *fault);
void super_run(struct super *super); /* until everything has stopped */
void super_free(struct super *super);
void super_stop(struct super *super, int status);
/* The log files were moved away: opens them anew, and tells every role. */
void super_reopen_logs(struct super *super);
/* Every ticket key to the front ends. */
void super_send_ticket_keys(struct super *super);

#endif
