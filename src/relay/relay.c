/* SPDX-License-Identifier: BSD-2-Clause */
/* The relay: role entry, jobs in, results out. */
#include "relay/relay.h"

#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "io/loop.h"
#include "relay/destination.h"
#include "relay/login.h"
#include "relay/result_box.h"
#include "relay/trusts.h"

enum {
	RELAY_FILE_MAX_BYTES = 4 * 1024 * 1024, /* of trusted authorities */
	RELAY_SECRET_MAX_BYTES = 4096,
	/* A new queue waits so long for jobs that the old one sent; then they are given up. */
	RELAY_OLD_JOBS_WAIT_MS = 60 * 1000,
};

/* The routes of one generation of settings. Old ones finish their jobs. */
struct route_table {
	struct route_table *older;
	struct relay *relay;
	struct settings *settings;
	struct resolver *resolver;
	struct trusts *trusts;
	size_t count;
	struct destination **destinations;
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
	bool stopping;
};

/* ---- routes --------------------------------------------------------------------------------------- */

/* The whole file, or false. The caller frees; a secret's bytes are wiped by buf_wipe(). */
static bool
read_file(struct relay *relay, enum file_kind kind, const char *name, struct buf *bytes_out)
{
	int fd = role_take_file(relay->context, kind, name, 0);
	bool whole;

	if (fd < 0)
		return false;
	whole = file_read_all(fd, bytes_out);
	close(fd);
	return whole;
}

static struct secret *
read_password(struct relay *relay, const struct settings_route *route, struct fault *fault)
{
	struct buf bytes = BUF_INIT(RELAY_SECRET_MAX_BYTES);
	char *name = mem_printf("route:%s", route->title);
	struct secret *password = NULL;
	struct span line;
	struct span rest;

	if (!read_file(relay, FILE_SECRET, name, &bytes)) {
		fault_set(fault, FAULT_CONFIG, "%s: secret-file %s cannot be read", route->where,
			route->secret_file);
	} else {
		line = span_cut(buf_span(&bytes), '\n', &rest);
		if (line.length && line.start[line.length - 1] == '\r')
			line.length--;
		if (line.length)
			password = secret_new(line);
		else
			fault_set(fault, FAULT_CONFIG, "%s: secret-file %s is empty", route->where,
				route->secret_file);
	}
	buf_wipe(&bytes);
	buf_fini(&bytes);
	mem_free(&name);
	return password;
}

static void on_done(struct job *job, void *context);

/* For routes that trust the same authorities and demand the same, one. */
static struct tls_client *
find_tls(struct route_table *table, const struct settings_route *route, struct fault *fault)
{
	const char *file = route->trust_file[0] ? route->trust_file
						: table->settings->relay.trust_file;
	enum tls_verify verify = route->tls == ROUTE_TLS_VERIFY ? TLS_VERIFY_REQUIRED
								: TLS_VERIFY_OPPORTUNISTIC;
	struct tls_client *client = trusts_find(table->trusts, verify, file);
	struct buf trust_pem = BUF_INIT(RELAY_FILE_MAX_BYTES);

	if (client)
		return client;
	if (file[0] && !read_file(table->relay, FILE_TRUST, file, &trust_pem))
		fault_set(fault, FAULT_CONFIG, "%s: trust-file %s cannot be read", route->where, file);
	else
		client = trusts_add(table->trusts, verify, file, buf_span(&trust_pem), fault);
	buf_fini(&trust_pem);
	return client;
}

static struct destination *
new_destination(struct route_table *table, const struct settings_route *route,
	struct fault *fault)
{
	struct destination_means means = {
		.loop = table->relay->loop,
		.resolver = table->resolver,
		.settings = table->settings,
	};
	struct secret *password = NULL;

	if (route->tls != ROUTE_TLS_NONE && !(means.tls = find_tls(table, route, fault)))
		return NULL;
	if (route->user[0] && !(password = read_password(table->relay, route, fault)))
		return NULL;
	return destination_new(&means, route, password, on_done, table->relay);
}

