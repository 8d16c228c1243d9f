/* SPDX-License-Identifier: BSD-2-Clause */
/* A hop that follows a script, on a thread of its own, and remembers what it heard. */
#ifndef SCRIPTED_HOP_H
#define SCRIPTED_HOP_H

#include "../unit/unit.h"

#include <pthread.h>

struct step {
	const char *wants; /* start of the client's line; "." is a whole content, "" reads nothing */
	const char *says;  /* NULL: closes; behind a '~': slowly, byte by byte */
};

/* Of the script that runs, or ran last. */
struct scripted_hop {
	int listener;
	int connection;
	uint16_t port;
	const struct step *steps;
	const char *greeting;
	pthread_t thread;
	char said[16384];    /* by the client, commands alone */
	char content[300000]; /* the last one, as on the wire without the final dot */
	char complaint[512];
};

extern struct scripted_hop server;

/* Listens at server.port of this machine; the steps end with one that wants NULL. */
void scripted_hop_start(const char *greeting, const struct step *steps);
/* Waits for its end; the test fails if it heard anything but what it wants. */
void scripted_hop_stop(void);

#endif
