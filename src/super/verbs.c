/* SPDX-License-Identifier: BSD-2-Clause */
/* What the administrator may ask for. */
#include "super/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/message_super.h"
#include "super/children.h"
#include "super/reload.h"
#include "super/status.h"

enum { FORWARD_WAIT_MS = 60 * 1000 }; /* for each page of an answer */

/* ---- verbs of super itself -------------------------------------------------------------------- */

static void
on_reloaded(void *context, const struct fault *why)
{
	char text[FAULT_TEXT_MAX_BYTES + 64];
	size_t length;

	if (!why) {
		control_client_answer(context, SPAN_EMPTY, false);
		return;
	}
	/* "did you mean …?" ends a sentence. */
	length = strlen(why->text);
	snprintf(text, sizeof text, "%s%s old settings stay in use everywhere", why->text,
		length > 0 && why->text[length - 1] == '?' ? " The" : "; the");
	control_client_error(context, control_kind_name(why->kind), text);
}

static void
run_reload(struct control_client *client)
{
	reload_ask(control_client_super(client)->reload, on_reloaded, client);
}

static void
run_stop(struct control_client *client)
{
	control_client_answer(client, SPAN_EMPTY, false);
	super_stop(control_client_super(client), EXIT_SUCCESS);
}

static const struct {
	const char *verb;
	void (*run)(struct control_client *client);
} own[] = {
	{ "status", status_run },
	{ "reload", run_reload },
	{ "stop", run_stop },
};

/* ---- verbs of roles --------------------------------------------------------------------------- */

/* "account" is every verb that is this word or begins with it and a blank. */
static const struct {
	const char *word;
	enum role role;
} forwarded[] = {
	{ "account", ROLE_AUTH },
	{ "address", ROLE_AUTH },
	{ "grant", ROLE_AUTH },
	{ "group", ROLE_AUTH },
	{ "explain", ROLE_AUTH },
	{ "sessions", ROLE_AUTH },
	{ "limits", ROLE_AUTH },
	{ "report", ROLE_AUTH },
	{ "queue", ROLE_QUEUE },
	{ "track", ROLE_QUEUE },
	{ "relay", ROLE_RELAY },
	{ "milter", ROLE_SMTP },
};

static bool
has_word(const char *verb, const char *word)
{
	size_t length = strlen(word);

	return strncmp(verb, word, length) == 0 && (verb[length] == '\0' || verb[length] == ' ');
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct message_control page;
	struct arena *arena;
	bool good;

	if (!answer) {
		control_client_error(context, "busy", "the role gave no answer");
		return true;
	}
	arena = arena_new(0);
	good = answer->id == MSG_ANSWER &&
		message_control_unpack(answer->bytes, arena, &page) && page.json.length > 0;
	arena_free(&arena);
	if (!good) {
		control_client_error(context, "failed", "the role gave a malformed answer");
		return true;
	}
	control_client_pass(context, page.json, page.more);
	return !page.more;
}

static void
forward(struct control_client *client, enum role role, struct span json)
{
	struct child *child = children_find(control_client_super(client)->children, role);
	struct message_control control = { json, false };
	struct buf content = BUF_INIT(0);
	uint32_t request = 0;
	char text[64];

	if (child) {
		message_control_pack(&content, &control);
		request = channel_ask(child->channel, MSG_CONTROL, &content, -1, FORWARD_WAIT_MS,
			on_answer, client);
		buf_wipe(&content);
		buf_fini(&content);
	}
	if (request != 0)
		return;
	snprintf(text, sizeof text, "%s does not serve at the moment", role_name(role));
	control_client_error(client, "busy", text);
}

void
verbs_run(struct control_client *client, const struct control_request *request,
	struct span json)
{
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		if (strcmp(own[i].verb, request->verb) == 0) {
			own[i].run(client);
			return;
		}
	}
	for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++) {
		if (has_word(request->verb, forwarded[i].word)) {
			forward(client, forwarded[i].role, json);
			return;
		}
	}
	control_client_error(client, "usage", "no such verb");
}
