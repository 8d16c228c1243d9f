/* SPDX-License-Identifier: BSD-2-Clause */
/* What super says to a role, message by message. */
#include "proc/role_context.h"

#include "config/slice.h"

static bool
on_settings(struct role_context *context, struct span bytes, struct arena *arena)
{
	struct message_settings message;
	struct fault fault = FAULT_INIT;

	if (!message_settings_unpack(bytes, arena, &message))
		return false;
	role_forget(context);
	context->next.settings = settings_unpack(message.slice, &fault);
	if (!context->next.settings)
		role_fail(context, &fault);
	context->next.number = message.generation;
	context->next.store = role_store_new();
	if (context->phase == ROLE_WAITING) {
		context->instance = message.instance;
		mem_free(&context->user);
		context->user = mem_strdup(message.user);
	}
	return true;
}

/* Where files and secrets go: the generation that is being gathered, or the one in use. */
static struct role_store *
receiving_store(struct role_context *context)
{
	return context->next.store && !context->checked ? context->next.store : context->now.store;
}

static bool
on_file(struct role_context *context, struct channel_message *message, struct arena *arena)
{
	struct role_store *store = receiving_store(context);
	struct message_file file;
	int fd = message->fd;

	if (!store || !message_file_unpack(message->bytes, arena, &file))
		return false;
	message->fd = -1;
	if (!role_store_add_file(store, &file, fd))
		return false;
	if (store != context->now.store)
		return true;
	if (file.kind == FILE_EVENT_LOG)
		role_use_event_log(context);
	else if (context->program->on_file)
		context->program->on_file(context->private, file.kind, file.name);
	return true;
}

static bool
on_secret(struct role_context *context, struct span bytes, struct arena *arena)
{
	struct role_store *store = receiving_store(context);
	struct message_secret secret;

	if (!store || !message_secret_unpack(bytes, arena, &secret) ||
		!role_store_add_secret(store, &secret))
		return false;
	if (store == context->now.store && context->program->on_secret)
		context->program->on_secret(context->private, secret.kind, secret.name);
	return true;
}

static bool
on_link(struct role_context *context, struct channel_message *message, struct arena *arena)
{
	struct message_link link;
	int fd = message->fd;

	if (!message_link_unpack(message->bytes, arena, &link))
		return false;
	message->fd = -1;
	if (context->phase == ROLE_WAITING)
		return role_links_add(&context->links, &link, fd);
	role_lost_remove(&context->lost, link.peer, link.instance);
	role_offer_link(context, &link, fd);
	return true;
}

static bool
on_unlink(struct role_context *context, struct span bytes, struct arena *arena)
{
	struct message_link link;

	if (!message_link_unpack(bytes, arena, &link))
		return false;
	role_lost_remove(&context->lost, link.peer, link.instance);
	if (context->phase == ROLE_WAITING)
		role_links_drop(&context->links, link.peer, link.instance);
	else if (context->program->on_unlink)
		context->program->on_unlink(context->private, link.peer, link.instance);
	return true;
}

static bool
on_start(struct role_context *context, uint32_t request)
{
	if (!context->next.settings || request == 0 || context->phase != ROLE_WAITING)
		return false;
	role_begin(context, request);
	return true;
}

/* Who is ending takes nothing more; super hears of the end instead of an answer. */
static bool
on_check(struct role_context *context, uint32_t request)
{
	if (!context->next.settings || context->checked || request == 0 ||
		context->phase == ROLE_WAITING)
		return false;
	if (context->phase == ROLE_SERVING)
		role_check(context, request);
	return true;
}

static bool
on_take(struct role_context *context, uint32_t request)
{
	if (request == 0 || (context->phase == ROLE_SERVING && !context->checked))
		return false;
	if (context->phase == ROLE_SERVING)
		role_take(context, request);
	return true;
}

static bool
on_stop(struct role_context *context, struct span bytes, struct arena *arena)
{
	struct message_stop stop;

	if (!message_stop_unpack(bytes, arena, &stop))
		return false;
	role_begin_stop(context, stop.grace_ms);
	return true;
}

static bool
on_control(struct role_context *context, const struct channel_message *message,
	struct arena *arena)
{
	struct message_control control;

	if (!message_control_unpack(message->bytes, arena, &control) || message->request == 0)
		return false;
	if (context->phase != ROLE_SERVING)
		role_answer_error(context, message->request, "busy", "not serving");
	else if (!context->program->on_control)
		role_answer_error(context, message->request, "usage", "no such verb");
	else
		context->program->on_control(context->private, message->request, control.json);
	return true;
}

static bool
take_message(struct role_context *context, struct channel_message *message, struct arena *arena)
{
	switch ((unsigned)message->id) {
	case MSG_SETTINGS:
		return on_settings(context, message->bytes, arena);
	case MSG_FILE:
		return on_file(context, message, arena);
	case MSG_SECRET:
		return on_secret(context, message->bytes, arena);
	case MSG_LINK:
		return on_link(context, message, arena);
	case MSG_UNLINK:
		return on_unlink(context, message->bytes, arena);
	case MSG_START:
		return on_start(context, message->request);
	case MSG_CHECK:
		return on_check(context, message->request);
	case MSG_TAKE:
		return on_take(context, message->request);
	case MSG_FORGET:
		role_forget(context);
		return true;
	case MSG_STOP:
		return on_stop(context, message->bytes, arena);
	case MSG_CONTROL:
		return on_control(context, message, arena);
	case MSG_PING:
		return channel_answer(context->super, message->request, MSG_PONG, NULL, -1);
	default:
		return false;
	}
}

bool
role_on_message(void *context, struct channel_message *message)
{
	struct arena *arena = arena_new(0);
	bool good = take_message(context, message, arena);

	arena_free(&arena);
	return good;
}
