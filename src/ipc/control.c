/* SPDX-License-Identifier: BSD-2-Clause */
/* The control protocol between the administrator's tool, super and the roles. */
#include "ipc/control.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pack.h"

static const struct {
	enum fault_kind kind;
	const char *name;
} kinds[] = {
	/* The first row of a name is what it is read back as. */
	{ FAULT_DENIED, "denied" },
	{ FAULT_MISSING, "missing" },
	{ FAULT_CONFIG, "usage" },
	{ FAULT_PEER, "usage" },
	{ FAULT_BUSY, "busy" },
	{ FAULT_LIMIT, "busy" },
	{ FAULT_SYSTEM, "failed" },
	{ FAULT_NONE, "failed" },
};

const char *
control_kind_name(enum fault_kind kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (kinds[i].kind == kind)
			return kinds[i].name;
	}
	return "failed";
}

enum fault_kind
control_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	}
	return FAULT_SYSTEM;
}

static void
free_wiped(void *memory)
{
	if (memory)
		mem_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

void
control_wipe_memory(void)
{
	json_set_alloc_funcs(malloc, free_wiped);
}

enum control_frame
control_frame_next(struct span bytes, struct span *json_out, size_t *size_out)
{
	struct unpack head = unpack_start(span_first(bytes, CONTROL_HEAD_BYTES));
	uint32_t length = unpack_u32(&head);

	if (!unpack_done(&head))
		return CONTROL_MORE;
	if (length == 0 || length > CONTROL_JSON_MAX_BYTES)
		return CONTROL_BAD;
	if (bytes.length - CONTROL_HEAD_BYTES < length)
		return CONTROL_MORE;
	*json_out = span_of(bytes.start + CONTROL_HEAD_BYTES, length);
	*size_out = CONTROL_HEAD_BYTES + (size_t)length;
	return CONTROL_DONE;
}

bool
control_frame_add(struct buf *to, struct span json)
{
	if (json.length == 0 || json.length > CONTROL_JSON_MAX_BYTES)
		return false;
	pack_span(to, json);
	return !to->overflow;
}

/* The text of value into to; the reference to value is taken. */
static bool
pack_json(struct buf *to, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
	bool done = text && buf_add_text(to, text);

	json_decref(value);
	if (text)
		mem_wipe(text, strlen(text)); /* a request may hold a password */
	mem_free(&text);
	return done && buf_length(to) <= CONTROL_JSON_MAX_BYTES;
}

bool
control_request_pack(struct buf *to, const char *verb, json_t *args)
{
	json_t *own = args ? json_incref(args) : json_object();

	return pack_json(to, json_pack("{s:s, s:o}", "verb", verb, "args", own));
}

/* A refusal quotes nothing of what came. */
static json_t *
load_object(struct span json, struct fault *fault)
{
	json_t *root;

	if (json.length == 0 || json.length > CONTROL_JSON_MAX_BYTES) {
		fault_set(fault, FAULT_PEER, "control message of %zu bytes", json.length);
		return NULL;
	}
	root = json_loadb(json.start, json.length, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		fault_set(fault, FAULT_PEER, "control message is not a JSON object");
		return NULL;
	}
	return root;
}

/* Anything beside the members that the protocol names? */
static bool
has_only(json_t *object, const char *const *names)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (names[i] && strcmp(names[i], key) != 0)
			i++;
		if (!names[i])
			return false;
	}
	return true;
}

bool
control_request_unpack(
	struct span json, struct control_request *request_out, struct fault *fault_out)
{
	static const char *const names[] = { "verb", "args", NULL };
	json_t *root = load_object(json, fault_out);
	json_t *args;
	json_t *verb;

	if (!root)
		return false;
	verb = json_object_get(root, "verb");
	args = json_object_get(root, "args");
	if (!args) {
		args = json_object();
		json_object_set_new(root, "args", args);
	}
	if (!json_is_string(verb) || json_string_length(verb) > CONTROL_VERB_MAX_BYTES ||
		!json_is_object(args) || !has_only(root, names)) {
		json_decref(root);
		return fault_set(fault_out, FAULT_PEER, "control request is malformed");
	}
	*request_out = (struct control_request){ root, json_string_value(verb), args };
	return true;
}

void
control_request_fini(struct control_request *request)
{
	json_decref(request->root);
	*request = (struct control_request){ NULL };
}

bool
control_answer_pack(struct buf *to, struct span data, bool more)
{
	buf_printf(to, "{\"ok\":true,\"more\":%s,\"data\":", more ? "true" : "false");
	buf_add_span(to, data.length ? data : SPAN_LITERAL("null"));
	buf_add_byte(to, '}');
	return !to->overflow && buf_length(to) <= CONTROL_JSON_MAX_BYTES;
}

bool
control_error_pack(struct buf *to, const char *kind, const char *text)
{
	char line[4 * FAULT_TEXT_MAX_BYTES];

	/* Reasons may quote what the administrator typed, which need not be UTF-8. */
	text_escape(span_text(text), line, sizeof line);
	return pack_json(to,
		json_pack("{s:b, s:s, s:s}", "ok", 0, "error", line, "kind", kind));
}

bool
control_answer_unpack(
	struct span json, struct control_answer *answer_out, struct fault *fault_out)
{
	static const char *const names[] = { "ok", "more", "data", "error", "kind", NULL };
	struct control_answer answer = { .root = load_object(json, fault_out) };
	json_t *ok;

	if (!answer.root)
		return false;
	ok = json_object_get(answer.root, "ok");
	answer.ok = json_is_true(ok);
	answer.more = json_is_true(json_object_get(answer.root, "more"));
	answer.data = json_object_get(answer.root, "data");
	answer.error = json_string_value(json_object_get(answer.root, "error"));
	answer.kind = json_string_value(json_object_get(answer.root, "kind"));
	if (!json_is_boolean(ok) || !has_only(answer.root, names) ||
		(answer.ok ? !answer.data : !answer.error || !answer.kind)) {
		json_decref(answer.root);
		return fault_set(fault_out, FAULT_PEER, "control answer is malformed");
	}
	*answer_out = answer;
	return true;
}

void
control_answer_fini(struct control_answer *answer)
{
	json_decref(answer->root);
	*answer = (struct control_answer){ NULL };
}
