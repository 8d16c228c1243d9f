/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of one client connection: phases and deadlines. */
#include "client/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "client/session_private.h"

static void on_drained(struct stream *stream, void *context);
static void on_deadline(struct stream *stream, void *context);

const struct stream_hooks session_hooks = { .on_input = reader_on_input,
	.on_drained = on_drained,
	.on_secure = admission_on_secure,
	.on_deadline = on_deadline,
	.on_close = session_on_close };

static const char *const phase_names[SESSION_PHASE_COUNT] = { [SESSION_PROXY] = "proxy",
	[SESSION_GREET] = "greet",
	[SESSION_HANDSHAKE] = "handshake",
	[SESSION_COMMAND] = "command",
	[SESSION_LINE] = "line",
	[SESSION_SKIP] = "skip",
	[SESSION_SECRET] = "secret",
	[SESSION_CONTENT] = "content",
	[SESSION_WAITING] = "waiting",
	[SESSION_SENDING] = "sending",
	[SESSION_CLOSING] = "closing" };

/* ---- facts ----------------------------------------------------------------------------------- */

struct front *
session_front(const struct session *session)
{
	return session->front;
}

const struct setup *
session_setup(const struct session *session)
{
	return session->setup;
}

const struct listener *
session_listener(const struct session *session)
{
	return session->listener;
}

const char *
session_id(const struct session *session)
{
	return session->id;
}

const struct sock_address *
session_client(const struct session *session)
{
	return &session->client;
}

const char *
session_client_host(const struct session *session)
{
	return session->client_host;
}

const char *
session_server_host(const struct session *session)
{
	return session->server_host;
}

uint16_t
session_server_port(const struct session *session)
{
	return session->server_port;
}

bool
session_is_secure(const struct session *session)
{
	return stream_is_secure(session->stream);
}

const struct tls_session *
session_tls(const struct session *session)
{
	return stream_tls(session->stream);
}

struct certificate_names
session_certificates(const struct session *session)
{
	const struct tls_session *tls = session_tls(session);
	struct certificate_names names = { NULL, 0 };

	_Static_assert((int)TLS_NAMES_MAX <= (int)CERTIFICATE_NAMES_MAX, "all names can be told");
	if (tls)
		names.count = tls_session_names(tls, &names.items);
	return names;
}

uint64_t
session_connections(const struct session *session)
{
	return gate_connections(session->front->gate, &session->pass);
}

struct login *
session_login(struct session *session)
{
	return &session->login;
}

struct standing *
session_standing(struct session *session)
{
	return &session->standing;
}

enum session_phase
session_phase(const struct session *session)
{
	return session->phase;
}

struct session *
session_next(const struct session *session)
{
	return session->next;
}

void
session_link(struct session *session, struct session **head)
{
	session->next = *head;
	if (*head)
		(*head)->previous = session;
	*head = session;
}

void
session_unlink(struct session *session, struct session **head)
{
	if (session->next)
		session->next->previous = session->previous;
	if (session->previous)
		session->previous->next = session->next;
	else
		*head = session->next;
}

/* ---- the protocol log ------------------------------------------------------------------------ */

void
session_note(struct session *session, enum journal_event event, struct span text)
{
	/* Sessions that began before a reload turned the log on have no place in it. */
	if (session->front->journal && session->line.id)
		journal_write(
			session->front->journal, &session->line, event, clock_wall_ms(), text);
}

static void
note_sent(struct session *session, struct span bytes)
{
	while (bytes.length) {
		struct span line = span_cut(bytes, '\n', &bytes);

		if (line.length && line.start[line.length - 1] == '\r')
			line.length--;
		session_note(session, JOURNAL_SENT, line);
	}
}

void
session_send(struct session *session, struct span bytes)
{
	if (session->phase == SESSION_CLOSING)
		return;
	if (session->front->journal)
		note_sent(session, bytes);
	stream_write(session->stream, bytes);
}

/* ---- phases and deadlines -------------------------------------------------------------------- */

