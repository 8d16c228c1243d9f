/* SPDX-License-Identifier: BSD-2-Clause */
/* test smtp against a server that plays a script, in clear and under TLS, right and wrong. */
#include "tls_fixture.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/smtp_probe.h"

/* A line that the client must say, and the answer. TLS begins after an answer marked with it. */
struct line {
	const char *expect; /* its beginning; NULL: answered unasked */
	const char *answer; /* NULL: closes */
	bool then_tls;
};

enum { LINES_MAX = 16 };

struct server {
	int listener;
	uint16_t port;
	struct line lines[LINES_MAX];
	bool tls_first;
	struct tls_server *tls_server;
	struct tls_session *tls;
	int fd;
	char said[4096];    /* all that the client said */
	bool strayed;       /* it said something else than expected */
	pthread_t thread;
};

static bool
flush(struct server *server)
{
	struct buf *output = tls_session_output(server->tls);
	bool sent = buf_length(output) == 0 ||
		send(server->fd, output->bytes + output->begin, buf_length(output), MSG_NOSIGNAL) > 0;

	buf_clear(output);
	return sent;
}

static bool
shake(struct server *server)
{
	static char raw[16384];
	struct fault fault;

	server->tls = tls_session_new_server(server->tls_server);
	for (;;) {
		enum tls_io result = tls_session_handshake(server->tls, &fault);
		ssize_t got;

		if (!flush(server) || result == TLS_FAILED || result == TLS_CLOSED)
			return false;
		if (result == TLS_DONE)
			return true;
		got = recv(server->fd, raw, sizeof raw, 0);
		if (got <= 0)
			return false;
		tls_session_feed(server->tls, span_of(raw, (size_t)got));
	}
}

static ssize_t
receive(struct server *server, char *to, size_t size)
{
	static char raw[16384];
	struct fault fault;
	size_t plain;

	if (!server->tls)
		return recv(server->fd, to, size, 0);
	for (;;) {
		enum tls_io result = tls_session_read(server->tls, to, size, &plain, &fault);
		ssize_t got;

		if (result == TLS_DONE)
			return (ssize_t)plain;
		if (result != TLS_WANT_READ)
			return 0;
		got = recv(server->fd, raw, sizeof raw, 0);
		if (got <= 0)
			return 0;
		tls_session_feed(server->tls, span_of(raw, (size_t)got));
	}
}

static bool
say(struct server *server, const char *text)
{
	struct fault fault;

	if (!server->tls)
		return send(server->fd, text, strlen(text), MSG_NOSIGNAL) > 0;
	return tls_session_write(server->tls, span_text(text), &fault) && flush(server);
}

/* One line of the client, without its end. */
static bool
hear(struct server *server, char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size && receive(server, line + used, 1) == 1) {
		if (line[used] == '\n') {
			line[used] = '\0';
			snprintf(server->said + strlen(server->said),
				sizeof server->said - strlen(server->said), "%s\n", line);
			return true;
		}
		used += line[used] != '\r';
	}
	return false;
}

static void *
serve(void *context)
{
	struct server *server = context;
	char heard[1024];

	server->fd = accept(server->listener, NULL, NULL);
	if (server->fd < 0 || (server->tls_first && !shake(server)))
		return NULL;
	for (const struct line *line = server->lines; line->answer; line++) {
		if (line->expect) {
			if (!hear(server, heard, sizeof heard))
				return NULL;
			if (strncmp(heard, line->expect, strlen(line->expect)) != 0)
				server->strayed = true;
		}
		if (!say(server, line->answer) || (line->then_tls && !shake(server)))
			return NULL;
	}
	/* until the client goes, so that it is not met by a reset */
	while (hear(server, heard, sizeof heard))
		continue;
	return NULL;
}

static void
server_start(struct server *server, struct tls_set *set)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	struct tls_settings settings = { .minimum = TLS_VERSION_1_2 };

	server->fd = -1;
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(server->listener, 1), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
	server->port = ntohs(address.sin_port);
	server->tls_server = tls_server_new(&settings, set, NULL);
	assert_non_null(server->tls_server);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void
server_stop(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	if (server->fd >= 0)
		close(server->fd);
	close(server->listener);
	tls_session_free(&server->tls);
	tls_server_free(&server->tls_server);
}

/* ---- cases ------------------------------------------------------------------------------------ */

#define GREETING { NULL, "220 mail.example.org ESMTP\r\n", false }
#define EHLO_CLEAR { "EHLO tester", "250-mail.example.org\r\n250 STARTTLS\r\n", false }
#define EHLO_TLS { "EHLO tester", "250-mail.example.org\r\n250 AUTH PLAIN LOGIN\r\n", false }
#define STARTTLS { "STARTTLS", "220 2.0.0 Go ahead\r\n", true }
#define QUIT { "QUIT", "221 2.0.0 Bye\r\n", false }

struct probe_case {
	const char *name;
	enum listener_tls tls;
	struct line lines[LINES_MAX];
	const char *cert_name;  /* NULL: mail.example.org */
	bool no_trust;
	const char *login;
	const char *mail_from;
	const char *rcpt;
	const char *failed;     /* NULL: good */
	const char *reason;     /* of the failed step: begins so */
	const char *said;       /* ends so; NULL: does not matter */
};

