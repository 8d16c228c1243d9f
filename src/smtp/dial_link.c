/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to dial, and the connections that it is asked for. */
#include "smtp/dial_link.h"

#include <string.h>

#include "client/peer.h"
#include "io/sock.h"
#include "ipc/message_login.h"

struct dial_link {
	struct loop *loop;
	struct peer peer;
	struct dial_call *first; /* not answered yet */
	size_t count;
};

struct dial_call {
	struct dial_link *link;
	struct dial_call *next;
	struct dial_call *previous;
	char *endpoint;
	dial_link_fn *done;
	void *context;
	uint32_t request;   /* 0: to be sent when dial is there */
	uint64_t until_ms;
	struct loop_timer deadline;
};

static bool on_message(void *context, struct channel_message *message);
static void on_room(void *context);

static const struct channel_events events = { .on_message = on_message, .on_room = on_room };

struct dial_link *
dial_link_new(struct loop *loop)
{
	struct dial_link *link = mem_alloc(sizeof *link);

	link->loop = loop;
	peer_init(&link->peer, loop, ROLE_SMTP, ROLE_DIAL, &events, link);
	return link;
}

void
dial_link_free(struct dial_link **link)
{
	if (!*link)
		return;
	while ((*link)->first) {
		struct dial_call *call = (*link)->first;

		dial_link_forget(&call);
	}
	peer_fini(&(*link)->peer);
	mem_free(link);
}

struct channel *
dial_link_channel(const struct dial_link *link)
{
	return peer_channel(&link->peer);
}

size_t
dial_link_calls(const struct dial_link *link)
{
	return link->count;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void
free_call(struct dial_call *call)
{
	if (call->next)
		call->next->previous = call->previous;
	if (call->previous)
		call->previous->next = call->next;
	else
		call->link->first = call->next;
	call->link->count--;
	loop_timer_stop(&call->deadline);
	mem_free(&call->endpoint);
	mem_free(&call);
}

static void
finish(struct dial_call *call, int fd, const struct fault *fault)
{
	dial_link_fn *done = call->done;
	void *context = call->context;

	free_call(call);
	done(context, fd, fault);
}

/* Nobody waits for it: dial need not either. */
static void
cancel(struct dial_call *call)
{
	struct channel *channel = dial_link_channel(call->link);
	struct message_dial_cancel message = { .call = call->request };
	struct buf content = BUF_INIT(0);

	peer_forget(&call->link->peer, call->request);
	if (channel && call->request) {
		message_dial_cancel_pack(&content, &message);
		channel_send(channel, MSG_DIAL_CANCEL, &content, -1);
	}
	buf_fini(&content);
}

void
dial_link_forget(struct dial_call **call)
{
	if (*call) {
		cancel(*call);
		free_call(*call);
	}
	*call = NULL;
}

static void
on_answered(struct dial_call *call, struct channel_message *answer)
{
	struct arena *arena = arena_new(0);
	struct fault fault = FAULT_INIT;
	struct message_dialed dialed;
	struct message_refused refused;
	int fd = -1;

	if (answer->id == MSG_DIALED && message_dialed_unpack(answer->bytes, arena, &dialed)) {
		fd = answer->fd;
		answer->fd = -1;
	} else if (answer->id == MSG_REFUSED &&
		   message_refused_unpack(answer->bytes, arena, &refused)) {
		fault_set(&fault, strcmp(refused.enhanced, MESSAGE_DIAL_BUSY) == 0 ? FAULT_BUSY
				: FAULT_MISSING, "%s", refused.text);
	} else {
		fault_set(&fault, FAULT_PEER, "dial gave a malformed answer");
		channel_drop(dial_link_channel(call->link), "malformed answer to DIAL");
	}
	finish(call, fd, &fault);
	arena_free(&arena);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct dial_call *call = context;

	call->request = 0;
	if (answer)
		on_answered(call, answer);
	return true; /* without one, the next dial is asked */
}

static void
send_call(struct dial_call *call)
{
	struct channel *channel = dial_link_channel(call->link);
	uint64_t now_ms = loop_now_ms(call->link->loop);
	struct message_dial question = { .endpoint = call->endpoint };
	struct buf content = BUF_INIT(0);

	if (!channel || now_ms >= call->until_ms)
		return;
	question.wait_ms = (uint32_t)(call->until_ms - now_ms);
	message_dial_pack(&content, &question);
	call->request = channel_ask(channel, MSG_DIAL, &content, -1, 0, on_answer, call);
	buf_fini(&content);
}

static void
on_deadline(void *context)
{
	struct dial_call *call = context;
	struct fault fault = FAULT_INIT;

	cancel(call);
	fault_set(&fault, FAULT_BUSY, "%s",
		dial_link_channel(call->link) ? "dial does not answer" : "dial is away");
	finish(call, -1, &fault);
}

struct dial_call *
dial_link_call(struct dial_link *link, const char *endpoint, uint64_t wait_ms, dial_link_fn *done,
	void *context)
{
	struct dial_call *call = mem_alloc(sizeof *call);

	call->link = link;
	call->endpoint = mem_strdup(endpoint);
	call->done = done;
	call->context = context;
	call->until_ms = loop_now_ms(link->loop) + wait_ms;
	loop_timer_init(&call->deadline, link->loop, on_deadline, call);
	loop_timer_start(&call->deadline, wait_ms + DIAL_LINK_MARGIN_MS);
	call->next = link->first;
	if (call->next)
		call->next->previous = call;
	link->first = call;
	link->count++;
	send_call(call);
	return call;
}

/* ---- the channel ----------------------------------------------------------------------------- */

/* Sending answers nobody, so the list stays as it is meanwhile. */
static void
send_unsent(struct dial_link *link)
{
	for (struct dial_call *call = link->first; call; call = call->next)
		if (call->request == 0)
			send_call(call);
}

void
dial_link_set(struct dial_link *link, int fd)
{
	peer_set(&link->peer, fd);
	send_unsent(link);
}

static void
on_room(void *context)
{
	send_unsent(context);
}

/* dial says nothing unasked. */
static bool
on_message(void *context, struct channel_message *message)
{
	(void)context;
	(void)message;
	return false;
}
