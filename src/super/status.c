/* SPDX-License-Identifier: BSD-2-Clause */
/* The verb "status". */
#include "super/status.h"

#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "ipc/message_super.h"
#include "super/children.h"
#include "super/listeners.h"
#include "super/logs.h"

enum { DETAILS_WAIT_MS = 2000 };

/* One status being gathered. */
struct gathering {
	struct control_client *client;
	json_t *root;
	unsigned pending;
};

struct detail {
	struct gathering *gathering;
	json_t *role; /* borrowed from root */
};

static void
finish_one(struct gathering *gathering)
{
	char *text;

	if (--gathering->pending > 0)
		return;
	text = json_dumps(gathering->root, JSON_COMPACT);
	control_client_answer(gathering->client, span_text(text), false);
	free(text);
	json_decref(gathering->root);
	mem_free(&gathering);
}

static json_t *
read_details(const struct channel_message *answer)
{
	struct arena *arena = arena_new(0);
	struct control_answer said;
	struct message_control page;
	json_t *details = NULL;

	if (answer->id == MSG_ANSWER && message_control_unpack(answer->bytes, arena, &page) &&
		control_answer_unpack(page.json, &said, NULL)) {
		if (said.ok)
			details = json_incref(said.data);
		control_answer_fini(&said);
	}
	arena_free(&arena);
	return details ? details : json_null();
}

static bool
on_details(void *context, struct channel_message *answer)
{
	struct detail *detail = context;

	if (answer)
		json_object_set_new(detail->role, "details", read_details(answer));
	finish_one(detail->gathering);
	mem_free(&detail);
	return true;
}

static void
ask_details(struct gathering *gathering, struct child *child, json_t *role)
{
	struct detail *detail = mem_alloc(sizeof *detail);
	struct message_control control = { SPAN_LITERAL("{\"verb\":\"status\",\"args\":{}}"),
		false };
	struct buf content = BUF_INIT(0);

	*detail = (struct detail){ gathering, role };
	gathering->pending++;
	message_control_pack(&content, &control);
	if (!channel_ask(child->channel, MSG_CONTROL, &content, -1, DETAILS_WAIT_MS, on_details,
		    detail)) {
		mem_free(&detail);
		finish_one(gathering);
	}
	buf_fini(&content);
}

static json_t *
describe_listeners(const struct super *super)
{
	json_t *list = json_array();

	for (size_t i = 0; i < super->now.settings->listener.count; i++) {
		const struct settings_listener *listener = &super->now.settings->listener.items[i];
		json_t *addresses = json_array();
		char text[SOCK_TEXT_MAX_BYTES];

		for (unsigned index = 0; index < listener->address.count; index++)
			json_array_append_new(addresses,
				json_string(listeners_address(
					super->now.listeners, listener->title, index, text)));
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:o}", "name", listener->title, "protocol",
				logs_protocol_name(listener->protocol), "addresses", addresses));
	}
	return list;
}

static json_t *
describe_child(const struct super *super, const struct child *child)
{
	return json_pack("{s:s, s:i, s:i, s:s, s:b, s:I, s:i, s:I, s:n}", "role",
		role_name(child->role), "instance", (int)child->instance, "pid", (int)child->pid,
		"phase", child_phase_name(child), "retired", (int)child->retired, "generation",
		(json_int_t)child->generation, "restarts", (int)child->restarts, "since_ms",
		(json_int_t)(loop_now_ms(super->loop) - child->since_ms), "details");
}

void
status_run(struct control_client *client)
{
	struct super *super = control_client_super(client);
	struct gathering *gathering = mem_alloc(sizeof *gathering);
	json_t *roles = json_array();
	struct child *child = NULL;

	gathering->client = client;
	gathering->pending = 1; /* ourselves, until all are asked */
	gathering->root = json_pack("{s:s, s:i, s:I, s:I, s:s, s:o, s:o}", "version",
		PACKAGE_VERSION, "pid", (int)getpid(), "generation",
		(json_int_t)super->now.generation, "uptime_ms",
		(json_int_t)(loop_now_ms(super->loop) - super->started_ms), "config",
		super->options.config, "listeners", describe_listeners(super), "roles", roles);
	while ((child = children_next(super->children, child))) {
		json_t *role = describe_child(super, child);

		json_array_append_new(roles, role);
		if (child->phase == CHILD_SERVING)
			ask_details(gathering, child, role);
	}
	finish_one(gathering);
}
