/* SPDX-License-Identifier: BSD-2-Clause */
/* CALL_AHEAD, as queue asks it: answered from memory, or by the next hop. */
#include "relay/call_ahead.h"

#include "relay/findings.h"

struct call_ahead {
	struct loop *loop;
	struct findings *findings;
	struct inquiry *first;       /* what hops are asked */
	struct loop_defer *after;
};

struct inquiry {
	struct call_ahead *ahead;
	struct inquiry *next;
	struct inquiry **link;
	struct channel *queue;       /* NULL: nobody waits */
	uint32_t request;
	char *hop;                   /* under which it is remembered */
	char *path;
	uint64_t known_ms;           /* for how long */
	uint64_t unknown_ms;
};

struct call_ahead *
call_ahead_new(struct loop *loop, struct loop_defer *after)
{
	struct call_ahead *ahead = mem_alloc(sizeof *ahead);

	ahead->loop = loop;
	ahead->findings = findings_new();
	ahead->after = after;
	return ahead;
}

void
call_ahead_free(struct call_ahead **ahead)
{
	if (!*ahead)
		return;
	findings_free(&(*ahead)->findings);
	mem_free(ahead);
}

void
call_ahead_forget(struct call_ahead *ahead)
{
	for (struct inquiry *inquiry = ahead->first; inquiry; inquiry = inquiry->next)
		inquiry->queue = NULL;
}

static void
answer(struct channel *queue, uint32_t request, const struct message_recipient_told *told)
{
	struct buf content = BUF_INIT(0);

	message_recipient_told_pack(&content, told);
	channel_answer(queue, request, MSG_CALLED_AHEAD, &content, -1);
	buf_fini(&content);
}

static void
on_told(const struct message_recipient_told *told, void *context)
{
	struct inquiry *inquiry = context;
	struct call_ahead *ahead = inquiry->ahead;
	uint64_t life_ms =
		told->finding == FINDING_KNOWN ? inquiry->known_ms : inquiry->unknown_ms;

	findings_add(ahead->findings, span_text(inquiry->hop), span_text(inquiry->path),
		told->finding, told->enhanced, loop_now_ms(ahead->loop), life_ms);
	if (inquiry->queue)
		answer(inquiry->queue, inquiry->request, told);
	*inquiry->link = inquiry->next;
	if (inquiry->next)
		inquiry->next->link = inquiry->link;
	mem_free(&inquiry->hop);
	mem_free(&inquiry->path);
	mem_free(&inquiry);
	loop_defer(ahead->after);
}

static void
ask_hop(struct call_ahead *ahead, struct channel *queue, uint32_t request, const char *path,
	struct destination *destination, const struct settings_relay *relay)
{
	struct inquiry *inquiry = mem_alloc(sizeof *inquiry);

	inquiry->ahead = ahead;
	inquiry->queue = queue;
	inquiry->request = request;
	inquiry->hop = mem_strdup(destination_hop(destination));
	inquiry->path = mem_strdup(path);
	inquiry->known_ms = relay->call_ahead_known;
	inquiry->unknown_ms = relay->call_ahead_unknown;
	inquiry->next = ahead->first;
	inquiry->link = &ahead->first;
	if (inquiry->next)
		inquiry->next->link = &inquiry->next;
	ahead->first = inquiry;
	prober_ask(destination_prober(destination), path, relay->call_ahead_wait, on_told, inquiry);
}

void
call_ahead_ask(struct call_ahead *ahead, struct channel *queue, uint32_t request,
	const struct message_call_ahead *asked, struct destination *destination,
	const struct settings_relay *relay)
{
	char enhanced[MESSAGE_ENHANCED_MAX_BYTES + 1];
	struct message_recipient_told told = { FINDING_UNSURE, enhanced, "" };

	enhanced[0] = '\0';
	if (!destination) {
		told.text = "the route is gone";
		answer(queue, request, &told);
		return;
	}
	told.finding = findings_find(ahead->findings, span_text(destination_hop(destination)),
		span_text(asked->path), loop_now_ms(ahead->loop), enhanced);
	told.text = "the next hop said so before";
	if (told.finding == FINDING_UNSURE)
		ask_hop(ahead, queue, request, asked->path, destination, relay);
	else
		answer(queue, request, &told);
}
