/* SPDX-License-Identifier: BSD-2-Clause */
/* CALL_AHEAD, as queue asks it: answered from memory, or by the next hop. */
#ifndef RELAY_CALL_AHEAD_H
#define RELAY_CALL_AHEAD_H

#include "ipc/channel.h"
#include "relay/destination.h"

struct call_ahead;

/* after is run behind each answer that a hop gave. */
struct call_ahead *call_ahead_new(struct loop *loop, struct loop_defer *after);
void call_ahead_free(struct call_ahead **ahead); /* after the destinations */
/*
 * destination is that of the route, or NULL if there is none now. Answered by CALLED_AHEAD. The
 * channel must stay until then, or until call_ahead_forget().
 */
void call_ahead_ask(struct call_ahead *ahead, struct channel *queue, uint32_t request,
	const struct message_call_ahead *asked, struct destination *destination,
	const struct settings_relay *relay);
/* The channel is gone: nobody waits for what was asked over it. */
void call_ahead_forget(struct call_ahead *ahead);

#endif
