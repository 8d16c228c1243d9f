/* SPDX-License-Identifier: BSD-2-Clause */
/* The relay: role entry, jobs in, results out. */
#include "relay/relay.h"

#include <unistd.h>

#include "base/log.h"
#include "io/loop.h"
#include "relay/call_ahead.h"
#include "relay/login.h"
#include "relay/result_box.h"
#include "relay/route_table.h"

enum {
	/* A new queue waits so long for jobs that the old one sent; then they are given up. */
	RELAY_OLD_JOBS_WAIT_MS = 60 * 1000,
};

struct relay {
	struct role_context *context;
	struct loop *loop;
	struct route_table *tables; /* the newest first */
	struct route_table *next;   /* checked, not yet in use */
	struct channel *queue;
	bool ready_said;            /* this queue was told RELAY_READY */
	struct loop_timer old_jobs;
	struct loop_timer grace;
	struct loop_defer sweep;
	struct result_box *box;
	struct call_ahead *ahead;
	struct journal *journal;    /* NULL: off */
	bool stopping;
};

/* ---- results -------------------------------------------------------------------------------------- */

static bool
send_result(struct span packed, void *context)
{
	struct relay *relay = context;
	struct buf copy = BUF_INIT(0);
	bool sent;

	if (!relay->queue)
		return false;
	buf_add_span(&copy, packed);
	sent = channel_send(relay->queue, MSG_RESULT, &copy, -1);
	buf_fini(&copy);
	return sent;
}

/* Queue stood still, and its channel was full of results. */
static void
on_room(void *context)
{
	struct relay *relay = context;

	result_box_send(relay->box, RESULT_BOX_UNSENT, send_result, relay);
}

static void
say_ready(struct relay *relay)
{
	struct message_relay_ready ready = {
		.slots = (uint32_t)role_settings(relay->context)->queue.concurrency
	};
	struct buf content = BUF_INIT(0);

	message_relay_ready_pack(&content, &ready);
	channel_send(relay->queue, MSG_RELAY_READY, &content, -1);
	buf_fini(&content);
	relay->ready_said = true;
	loop_timer_stop(&relay->old_jobs);
}

static void
look_around(struct relay *relay)
{
	size_t left = route_table_working(relay->tables);

	if (relay->queue && !relay->ready_said && left == 0 && !relay->stopping)
		say_ready(relay);
	if (relay->stopping && left == 0 && result_box_count(relay->box) == 0)
		role_finished(relay->context);
	loop_defer(&relay->sweep);
}

static void
on_done(struct job *job, void *context)
{
	struct relay *relay = context;
	struct buf packed = BUF_INIT(0);

	job_pack_result(job, &packed);
	result_box_add(relay->box, job->message.job, buf_span(&packed));
	result_box_send(relay->box, RESULT_BOX_UNSENT, send_result, relay);
	buf_fini(&packed);
	job_free(&job);
	look_around(relay);
}

/* Tables of former settings go when their last job is done. */
static void
on_sweep(void *context)
{
	struct relay *relay = context;
	struct route_table **at = &relay->tables->older;

	while (*at) {
		struct route_table *table = *at;

		if (route_table_is_used(table)) {
			at = &table->older;
			continue;
		}
		*at = table->older;
		route_table_free(&table);
	}
}

/* ---- queue ---------------------------------------------------------------------------------------- */

static bool
on_job(struct relay *relay, struct channel_message *message)
{
	struct job *job = job_new(message->bytes, message->fd);
	struct destination *destination;

	if (!job)
		return false;
	message->fd = -1;
	destination = route_table_find(relay->tables, job->message.route);
	if (destination) {
		destination_add(destination, job);
		return true;
	}
	/* A reload took the route away between queue's look and ours. */
	job_set_rest(job, OUTCOME_DEFERRED, 0, "4.4.4", SPAN_LITERAL("the route is gone"));
	on_done(job, relay);
	return true;
}

static bool
on_call_ahead(struct relay *relay, const struct channel_message *message)
{
	struct arena *arena = arena_new(0);
	struct message_call_ahead asked;
	bool good = message->request &&
		message_call_ahead_unpack(message->bytes, arena, &asked);

	if (good)
		call_ahead_ask(relay->ahead, relay->queue, message->request, &asked,
			route_table_find(relay->tables, asked.route),
			&role_settings(relay->context)->relay);
	arena_free(&arena);
	return good;
}

static bool
on_message(void *context, struct channel_message *message)
{
	struct relay *relay = context;
	struct message_result_kept kept;

	if (message->id == MSG_JOB)
		return on_job(relay, message);
	if (message->id == MSG_CALL_AHEAD)
		return on_call_ahead(relay, message);
	if (message->id != MSG_RESULT_KEPT ||
		!message_result_kept_unpack(message->bytes, NULL, &kept))
		return false;
	result_box_take(relay->box, kept.job);
	if (relay->stopping)
		look_around(relay);
	return true;
}

static void
drop_queue(struct relay *relay)
{
	if (!relay->queue)
		return;
	call_ahead_forget(relay->ahead);
	channel_free(&relay->queue);
	route_table_visit(relay->tables, destination_forget_waiting);
}

static void
on_closed(void *context, const struct fault *why)
{
	struct relay *relay = context;

	(void)why;
	drop_queue(relay);
	role_link_lost(relay->context, ROLE_QUEUE, 0);
}

