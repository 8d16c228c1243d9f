/* SPDX-License-Identifier: BSD-2-Clause */
/* One process of a role: start, set-up, heartbeat, reload, end. children.h decides when. */
#ifndef SUPER_CHILD_H
#define SUPER_CHILD_H

#include <sys/types.h>

#include "ipc/channel.h"
#include "super/patience.h"
#include "super/super.h"

enum child_phase {
	CHILD_WAITING,  /* for its (re)start */
	CHILD_STARTING, /* until READY */
	CHILD_SERVING,
	CHILD_STOPPING, /* told to end */
};

/* What became of a step of a reload in one child. */
enum child_reload {
	CHILD_CHECKED, /* could use the next settings; the present ones stay in use */
	CHILD_REFUSED, /* could not */
	CHILD_TAKEN,   /* uses them */
	CHILD_LOST,    /* ended, or gave no answer and was killed */
};

/* A child that can use the next settings only in a new process. */
enum child_anew {
	CHILD_ANEW_NO,
	CHILD_ANEW_ASKED,    /* with its answer to CHECK */
	CHILD_ANEW_ENDING,
	CHILD_ANEW_STARTING,
};

struct child;

struct child_events {
	void (*on_serving)(void *context, struct child *child);
	void (*on_reload)(void *context, struct child *child, enum child_reload result,
		const char *text);
	/* The process is dead and reaped. status as from waitpid(). */
	void (*on_ended)(void *context, struct child *child, int status);
	/* It has lost its link to another process, which may be alive. */
	void (*on_lost)(void *context, struct child *child, enum role peer, unsigned instance);
	void (*on_restart)(void *context, struct child *child); /* its wait is over */
};

/* For the log and for status; written by child.c and children.c alone. */
struct child {
	struct child *next;
	struct super *super;
	enum role role;
	unsigned instance;
	enum child_phase phase;
	bool retired;           /* not to be started again */
	pid_t pid;              /* 0: none */
	struct channel *channel; /* NULL: none */
	uint32_t generation;    /* of the settings that it uses */
	uint64_t since_ms;      /* steady; when its phase began */
	uint32_t look_ms;       /* PATIENCE_LOOK_MS: how often its start is looked at */
	struct patience patience;
	unsigned restarts;      /* since super started */
	unsigned failures;      /* in a row, for the back-off */
	unsigned losses;        /* of links, lately */
	uint64_t losses_since_ms;
	bool killed;            /* by us; it may take its time to die */
	bool begun;             /* START was sent */
	bool asked;             /* a step of a reload is under way */
	bool checked;           /* it has something to take or to forget */
	enum child_anew anew;
	struct loop_timer restart;
	struct loop_timer heartbeat;
	struct loop_timer deadline; /* then it is killed */
	const struct child_events *events;
	void *context;
};

struct child *child_new(struct super *super, enum role role, unsigned instance,
	const struct child_events *events, void *context);
void child_free(struct child **child); /* kills the process if there is one */
bool child_spawn(struct child *child, struct fault *fault);
/* SETTINGS, files, secrets. Links may follow; then child_begin(). */
bool child_provide(struct child *child, struct fault *fault);
void child_begin(struct child *child); /* again is free */
/* Steps of a reload; the first two end with on_reload, perhaps at once. child_check() gives it super->next. */
void child_check(struct child *child);
void child_take(struct child *child);
void child_forget(struct child *child);
void child_stop(struct child *child, uint32_t grace_ms);
void child_kill(struct child *child, const char *why);
void child_restart_later(struct child *child);
void child_restart_now(struct child *child); /* its end was wanted */
void child_postpone(struct child *child);    /* its restart is due, and cannot be now */
/* Its process is dead and reaped; calls on_ended, which may free it. */
void child_ended(struct child *child, int status);
const char *child_phase_name(const struct child *child);

#endif
