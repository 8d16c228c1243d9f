/* SPDX-License-Identifier: BSD-2-Clause */
/* How a connection becomes a session: the gate, the PROXY header, TLS, the greeting. */
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/session_private.h"
#include "policy/limits.h"
#include "wire/proxy_header.h"

enum { WORDS_MAX_BYTES = 1024, NAMES_MAX_BYTES = 8192 };

/* To a client that gets no session; what does not fit into an empty socket is not worth a wait. */
static void
say_no(const struct session_protocol *protocol, enum gate_answer why, const char *hostname, int fd)
{
	struct buf words = BUF_INIT(WORDS_MAX_BYTES);

	if (protocol->refuse(why, hostname, &words) &&
		send(fd, buf_span(&words).start, buf_length(&words), MSG_NOSIGNAL | MSG_DONTWAIT) <
			0)
		buf_clear(&words);
	buf_fini(&words);
}

void
admission_turn_away(const struct front *front, const struct listener *listener, int fd)
{
	if (listener->settings->tls != LISTENER_TLS_IMPLICIT)
		say_no(front->protocols[listener->settings->protocol], GATE_ALL,
			front->setup->settings->hostname, fd);
}

/* A client of a unix socket is in none. */
static bool
is_among(const struct settings_networks *networks, const struct sock_address *client)
{
	unsigned char address[NETWORK_BYTES];

	if (networks->count == 0 || !network_address_of(&client->of.any, address))
		return false;
	for (size_t i = 0; i < networks->count; i++)
		if (network_has(&networks->items[i], address))
			return true;
	return false;
}

/* A limits section may be named for those who come from there. */
static struct gate_limits
gate_limits_of(const struct session *session, const struct settings *settings)
{
	const struct listener *listener = session->listener;
	struct mail_session stranger = { .settings = settings,
		.listener = listener->settings,
		.client_address = session->client_host };
	struct gate_limits limits = listener->gate;
	const struct settings_limits *named;

	network_address_of(&session->client.of.any, stranger.client_network);
	named = limits_of_stranger(&stranger);
	if (named && named->connections_per_address)
		limits.connections_per_address = named->connections_per_address;
	return limits;
}

static enum gate_answer
knock(struct session *session, const struct settings *settings)
{
	struct front *front = session->front;
	const struct listener *listener = session->listener;
	const struct gate_limits limits = gate_limits_of(session, settings);
	unsigned char key[SOCK_KEY_BYTES];
	enum gate_answer answer;

	sock_address_key(&session->client, key);
	if (listener->settings->networks.count > 0 &&
		!is_among(&listener->settings->networks, &session->client))
		answer = GATE_NETWORK;
	else
		answer = gate_enter(front->gate, span_text(listener->settings->title), key,
			&limits, clock_steady_ms(), &session->pass);
	if (answer != GATE_PASS)
		log_event(EV_CLIENT_REFUSED, kv_str("listener", listener->settings->title),
			kv_str("client", session->client_host),
			kv_str("limit", gate_answer_text(answer)));
	else if (session->pass.address_row == 0)
		log_event(EV_CLIENT_UNCOUNTED,
			kv_str("listener", listener->settings->title),
			kv_str("client", session->client_host));
	return answer;
}

static void
set_client(struct session *session, const struct sock_address *client)
{
	session->client = *client;
	sock_address_format_host(client, session->client_host);
}

static void
set_server(struct session *session, const struct sock_address *server)
{
	sock_address_format_host(server, session->server_host);
	session->server_port = sock_address_port(server);
}

void
admission_ready(struct session *session)
{
	session->greeted = true;
	session_enter(session, SESSION_COMMAND);
	session->protocol->on_ready(session->context);
}

/* At once, or after the delay of the listener. */
static void
greet(struct session *session)
{
	if (session->listener->settings->greet_delay)
		session_enter(session, SESSION_GREET);
	else
		admission_ready(session);
}

static void
start_tls(struct session *session, enum stream_waiting_input waiting)
{
	struct fault fault = FAULT_INIT;

	session_enter(session, SESSION_HANDSHAKE);
	if (!stream_start_server(session->stream, session->listener->tls, session->front->pool,
		    waiting, &fault)) {
		log_event(EV_CLIENT_TLS_FAILED, kv_str("sid", session->id),
			kv_str("client", session->client_host), kv_fault(&fault));
		session_abort(session, SESSION_END_HANDSHAKE);
	}
}

void
session_start_tls(struct session *session)
{
	/* RFC 3207 4.2: what stands behind STARTTLS came from whoever stood in between. */
	if (stream_peek(session->stream).length) {
		log_event(EV_CLIENT_INJECTED, kv_str("sid", session->id),
			kv_str("client", session->client_host));
		session_abort(session, SESSION_END_INJECTED);
		return;
	}
	start_tls(session, STREAM_WAITING_ATTACK);
}

