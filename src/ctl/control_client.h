/* SPDX-License-Identifier: BSD-2-Clause */
/* The tool's end of the control protocol: one request at a time, blocking, with a deadline. */
#ifndef CTL_CONTROL_CLIENT_H
#define CTL_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"

struct control_client;

/* NULL and a fault: FAULT_MISSING if nobody listens there, FAULT_DENIED if we may not. */
struct control_client *control_client_open(const char *socket_path, struct fault *fault_out);
/* Over a connected socket, which becomes the client's. child: to be waited for, or 0. */
struct control_client *control_client_new(int fd, pid_t child);
void control_client_free(struct control_client **client);

enum control_call {
	CONTROL_CALL_DONE,
	CONTROL_CALL_REFUSED, /* the other side said no; the fault is its reason */
	CONTROL_CALL_LOST,    /* it went away, was too slow, or spoke nonsense */
};

/*
 * Sends the request and gathers all pages of the answer: lists of the same name are joined. args is
 * borrowed. The wait holds for each page. *data_out is the caller's, on DONE alone.
 */
enum control_call control_client_call(struct control_client *client, const char *verb, json_t *args,
	uint64_t wait_ms, json_t **data_out, struct fault *fault_out);

#endif
