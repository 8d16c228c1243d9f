/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a role may take to start: for as long as it works. */
#ifndef SUPER_PATIENCE_H
#define SUPER_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PATIENCE_LOOK_MS = 120 * 1000,
	PATIENCE_WORK_MS = 20,             /* of processor time between two looks; who hangs has none */
	PATIENCE_MOST_MS = 6 * 3600 * 1000,
};

/* Zeroed: nothing was looked at. */
struct patience {
	uint64_t since_ms;  /* steady */
	uint64_t worked_ms; /* at the last look */
};

/*
 * A queue that reads through a large spool which is damaged needs more than one look, and is not ended
 * in the middle, again and again. Times in ms, steady.
 */
void patience_begin(struct patience *patience, pid_t pid, uint64_t now_ms);
/* At each look: has the process worked since the last one, and is there time left? */
bool patience_lasts(struct patience *patience, pid_t pid, uint64_t now_ms);

#endif
