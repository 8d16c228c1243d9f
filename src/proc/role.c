/* SPDX-License-Identifier: BSD-2-Clause */
/* What every role shares: set-up from super, confinement, reload, control, heartbeat, orderly end. */
#include "proc/role_context.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ipc/control.h"
#include "proc/confine.h"
#include "proc/needs.h"

enum {
	ORPHAN_GRACE_MS = 5000, /* for an orderly end after super has gone */
	STOP_EXTRA_MS = 6000,   /* beyond its grace, for the last wait of a stream; then it just ends */
	LOST_WAIT_MS = 2000,    /* for super to say that the peer is dead, or is back */
};

static void
generation_fini(struct generation *generation)
{
	settings_free(&generation->settings);
	role_store_free(&generation->store);
}

struct loop *
role_loop(struct role_context *context)
{
	return context->loop;
}

const struct settings *
role_settings(const struct role_context *context)
{
	return context->now.settings;
}

uint32_t
role_generation(const struct role_context *context)
{
	return context->now.number;
}

unsigned
role_instance(const struct role_context *context)
{
	return context->instance;
}

int
role_take_file(struct role_context *context, enum file_kind kind, const char *name,
	unsigned index)
{
	return role_store_take_file(context->now.store, kind, name, index);
}

bool
role_read_file(struct role_context *context, enum file_kind kind, const char *name, unsigned index,
	struct buf *bytes_out)
{
	int fd = role_take_file(context, kind, name, index);
	bool whole;

	if (fd < 0)
		return false;
	whole = file_read_all(fd, bytes_out);
	close(fd);
	return whole;
}

struct span
role_secret(const struct role_context *context, enum secret_kind kind, const char *name)
{
	return role_store_secret(context->now.store, kind, name);
}