static const struct probe_case cases[] = {
	{ .name = "all of it", .tls = LISTENER_TLS_STARTTLS, .login = "alice",
		.mail_from = "a@example.org", .rcpt = "b@example.net",
		.lines = { GREETING, EHLO_CLEAR, STARTTLS, EHLO_TLS,
			{ "AUTH PLAIN AGFsaWNlAHMzY3JldA==", "235 2.7.0 Welcome\r\n", false },
			{ "MAIL FROM:<a@example.org>", "250 2.1.0 Ok\r\n", false },
			{ "RCPT TO:<b@example.net>", "250 2.1.5 Ok\r\n", false },
			{ "RSET", "250 2.0.0 Ok\r\n", false }, QUIT } },
	{ .name = "implicit", .tls = LISTENER_TLS_IMPLICIT, .lines = { GREETING, EHLO_TLS, QUIT } },
	{ .name = "clear", .tls = LISTENER_TLS_NONE, .lines = { GREETING, EHLO_CLEAR, QUIT } },
	{ .name = "clear login here", .tls = LISTENER_TLS_NONE, .login = "alice",
		.lines = { GREETING, EHLO_TLS, { "AUTH PLAIN ", "235 2.7.0 Ok\r\n", false }, QUIT } },
	{ .name = "refused greeting", .tls = LISTENER_TLS_NONE,
		.lines = { { NULL, "554 5.7.1 Go away\r\n", false } }, .failed = "greeting",
		.reason = "554 5.7.1 Go away" },
	{ .name = "no SMTP", .tls = LISTENER_TLS_NONE,
		.lines = { { NULL, "HTTP/1.1 400 Bad Request\r\n", false } }, .failed = "greeting",
		.reason = "this is not an SMTP reply: " },
	{ .name = "closes", .tls = LISTENER_TLS_NONE, .lines = { GREETING, { "EHLO", "2", false } },
		.failed = "EHLO", .reason = "no answer within" },
	{ .name = "STARTTLS is not offered", .tls = LISTENER_TLS_STARTTLS,
		.lines = { GREETING, EHLO_TLS }, .failed = "STARTTLS",
		.reason = "STARTTLS is not offered", .said = "EHLO tester\n" },
	{ .name = "STARTTLS is refused", .tls = LISTENER_TLS_STARTTLS,
		.lines = { GREETING, EHLO_CLEAR, { "STARTTLS", "454 4.7.0 Not now\r\n", false } },
		.failed = "STARTTLS", .reason = "454 4.7.0 Not now" },
	{ .name = "injected", .tls = LISTENER_TLS_STARTTLS,
		.lines = { GREETING, EHLO_CLEAR,
			{ "STARTTLS", "220 2.0.0 Ok\r\n250 injected\r\n", false } },
		.failed = "TLS", .reason = "the server said more before TLS began" },
	{ .name = "wrong name", .tls = LISTENER_TLS_STARTTLS, .cert_name = "other.example.org",
		.lines = { GREETING, EHLO_CLEAR, STARTTLS }, .failed = "TLS", .reason = "" },
	{ .name = "nobody trusts it", .tls = LISTENER_TLS_STARTTLS, .no_trust = true,
		.lines = { GREETING, EHLO_CLEAR, STARTTLS }, .failed = "TLS", .reason = "" },
	{ .name = "not TLS at all", .tls = LISTENER_TLS_STARTTLS,
		.lines = { GREETING, EHLO_CLEAR, { "STARTTLS", "220 2.0.0 Ok\r\n", false } },
		.failed = "TLS", .reason = "" },
	{ .name = "no PLAIN", .tls = LISTENER_TLS_NONE, .login = "alice",
		.lines = { GREETING, EHLO_CLEAR }, .failed = "AUTH",
		.reason = "AUTH PLAIN is not offered", .said = "EHLO tester\n" },
	{ .name = "wrong password", .tls = LISTENER_TLS_NONE, .login = "alice",
		.lines = { GREETING, EHLO_TLS,
			{ "AUTH PLAIN ", "535 5.7.8 Wrong\r\n", false } },
		.failed = "AUTH", .reason = "535 5.7.8 Wrong" },
	{ .name = "wrong sender", .tls = LISTENER_TLS_NONE, .mail_from = "x@y", .rcpt = "z@y",
		.lines = { GREETING, EHLO_TLS, { "MAIL FROM:<x@y>", "550-5.7.1 Client does\r\n"
			"550 5.7.1 not have permission\r\n", false } },
		.failed = "MAIL", .reason = "550 5.7.1 Client does" },
	{ .name = "a command inside an address", .tls = LISTENER_TLS_NONE,
		.mail_from = "x@y>\r\nRSET", .lines = { GREETING, EHLO_TLS }, .failed = "MAIL",
		.reason = "a control character cannot be sent", .said = "EHLO tester\n" },
};

struct fixture {
	struct fixture_pair pair;
	struct tls_set *set;
	char trust[64];
};

