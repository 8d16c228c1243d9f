/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that the administrator's signals go to; libmilter takes them for its own in the other. */
#ifndef FILTER_GUARDIAN_H
#define FILTER_GUARDIAN_H

#include "base/fault.h"

enum guardian_side {
	GUARDIAN_FAILED,
	GUARDIAN_CHILD, /* goes on and serves */
	GUARDIAN_DONE,  /* the parent, after the child has ended */
};

enum { GUARDIAN_STOP_MS = 10 * 1000 }; /* a child that has not ended by then is killed */

/*
 * Forks. The parent hands SIGHUP on as a byte of *orders_out, SIGTERM and SIGINT as SIGTERM; if it
 * goes, *orders_out ends. The child returns with the signals as they were.
 */
enum guardian_side guardian_start(int *orders_out, int *status_out, struct fault *fault_out);

#endif