static uint64_t
now_of(const struct session *session)
{
	return loop_now_ms(session->front->loop);
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
left_until(uint64_t due_ms, uint64_t now_ms)
{
	return due_ms > now_ms ? due_ms - now_ms : 1;
}

/* How long this phase may last from now; 0 is for as long as it takes. */
static uint64_t
phase_wait_ms(const struct session *session)
{
	const struct settings_listener *settings = session->listener->settings;

	switch (session->phase) {
	case SESSION_PROXY:
	case SESSION_HANDSHAKE:
		return settings->handshake_wait;
	case SESSION_GREET:
		return settings->greet_delay;
	case SESSION_COMMAND:
		return settings->idle_wait;
	case SESSION_LINE:
	case SESSION_SKIP:
		return settings->command_wait;
	case SESSION_SECRET:
		return session->setup->settings->sasl.exchange_wait;
	case SESSION_CONTENT:
		return settings->minimum_rate
			       ? smaller(settings->data_wait,
					 left_until(session->rate_due_ms, now_of(session)))
			       : settings->data_wait;
	case SESSION_SENDING:
		return settings->send_wait;
	case SESSION_WAITING:
	case SESSION_CLOSING:
	case SESSION_PHASE_COUNT:
		break;
	}
	return 0;
}

void
session_arm_deadline(struct session *session)
{
	uint64_t wait_ms = phase_wait_ms(session);

	if (session->phase == SESSION_CLOSING)
		return;
	if (session->login_due_ms && wait_ms)
		wait_ms = smaller(wait_ms, left_until(session->login_due_ms, now_of(session)));
	stream_deadline(session->stream, wait_ms);
}

static void
start_rate_window(struct session *session)
{
	session->rate_due_ms = now_of(session) + session->listener->settings->rate_window;
	session->rate_mark = stream_bytes_in(session->stream);
}

/* The one place where the phase changes. */
void
session_enter(struct session *session, enum session_phase phase)
{
	if (session->phase == SESSION_CLOSING)
		return;
	if (phase != session->phase)
		log_event(EV_CLIENT_PHASE, kv_str("sid", session->id),
			kv_str("from", phase_names[session->phase]),
			kv_str("to", phase_names[phase]));
	if (phase == SESSION_CONTENT && session->phase != SESSION_CONTENT)
		start_rate_window(session);
	session->phase = phase;
	session_arm_deadline(session);
}

void
session_expect(struct session *session, enum session_phase phase)
{
	session_enter(session, phase);
	if (phase != SESSION_WAITING && session->paused && session->phase == phase) {
		session->paused = false;
		stream_resume(session->stream);
	}
	if (session->phase == SESSION_COMMAND && session->leaving == SESSION_END_STOPPING)
		session_bye(session, session->leaving, session->leaving_text);
}

void
session_welcome(struct session *session)
{
	session->login_due_ms = 0;
	stream_set_owner(
		session->stream, &session_hooks, &session->listener->stream, session);
	gate_login(session->front->gate, &session->pass);
}

/* ---- from the stream ------------------------------------------------------------------------- */

static void
on_deadline(struct stream *stream, void *context)
{
	struct session *session = context;
	uint64_t now = now_of(session);
	uint64_t enough = session->listener->settings->minimum_rate *
			  session->listener->settings->rate_window / 1000;

	if (session->login_due_ms && now >= session->login_due_ms &&
		session->phase != SESSION_WAITING && session->phase != SESSION_CLOSING) {
		session_bye(session, SESSION_END_LATE, NULL);
		return;
	}
	switch (session->phase) {
	case SESSION_PROXY:
	case SESSION_HANDSHAKE:
		session_abort(session, SESSION_END_HANDSHAKE);
		break;
	case SESSION_GREET:
		admission_ready(session);
		break;
	case SESSION_COMMAND:
	case SESSION_SECRET:
		session_bye(session, SESSION_END_IDLE, NULL);
		break;
	case SESSION_CONTENT:
		if (enough && now >= session->rate_due_ms &&
			stream_bytes_in(stream) - session->rate_mark >= enough) {
			start_rate_window(session);
			session_arm_deadline(session);
			break;
		}
		session_bye(session, SESSION_END_SLOW, NULL);
		break;
	case SESSION_LINE:
	case SESSION_SKIP:
		session_bye(session, SESSION_END_SLOW, NULL);
		break;
	case SESSION_SENDING:
		session_abort(session, SESSION_END_UNREAD);
		break;
	case SESSION_WAITING:
	case SESSION_CLOSING:
	case SESSION_PHASE_COUNT:
		break;
	}
}

static void
on_drained(struct stream *stream, void *context)
{
	struct session *session = context;

	(void)stream;
	if (session->phase == SESSION_SENDING)
		session_expect(session, session->after);
}

void
session_free(struct session **session)
{
	struct session *old = *session;

	*session = NULL;
	login_fini(&old->login);
	standing_fini(&old->standing);
	if (old->context)
		old->protocol->close(old->context);
	gate_leave(old->front->gate, &old->pass);
	stream_free(&old->stream);
	setup_free(&old->setup);
	mem_free(&old->leaving_text);
	mem_free(&old->client_text);
	mem_free(&old->server_text);
	mem_free(&old);
}
