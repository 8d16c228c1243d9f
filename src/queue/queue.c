/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue: role entry, links to front ends, auth and relay, and what happens now and then. */
#include "queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/sock.h"
#include "ipc/control.h"
#include "queue/auth_peer.h"
#include "queue/control.h"
#include "queue/control_json.h"
#include "queue/intake.h"
#include "queue/timekeeper.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TICK_MS = 1000,
	STOP_LOOK_MS = 20, /* while the last work is finished */
	PARK_MS = 3000,    /* then logins are put off, and the others need not wait for auth */
};

struct queue {
	struct role_context *context;
	struct loop *loop;
	struct settings *settings;
	struct spool *spool;
	struct bodies *bodies;
	struct dispatch *dispatch;
	struct revoked *revoked;
	struct auth_peer *auth;
	struct herald *herald;
	/* Front ends that wait, unread, until auth has told what was withdrawn. */
	struct parked {
		int fd;
		uint8_t instance;
	} *parked;
	size_t parked_count;
	struct loop_timer parking;
	struct intake **intakes;
	size_t intake_count;
	struct intake_means means;
	struct control_means control;
	struct timekeeper keeper;
	bool jump_said;
	struct spool_tick tick;
	bool ticking;
	struct loop_timer tick_timer;
	struct loop_timer stop_timer;
	uint64_t stop_at_ms;
};

static int64_t
queue_now(void *context)
{
	struct queue *queue = context;
	int64_t wall_ms = clock_wall_ms();
	int64_t now_ms = timekeeper_now(&queue->keeper, wall_ms, clock_steady_ms());
	if (queue->keeper.jumped != queue->jump_said) {
		queue->jump_said = queue->keeper.jumped;
		log_event(EV_QUEUE_CLOCK, kv_int("wall_ms", wall_ms), kv_int("kept_ms", now_ms));
	}
	return now_ms;
}

/* ---- now and then */

static void
tell_pressure(struct queue *queue)
{
	log_event(EV_QUEUE_PRESSURE,
		kv_str("state", queue->means.pressure.is_short ? "short" : "well"),
		kv_str("reason", queue->means.pressure.text),
		kv_int("free", (int64_t)queue->tick.space.bytes),
		kv_int("messages", (int64_t)spool_counts(queue->spool)->messages));
	for (size_t i = 0; i < queue->intake_count; i++)
		intake_tell_pressure(queue->intakes[i]);
}

static void
on_ticked(struct spool_request *request)
{
	struct queue *queue =
		(struct queue *)((char *)request - offsetof(struct queue, tick.request));
	queue->ticking = false;
	if (request->result != SPOOL_DONE)
		return; /* this is the end, and there is no spool any more */
	dispatch_set_gap(queue->dispatch, &queue->tick.gap);
	if (queue->tick.leap_ms)
		log_event(EV_QUEUE_GAP, kv_int("ms", queue->tick.leap_ms),
			kv_int("messages", (int64_t)spool_counts(queue->spool)->messages));
	if (queue->tick.pulled)
		dispatch_restart(queue->dispatch);
	if (pressure_update(&queue->means.pressure, &queue->settings->queue, &queue->tick.space,
		    spool_counts(queue->spool)->messages))
		tell_pressure(queue);
}

static int64_t
longest_wait_ms(const struct settings_queue *settings)
{
	int64_t longest = 0;
	for (size_t i = 0; i < settings->retry.count; i++) {
		if ((int64_t)settings->retry.items[i] > longest)
			longest = (int64_t)settings->retry.items[i];
	}
	return longest;
}

static void
on_tick(void *context)
{
	struct queue *queue = context;
	const struct settings_queue *settings = &queue->settings->queue;
	loop_timer_start(&queue->tick_timer, TICK_MS);
	/* While the disk hangs there is one under way; more would not help. */
	if (queue->ticking)
		return;
	int64_t now_ms = queue_now(queue);
	int64_t longest_ms = longest_wait_ms(settings);
	queue->ticking = true;
	queue->tick.request =
		(struct spool_request){ .verb = SPOOL_TICK, .on_done = on_ticked };
	queue->tick.forget_ms = now_ms - (int64_t)settings->history;
	queue->tick.now_ms = now_ms;
	queue->tick.resend_ms = now_ms - (int64_t)settings->resend_window;
	queue->tick.due_max_ms = longest_ms ? now_ms + longest_ms : 0;
	spool_ask(queue->spool, &queue->tick.request);
}

