/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that the administrator's signals go to; libmilter takes them for its own in the other. */
#ifndef FILTER_GUARDIAN_H
#define FILTER_GUARDIAN_H

#include "base/fault.h"

enum guardian_side {
	GUARDIAN_FAILED,
	GUARDIAN_CHILD, /* goes on and serves */
	GUARDIAN_DONE,  /* the parent, after the child has ended: with its status, that of proc/confine.h too */
};

enum { GUARDIAN_STOP_MS = 10 * 1000 }; /* a child that has not ended by then is killed */

/* Bytes that the child reads; their end is GUARDIAN_STOP too: the parent has gone. */
enum guardian_order {
	GUARDIAN_RELOAD = 'r',
	GUARDIAN_STOP = 's',
};

/*
 * Forks. The parent makes orders of SIGHUP and of SIGTERM and SIGINT, and waits for the child's end.
 * The child returns with the signals as they were.
 */
enum guardian_side guardian_start(int *orders_out, int *status_out, struct fault *fault_out);

#endif