static void
table_free(struct route_table **table)
{
	for (size_t i = 0; i < (*table)->count; i++)
		destination_free(&(*table)->destinations[i]);
	mem_free(&(*table)->destinations);
	resolver_free(&(*table)->resolver);
	trusts_free(&(*table)->trusts);
	settings_free(&(*table)->settings);
	mem_free(table);
}

/* NULL and the reason if one route could not be used. */
static struct route_table *
load_routes(struct relay *relay, struct fault *fault)
{
	struct route_table *table = mem_alloc(sizeof *table);
	const struct settings_texts *resolvers;
	const struct settings_routes *routes;

	table->relay = relay;
	table->settings = settings_hold(role_settings(relay->context));
	resolvers = &table->settings->relay.resolvers;
	routes = &table->settings->route;
	table->destinations = mem_alloc_array(routes->count, sizeof *table->destinations);
	table->trusts = trusts_new();
	table->resolver =
		resolver_new(relay->loop, resolvers->items, resolvers->count, fault);
	for (; table->resolver && table->count < routes->count; table->count++) {
		table->destinations[table->count] =
			new_destination(table, &routes->items[table->count], fault);
		if (!table->destinations[table->count])
			break;
	}
	if (!table->resolver || table->count < routes->count)
		table_free(&table);
	return table;
}

static struct destination *
find_destination(struct relay *relay, const char *name)
{
	struct route_table *table = relay->tables;

	for (size_t i = 0; i < table->count; i++)
		if (span_is(span_text(destination_name(table->destinations[i])), name))
			return table->destinations[i];
	return NULL;
}

static size_t
working(const struct route_table *table)
{
	size_t sum = 0;

	for (; table; table = table->older)
		for (size_t i = 0; i < table->count; i++)
			sum += destination_working(table->destinations[i]);
	return sum;
}

static void
for_each_destination(struct relay *relay, void (*call)(struct destination *destination))
{
	for (struct route_table *table = relay->tables; table; table = table->older)
		for (size_t i = 0; i < table->count; i++)
			call(table->destinations[i]);
}

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
	size_t left = working(relay->tables);

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
		size_t left = 0;

		for (size_t i = 0; i < table->count; i++)
			left += destination_working(table->destinations[i]) +
				destination_waiting(table->destinations[i]);
		if (left) {
			at = &table->older;
			continue;
		}
		*at = table->older;
		table_free(&table);
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
	destination = find_destination(relay, job->message.route);
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
on_message(void *context, struct channel_message *message)
{
	struct relay *relay = context;
	struct message_result_kept kept;

	if (message->id == MSG_JOB)
		return on_job(relay, message);
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
	channel_free(&relay->queue);
	for_each_destination(relay, destination_forget_waiting);
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
	for_each_destination(context, destination_abort);
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
	loop_timer_init(&relay->old_jobs, relay->loop, on_old_jobs_due, relay);
	loop_timer_init(&relay->grace, relay->loop, on_grace_over, relay);
	loop_defer_init(&relay->sweep, relay->loop, on_sweep, relay);
	if (login_init(fault))
		relay->tables = load_routes(relay, fault);
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

	relay->next = load_routes(relay, fault);
	return relay->next;
}

static void
relay_on_forget(void *private)
{
	struct relay *relay = private;

	table_free(&relay->next);
}

static void
relay_on_take(void *private)
{
	struct relay *relay = private;

	relay->next->older = relay->tables;
	relay->tables = relay->next;
	relay->next = NULL;
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
	for_each_destination(relay, destination_forget_waiting);
	for_each_destination(relay, destination_quit);
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
	channel_free(&relay->queue);
	while (relay->tables) {
		struct route_table *table = relay->tables;

		relay->tables = table->older;
		table_free(&table);
	}
	result_box_free(&relay->box);
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
	.free = relay_free,
};