/* ---- links */

static void
on_message_in(void *context, struct parcel *parcel)
{
	struct queue *queue = context;
	dispatch_add(queue->dispatch, parcel);
}

static bool
call_ahead(void *context, const struct message_call_ahead *asked, uint64_t wait_ms,
	channel_answer_fn on_answer, void *asker)
{
	struct queue *queue = context;
	return dispatch_call_ahead(queue->dispatch, asked, wait_ms, on_answer, asker);
}

static void
forget_intake(struct queue *queue, size_t at)
{
	struct intake *intake = queue->intakes[at];
	queue->intakes[at] = queue->intakes[--queue->intake_count];
	intake_free(&intake);
}

static void
on_intake_closed(void *context, struct intake *intake)
{
	struct queue *queue = context;
	for (size_t i = 0; i < queue->intake_count; i++) {
		if (queue->intakes[i] == intake) {
			forget_intake(queue, i);
			return;
		}
	}
}

static void
forget_instance(struct queue *queue, uint8_t instance)
{
	for (size_t i = 0; i < queue->intake_count; i++) {
		if (intake_instance(queue->intakes[i]) == instance) {
			forget_intake(queue, i);
			return;
		}
	}
}

static void
add_intake(struct queue *queue, int fd, uint8_t instance)
{
	forget_instance(queue, instance);
	queue->intakes = mem_grow_array(
		queue->intakes, queue->intake_count + 1, sizeof(struct intake *));
	queue->intakes[queue->intake_count++] =
		intake_new(&queue->means, fd, instance, on_intake_closed, queue);
}

/* A COMMIT that comes while auth is being asked waits; it is not refused. */
static void
park(struct queue *queue, int fd, uint8_t instance)
{
	if (queue->parked_count == 0)
		loop_timer_start(&queue->parking, PARK_MS);
	queue->parked = mem_grow_array(
		queue->parked, queue->parked_count + 1, sizeof(*queue->parked));
	queue->parked[queue->parked_count++] = (struct parked){ fd, instance };
}

static void
forget_parked(struct queue *queue, uint8_t instance)
{
	for (size_t i = 0; i < queue->parked_count; i++) {
		if (queue->parked[i].instance == instance)
			sock_close(&queue->parked[i].fd);
	}
}

static void
admit_parked(void *context)
{
	struct queue *queue = context;
	loop_timer_stop(&queue->parking);
	for (size_t i = 0; i < queue->parked_count; i++) {
		if (queue->parked[i].fd >= 0)
			add_intake(queue, queue->parked[i].fd, queue->parked[i].instance);
	}
	queue->parked_count = 0;
}

static void
link_front_end(struct queue *queue, int fd, uint8_t instance)
{
	forget_parked(queue, instance);
	if (revoked_is_known(queue->revoked))
		add_intake(queue, fd, instance);
	else
		park(queue, fd, instance);
}

static void
on_auth_lost(void *context)
{
	struct queue *queue = context;
	role_link_lost(queue->context, ROLE_AUTH, 0);
}

static const struct auth_peer_events auth_events = { .on_known = admit_parked,
	.on_lost = on_auth_lost };

static bool
queue_on_link(void *private, const struct message_link *link, int fd)
{
	struct queue *queue = private;
	if (link->kind != LINK_CHANNEL) {
		close(fd);
		return false;
	}
	if (link->peer == ROLE_SMTP) {
		link_front_end(queue, fd, link->instance);
	} else if (link->peer == ROLE_RELAY) {
		dispatch_link(queue->dispatch, fd);
	} else if (link->peer == ROLE_AUTH) {
		auth_peer_set(queue->auth, fd);
	} else {
		close(fd);
		return false;
	}
	return true;
}

