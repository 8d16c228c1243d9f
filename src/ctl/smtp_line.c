/* SPDX-License-Identifier: BSD-2-Clause */
/* A blocking SMTP connection for tests by hand. */
#include "ctl/smtp_line.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum { IN_MAX_BYTES = 256 * 1024 };

void
smtp_line_init(struct smtp_line *line, uint64_t wait_ms)
{
	*line = (struct smtp_line){ .fd = -1, .wait_ms = wait_ms };
	buf_init(&line->in, IN_MAX_BYTES);
	smtp_reply_reader_init(&line->reply);
}

void
smtp_line_fini(struct smtp_line *line)
{
	tls_session_free(&line->tls);
	tls_client_free(&line->tls_client);
	smtp_reply_reader_fini(&line->reply);
	buf_fini(&line->in);
	if (line->fd >= 0)
		close(line->fd);
	line->fd = -1;
}

static bool
wait_for(struct smtp_line *line, short events, uint64_t until_ms, struct fault *fault_out)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = line->fd, .events = events };
		uint64_t now_ms = clock_steady_ms();
		int ready = poll(&poll_fd, 1, now_ms < until_ms ? (int)(until_ms - now_ms) : 0);

		if (ready > 0)
			return true;
		if (ready == 0)
			return fault_set(fault_out, FAULT_LIMIT, "no answer within %llu s",
				(unsigned long long)(line->wait_ms / 1000));
		if (errno != EINTR)
			return fault_set_errno(fault_out, "connection");
	}
}

/* ---- connecting ------------------------------------------------------------------------------- */

static bool
connect_one(struct smtp_line *line, const struct sockaddr *address, socklen_t length,
	struct fault *fault_out)
{
	const int now = 1;
	int error = 0;
	socklen_t size = sizeof error;

	line->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (line->fd < 0)
		return fault_set_errno(fault_out, "socket");
	/* A command must not wait for the other side to acknowledge what went before it. */
	if (address->sa_family != AF_UNIX)
		setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
	if (connect(line->fd, address, length) == 0)
		return true;
	if (errno != EINPROGRESS)
		fault_set_errno(fault_out, "connect");
	else if (wait_for(line, POLLOUT, clock_steady_ms() + line->wait_ms, fault_out)) {
		getsockopt(line->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error == 0)
			return true;
		errno = error;
		fault_set_errno(fault_out, "connect");
	}
	close(line->fd);
	line->fd = -1;
	return false;
}

static bool
connect_unix(struct smtp_line *line, const char *path, struct fault *fault_out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	/* endpoint_parse() has seen that it fits. */
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	return connect_one(line, (const struct sockaddr *)&address, sizeof address, fault_out);
}

