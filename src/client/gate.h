/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may connect: counters of all front ends, per listener and address, in shared memory. */
#ifndef CLIENT_GATE_H
#define CLIENT_GATE_H

#include <stdatomic.h>

#include "base/fault.h"
#include "base/text.h"

struct gate;

enum gate_answer {
	GATE_PASS,
	GATE_ALL,      /* the listener has its most connections */
	GATE_EARLY,    /* it has its most connections that have not logged in */
	GATE_ADDRESS,  /* this address has its most connections there */
	GATE_FAILURES, /* this address has failed to log in too often */
	GATE_CROWDED,  /* the table has no room for the listener */
	GATE_NETWORK,  /* not the gate's: the listener is for other networks */
};

enum { GATE_KEY_BYTES = 16 }; /* as sock_address_key() makes it: IPv6 by /64 */

/* Numbers of 0 are no limit. */
struct gate_limits {
	uint64_t connections;
	uint64_t connections_early;
	uint64_t connections_per_address;
	uint64_t failures_per_address;
	uint64_t failure_window_ms;
};

/* What a connection that passed is counted under; zeroed is "not counted". */
struct gate_pass {
	uint32_t listener_row; /* row + 1 */
	uint32_t address_row;  /* 0: the table has no room; it counts among the listener's alone */
	bool early;
};

/* Maps the table in fd, which stays the caller's, to count in the column; fd -1: a private one. */
struct gate *gate_open(int fd, unsigned column, struct fault *fault_out);
void gate_close(struct gate **gate);

/* now_ms: steady. On GATE_PASS the connection is counted, and early, until gate_leave(). */
enum gate_answer gate_enter(struct gate *gate, struct span listener,
	const unsigned char address[GATE_KEY_BYTES], const struct gate_limits *limits,
	uint64_t now_ms, struct gate_pass *pass_out);
void gate_login(struct gate *gate, struct gate_pass *pass); /* early no more; again is free */
void gate_leave(struct gate *gate, struct gate_pass *pass); /* again is free */
/* Of this one's address at this listener, in all processes, itself with them; 0: it is not counted. */
uint64_t gate_connections(const struct gate *gate, const struct gate_pass *pass);
/* A login failed; what counts is the failures since the first one in this window. */
void gate_fail(struct gate *gate, const unsigned char address[GATE_KEY_BYTES], uint64_t window_ms,
	uint64_t now_ms);
/*
 * The word in which all processes keep the breaker of this filter at this address, as long as the gate
 * lives; NULL: no room is left. What stands there is as true as the worst of them.
 */
_Atomic uint64_t *gate_breaker(struct gate *gate, const char *filter, const char *address);
/* What the client and the log are told. */
const char *gate_answer_text(enum gate_answer answer);

#endif