static void
queue_on_unlink(void *private, enum role peer, uint8_t instance)
{
	struct queue *queue = private;
	if (peer == ROLE_SMTP) {
		forget_parked(queue, instance);
		forget_instance(queue, instance);
	} else if (peer == ROLE_RELAY) {
		dispatch_unlink(queue->dispatch);
	} else if (peer == ROLE_AUTH) {
		auth_peer_set(queue->auth, -1);
	}
}

/* ---- control */

static void
answer(void *context, uint32_t request, struct span data, bool more)
{
	struct queue *queue = context;
	role_answer(queue->context, request, data, more);
}

static void
refuse(void *context, uint32_t request, const char *kind, const char *text)
{
	struct queue *queue = context;
	role_answer_error(queue->context, request, kind, text);
}

static void
tell_seen(void *context, const char *login)
{
	struct queue *queue = context;
	auth_peer_tell_seen(queue->auth, login);
}

static void
answer_status(struct queue *queue, uint32_t request)
{
	const struct spool_counts *counts = spool_counts(queue->spool);
	json_t *destinations = control_json_destinations(dispatch_schedule(queue->dispatch));
	json_t *status = json_pack("{s:I, s:I, s:b, s:b, s:s, s:b, s:I, s:o}", "messages",
		(json_int_t)counts->messages, "held", (json_int_t)counts->held, "suspect",
		(int)counts->suspect, "short", (int)queue->means.pressure.is_short, "reason",
		queue->means.pressure.text ? queue->means.pressure.text : "", "relay",
		(int)dispatch_has_relay(queue->dispatch), "free",
		(json_int_t)queue->tick.space.bytes, "destinations", destinations);
	char *text = json_dumps(status, JSON_COMPACT);
	role_answer(queue->context, request, span_text(text), false);
	free(text);
	json_decref(status);
}

static void
queue_on_control(void *private, uint32_t request, struct span json)
{
	struct queue *queue = private;
	struct control_request asked = { .root = NULL };
	bool is_status = control_request_unpack(json, &asked, NULL) &&
		strcmp(asked.verb, "status") == 0;
	if (is_status)
		answer_status(queue, request);
	else
		control_ask(&queue->control, request, json);
	control_request_fini(&asked);
}

/* ---- start, reload, end */

static void
use_settings(struct queue *queue, const struct settings *settings)
{
	struct settings *old = queue->settings;
	queue->settings = settings_hold(settings);
	queue->control.keep_free = settings->queue.free_space_resume;
	settings_free(&old);
	queue->means.admission = (struct admission){
		.settings = queue->settings,
		.grant_key = role_secret(queue->context, SECRET_GRANT_KEY, ""),
		.revoked = queue->revoked,
	};
	queue->means.inquiry = (struct inquiry_means){ queue->settings, call_ahead, queue };
}

static void on_stop_look(void *context);
static void queue_free(void **private);