static void
check_result(const struct probe_case *each, const json_t *told, bool good,
	const struct server *server)
{
	const char *failed = json_string_value(json_object_get(told, "failed"));
	const json_t *steps = json_object_get(told, "steps");
	const json_t *last = json_array_get(steps, json_array_size(steps) - 1);
	const char *text = json_string_value(json_object_get(last, "text"));

	assert_int_equal(good, each->failed == NULL);
	assert_false(server->strayed);
	assert_true(json_real_value(json_object_get(last, "ms")) >= 0);
	if (!each->failed) {
		assert_null(failed);
		assert_string_equal(json_string_value(json_object_get(last, "step")), "QUIT");
		return;
	}
	assert_non_null(failed);
	if (strcmp(failed, each->failed) != 0 ||
		strncmp(text, each->reason, strlen(each->reason)) != 0)
		fail_msg("%s: %s: %s", each->name, failed, text);
	assert_string_equal(json_string_value(json_object_get(last, "step")), failed);
	assert_false(json_is_true(json_object_get(last, "ok")));
	assert_true(strlen(text) > 0);
	if (each->said)
		assert_string_equal(server->said, each->said);
}

static void
each_case(void **state)
{
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct probe_case *each = &cases[i];
		struct server server = { .tls_first = each->tls == LISTENER_TLS_IMPLICIT };
		struct secret *password = secret_new(SPAN_LITERAL("s3cret"));
		struct smtp_probe probe = {
			.to = { .kind = ENDPOINT_INET, .text = "server", .host = "127.0.0.1" },
			.tls = each->tls,
			.name = each->cert_name ? each->cert_name : "mail.example.org",
			.trust_file = each->no_trust ? NULL : fixture->trust,
			.greeting = "tester",
			.login = each->login,
			.password = password,
			.mail_from = each->mail_from,
			.rcpt = each->rcpt,
			.wait_ms = each->failed && strcmp(each->failed, "EHLO") == 0 ? 200 : 10000,
		};
		bool good;
		json_t *told;

		memcpy(server.lines, each->lines, sizeof server.lines);
		server_start(&server, fixture->set);
		probe.to.port = server.port;
		told = smtp_probe_run(&probe, &good);
		server_stop(&server);
		check_result(each, told, good, &server);
		json_decref(told);
		secret_free(&password);
	}
}

/* A password crosses no network in clear. */
static void
no_password_in_clear(void **state)
{
	struct server server = { .lines = { GREETING, EHLO_TLS } };
	struct secret *password = secret_new(SPAN_LITERAL("s3cret"));
	struct smtp_probe probe = {
		.to = { .kind = ENDPOINT_INET, .text = "server", .host = "localhost" },
		.tls = LISTENER_TLS_NONE,
		.greeting = "tester",
		.login = "alice",
		.password = password,
		.wait_ms = 10000,
	};
	const struct fixture *fixture = *state;
	bool good;
	json_t *told;

	server_start(&server, fixture->set);
	probe.to.port = server.port;
	told = smtp_probe_run(&probe, &good);
	server_stop(&server);
	assert_false(good);
	assert_string_equal(json_string_value(json_object_get(told, "failed")), "AUTH");
	assert_string_equal(server.said, "EHLO tester\n");
	json_decref(told);
	secret_free(&password);
}

static void
nobody_there(void **state)
{
	struct smtp_probe probe = {
		.to = { .kind = ENDPOINT_UNIX, .text = "unix:/nonexistent/x", .host = "",
			.path = "/nonexistent/x" },
		.tls = LISTENER_TLS_NONE,
		.greeting = "tester",
		.wait_ms = 10000,
	};
	bool good;
	json_t *told = smtp_probe_run(&probe, &good);

	(void)state;
	assert_false(good);
	assert_string_equal(json_string_value(json_object_get(told, "failed")), "connect");
	assert_string_equal(json_string_value(json_object_get(told, "target")),
		"unix:/nonexistent/x");
	assert_int_equal(json_array_size(json_object_get(told, "steps")), 1);
	json_decref(told);
}

static int
setup(void **state)
{
	static struct fixture fixture;
	const struct fixture_wish wish = { .key = FIXTURE_P256, .names = { "mail.example.org" },
		.is_authority = true };
	struct tls_certificate *certificate;
	FILE *file;
	int fd;

	fixture.pair = fixture_certificate(&wish);
	certificate = tls_certificate_load(span_text(fixture.pair.chain_pem), NULL);
	assert_true(tls_certificate_set_key(certificate, span_text(fixture.pair.key_pem), NULL));
	fixture.set = tls_set_new();
	assert_true(tls_set_add(fixture.set, certificate, NULL, 0, NULL));
	tls_certificate_free(&certificate);
	snprintf(fixture.trust, sizeof fixture.trust, "/tmp/test-ctl-trust-XXXXXX");
	fd = mkstemp(fixture.trust);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	fputs(fixture.pair.chain_pem, file);
	fclose(file);
	*state = &fixture;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->trust);
	tls_set_free(&fixture->set);
	fixture_pair_free(&fixture->pair);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
		cmocka_unit_test(no_password_in_clear),
		cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
