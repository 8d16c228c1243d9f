/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to the queue, and commits that wait for their answers. */
#include "smtp/queue_link.h"

#include "client/peer.h"

#include <string.h>

struct queue_link {
	struct loop *loop;
	struct peer peer;
	struct queue_commit *first; /* not answered yet */
	char *pressure;		    /* NULL: none */
};

static const struct message_refused unanswered = { 451, "4.3.0",
	"The queue does not answer; try again later" };

static bool on_message(void *context, struct channel_message *message);
static void on_room(void *context);

static const struct channel_events events = { .on_message = on_message, .on_room = on_room };

struct queue_link *
queue_link_new(struct loop *loop)
{
	struct queue_link *link = mem_alloc(sizeof *link);

	link->loop = loop;
	peer_init(&link->peer, loop, ROLE_SMTP, ROLE_QUEUE, &events, link);
	return link;
}

void
queue_link_free(struct queue_link **link)
{
	if (!*link)
		return;
	while ((*link)->first)
		queue_link_forget((*link)->first);
	peer_fini(&(*link)->peer);
	mem_free(&(*link)->pressure);
	mem_free(link);
}

struct loop *
queue_link_loop(const struct queue_link *link)
{
	return link->loop;
}

struct channel *
queue_link_channel(const struct queue_link *link)
{
	return peer_channel(&link->peer);
}

void
queue_link_forget_question(struct queue_link *link, uint32_t request)
{
	peer_forget(&link->peer, request);
}

const char *
queue_link_pressure(const struct queue_link *link)
{
	return link->pressure;
}

/* ---- commits --------------------------------------------------------------------------------- */

static void
add(struct queue_link *link, struct queue_commit *commit)
{
	commit->next = link->first;
	commit->previous = NULL;
	if (link->first)
		link->first->previous = commit;
	link->first = commit;
	commit->waiting = true;
}

static void
take(struct queue_commit *commit)
{
	if (commit->next)
		commit->next->previous = commit->previous;
	if (commit->previous)
		commit->previous->next = commit->next;
	else
		commit->link->first = commit->next;
	commit->waiting = false;
	loop_timer_stop(&commit->deadline);
}

static void
forget_question(struct queue_commit *commit)
{
	peer_forget(&commit->link->peer, commit->request);
	commit->request = 0;
}

static void
finish(struct queue_commit *commit, const struct message_refused *refused, const char *id)
{
	take(commit);
	commit->done(commit->context, refused, id);
}

void
queue_link_forget(struct queue_commit *commit)
{
	if (!commit->waiting)
		return;
	forget_question(commit);
	take(commit);
}

static bool on_answer(void *context, struct channel_message *answer);

static void
send_commit(struct queue_commit *commit)
{
	struct channel *channel = queue_link_channel(commit->link);
	struct buf content = BUF_INIT(IPC_COMMIT_MAX_BYTES);

	if (!channel)
		return;
	message_commit_pack(&content, commit->record);
	commit->request = channel_ask(channel, MSG_COMMIT, &content, -1, 0, on_answer, commit);
	buf_fini(&content);
}

static bool
is_answer_to(const struct message_commit *record, const char *id)
{
	return strcmp(id, record->id) == 0 || (record->has_sent_hash && id[0]);
}

static void
on_answered(struct queue_commit *commit, const struct channel_message *answer)
{
	struct arena *arena = arena_new(0);
	struct message_committed committed;
	struct message_refused refused;

	if (answer->id == MSG_COMMITTED &&
		message_committed_unpack(answer->bytes, arena, &committed) &&
		is_answer_to(commit->record, committed.id)) {
		finish(commit, NULL, committed.id);
	} else if (answer->id == MSG_REFUSED &&
		   message_refused_unpack(answer->bytes, arena, &refused)) {
		finish(commit, &refused, "");
	} else {
		/* Whether the message is safe is not known: it is asked again of the next queue. */
		channel_drop(queue_link_channel(commit->link), "malformed answer to COMMIT");
	}
	arena_free(&arena);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct queue_commit *commit = context;

	commit->request = 0;
	if (answer)
		on_answered(commit, answer);
	else
		send_commit(commit); /* that queue went away; if there is another, it is asked */
	return true;
}

static void
on_deadline(void *context)
{
	struct queue_commit *commit = context;

	forget_question(commit);
	finish(commit, &unanswered, "");
}

void
queue_link_commit(struct queue_link *link, struct queue_commit *commit,
	const struct message_commit *record, queue_commit_fn *done, void *context)
{
	commit->link = link;
	commit->record = record;
	commit->done = done;
	commit->context = context;
	commit->request = 0;
	loop_timer_init(&commit->deadline, link->loop, on_deadline, commit);
	loop_timer_start(&commit->deadline, QUEUE_LINK_COMMIT_WAIT_MS);
	add(link, commit);
	send_commit(commit);
}

/* ---- the channel ----------------------------------------------------------------------------- */

static void
send_unsent(struct queue_link *link)
{
	for (struct queue_commit *commit = link->first; commit; commit = commit->next)
		if (commit->request == 0)
			send_commit(commit);
}

void
queue_link_set(struct queue_link *link, int fd)
{
	mem_free(&link->pressure);
	peer_set(&link->peer, fd);
	send_unsent(link);
}

static void
on_room(void *context)
{
	send_unsent(context);
}

static bool
on_message(void *context, struct channel_message *message)
{
	struct queue_link *link = context;
	struct arena *arena = arena_new(0);
	struct message_pressure pressure;
	bool good = message->id == MSG_PRESSURE &&
		    message_pressure_unpack(message->bytes, arena, &pressure);

	if (good) {
		mem_free(&link->pressure);
		if (pressure.short_of_space)
			link->pressure = mem_strdup(pressure.text);
	}
	arena_free(&arena);
	return good;
}