static void *
queue_start(struct role_context *context, struct fault *fault)
{
	struct queue *queue = mem_alloc(sizeof(*queue));
	queue->context = context;
	queue->loop = role_loop(context);
	/* A limit on the size of files is an error of the disk, and handled as one. */
	signal(SIGXFSZ, SIG_IGN);
	queue->revoked = revoked_new();
	queue->auth = auth_peer_new(queue->loop, queue->revoked, &auth_events, queue);
	timekeeper_init(&queue->keeper, clock_wall_ms(), clock_steady_ms());
	loop_timer_init(&queue->tick_timer, queue->loop, on_tick, queue);
	loop_timer_init(&queue->parking, queue->loop, admit_parked, queue);
	loop_timer_init(&queue->stop_timer, queue->loop, on_stop_look, queue);
	use_settings(queue, role_settings(context));
	char *path = mem_printf("%s/queue", queue->settings->state_dir);
	queue->spool = spool_open(queue->loop, path, queue->settings->queue.sync, fault);
	mem_free(&path);
	if (queue->spool)
		queue->bodies = bodies_new(queue->loop, spool_folder(queue->spool),
			queue->settings->queue.sync, fault);
	if (!queue->bodies) {
		void *private = queue;
		queue_free(&private);
		return NULL;
	}
	queue->dispatch = dispatch_new(
		queue->loop, queue->spool, queue->settings, queue_now, queue);
	queue->means.loop = queue->loop;
	queue->means.spool = queue->spool;
	queue->means.bodies = queue->bodies;
	queue->means.now = queue_now;
	queue->means.on_message = on_message_in;
	queue->means.context = queue;
	queue->means.herald = queue->herald = herald_new(&(const struct herald_means){
		queue->spool, queue_now, on_message_in, queue });
	queue->control = (struct control_means){ queue->spool, queue->dispatch, queue_now, answer,
		refuse, queue, queue->loop, queue->settings->queue.free_space_resume,
		tell_seen };
	loop_timer_start(&queue->tick_timer, 0);
	return queue;
}

static bool
queue_on_check(void *private, struct fault *fault)
{
	struct queue *queue = private;
	const struct settings *settings = role_settings(queue->context);
	return strcmp(settings->state_dir, queue->settings->state_dir) == 0 ||
		fault_set(fault, FAULT_CONFIG, "state-dir cannot change while queue runs");
}

static void
queue_on_take(void *private)
{
	struct queue *queue = private;
	use_settings(queue, role_settings(queue->context));
	dispatch_use(queue->dispatch, queue->settings);
}

static void
queue_on_secret(void *private, enum secret_kind kind, const char *name)
{
	struct queue *queue = private;
	(void)name;
	if (kind == SECRET_GRANT_KEY)
		use_settings(queue, queue->settings);
}

static size_t
busy(const struct queue *queue)
{
	size_t sum = dispatch_busy(queue->dispatch) + herald_busy(queue->herald);
	for (size_t i = 0; i < queue->intake_count; i++)
		sum += intake_busy(queue->intakes[i]);
	return sum;
}

static void
on_stop_look(void *context)
{
	struct queue *queue = context;
	if (busy(queue) == 0 || loop_now_ms(queue->loop) >= queue->stop_at_ms)
		role_finished(queue->context);
	else
		loop_timer_start(&queue->stop_timer, STOP_LOOK_MS);
}

/* What has begun is finished: nothing is lost by ending at once, but mail would be sent twice. */
static void
queue_on_stop(void *private, uint64_t grace_ms)
{
	struct queue *queue = private;
	dispatch_stop(queue->dispatch);
	queue->stop_at_ms = loop_now_ms(queue->loop) + grace_ms;
	loop_timer_start(&queue->stop_timer, 0);
}

static void
queue_free(void **private)
{
	struct queue *queue = *private;
	*private = NULL;
	if (!queue)
		return;
	loop_timer_stop(&queue->tick_timer);
	loop_timer_stop(&queue->stop_timer);
	loop_timer_stop(&queue->parking);
	for (size_t i = 0; i < queue->parked_count; i++)
		sock_close(&queue->parked[i].fd);
	mem_free(&queue->parked);
	while (queue->intake_count)
		forget_intake(queue, queue->intake_count - 1);
	mem_free(&queue->intakes);
	auth_peer_free(&queue->auth);
	bodies_free(&queue->bodies);
	queue->means.bodies = NULL;
	spool_close(&queue->spool);
	herald_free(&queue->herald);
	dispatch_free(&queue->dispatch);
	revoked_free(&queue->revoked);
	settings_free(&queue->settings);
	mem_free(&queue);
}

const struct role_program queue_program = {
	.role = ROLE_QUEUE,
	.start = queue_start,
	.on_link = queue_on_link,
	.on_unlink = queue_on_unlink,
	.on_check = queue_on_check,
	.on_take = queue_on_take,
	.on_control = queue_on_control,
	.on_stop = queue_on_stop,
	.free = queue_free,
	.on_secret = queue_on_secret,
};
