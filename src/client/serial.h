/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of sessions and messages: from the clock, a number of this process, and a counter. */
#ifndef CLIENT_SERIAL_H
#define CLIENT_SERIAL_H

#include "base/text.h"

enum {
	SERIAL_SESSION_SIZE = 12, /* with its NUL */
	SERIAL_MESSAGE_SIZE = 18,
};

/* In the caller's storage. Two processes share names only if 25 random bits and the time agree. */
struct serial {
	uint32_t process;    /* 25 bits, drawn at the start */
	uint32_t sessions;
	int64_t last_ms;
	uint32_t messages;   /* within last_ms */
};

void serial_init(struct serial *serial, uint32_t random);
/* "process" and a counter. */
void serial_session(struct serial *serial, char to[SERIAL_SESSION_SIZE]);
/* Sorts by time; a clock that steps back does not lead to a name given before. */
void serial_message(struct serial *serial, int64_t wall_ms, char to[SERIAL_MESSAGE_SIZE]);

#endif
