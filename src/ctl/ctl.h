/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's tool as a whole: one call of it, and what its commands share. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdio.h>

#include "base/fault.h"

struct command;
struct control_client;

enum ctl_exit {
	CTL_DONE = 0,
	CTL_NO = 1,          /* the answer is no */
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 3, /* the daemon cannot be reached */
};

/* One call. The streams are borrowed. */
struct ctl {
	const char *config;  /* path of the configuration */
	const char *socket;  /* of the daemon; NULL: as the configuration says */
	bool json;
	bool terminal;       /* out is one */
	FILE *in;
	FILE *out;
	FILE *err;
	struct control_client *client; /* once connected */
};

/* The whole program but for the streams. argv[0] is the program. */
enum ctl_exit ctl_main(struct ctl *ctl, int argc, char *const *argv);

/* ---- for commands ----------------------------------------------------------------------------- */

/*
 * Asks the daemon, or auth itself if the command may and the daemon is down. args is taken. On
 * CTL_DONE *data_out is the caller's; otherwise what is wrong has been told.
 */
enum ctl_exit ctl_ask(struct ctl *ctl, const struct command *command, json_t *args,
	json_t **data_out);
/* Tells a fault, as text on err or as JSON on out; gives the exit back. */
enum ctl_exit ctl_refuse(struct ctl *ctl, enum ctl_exit result, const struct fault *fault);
/* Prints as JSON, whole, with a line end. */
void ctl_print_json(struct ctl *ctl, const json_t *data);

#endif