/* All its names: rights may hang on each. */
static void
note_certificate(struct session *session)
{
	const struct tls_session *tls = stream_tls(session->stream);
	struct certificate_names names = session_certificates(session);
	struct buf list = BUF_INIT(NAMES_MAX_BYTES);
	struct fault why = FAULT_INIT;

	for (size_t i = 0; i < names.count; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", names.items[i]);
	if (names.count > 0)
		log_event(EV_CLIENT_CERTIFICATE, kv_str("sid", session->id),
			kv_str("client", session->client_host), kv_str("names", buf_text(&list)));
	else if (tls_session_peer(tls)[0] && !tls_session_is_verified(tls, &why))
		log_event(EV_CLIENT_CERTIFICATE_BAD, kv_str("sid", session->id),
			kv_str("client", session->client_host),
			kv_str("subject", tls_session_peer(tls)), kv_fault(&why));
	buf_fini(&list);
}

void
admission_on_secure(struct stream *stream, void *context)
{
	struct session *session = context;
	char text[TLS_TEXT_MAX_BYTES];

	tls_session_describe(stream_tls(stream), text);
	log_event(EV_CLIENT_SECURE, kv_str("sid", session->id), kv_str("tls", text));
	session_note(session, JOURNAL_REMARK, span_text(text));
	if (session->listener->settings->client_certificate != CLIENT_CERTIFICATE_OFF)
		note_certificate(session);
	if (!session->greeted) {
		greet(session);
		return;
	}
	session_enter(session, SESSION_COMMAND);
	session->protocol->on_secure(session->context);
}

static void
open_journal(struct session *session)
{
	char text[SOCK_TEXT_MAX_BYTES];
	struct sock_address server;

	session->client_text = mem_strdup(sock_address_format(&session->client, text));
	if (sock_local(stream_fd(session->stream), &server))
		session->server_text = mem_strdup(sock_address_format(&server, text));
	session->line = (struct journal_session){ .id = session->id,
		.listener = session->listener->settings->title,
		.server = session->server_text ? session->server_text : "",
		.client = session->client_text };
	session_note(session, JOURNAL_OPENED, SPAN_EMPTY);
}

/* The client is known and was let in. */
static void
begin(struct session *session)
{
	struct sock_address server;

	if (!session->server_host[0] && sock_local(stream_fd(session->stream), &server) &&
		!sock_address_is_unix(&server))
		set_server(session, &server);
	if (session->front->journal)
		open_journal(session);
	log_event(EV_CLIENT_OPENED, kv_str("sid", session->id),
		kv_str("listener", session->listener->settings->title),
		kv_str("client", session->client_host));
	session->context = session->protocol->open(session);
	if (session->listener->settings->tls == LISTENER_TLS_IMPLICIT)
		start_tls(session, STREAM_WAITING_TLS);
	else
		greet(session);
}

struct session *
session_new(struct front *front, struct setup *setup, const struct listener *listener, int fd,
	const struct sock_address *client)
{
	struct session *session = mem_alloc(sizeof *session);
	bool proxied = is_among(&listener->settings->proxy_networks, client);
	enum gate_answer answer;

	session->front = front;
	session->listener = listener;
	session->protocol = front->protocols[listener->settings->protocol];
	set_client(session, client);
	/* Whom a balancer brings is known, and counted, after its header. */
	answer = proxied ? GATE_PASS : knock(session, setup->settings);
	if (answer != GATE_PASS) {
		if (listener->settings->tls != LISTENER_TLS_IMPLICIT)
			say_no(session->protocol, answer, setup->settings->hostname, fd);
		sock_close(&fd);
		mem_free(&session);
		return NULL;
	}
	session->setup = setup_hold(setup);
	serial_session(&front->serial, session->id);
	session->opened_ms = loop_now_ms(front->loop);
	session->login_due_ms = session->opened_ms + listener->settings->before_login_wait;
	session->stream = stream_new(front->loop, fd, &session_hooks, &listener->stream_early, session);
	login_init(&session->login, session, front->loop);
	standing_init(&session->standing, session);
	front_add(front, session);
	session->phase = SESSION_PROXY;
	if (proxied)
		session_arm_deadline(session);
	else
		begin(session);
	return session;
}

/* An address of the header, which is of one of the two families. */
static struct sock_address
address_of(const struct sockaddr_storage *from)
{
	struct sock_address address = { .length = 0 };

	address.length = from->ss_family == AF_INET6 ? sizeof address.of.v6 : sizeof address.of.v4;
	memcpy(&address.of, from, address.length);
	return address;
}

bool
admission_read_proxy(struct session *session)
{
	struct sock_address address;
	struct proxy_header header;
	enum gate_answer answer;

	switch (proxy_header_parse(stream_peek(session->stream), &header)) {
	case PARSE_MORE:
		return false;
	case PARSE_BAD:
		log_event(EV_CLIENT_PROXY_BAD, kv_str("sid", session->id),
			kv_str("client", session->client_host));
		session_abort(session, SESSION_END_HANDSHAKE);
		return false;
	case PARSE_DONE:
		break;
	}
	stream_consume(session->stream, header.bytes);
	if (!header.local && header.client.ss_family != AF_UNSPEC) {
		address = address_of(&header.client);
		set_client(session, &address);
		address = address_of(&header.server);
		set_server(session, &address);
	}
	answer = knock(session, session->setup->settings);
	if (answer == GATE_PASS) {
		begin(session);
		return true;
	}
	if (session->listener->settings->tls != LISTENER_TLS_IMPLICIT)
		say_no(session->protocol, answer, session->setup->settings->hostname,
			stream_fd(session->stream));
	session_close_for(session, SESSION_END_REFUSED);
	stream_close(session->stream);
	return false;
}
