/* SPDX-License-Identifier: BSD-2-Clause */
/* How a session ends: why, with which words, and when one that is to leave may go. */
#include "client/session_private.h"

#include "base/log.h"

/* Name for the log, and what the client is told if nobody says better. */
static const struct end_row {
	const char *name;
	const char *text;
} ends[SESSION_END_COUNT] = {
	[SESSION_END_NONE] = { "none", "" },
	[SESSION_END_CLIENT] = { "client", "" },
	[SESSION_END_LOST] = { "lost", "" },
	[SESSION_END_QUIT] = { "quit", "Goodbye" },
	[SESSION_END_HANDSHAKE] = { "handshake", "" },
	[SESSION_END_EARLY] = { "early", "You spoke before the greeting" },
	[SESSION_END_INJECTED] = { "injected", "" },
	[SESSION_END_FOREIGN] = { "foreign", "" },
	[SESSION_END_IDLE] = { "idle", "Idle for too long" },
	[SESSION_END_SLOW] = { "slow", "Too slow" },
	[SESSION_END_LATE] = { "late", "No login in time" },
	[SESSION_END_UNREAD] = { "unread", "" },
	[SESSION_END_LINE] = { "line", "" },
	[SESSION_END_ERRORS] = { "errors", "Too many errors" },
	[SESSION_END_LOGINS] = { "logins", "Too many failed logins" },
	[SESSION_END_MESSAGES] = { "messages", "Too many messages on one connection" },
	[SESSION_END_POSITION] = { "position", "" },
	[SESSION_END_POLICY] = { "policy", "" },
	[SESSION_END_REFUSED] = { "refused", "" },
	[SESSION_END_REVOKED] = { "revoked", "Your login is no longer valid" },
	[SESSION_END_KICKED] = { "kicked", "Ended by the administrator" },
	[SESSION_END_STOPPING] = { "stopping", "Service is shutting down" },
};

const char *
session_end_name(enum session_end end)
{
	return ends[end].name;
}

/* The first reason stays. */
void
session_close_for(struct session *session, enum session_end why)
{
	if (session->end == SESSION_END_NONE)
		session->end = why;
	session_enter(session, SESSION_CLOSING);
}

void
session_abort(struct session *session, enum session_end why)
{
	session_close_for(session, why);
	stream_abort(session->stream);
}

void
session_bye(struct session *session, enum session_end why, const char *text)
{
	if (session->phase == SESSION_CLOSING)
		return;
	if (session->context && session->phase != SESSION_HANDSHAKE)
		session->protocol->on_bye(
			why, text && text[0] ? text : ends[why].text, session->context);
	session_close_for(session, why);
	stream_close(session->stream);
}

/* Is nothing under way that the client would lose? */
static bool
is_between_commands(const struct session *session)
{
	switch (session->phase) {
	case SESSION_PROXY:
	case SESSION_GREET:
	case SESSION_COMMAND:
	case SESSION_LINE:
	case SESSION_SKIP:
	case SESSION_SECRET:
		return true;
	case SESSION_HANDSHAKE: /* behind it the client can be told why */
	case SESSION_CONTENT:
	case SESSION_WAITING:
	case SESSION_SENDING:
	case SESSION_CLOSING:
	case SESSION_PHASE_COUNT:
		break;
	}
	return false;
}

void
session_leave(struct session *session, enum session_end why, const char *text)
{
	if (session->leaving != SESSION_END_NONE && session->leaving != SESSION_END_STOPPING)
		return;
	session->leaving = why;
	mem_free(&session->leaving_text);
	session->leaving_text = mem_strdup(text);
	if (why == SESSION_END_STOPPING && is_between_commands(session))
		session_bye(session, why, text);
}

static enum session_end
end_of_stream(const struct session *session, enum stream_end end)
{
	switch (end) {
	case STREAM_END_PEER:
		return SESSION_END_CLIENT;
	case STREAM_END_TLS:
	case STREAM_END_DEADLINE:
		return session->phase == SESSION_HANDSHAKE ? SESSION_END_HANDSHAKE
							   : SESSION_END_LOST;
	case STREAM_END_OVERFLOW:
		return SESSION_END_UNREAD;
	case STREAM_END_TRUNCATED:
	case STREAM_END_RESET:
	case STREAM_END_LOCAL:
		break;
	}
	return SESSION_END_LOST;
}

void
session_on_close(struct stream *stream, enum stream_end end, const struct fault *fault,
	void *context)
{
	struct session *session = context;

	session_close_for(session, end_of_stream(session, end));
	log_event(EV_CLIENT_CLOSED, kv_str("sid", session->id),
		kv_str("listener", session->listener->settings->title),
		kv_str("client", session->client_host), kv_str("login", session->standing.name),
		kv_str("why", session_end_name(session->end)), kv_str("reason", fault ? fault->text : ""),
		kv_int("in", (int64_t)stream_bytes_in(stream)),
		kv_int("out", (int64_t)stream_bytes_out(stream)),
		kv_int("ms", (int64_t)(loop_now_ms(session->front->loop) - session->opened_ms)));
	session_note(session, JOURNAL_CLOSED, span_text(session_end_name(session->end)));
	front_take(session->front, session);
}