static const struct channel_events queue_events = {
	.on_message = on_message,
	.on_closed = on_closed,
	.on_room = on_room,
};

static void
on_old_jobs_due(void *context)
{
	struct relay *relay = context;

	route_table_visit(relay->tables, destination_abort);
}

static bool
relay_on_link(void *private, const struct message_link *link, int fd)
{
	struct relay *relay = private;

	if (link->peer != ROLE_QUEUE || link->kind != LINK_CHANNEL) {
		close(fd);
		return false;
	}
	drop_queue(relay);
	relay->queue = channel_new(relay->loop, fd, ROLE_RELAY, ROLE_QUEUE, &queue_events, relay);
	relay->ready_said = false;
	result_box_send(relay->box, RESULT_BOX_ALL, send_result, relay);
	loop_timer_start(&relay->old_jobs, RELAY_OLD_JOBS_WAIT_MS);
	look_around(relay);
	return true;
}

static void
relay_on_unlink(void *private, enum role peer, uint8_t instance)
{
	(void)instance;
	if (peer == ROLE_QUEUE)
		drop_queue(private);
}

/* ---- the protocol log ----------------------------------------------------------------------------- */

static struct journal *
open_journal(struct role_context *role)
{
	enum log_protocol format = role_settings(role)->log.protocol_log;
	int fd = format == LOG_PROTOCOL_OFF ? -1 : role_take_file(role, FILE_PROTOCOL_LOG, "relay", 0);

	return fd >= 0 ? journal_new(fd, format) : NULL;
}

/* It was rolled. */
static void
relay_on_file(void *private, enum file_kind kind, const char *name)
{
	struct relay *relay = private;
	int fd;

	if (kind != FILE_PROTOCOL_LOG || !relay->journal)
		return;
	fd = role_take_file(relay->context, kind, name, 0);
	if (fd >= 0)
		journal_reopen(relay->journal, fd);
}

/* ---- role ----------------------------------------------------------------------------------------- */

static void
on_grace_over(void *context)
{
	struct relay *relay = context;

	role_finished(relay->context);
}

static void relay_free(void **private);

static void *
relay_start(struct role_context *context, struct fault *fault)
{
	struct relay *relay = mem_alloc(sizeof *relay);

	relay->context = context;
	relay->loop = role_loop(context);
	relay->box = result_box_new();
	relay->ahead = call_ahead_new(relay->loop, &relay->sweep);
	loop_timer_init(&relay->old_jobs, relay->loop, on_old_jobs_due, relay);
	loop_timer_init(&relay->grace, relay->loop, on_grace_over, relay);
	loop_defer_init(&relay->sweep, relay->loop, on_sweep, relay);
	relay->journal = open_journal(context);
	if (login_init(fault))
		relay->tables =
			route_table_new(relay->context, on_done, relay, &relay->journal, fault);
	if (!relay->tables) {
		void *private = relay;

		relay_free(&private);
		return NULL;
	}
	return relay;
}

static bool
relay_on_check(void *private, struct fault *fault)
{
	struct relay *relay = private;

	relay->next = route_table_new(relay->context, on_done, relay, &relay->journal, fault);
	return relay->next;
}

static void
relay_on_forget(void *private)
{
	struct relay *relay = private;

	route_table_free(&relay->next);
}

static void
relay_on_take(void *private)
{
	struct relay *relay = private;

	relay->next->older = relay->tables;
	relay->tables = relay->next;
	relay->next = NULL;
	journal_free(&relay->journal);
	relay->journal = open_journal(relay->context);
	/* Connections of the old table end when they are idle; jobs at them go on. */
	for (struct route_table *table = relay->tables->older; table; table = table->older)
		for (size_t i = 0; i < table->count; i++)
			destination_quit(table->destinations[i]);
	look_around(relay);
}

static void
relay_on_stop(void *private, uint64_t grace_ms)
{
	struct relay *relay = private;

	relay->stopping = true;
	route_table_visit(relay->tables, destination_forget_waiting);
	route_table_visit(relay->tables, destination_quit);
	loop_timer_start(&relay->grace, grace_ms);
	look_around(relay);
}

static void
relay_free(void **private)
{
	struct relay *relay = *private;

	if (!relay)
		return;
	loop_timer_stop(&relay->old_jobs);
	loop_timer_stop(&relay->grace);
	loop_defer_cancel(&relay->sweep);
	call_ahead_forget(relay->ahead);
	channel_free(&relay->queue);
	while (relay->tables) {
		struct route_table *table = relay->tables;

		relay->tables = table->older;
		route_table_free(&table);
	}
	loop_defer_cancel(&relay->sweep); /* answers to nobody began it again */
	call_ahead_free(&relay->ahead);
	result_box_free(&relay->box);
	journal_free(&relay->journal);
	mem_free(private);
}

const struct role_program relay_program = {
	.role = ROLE_RELAY,
	.start = relay_start,
	.on_link = relay_on_link,
	.on_unlink = relay_on_unlink,
	.on_check = relay_on_check,
	.on_take = relay_on_take,
	.on_forget = relay_on_forget,
	.on_stop = relay_on_stop,
	.on_file = relay_on_file,
	.free = relay_free,
};