void
role_fail(struct role_context *context, const struct fault *fault)
{
	(void)context;
	log_event(EV_ROLE_FAILED, kv_fault(fault));
	_exit(fault->kind == FAULT_CONFIG ? ROLE_REFUSED_STATUS : EXIT_FAILURE);
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void
on_last_moment(void *context)
{
	struct fault fault = FAULT_INIT;

	fault_set(&fault, FAULT_LIMIT, "work was not finished within the grace");
	role_fail(context, &fault);
}

void
role_finished(struct role_context *context)
{
	context->phase = ROLE_ENDED;
	loop_stop(context->loop);
}

void
role_begin_stop(struct role_context *context, uint64_t grace_ms)
{
	if (context->phase == ROLE_ENDED)
		return;
	if (context->phase == ROLE_WAITING || !context->program->on_stop) {
		role_finished(context);
		return;
	}
	context->phase = ROLE_STOPPING;
	loop_timer_start(&context->last_moment, grace_ms + STOP_EXTRA_MS);
	context->program->on_stop(context->private, grace_ms);
}

static void
on_super_closed(void *context, const struct fault *why)
{
	struct role_context *role = context;

	if (role->phase == ROLE_SERVING)
		log_event(EV_ROLE_ORPHANED, kv_fault(why));
	role_begin_stop(role, ORPHAN_GRACE_MS);
}

/* ---- answers to super ------------------------------------------------------------------------- */

static bool
is_cut(const struct role_context *context, uint32_t request)
{
	for (size_t i = 0; i < context->cut_count; i++) {
		if (context->cut[i] == request)
			return true;
	}
	return false;
}

/* A page that finds no room is not left out in silence: the answer ends there, with an error. */
static void
send_json(struct role_context *context, uint32_t request, struct buf *json, bool more)
{
	struct message_control answer = { buf_span(json), more };
	struct buf content = BUF_INIT(0);

	if (is_cut(context, request))
		return;
	message_control_pack(&content, &answer);
	if (!channel_answer(context->super, request, MSG_ANSWER, &content, -1) &&
		channel_is_open(context->super) && context->cut_count < ROLE_CUT_MAX)
		context->cut[context->cut_count++] = request;
	buf_fini(&content);
}

/* Super has taken some of what waited. */
static void
on_super_room(void *context)
{
	struct role_context *role = context;
	size_t count = role->cut_count;

	role->cut_count = 0;
	for (size_t i = 0; i < count; i++)
		role_answer_error(role, role->cut[i], "busy",
			"the answer is cut off here: too much waits to be read");
}

void
role_answer_error(struct role_context *context, uint32_t request, const char *kind,
	const char *text)
{
	struct buf json = BUF_INIT(CONTROL_JSON_MAX_BYTES);

	control_error_pack(&json, kind, text);
	send_json(context, request, &json, false);
	buf_fini(&json);
}

void
role_answer(struct role_context *context, uint32_t request, struct span data, bool more)
{
	/* ANSWER has a few bytes around the JSON. */
	struct buf json = BUF_INIT(IPC_CONTROL_MAX_BYTES - 16);

	if (control_answer_pack(&json, data, more))
		send_json(context, request, &json, more);
	else
		role_answer_error(context, request, "failed", "answer is too long");
	buf_fini(&json);
}

static void
answer_ready(struct role_context *context, uint32_t request, uint32_t generation, bool anew)
{
	struct message_ready ready = { generation, anew };
	struct buf content = BUF_INIT(0);

	message_ready_pack(&content, &ready);
	channel_answer(context->super, request, MSG_READY, &content, -1);
	buf_fini(&content);
}

/* ---- links that closed ------------------------------------------------------------------------ */

void
role_link_lost(struct role_context *context, enum role peer, uint8_t instance)
{
	if (context->phase == ROLE_SERVING && role_lost_add(&context->lost, peer, instance) &&
		!loop_timer_is_running(&context->ask_links))
		loop_timer_start(&context->ask_links, LOST_WAIT_MS);
}

static void
on_ask_links(void *context)
{
	struct role_context *role = context;

	for (size_t i = 0; i < role->lost.count; i++) {
		struct buf content = BUF_INIT(0);

		message_lost_pack(&content, &role->lost.items[i]);
		channel_send(role->super, MSG_LOST, &content, -1);
		buf_fini(&content);
	}
	role->lost.count = 0;
}

/* ---- start and reload ------------------------------------------------------------------------- */

void
role_use_event_log(struct role_context *context)
{
	static int in_use = -1;
	const struct settings_log *log = &context->now.settings->log;
	int fd = role_take_file(context, FILE_EVENT_LOG, "", 0);

	if (fd < 0)
		return;
	log_start(role_name(context->program->role), fd,
		log->format == LOG_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT,
		(enum log_level)log->level);
	if (in_use >= 0)
		close(in_use);
	in_use = fd;
}

void
role_offer_link(struct role_context *context, const struct message_link *link, int fd)
{
	if (!context->program->on_link)
		close(fd);
	else
		context->program->on_link(context->private, link, fd);
}

static void
offer_early_links(struct role_context *context)
{
	struct message_link link;
	int fd;

	while (role_links_take(&context->links, &link, &fd))
		role_offer_link(context, &link, fd);
}

void
role_begin(struct role_context *context, uint32_t request)
{
	const struct role_program *program = context->program;
	struct fault fault = FAULT_INIT;
	struct arena *arena = arena_new(0);
	struct confine_paths paths;

	context->now = context->next;
	context->next = (struct generation){ .settings = NULL };
	role_use_event_log(context);
	if (!needs_raise_limit(program->role, context->now.settings, &fault) ||
		!confine_drop(program->role, context->user, &fault))
		role_fail(context, &fault);
	context->private = program->start(context, &fault);
	if (!context->private)
		role_fail(context, &fault);
	needs_paths(program->role, context->now.settings, arena, &paths);
	if (!confine_enter(program->role, &paths, &fault))
		role_fail(context, &fault);
	arena_free(&arena);
	context->phase = ROLE_SERVING;
	offer_early_links(context);
	log_event(EV_ROLE_READY, kv_int("generation", context->now.number));
	answer_ready(context, request, context->now.number, false);
}

void
role_ask_anew(struct role_context *context)
{
	context->anew = true;
}

/* For as long as it is looked at, the next generation stands where the role looks for settings. */
static bool
check_next(struct role_context *context, struct fault *fault)
{
	const struct role_program *program = context->program;
	struct generation now = context->now;
	bool good;

	context->anew = false;
	context->now = context->next;
	good = needs_check_limit(program->role, context->now.settings, fault) &&
		(!program->on_check || program->on_check(context->private, fault));
	context->next = context->now;
	context->now = now;
	return good;
}

void
role_check(struct role_context *context, uint32_t request)
{
	struct fault fault = FAULT_INIT;

	if (check_next(context, &fault)) {
		context->checked = true;
		answer_ready(context, request, context->next.number, context->anew);
		return;
	}
	generation_fini(&context->next);
	log_event(EV_ROLE_KEPT, kv_fault(&fault));
	channel_refuse(context->super, request, 0, "", fault.text);
}

void
role_take(struct role_context *context, uint32_t request)
{
	struct generation old = context->now;

	context->now = context->next;
	context->next = (struct generation){ .settings = NULL };
	context->checked = false;
	if (context->program->on_take)
		context->program->on_take(context->private);
	role_use_event_log(context);
	generation_fini(&old);
	log_event(EV_ROLE_RELOADED, kv_int("generation", context->now.number));
	answer_ready(context, request, context->now.number, false);
}

void
role_forget(struct role_context *context)
{
	if (context->checked && context->program->on_forget)
		context->program->on_forget(context->private);
	context->checked = false;
	generation_fini(&context->next);
}

/* ---- the process ------------------------------------------------------------------------------ */

/* Started by hand, there is no super to talk to. */
static bool
has_super(void)
{
	int type = 0;
	socklen_t size = sizeof type;

	return getsockopt(ROLE_SUPER_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
		type == SOCK_STREAM;
}

static void
tear_down(struct role_context *context)
{
	struct message_link link;
	int fd;

	while (role_links_take(&context->links, &link, &fd))
		close(fd);
	role_forget(context);
	if (context->private && context->program->free)
		context->program->free(&context->private);
	channel_free(&context->super);
	generation_fini(&context->now);
	mem_free(&context->user);
	loop_timer_stop(&context->last_moment);
	loop_timer_stop(&context->ask_links);
	loop_free(&context->loop);
}

int
role_main(const struct role_program *program, int argc, char **argv)
{
	static const struct channel_events events = { role_on_message, on_super_closed,
		on_super_room };
	struct role_context context = { .program = program, .phase = ROLE_WAITING };

	(void)argv;
	log_start(role_name(program->role), STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	if (argc > 1 || !has_super()) {
		struct fault fault = FAULT_INIT;

		fault_set(&fault, FAULT_SYSTEM, "this program is started by sallyportd alone");
		role_fail(&context, &fault);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	context.loop = loop_new();
	loop_timer_init(&context.last_moment, context.loop, on_last_moment, &context);
	loop_timer_init(&context.ask_links, context.loop, on_ask_links, &context);
	context.super = channel_new(context.loop, ROLE_SUPER_FD, program->role, ROLE_SUPER, &events,
		&context);
	while (context.phase != ROLE_ENDED)
		loop_run(context.loop);
	log_event(EV_ROLE_STOPPED);
	tear_down(&context);
	return EXIT_SUCCESS;
}
