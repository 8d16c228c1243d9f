/* SPDX-License-Identifier: BSD-2-Clause */
/* What came in, given to whoever awaits it: commands, responses of a login, content. */
#include <string.h>

#include "client/session_private.h"

enum {
	SKIP_MAX_BYTES = 256 * 1024, /* of a line too long; then the session ends */
	SHOWN_MAX_BYTES = 128,	     /* of a line with a credential, in the protocol log */
};

/* A line without what it has of a credential. */
static void
note_received(struct session *session, struct span line, size_t secret_from)
{
	static const struct span stars = SPAN_LITERAL("***");
	char shown[SHOWN_MAX_BYTES];
	size_t length = secret_from;

	if (!session->front->journal)
		return;
	if (secret_from >= line.length) {
		session_note(session, JOURNAL_RECEIVED, line);
		return;
	}
	if (length > sizeof shown - stars.length)
		length = sizeof shown - stars.length;
	memcpy(shown, line.start, length);
	memcpy(shown + length, stars.start, stars.length);
	session_note(session, JOURNAL_RECEIVED, span_of(shown, length + stars.length));
}

static void
take_command(struct session *session, struct span line)
{
	const struct session_protocol *protocol = session->protocol;
	size_t secret_from = protocol->secret_from(line);
	bool is_secret = secret_from < line.length;

	if (session->leaving != SESSION_END_NONE) {
		session_bye(session, session->leaving, session->leaving_text);
	} else if (!is_secret && line.length + 2 > session->listener->settings->command_line_max) {
		protocol->on_long_line(session->context);
	} else {
		note_received(session, line, secret_from);
		protocol->on_line(line, session->context);
	}
	if (is_secret)
		stream_wipe(session->stream);
}

/* Whoever answers to it may name the next phase: the end of the line comes before that. */
static void
take_long_line(struct session *session)
{
	bool is_response = session->phase == SESSION_SECRET;

	session->skipped = 0;
	session_enter(session, SESSION_SKIP);
	if (is_response)
		login_answer_long(&session->login);
	else
		session->protocol->on_long_line(session->context);
	session_enter(session, SESSION_SKIP);
}

static bool
read_line(struct session *session, struct span *line_out, bool *done_out)
{
	size_t max = session->listener->settings->auth_line_max;

	*done_out = false;
	switch (stream_read_line(session->stream, max, line_out)) {
	case STREAM_LINE_DONE:
		*done_out = true;
		return true;
	case STREAM_LINE_LONG:
		take_long_line(session);
		return true;
	case STREAM_LINE_MORE:
		break;
	}
	return false;
}

static bool
read_command(struct session *session)
{
	struct span line;
	struct span start;
	bool done;

	if (read_line(session, &line, &done)) {
		if (done)
			take_command(session, line);
		return true;
	}
	start = stream_peek(session->stream);
	if (start.length && session->protocol->is_foreign(start))
		session_abort(session, SESSION_END_FOREIGN);
	else if (start.length == 0)
		session_enter(session, SESSION_COMMAND);
	else if (session->phase == SESSION_COMMAND)
		session_enter(session, SESSION_LINE);
	return false;
}

static bool
read_response(struct session *session)
{
	struct span line;
	bool done;

	if (!read_line(session, &line, &done))
		return false;
	if (done) {
		session_note(
			session, JOURNAL_RECEIVED, span_is(line, "*") ? line : SPAN_LITERAL("***"));
		login_answer(&session->login, line);
		stream_wipe(session->stream);
	}
	return true;
}

static bool
skip_line(struct session *session)
{
	bool ended;

	session->skipped += stream_peek(session->stream).length;
	ended = stream_skip_line(session->stream);
	stream_wipe(session->stream);
	if (ended)
		session_enter(session, SESSION_COMMAND);
	else if (session->skipped > SKIP_MAX_BYTES)
		session_bye(session, SESSION_END_LINE, NULL);
	return ended;
}

static bool
read_content(struct session *session)
{
	struct span bytes = stream_peek(session->stream);
	size_t taken;

	if (bytes.length == 0)
		return false;
	taken = session->protocol->on_content(bytes, session->context);
	stream_consume(session->stream, taken);
	if (session->phase == SESSION_CONTENT)
		session_arm_deadline(session);
	return taken > 0 || session->phase != SESSION_CONTENT;
}

/* True if there may be more to do. */
static bool
read_one(struct session *session)
{
	switch (session->phase) {
	case SESSION_PROXY:
		return admission_read_proxy(session);
	case SESSION_GREET:
		session_bye(session, SESSION_END_EARLY, NULL);
		return false;
	case SESSION_COMMAND:
	case SESSION_LINE:
		return read_command(session);
	case SESSION_SKIP:
		return skip_line(session);
	case SESSION_SECRET:
		return read_response(session);
	case SESSION_CONTENT:
		return read_content(session);
	case SESSION_HANDSHAKE:
	case SESSION_WAITING:
	case SESSION_SENDING:
	case SESSION_CLOSING:
	case SESSION_PHASE_COUNT:
		break;
	}
	return false;
}

static bool
may_wait_for_client(const struct session *session)
{
	switch (session->phase) {
	case SESSION_COMMAND:
	case SESSION_LINE:
	case SESSION_SECRET:
	case SESSION_CONTENT:
		return true;
	case SESSION_PROXY:
	case SESSION_GREET:
	case SESSION_HANDSHAKE:
	case SESSION_SKIP:
	case SESSION_WAITING:
	case SESSION_SENDING:
	case SESSION_CLOSING:
	case SESSION_PHASE_COUNT:
		break;
	}
	return false;
}

void
reader_on_input(struct stream *stream, void *context)
{
	struct session *session = context;

	do {
		/* Replies are not read: no more input until they are. */
		if (may_wait_for_client(session) && stream_is_full(stream)) {
			session->after =
				session->phase == SESSION_LINE ? SESSION_COMMAND : session->phase;
			session_enter(session, SESSION_SENDING);
		}
	} while (read_one(session));
	if (session->phase == SESSION_WAITING || session->phase == SESSION_SENDING) {
		session->paused = true;
		stream_pause(stream);
	}
}
