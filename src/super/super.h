/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor as a whole: what its parts share, and the big steps: start, reload, stop. */
#ifndef SUPER_SUPER_H
#define SUPER_SUPER_H

#include "config/settings.h"
#include "io/loop.h"

struct children;
struct control;
struct shared_gate;
struct listeners;
struct logs;
struct secrets;

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
	struct settings *settings;
	uint32_t generation;
	uint64_t started_ms; /* steady */
	struct logs *logs;
	struct listeners *listeners;
	struct secrets *secrets;
	struct shared_gate *gate;
	struct children *children;
	struct control *control;
	struct loop_timer roll; /* looks whether log files are due */
	bool reloading;
	bool reload_again;   /* asked for by a signal meanwhile */
	bool stopping;
	int status;          /* to exit with */
};

/* Binds, opens and starts everything. Takes the settings. False before anything runs. */
bool super_start(struct super *super, const struct super_options *options,
	struct settings *settings, struct fault *fault);
void super_run(struct super *super); /* until everything has stopped */
void super_free(struct super *super);

/*
 * A reload is under way until on_done; text says what went wrong, or that nothing did. False at once
 * if the new configuration is refused: nothing has changed then.
 */
typedef void super_done_fn(void *context, bool done, const char *text);
bool super_reload(struct super *super, super_done_fn *on_done, void *context,
	struct fault *fault);
void super_stop(struct super *super, int status);

#endif
