/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about accounts while the daemon is down. */
#include "auth/offline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/verbs.h"
#include "config/config.h"
#include "ipc/control.h"
#include "proc/confine.h"

enum { OPEN_WAIT_MS = 1000 };

struct offline {
	int in;
	int out;
	struct settings *settings;
	struct directory_local *local; /* NULL: fault says why */
	struct fault fault;
	struct buf input;
};

/* ---- frames ---------------------------------------------------------------------------------- */

static bool
write_frame(struct offline *offline, struct buf *json)
{
	struct buf frame = BUF_INIT(0);
	bool written = control_frame_add(&frame, buf_span(json));

	while (written && buf_length(&frame) > 0) {
		ssize_t size = write(offline->out, buf_span(&frame).start, buf_length(&frame));

		if (size > 0)
			buf_consume(&frame, (size_t)size);
		else if (errno != EINTR)
			written = false;
	}
	buf_fini(&frame);
	return written;
}

static bool
answer_fault(struct offline *offline, const struct fault *fault)
{
	struct buf json = BUF_INIT(0);
	bool written;

	control_error_pack(&json, control_kind_name(fault->kind), fault->text);
	written = write_frame(offline, &json);
	buf_fini(&json);
	return written;
}

static bool
answer_page(struct offline *offline, const struct verb_call *call)
{
	char *text = call->data ? json_dumps(call->data, JSON_COMPACT) : NULL;
	struct buf json = BUF_INIT(0);
	bool written;

	control_answer_pack(&json, span_text(text), call->page_after[0]);
	written = write_frame(offline, &json);
	buf_fini(&json);
	free(text);
	return written;
}

/* ---- one request ----------------------------------------------------------------------------- */

/* All pages of one verb. */
static bool
run_verb(struct offline *offline, const struct control_request *request)
{
	struct verb_call call = {
		.settings = offline->settings,
		.local = offline->local,
		.args = request->args,
	};
	struct fault fault = FAULT_INIT;
	bool written;

	do {
		if (!verbs_run(request->verb, &call, &fault))
			return answer_fault(offline, &fault);
		written = answer_page(offline, &call);
		verb_call_fini(&call);
	} while (written && call.page_after[0]);
	return written;
}

static bool
answer_request(struct offline *offline, struct span json)
{
	struct control_request request;
	struct fault fault = FAULT_INIT;
	bool written;

	if (!control_request_unpack(json, &request, &fault))
		return answer_fault(offline, &fault);
	if (!offline->local) {
		written = answer_fault(offline, &offline->fault);
	} else if (!verbs_know(request.verb)) {
		fault_set(&fault, FAULT_CONFIG, "\"%s\" needs the daemon, which is not running",
			request.verb);
		written = answer_fault(offline, &fault);
	} else {
		written = run_verb(offline, &request);
	}
	control_request_fini(&request);
	return written;
}

/* The frames that are here; false at the end, or for what is none. */
static bool
answer_requests(struct offline *offline)
{
	struct span json;
	size_t size;
	bool written;

	for (;;) {
		switch (control_frame_next(buf_span(&offline->input), &json, &size)) {
		case CONTROL_MORE:
			return true;
		case CONTROL_BAD:
			return false;
		case CONTROL_DONE:
			written = answer_request(offline, json);
			/* It may have held a password. */
			mem_wipe((void *)(uintptr_t)json.start, json.length);
			buf_consume(&offline->input, size);
			if (!written)
				return false;
		}
	}
}

static bool
read_some(struct offline *offline)
{
	char *room = buf_reserve(&offline->input, 4096);
	ssize_t size;

	do
		size = room ? read(offline->in, room, 4096) : 0;
	while (size < 0 && errno == EINTR);
	if (size <= 0)
		return false;
	buf_claim(&offline->input, (size_t)size);
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void
open_accounts(struct offline *offline, const char *config)
{
	const char *user = "";

	offline->settings = config_load(config, &offline->fault);
	if (!offline->settings)
		return;
	/* First: no file of the accounts may ever belong to root. */
	if (geteuid() == 0)
		user = offline->settings->users.auth;
	if (confine_drop(ROLE_AUTH, user, &offline->fault))
		offline->local = directory_local_open(offline->settings->state_dir, OPEN_WAIT_MS,
			&offline->fault);
}

int
offline_run(const char *config, int in, int out)
{
	struct offline offline = {
		.in = in,
		.out = out,
		.input = BUF_INIT(CONTROL_HEAD_BYTES + CONTROL_JSON_MAX_BYTES + 4096),
	};
	int status;

	control_wipe_memory();
	open_accounts(&offline, config);
	while (read_some(&offline) && answer_requests(&offline))
		continue;
	status = offline.local ? EXIT_SUCCESS : EXIT_FAILURE;
	directory_local_close(&offline.local);
	settings_free(&offline.settings);
	buf_wipe(&offline.input);
	buf_fini(&offline.input);
	return status;
}
