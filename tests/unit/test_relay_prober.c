/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to a next hop that a test plays: what is said, what is made of it, and that all are answered. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/resolve.h"
#include "io/sock.h"
#include "relay/prober.h"

enum { CONNECTIONS = 4 };

/* The hop: a thread for each connection; replies to RCPT by the first letter of the address. */
static struct {
	int listener;
	uint16_t port;
	bool pipelining;
	bool mail_refused;
	pthread_t threads[CONNECTIONS];
	pthread_mutex_t lock;
	char said[8192];
} server;

static const char *
reply_to(char letter)
{
	switch (letter) {
	case 'k':
		return "250 2.1.5 ok\r\n";
	case 'u':
		return "550 5.1.1 no such user\r\n";
	case 'f':
		return "552 full\r\n";
	case 'g':
		return "451 4.7.1 later\r\n";
	case 'b':
		return "421 bye\r\n";
	default:
		return NULL; /* nothing at all */
	}
}

static bool
answer(int fd, const char *line)
{
	const char *says = "250 ok\r\n";

	if (strncmp(line, "LHLO", 4) == 0 || strncmp(line, "EHLO", 4) == 0)
		says = server.pipelining ? "250-hop\r\n250 PIPELINING\r\n" : "250 hop\r\n";
	else if (strncmp(line, "MAIL", 4) == 0 && server.mail_refused)
		says = "553 not from nobody\r\n";
	else if (strncmp(line, "RCPT", 4) == 0)
		says = reply_to(line[9]);
	if (says)
		(void)!send(fd, says, strlen(says), MSG_NOSIGNAL);
	return strncmp(line, "QUIT", 4) != 0;
}

static void *
serve(void *context)
{
	int fd = accept(server.listener, NULL, NULL);
	char line[1000];
	size_t used = 0;

	(void)context;
	if (fd < 0)
		return NULL;
	(void)!send(fd, "220 hop\r\n", 9, MSG_NOSIGNAL);
	while (used + 1 < sizeof line && read(fd, line + used, 1) == 1) {
		if (line[used++] != '\n')
			continue;
		line[used] = '\0';
		used = 0;
		pthread_mutex_lock(&server.lock);
		strncat(server.said, line, sizeof server.said - strlen(server.said) - 1);
		pthread_mutex_unlock(&server.lock);
		if (!answer(fd, line))
			break;
	}
	close(fd);
	return NULL;
}

static struct {
	struct loop *loop;
	struct loop_timer late;
	struct settings_relay relay;
	struct settings_route settings;
	struct hop_route route;
	struct resolver *resolver;
	struct prober *prober;
	unsigned tellings;
	unsigned wanted;
	enum finding finding[8];
	char enhanced[8][20];
	char text[8][400];
} client;

static void
on_late(void *context)
{
	(void)context;
	fail_msg("late");
}

static void
on_told(const struct message_recipient_told *told, void *context)
{
	unsigned number = (unsigned)(uintptr_t)context;

	client.finding[number] = told->finding;
	snprintf(client.enhanced[number], sizeof client.enhanced[number], "%s", told->enhanced);
	snprintf(client.text[number], sizeof client.text[number], "%s", told->text);
	if (++client.tellings == client.wanted)
		loop_stop(client.loop);
}

static void
ask(unsigned number, const char *path, uint64_t wait_ms)
{
	prober_ask(client.prober, path, wait_ms, on_told, (void *)(uintptr_t)number);
}

static void
wait_for(unsigned wanted)
{
	client.wanted = wanted;
	loop_timer_start(&client.late, 5000);
	if (client.tellings < wanted)
		loop_run(client.loop);
	loop_timer_stop(&client.late);
	assert_int_equal(client.tellings, wanted);
}

static void
begin(bool listens)
{
	struct sock_address address;
	struct fault fault = FAULT_INIT;
	int flags = 0;

	memset(&client, 0, sizeof client);
	memset(server.said, 0, sizeof server.said);
	assert_true(sock_address_parse(SPAN_LITERAL("127.0.0.1:0"), &address, &fault));
	server.listener = sock_listen(&address, &fault);
	assert_true(server.listener >= 0);
	assert_int_equal(ioctl(server.listener, FIONBIO, &flags), 0);
	assert_true(sock_local(server.listener, &address));
	server.port = sock_address_port(&address);
	if (!listens)
		close(server.listener);
	for (unsigned i = 0; listens && i < CONNECTIONS; i++)
		assert_int_equal(pthread_create(&server.threads[i], NULL, serve, NULL), 0);
	client.loop = loop_new();
	loop_timer_init(&client.late, client.loop, on_late, NULL);
	client.relay = (struct settings_relay){ .helo = "", .trust_file = "", .source = "",
		.connect_wait = 5000, .greet_wait = 5000, .command_wait = 5000, .data_wait = 5000,
		.end_wait = 5000, .reuse_messages = 100, .reuse_idle = 5000 };
	client.settings = (struct settings_route){ .title = "*",
		.to = { .scheme = ROUTE_SMTP, .text = "smtp:127.0.0.1",
			.endpoint = { .kind = ENDPOINT_INET, .text = "127.0.0.1",
				.host = "127.0.0.1", .port = server.port } },
		.tls = ROUTE_TLS_NONE, .tls_name = "", .trust_file = "", .user = "" };
	client.route = (struct hop_route){ .settings = &client.settings, .relay = &client.relay,
		.helo = "mail.example.org", .loop = client.loop };
	client.resolver = resolver_new(client.loop, NULL, 0, &fault);
	assert_non_null(client.resolver);
	client.route.resolver = client.resolver;
	client.prober = prober_new(&client.route);
}