bool
smtp_line_connect(struct smtp_line *line, const struct endpoint *to, char *peer_out,
	size_t peer_size, struct fault *fault_out)
{
	struct addrinfo wanted = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char port[8];
	int error;

	snprintf(peer_out, peer_size, "%s", to->text);
	if (to->kind == ENDPOINT_UNIX)
		return connect_unix(line, to->path, fault_out);
	snprintf(port, sizeof port, "%u", to->port);
	error = getaddrinfo(to->host, port, &wanted, &found);
	if (error != 0)
		return fault_set(fault_out, FAULT_MISSING, "%s: %s", to->host, gai_strerror(error));
	for (struct addrinfo *each = found; each && line->fd < 0; each = each->ai_next) {
		char host[NI_MAXHOST] = "";

		getnameinfo(each->ai_addr, each->ai_addrlen, host, sizeof host, NULL, 0,
			NI_NUMERICHOST);
		snprintf(peer_out, peer_size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
		connect_one(line, each->ai_addr, each->ai_addrlen, fault_out);
	}
	freeaddrinfo(found);
	return line->fd >= 0;
}

/* ---- bytes ------------------------------------------------------------------------------------ */

static bool
send_bytes(struct smtp_line *line, struct span bytes, uint64_t until_ms, struct fault *fault_out)
{
	while (bytes.length > 0) {
		ssize_t sent;

		if (!wait_for(line, POLLOUT, until_ms, fault_out))
			return false;
		sent = send(line->fd, bytes.start, bytes.length, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return fault_set_errno(fault_out, "connection");
		bytes = span_from(bytes, sent > 0 ? (size_t)sent : 0);
	}
	return true;
}

static bool
flush_tls(struct smtp_line *line, uint64_t until_ms, struct fault *fault_out)
{
	struct buf *output = tls_session_output(line->tls);
	bool sent = send_bytes(line, buf_span(output), until_ms, fault_out);

	buf_clear(output);
	return sent;
}

/* At least one byte into raw. */
static bool
receive(struct smtp_line *line, uint64_t until_ms, size_t *got_out, struct fault *fault_out)
{
	for (;;) {
		ssize_t got;

		if (!wait_for(line, POLLIN, until_ms, fault_out))
			return false;
		got = recv(line->fd, line->raw, sizeof line->raw, 0);
		if (got == 0)
			return fault_set(fault_out, FAULT_PEER, "the server closed the connection");
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return fault_set_errno(fault_out, "connection");
		if (got > 0) {
			*got_out = (size_t)got;
			return true;
		}
	}
}

static bool
feed_tls(struct smtp_line *line, uint64_t until_ms, struct fault *fault_out)
{
	size_t got;

	if (!flush_tls(line, until_ms, fault_out) || !receive(line, until_ms, &got, fault_out))
		return false;
	tls_session_feed(line->tls, span_of(line->raw, got));
	return true;
}

/* More plain text into in. */
static bool
receive_text(struct smtp_line *line, uint64_t until_ms, struct fault *fault_out)
{
	char text[4096];
	size_t got;

	if (!line->tls) {
		if (!receive(line, until_ms, &got, fault_out))
			return false;
		if (!buf_add(&line->in, line->raw, got))
			return fault_set(fault_out, FAULT_PEER, "the server says too much");
		return true;
	}
	for (;;) {
		switch (tls_session_read(line->tls, text, sizeof text, &got, fault_out)) {
		case TLS_DONE:
			if (!buf_add(&line->in, text, got))
				return fault_set(fault_out, FAULT_PEER, "the server says too much");
			return true;
		case TLS_WANT_READ:
			if (!feed_tls(line, until_ms, fault_out))
				return false;
			break;
		case TLS_CLOSED:
			return fault_set(fault_out, FAULT_PEER, "the server closed the connection");
		case TLS_FAILED:
			return false;
		}
	}
}

/* ---- TLS -------------------------------------------------------------------------------------- */

static bool
handshake(struct smtp_line *line, struct fault *fault_out)
{
	uint64_t until_ms = clock_steady_ms() + line->wait_ms;
	struct fault ignored;

	for (;;) {
		switch (tls_session_handshake(line->tls, fault_out)) {
		case TLS_DONE:
			return flush_tls(line, until_ms, fault_out);
		case TLS_WANT_READ:
			if (!feed_tls(line, until_ms, fault_out))
				return false;
			break;
		case TLS_CLOSED:
			return fault_set(fault_out, FAULT_PEER,
				"the server closed the connection in the handshake");
		case TLS_FAILED:
			/* The alert tells the server why; the reason is known already. */
			flush_tls(line, until_ms, &ignored);
			return false;
		}
	}
}

bool
smtp_line_start_tls(struct smtp_line *line, const char *name, const char *trust_file,
	struct fault *fault_out)
{
	struct tls_client_settings settings = {
		.verify = TLS_VERIFY_REQUIRED,
		.trust_file = trust_file,
		.minimum = TLS_VERSION_1_2,
	};

	if (buf_length(&line->in) > 0)
		return fault_set(fault_out, FAULT_PEER, "the server said more before TLS began");
	line->tls_client = tls_client_new(&settings, fault_out);
	if (!line->tls_client)
		return false;
	line->tls = tls_session_new_client(line->tls_client, name);
	return handshake(line, fault_out);
}

bool
smtp_line_has_tls(const struct smtp_line *line)
{
	return line->tls != NULL;
}

const char *
smtp_line_describe_tls(const struct smtp_line *line, char to[TLS_TEXT_MAX_BYTES])
{
	to[0] = '\0';
	return line->tls ? tls_session_describe(line->tls, to) : to;
}

/* ---- commands --------------------------------------------------------------------------------- */

static bool
send_command(struct smtp_line *line, struct span command, uint64_t until_ms,
	struct fault *fault_out)
{
	struct buf bytes = BUF_INIT(64 * 1024);
	bool sent;

	if (!buf_add_span(&bytes, command) || !buf_add_text(&bytes, "\r\n"))
		sent = fault_set(fault_out, FAULT_CONFIG, "the command is too long");
	else if (line->tls)
		sent = tls_session_write(line->tls, buf_span(&bytes), fault_out) &&
			flush_tls(line, until_ms, fault_out);
	else
		sent = send_bytes(line, buf_span(&bytes), until_ms, fault_out);
	/* It may hold a password. */
	buf_wipe(&bytes);
	buf_fini(&bytes);
	return sent;
}

bool
smtp_line_ask(struct smtp_line *line, struct span command, struct fault *fault_out)
{
	uint64_t until_ms = clock_steady_ms() + line->wait_ms;

	if (command.length > 0 && !send_command(line, command, until_ms, fault_out))
		return false;
	for (;;) {
		struct span left = buf_span(&line->in);
		enum parse parsed = smtp_reply_reader_feed(&line->reply, &left);

		buf_consume(&line->in, buf_length(&line->in) - left.length);
		if (parsed == PARSE_DONE)
			return true;
		if (parsed == PARSE_BAD)
			return fault_set(fault_out, FAULT_PEER, "this is not an SMTP reply: %s",
				line->reply.fault);
		if (!receive_text(line, until_ms, fault_out))
			return false;
	}
}