static void
end(void)
{
	prober_free(&client.prober);
	resolver_free(&client.resolver);
	loop_free(&client.loop);
	shutdown(server.listener, SHUT_RDWR);
	for (unsigned i = 0; i < CONNECTIONS && server.threads[i]; i++)
		pthread_join(server.threads[i], NULL);
	close(server.listener);
	memset(server.threads, 0, sizeof server.threads);
	server.pipelining = server.mail_refused = false;
}

static void
what_the_hop_says(void **state)
{
	static const struct {
		const char *path;
		enum finding finding;
		const char *enhanced;
	} cases[] = {
		{ "known@example.org", FINDING_KNOWN, "2.1.5" },
		{ "unknown@example.org", FINDING_UNKNOWN, "5.1.1" },
		{ "full@example.org", FINDING_UNKNOWN, "" },
		{ "grey@example.org", FINDING_LATER, "4.7.1" },
		{ "bye@example.org", FINDING_UNSURE, "" },
	};

	(void)state;
	for (unsigned pipelining = 0; pipelining < 2; pipelining++) {
		begin(true);
		server.pipelining = pipelining;
		for (unsigned i = 0; i < 5; i++) {
			ask(i, cases[i].path, 4000);
			wait_for(i + 1);
			assert_int_equal(client.finding[i], cases[i].finding);
			if (client.finding[i] != FINDING_UNSURE)
				assert_string_equal(client.enhanced[i], cases[i].enhanced);
		}
		assert_int_equal(prober_asking(client.prober), 0);
		/* one connection for all of them, and never content */
		pthread_mutex_lock(&server.lock);
		assert_non_null(strstr(server.said,
			"EHLO mail.example.org\r\nMAIL FROM:<>\r\nRCPT TO:<known@example.org>\r\n"
			"RSET\r\nMAIL FROM:<>\r\nRCPT TO:<unknown@example.org>\r\nRSET\r\n"));
		assert_null(strstr(server.said, "DATA"));
		pthread_mutex_unlock(&server.lock);
		end();
	}
}

static void
what_is_said_of_the_sender_is_no_answer(void **state)
{
	(void)state;
	begin(true);
	server.mail_refused = true;
	ask(0, "known@example.org", 4000);
	wait_for(1);
	assert_int_equal(client.finding[0], FINDING_UNSURE);
	assert_non_null(strstr(client.text[0], "not from nobody"));
	end();
}

/* Those behind it get a new connection. */
static void
no_answer_in_time(void **state)
{
	(void)state;
	begin(true);
	ask(0, "silent1@example.org", 50);
	ask(1, "silent2@example.org", 50);
	ask(2, "unknown@example.org", 4000);
	wait_for(3);
	assert_int_equal(client.finding[0], FINDING_UNSURE);
	assert_int_equal(client.finding[1], FINDING_UNSURE);
	assert_non_null(strstr(client.text[0], "in time"));
	assert_int_equal(client.finding[2], FINDING_UNKNOWN);
	end();
}

static void
nobody_there(void **state)
{
	(void)state;
	begin(false);
	ask(0, "known@example.org", 4000);
	ask(1, "known@example.org", 4000);
	wait_for(2);
	assert_int_equal(client.finding[0], FINDING_UNSURE);
	assert_int_equal(client.finding[1], FINDING_UNSURE);
	assert_string_not_equal(client.text[1], "");
	/* for a while the next is told at once */
	ask(2, "known@example.org", 4000);
	assert_int_equal(client.tellings, 3);
	end();
}

static void
never_too_many(void **state)
{
	(void)state;
	begin(true);
	for (unsigned i = 0; i < PROBER_WAITING_MAX + 10; i++)
		ask(i % 8, "silent@example.org", 60000);
	assert_int_equal(prober_asking(client.prober), PROBER_WAITING_MAX);
	assert_int_equal(client.tellings, 10);
	prober_free(&client.prober);
	assert_int_equal(client.tellings, PROBER_WAITING_MAX + 10);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_hop_says),
		cmocka_unit_test(what_is_said_of_the_sender_is_no_answer),
		cmocka_unit_test(no_answer_in_time),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(never_too_many),
	};

	pthread_mutex_init(&server.lock, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
