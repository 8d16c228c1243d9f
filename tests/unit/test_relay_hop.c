/* SPDX-License-Identifier: BSD-2-Clause */
/* A hop against a scripted server: what is said, what is sent, and what each recipient is told. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "io/sock.h"
#include "relay/hop.h"
#include "relay/login.h"

/* ---- the server: on a thread, one connection, a script of lines ----------------------------------- */

struct step {
	const char *wants; /* start of the client's line; "." is a whole content, "" reads nothing */
	const char *says;  /* NULL: closes; behind a '~': slowly, byte by byte */
};

enum { SLOW_BYTE_MS = 20 };

static struct {
	int listener;
	int connection;
	uint16_t port;
	const struct step *steps;
	const char *greeting;
	pthread_t thread;
	char said[16384];    /* by the client, commands alone */
	char content[300000]; /* the last one, as on the wire without the final dot */
	char complaint[512];
} server;

static bool
read_line(char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size) {
		if (read(server.connection, line + used, 1) != 1)
			return false;
		if (line[used++] == '\n')
			break;
	}
	line[used] = '\0';
	return true;
}

static bool
read_content(void)
{
	size_t used = 0;
	char line[70000];

	while (read_line(line, sizeof line)) {
		if (strcmp(line, ".\r\n") == 0) {
			server.content[used] = '\0';
			return true;
		}
		used += (size_t)snprintf(server.content + used, sizeof server.content - used, "%s", line);
	}
	return false;
}

static void
say(const char *text)
{
	const struct timespec pause = { .tv_nsec = SLOW_BYTE_MS * 1000 * 1000 };

	if (*text != '~') {
		(void)!write(server.connection, text, strlen(text));
		return;
	}
	while (*++text && send(server.connection, text, 1, MSG_NOSIGNAL) == 1)
		nanosleep(&pause, NULL);
}

static void *
serve(void *context)
{
	char line[70000];

	(void)context;
	server.connection = accept(server.listener, NULL, NULL);
	say(server.greeting);
	for (const struct step *step = server.steps; step->wants; step++) {
		if (strcmp(step->wants, ".") == 0) {
			if (!read_content())
				break;
		} else if (step->wants[0]) {
			if (!read_line(line, sizeof line))
				break;
			snprintf(server.said + strlen(server.said),
				sizeof server.said - strlen(server.said), "%s", line);
			if (strncmp(line, step->wants, strlen(step->wants)) != 0) {
				snprintf(server.complaint, sizeof server.complaint,
					"wanted \"%s\", got \"%.200s\"", step->wants, line);
				break;
			}
		}
		if (!step->says)
			break;
		say(step->says);
	}
	shutdown(server.connection, SHUT_WR);
	while (read(server.connection, line, sizeof line) > 0)
		;
	close(server.connection);
	return NULL;
}

static void
server_start(const char *greeting, const struct step *steps)
{
	struct sock_address address;
	struct fault fault = FAULT_INIT;
	int flags = 0;

	memset(&server, 0, sizeof server);
	server.greeting = greeting;
	server.steps = steps;
	assert_true(sock_address_parse(SPAN_LITERAL("127.0.0.1:0"), &address, &fault));
	server.listener = sock_listen(&address, &fault);
	assert_true(server.listener >= 0);
	assert_int_equal(ioctl(server.listener, FIONBIO, &flags), 0);
	assert_true(sock_local(server.listener, &address));
	server.port = sock_address_port(&address);
	assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void
server_stop(void)
{
	pthread_join(server.thread, NULL);
	close(server.listener);
	if (server.complaint[0])
		fail_msg("%s", server.complaint);
}

/* ---- the client side ------------------------------------------------------------------------------ */

struct order {
	const char *sender;
	const char *recipients[4];
	const char *header;
	const char *body;
	bool body_in_file;
	bool eightbit;
	bool smtputf8;
	enum return_kind ret;
	const char *envid;
	uint8_t notify;
	const char *orcpt;
};

static struct {
	struct loop *loop;
	struct job *next;
	char outcomes[512]; /* "delivered 250 2.0.0 | failed 550 5.1.1" per job, one line each */
	struct fault fault;
	bool gone;
} client;

static struct job *
job_of(const struct order *order)
{
	static uint64_t number;
	struct message_recipient recipients[4];
	struct message_job job = {
		.job = ++number,
		.id = "ID",
		.route = "*",
		.envelope = {
			.sender = order->sender,
			.envid = order->envid ? order->envid : "",
			.ret = order->ret,
			.body_kind = order->eightbit ? BODY_8BITMIME : BODY_7BIT,
			.smtputf8 = order->smtputf8,
			.recipients = recipients,
		},
		.content = {
			.header = span_text(order->header),
			.body_length = strlen(order->body),
			.in_file = order->body_in_file,
		},
	};
	struct buf packed = BUF_INIT(0);
	struct job *made;
	int fd = -1;

	while (job.envelope.recipient_count < 4 && order->recipients[job.envelope.recipient_count]) {
		size_t i = job.envelope.recipient_count++;

		recipients[i] = (struct message_recipient){ .number = (uint32_t)i,
			.path = order->recipients[i], .notify = order->notify,
			.orcpt = order->orcpt ? order->orcpt : "" };
	}
	if (order->body_in_file) {
		char name[] = "/tmp/sallyport-hop-XXXXXX";

		fd = mkstemp(name);
		unlink(name);
		assert_int_equal(write(fd, order->body, strlen(order->body)), strlen(order->body));
	} else {
		job.content.body = span_text(order->body);
	}
	message_job_pack(&packed, &job);
	made = job_new(buf_span(&packed), fd);
	assert_non_null(made);
	buf_fini(&packed);
	return made;
}

static void
on_ready(struct hop *hop, void *context)
{
	struct job *job = client.next;

	(void)context;
	client.next = job ? job->next : NULL;
	if (job)
		hop_send(hop, job);
	else
		hop_quit(hop);
}

static void
on_done(struct hop *hop, struct job *job, void *context)
{
	static const char *const names[] = { "delivered", "relayed", "deferred", "failed" };
	size_t used = strlen(client.outcomes);

	(void)hop;
	(void)context;
	for (size_t i = 0; i < job->message.envelope.recipient_count; i++)
		used += (size_t)snprintf(client.outcomes + used, sizeof client.outcomes - used,
			"%s%s %u %s", i ? " | " : "", names[job->results[i].outcome],
			job->results[i].code, job->results[i].enhanced);
	snprintf(client.outcomes + used, sizeof client.outcomes - used, "\n");
	job_free(&job);
}

static void
on_untried(struct hop *hop, struct job *job, void *context)
{
	(void)hop;
	(void)context;
	assert_int_equal(job->open, job->message.envelope.recipient_count);
	strncat(client.outcomes, "untried\n", sizeof client.outcomes - strlen(client.outcomes) - 1);
	job_free(&job);
}

static void
on_gone(struct hop *hop, const struct fault *fault, void *context)
{
	(void)hop;
	(void)context;
	client.fault = *fault;
	client.gone = true;
	loop_stop(client.loop);
}

static const struct hop_hooks hooks = { on_ready, on_done, on_untried, on_gone };

/* Whoever changes it puts it back. */
static const struct settings_relay patient = {
	.helo = "", .trust_file = "", .source = "", .connect_wait = 5000, .handshake_wait = 5000,
	.greet_wait = 5000, .command_wait = 5000, .data_wait = 5000, .content_wait = 5000,
	.end_wait = 5000, .reuse_messages = 3, .reuse_idle = 5000,
};
static struct settings_relay relay;

struct setup {
	enum route_scheme scheme;
	enum route_tls tls;
	const char *user;
	struct settings_texts mechanisms;
};

static void
run(const struct setup *setup, const char *greeting, const struct step *steps,
	const struct order *orders, size_t count)
{
	struct settings_route settings = {
		.title = "*",
		.to = { .scheme = setup->scheme, .text = "hop",
			.endpoint = { .kind = ENDPOINT_INET, .host = "127.0.0.1" } },
		.tls = setup->tls, .tls_name = "", .trust_file = "",
		.user = setup->user ? setup->user : "", .secret_file = "",
		.mechanisms = setup->mechanisms,
	};
	struct hop_route route = { .settings = &settings, .relay = &relay, .helo = "us.example" };
	struct fault fault = FAULT_INIT;
	struct secret *password = secret_new(SPAN_LITERAL("pencil"));
	struct job **end = &client.next;
	struct hop *hop;

	server_start(greeting, steps);
	settings.to.endpoint.port = server.port;
	memset(&client, 0, sizeof client);
	client.loop = route.loop = loop_new();
	route.resolver = resolver_new(route.loop, NULL, 0, &fault);
	assert_non_null(route.resolver);
	route.password = setup->user ? password : NULL;
	for (size_t i = 0; i < count; i++) {
		*end = job_of(&orders[i]);
		end = &(*end)->next;
	}
	hop = hop_new(&route, &hooks, NULL);
	loop_run(route.loop);
	assert_true(client.gone);
	hop_free(&hop);
	while (client.next) {
		struct job *job = client.next;

		client.next = job->next;
		job_free(&job);
	}
	secret_free(&password);
	resolver_free(&route.resolver);
	loop_free(&route.loop);
	server_stop();
}

#define PIPELINING "250-hop.example hello\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000\r\n"
#define CLEAR { .tls = ROUTE_TLS_NONE }

static const struct order plain = { .sender = "a@b.c", .recipients = { "x@y.z" },
	.header = "From: a@b.c\r\n\r\n", .body = "hello\r\n" };

static void
pipelined(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO us.example\r\n", PIPELINING },
		{ "MAIL FROM:<a@b.c> SIZE=22\r\n", "250 2.1.0 ok\r\n" },
		{ "RCPT TO:<x@y.z>\r\n", "250 2.1.5 ok\r\n" },
		{ "DATA\r\n", "354 go\r\n" },
		{ ".", "250 2.0.0 taken\r\n" },
		{ "QUIT\r\n", "221 bye\r\n" },
		{ NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop.example ESMTP\r\n", steps, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	assert_string_equal(server.content, "From: a@b.c\r\n\r\nhello\r\n");
	assert_int_equal(client.fault.kind, FAULT_NONE);
}

/* Catalogue A20, A23, A26: what is stored is stuffed, ended and cleaned on its way out. */
static void
A26_content_is_clean_on_the_wire(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "250 taken\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.body = "A\r\n.\r\n.dot\r\nbare\nlf\rcr\r\nend";
	for (int in_file = 0; in_file < 2; in_file++) {
		order.body_in_file = in_file;
		run(&setup, "220 x\r\n", steps, &order, 1);
		assert_string_equal(client.outcomes, "relayed 250 \n");
		assert_string_equal(server.content,
			"From: a@b.c\r\n\r\nA\r\n..\r\n..dot\r\nbare\r\nlf\r\ncr\r\nend\r\n");
	}
}

static void
one_by_one_without_pipelining(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", "500 what\r\n" },
		{ "HELO us.example\r\n", "250 hop.example\r\n" },
		{ "MAIL FROM:<>\r\n", "250 ok\r\n" },
		{ "RCPT TO:<x@y.z>\r\n", "450 4.2.0 greylisted\r\n" },
		{ "RCPT TO:<x2@y.z>\r\n", "550 5.1.1 nobody\r\n" },
		{ "RCPT TO:<x3@y.z>\r\n", "250 ok\r\n" },
		{ "DATA\r\n", "354 go\r\n" },
		{ ".", "250 2.6.0 taken\r\n" },
		{ "QUIT\r\n", "221 bye\r\n" },
		{ NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.sender = "";
	order.recipients[1] = "x2@y.z";
	order.recipients[2] = "x3@y.z";
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes,
		"deferred 450 4.2.0 | failed 550 5.1.1 | relayed 250 2.6.0\n");
}

/* All recipients refused: no content, RSET, and the connection serves the next message. */
static void
refused_then_next(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT", "550 5.1.1 nobody\r\n" },
		{ "DATA", "554 5.5.1 no valid recipients\r\n" },
		{ "RSET", "250 ok\r\n" },
		{ "MAIL", "552 5.2.2 no\r\n" },
		{ "RCPT", "503 5.5.1 MAIL first\r\n" },
		{ "DATA", "503 5.5.1 MAIL first\r\n" },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "451 4.3.0 try later\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	const struct order orders[] = { plain, plain, plain };

	(void)state;
	run(&setup, "220 hop\r\n", steps, orders, 3);
	assert_string_equal(client.outcomes,
		"failed 550 5.1.1\nfailed 552 5.2.2\ndeferred 451 4.3.0\n");
}

/* Catalogue L3: 354 although nobody was accepted. */
static void
L03_go_ahead_without_recipients(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT", "550 5.1.1 nobody\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "554 5.5.1 nothing to do\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", steps, &plain, 1);
	assert_string_equal(client.outcomes, "failed 550 5.1.1\n");
	assert_string_equal(server.content, "");
}

/* Catalogue L3, L4, L5, H5: never delivered without a whole 2xx to the dot, in step. */
static void
L04_out_of_step(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step praise_for_data[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "250 ok\r\n" }, { NULL, NULL },
	};
	static const struct step one_too_many[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n250 ok\r\n250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { NULL, NULL },
	};
	static const struct step cut_short[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", NULL }, { NULL, NULL },
	};
	static const struct step half_a_reply[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250-2.0.0 taken\r\n250" }, { NULL, NULL },
	};
	static const struct step odd_code[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "2x0 ok\r\n" }, { NULL, NULL },
	};
	static const struct step early_go_ahead[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "354 go\r\n" }, { NULL, NULL },
	};
	static const struct step go_ahead_for_a_recipient[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "354 go\r\n" },
		{ NULL, NULL },
	};
	static const struct step early_praise[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n250 2.0.0 taken\r\n" }, { NULL, NULL },
	};
	static const struct step praise_twice[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 2.0.0 taken\r\n250 2.0.0 taken\r\n" },
		{ NULL, NULL },
	};
	static const struct step odd_last_word[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "354 more\r\n" }, { NULL, NULL },
	};
	static const struct step *const scripts[] = {
		praise_for_data, one_too_many, cut_short, half_a_reply, odd_code, early_go_ahead,
		go_ahead_for_a_recipient, early_praise, praise_twice, odd_last_word,
	};

	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		run(&setup, "220 hop\r\n", scripts[i], &plain, 1);
		assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
		assert_int_not_equal(client.fault.kind, FAULT_NONE);
	}
}

/* L4: a refusal in a dialogue that is out of step may be another recipient's: nobody is bounced for it. */
static void
L04_no_refusal_counts_out_of_step(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step one_too_few[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "" },
		{ "RCPT", "550 5.1.1 nobody\r\n" }, { "DATA", "354 go\r\n" }, { NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.recipients[1] = "x2@y.z";
	run(&setup, "220 hop\r\n", one_too_few, &order, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2 | deferred 0 4.4.2\n");
}

/* L3: a refusal before the content is sent counts; a goodbye behind the verdict takes nothing from it. */
static void
L03_last_words(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step early_refusal[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n554 5.7.1 not this\r\n" }, { NULL, NULL },
	};
	static const struct step half_a_goodbye[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 2.0.0 taken\r\n42" }, { NULL, NULL },
	};
	static const struct step goodbye[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 2.0.0 taken\r\n421 4.3.2 enough\r\n" },
		{ NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", early_refusal, &plain, 1);
	assert_string_equal(client.outcomes, "failed 554 5.7.1\n");
	run(&setup, "220 hop\r\n", half_a_goodbye, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	run(&setup, "220 hop\r\n", goodbye, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	assert_int_equal(client.fault.kind, FAULT_NONE);
}

#define ONE_JOB                                                                                    \
	{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },             \
	{                                                                                          \
		".", "250 2.0.0 taken\r\n"                                                         \
	}

/* A kept connection that was lost meanwhile has tried nothing; a new one that is lost has. */
static void
lost_before_the_first_reply(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step kept_ends[] = {
		{ "EHLO", PIPELINING }, ONE_JOB, { "MAIL", NULL }, { NULL, NULL },
	};
	static const struct step kept_says_goodbye[] = {
		{ "EHLO", PIPELINING }, ONE_JOB, { "MAIL", "421 4.4.2 you were idle\r\n" },
		{ NULL, NULL },
	};
	static const struct step kept_ends_later[] = {
		{ "EHLO", PIPELINING }, ONE_JOB, { "MAIL", "250 ok\r\n" }, { "RCPT", NULL },
		{ NULL, NULL },
	};
	static const struct step kept_refuses[] = {
		{ "EHLO", PIPELINING }, ONE_JOB, { "MAIL", "250 ok\r\n" },
		{ "RCPT", "421 4.3.2 going down\r\n" }, { NULL, NULL },
	};
	static const struct step new_ends[] = {
		{ "EHLO", PIPELINING }, { "MAIL", NULL }, { NULL, NULL },
	};
	static const struct step new_says_goodbye[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "421 4.3.2 full\r\n" }, { NULL, NULL },
	};
	static const struct {
		const struct step *steps;
		size_t jobs;
		const char *outcomes;
	} cases[] = {
		{ kept_ends, 2, "relayed 250 2.0.0\nuntried\n" },
		{ kept_says_goodbye, 2, "relayed 250 2.0.0\nuntried\n" },
		{ kept_ends_later, 2, "relayed 250 2.0.0\ndeferred 0 4.4.2\n" },
		{ kept_refuses, 2, "relayed 250 2.0.0\ndeferred 421 4.3.2\n" },
		{ new_ends, 1, "deferred 0 4.4.2\n" },
		{ new_says_goodbye, 1, "deferred 421 4.3.2\n" },
	};
	const struct order orders[] = { plain, plain };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		run(&setup, "220 hop\r\n", cases[i].steps, orders, cases[i].jobs);
		assert_string_equal(client.outcomes, cases[i].outcomes);
		assert_int_equal(client.fault.kind == FAULT_NONE, i < 2);
	}
}

/* A time limit is for the whole reply: bytes that trickle in do not move it. */
static void
L01_slow_replies(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step mail[] = {
		{ "EHLO", PIPELINING },
		{ "MAIL", "~250-2.1.0 one\r\n250-2.1.0 two\r\n250-2.1.0 three\r\n250 2.1.0 four\r\n" },
		{ NULL, NULL },
	};
	static const struct step verdict[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "~250-2.0.0 taken\r\n250 2.0.0 really\r\n" },
		{ NULL, NULL },
	};
	static const struct step patience[] = {
		{ "EHLO", PIPELINING }, { "MAIL", "~250 ok\r\n" }, { "RCPT", "~250 ok\r\n" },
		{ "DATA", "~354 go\r\n" }, { ".", "~250 2.0.0 taken\r\n" }, { "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	static const struct step none[] = { { NULL, NULL } };

	(void)state;
	relay.command_wait = relay.end_wait = relay.greet_wait = 400;
	run(&setup, "220 hop\r\n", mail, &plain, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
	assert_int_equal(client.fault.kind, FAULT_LIMIT);
	run(&setup, "220 hop\r\n", verdict, &plain, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
	assert_int_equal(client.fault.kind, FAULT_LIMIT);
	run(&setup, "~220-hop.example.org\r\n220 ready\r\n", none, &plain, 1);
	assert_int_equal(client.fault.kind, FAULT_LIMIT);
	/* Each reply has the limit to itself. */
	run(&setup, "220 hop\r\n", patience, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	relay = patient;
}

/* More than the kernel takes for a hop that does not read. */
static void
L03_content_that_is_not_taken(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", "250-hop\r\n250 PIPELINING\r\n" }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ "", "~................................................................" },
		{ NULL, NULL },
	};
	static char body[24 * 1024 * 1024 + 1];
	struct order order = plain;

	(void)state;
	memset(body, 'x', sizeof body - 1);
	for (size_t i = 60; i + 2 < sizeof body; i += 62)
		memcpy(body + i, "\r\n", 2);
	order.body = body;
	order.body_in_file = true;
	relay.data_wait = 200;
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
	assert_non_null(strstr(client.fault.text, "too slowly"));
	relay.data_wait = 5000;
	relay.content_wait = 200;
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes, "deferred 0 4.4.2\n");
	assert_non_null(strstr(client.fault.text, "not taken in time"));
	relay = patient;
}

static void
L05_unasked_word_while_idle(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING "250 2.0.0 and your next message too\r\n" }, { NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", steps, &plain, 0);
	assert_int_equal(client.fault.kind, FAULT_PEER);
	assert_non_null(strstr(client.fault.text, "unasked"));
}

/* A goodbye is what anybody may say who was kept waiting; no fault, and no rest for the route. */
static void
L05_goodbye_while_idle(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", PIPELINING "421 4.4.2 idle\r\n" }, { NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", steps, &plain, 0);
	assert_int_equal(client.fault.kind, FAULT_NONE);
}

static void
L01_no_welcome(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = { { NULL, NULL } };

	(void)state;
	run(&setup, "421 4.3.2 full\r\n", steps, &plain, 1);
	assert_string_equal(client.outcomes, "");
	assert_non_null(strstr(client.fault.text, "421 4.3.2 full"));
	run(&setup, "554 5.7.1 go away\r\n", steps, &plain, 1);
	assert_non_null(strstr(client.fault.text, "554"));
}

/* RFC 2033 4.2, catalogue I14: a reply for each accepted recipient. */
static void
lmtp(void **state)
{
	static const struct setup setup = { .scheme = ROUTE_LMTP, .tls = ROUTE_TLS_NONE };
	static const struct step steps[] = {
		{ "LHLO us.example\r\n", PIPELINING },
		{ "MAIL", "250 ok\r\n" },
		{ "RCPT TO:<x1@y.z>", "250 ok\r\n" },
		{ "RCPT TO:<x2@y.z>", "550 5.1.1 nobody\r\n" },
		{ "RCPT TO:<x3@y.z>", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 x1 saved\r\n452 4.2.2 x3 over quota\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.recipients[0] = "x1@y.z";
	order.recipients[1] = "x2@y.z";
	order.recipients[2] = "x3@y.z";
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes,
		"relayed 250 2.0.0 | failed 550 5.1.1 | deferred 452 4.2.2\n");
}

/* RFC 3461 5.2: passed on unchanged, and success is the hop's to tell. */
static void
dsn_passed_on(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", "250-hop\r\n250 DSN\r\n" },
		{ "MAIL FROM:<a@b.c> RET=HDRS ENVID=a+2Bb\r\n", "250 ok\r\n" },
		{ "RCPT TO:<x@y.z> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+40y.z\r\n", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 ok\r\n" },
		{ "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	order.ret = RETURN_HEADERS;
	order.envid = "a+2Bb";
	order.notify = NOTIFY_SUCCESS | NOTIFY_DELAY;
	order.orcpt = "rfc822;x+40y.z";
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes, "delivered 250 2.0.0\n");
}

/* What a hop cannot take is refused without a word to it. */
static void
L06_what_the_hop_cannot_take(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step small[] = {
		{ "EHLO", "250-hop\r\n250 SIZE 10\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step ascii[] = {
		{ "EHLO", "250 hop\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step utf8[] = {
		{ "EHLO", "250-hop\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n" },
		{ "MAIL FROM:<\xc3\xa4@b.c> BODY=8BITMIME SMTPUTF8\r\n", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" }, { ".", "250 ok\r\n" },
		{ "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step not_needed[] = {
		{ "EHLO", "250 hop\r\n" }, { "MAIL FROM:<a@b.c>\r\n", "250 ok\r\n" },
		{ "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" }, { ".", "250 ok\r\n" },
		{ "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	struct order order = plain;

	(void)state;
	run(&setup, "220 hop\r\n", small, &order, 1);
	assert_string_equal(client.outcomes, "failed 0 5.3.4\n");
	/* Asked for, but not needed: most mail with the parameter is plain. */
	order.smtputf8 = order.eightbit = true;
	run(&setup, "220 hop\r\n", not_needed, &order, 1);
	assert_string_equal(client.outcomes, "relayed 250 \n");
	order.body = "\xc3\xa4\r\n";
	run(&setup, "220 hop\r\n", ascii, &order, 1);
	assert_string_equal(client.outcomes, "failed 0 5.6.3\n");
	order.body_in_file = true;
	run(&setup, "220 hop\r\n", ascii, &order, 1);
	assert_string_equal(client.outcomes, "failed 0 5.6.3\n");
	order.sender = "\xc3\xa4@b.c";
	run(&setup, "220 hop\r\n", ascii, &order, 1);
	assert_string_equal(client.outcomes, "failed 0 5.6.7\n");
	run(&setup, "220 hop\r\n", utf8, &order, 1);
	assert_string_equal(client.outcomes, "relayed 250 \n");
}

/* Catalogue B20, L7: nothing in clear where TLS is asked for. */
static void
B20_no_tls_no_mail(void **state)
{
	static const struct setup setup = { .tls = ROUTE_TLS_ENCRYPT };
	static const struct step stripped[] = { { "EHLO", PIPELINING }, { NULL, NULL } };
	static const struct step refused[] = {
		{ "EHLO", "250-hop\r\n250 STARTTLS\r\n" }, { "STARTTLS", "454 4.7.0 no\r\n" },
		{ NULL, NULL },
	};
	static const struct step injected[] = {
		{ "EHLO", "250-hop\r\n250 STARTTLS\r\n" },
		{ "STARTTLS", "220 ready\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n" }, { NULL, NULL },
	};
	static const struct step *const scripts[] = { stripped, refused, injected };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		run(&setup, "220 hop\r\n", scripts[i], &plain, 1);
		assert_string_equal(client.outcomes, "");
		assert_int_not_equal(client.fault.kind, FAULT_NONE);
		assert_null(strstr(server.said, "MAIL"));
	}
}

static void
tls_if_it_can(void **state)
{
	static const struct setup setup = { .tls = ROUTE_TLS_MAY };
	static const struct step steps[] = {
		{ "EHLO", "250-hop\r\n250 STARTTLS\r\n" }, { "STARTTLS", "454 4.7.0 no\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 ok\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", steps, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
}

static void
login(void **state)
{
	static const char *const both[] = { "PLAIN", "LOGIN" };
	static const char *const old[] = { "LOGIN" };
	static const char *const none[] = { "SCRAM-SHA-256" };
	struct setup setup = { .tls = ROUTE_TLS_NONE, .user = "alice", .mechanisms = { both, 2 } };
	static const struct step plain_steps[] = {
		{ "EHLO", "250-hop\r\n250 AUTH PLAIN LOGIN\r\n" },
		{ "AUTH PLAIN AGFsaWNlAHBlbmNpbA==\r\n", "235 2.7.0 welcome\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 ok\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step login_steps[] = {
		{ "EHLO", "250-hop\r\n250 AUTH=LOGIN\r\n" },
		{ "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
		{ "YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n" },
		{ "cGVuY2ls\r\n", "235 2.7.0 welcome\r\n" },
		{ "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" }, { "DATA", "354 go\r\n" },
		{ ".", "250 2.0.0 ok\r\n" }, { "QUIT", "221 bye\r\n" }, { NULL, NULL },
	};
	static const struct step refused[] = {
		{ "EHLO", "250-hop\r\n250 AUTH PLAIN\r\n" },
		{ "AUTH PLAIN ", "535 5.7.8 no\r\n" }, { NULL, NULL },
	};
	static const struct step bad_challenge[] = {
		{ "EHLO", "250-hop\r\n250 AUTH LOGIN\r\n" },
		{ "AUTH LOGIN", "334 !!!\r\n" }, { NULL, NULL },
	};

	(void)state;
	run(&setup, "220 hop\r\n", plain_steps, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	run(&setup, "220 hop\r\n", refused, &plain, 1);
	assert_string_equal(client.outcomes, "");
	assert_non_null(strstr(client.fault.text, "535 5.7.8"));
	setup.mechanisms = (struct settings_texts){ old, 1 };
	run(&setup, "220 hop\r\n", login_steps, &plain, 1);
	assert_string_equal(client.outcomes, "relayed 250 2.0.0\n");
	run(&setup, "220 hop\r\n", bad_challenge, &plain, 1);
	assert_string_equal(client.outcomes, "");
	setup.mechanisms = (struct settings_texts){ none, 1 };
	run(&setup, "220 hop\r\n", refused, &plain, 1);
	assert_null(strstr(server.said, "AUTH"));
	assert_int_equal(client.fault.kind, FAULT_DENIED);
}

/* A message larger than any buffer, over a pipe that is read slowly by its nature: line by line. */
static void
large_body_from_a_file(void **state)
{
	static const struct setup setup = CLEAR;
	static const struct step steps[] = {
		{ "EHLO", "250 hop\r\n" }, { "MAIL", "250 ok\r\n" }, { "RCPT", "250 ok\r\n" },
		{ "DATA", "354 go\r\n" }, { ".", "250 ok\r\n" }, { "QUIT", "221 bye\r\n" },
		{ NULL, NULL },
	};
	static char body[250001];
	struct order order = plain;

	(void)state;
	for (size_t i = 0; i + 50 < sizeof body; i += 50)
		memcpy(body + i, "................................................\r\n", 50);
	order.body = body;
	order.body_in_file = true;
	run(&setup, "220 hop\r\n", steps, &order, 1);
	assert_string_equal(client.outcomes, "relayed 250 \n");
	assert_int_equal(strlen(server.content), strlen(order.header) + strlen(body) / 50 * 51);
}

static int
set_up(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	relay = patient;
	return login_init(&fault) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipelined),
		cmocka_unit_test(A26_content_is_clean_on_the_wire),
		cmocka_unit_test(one_by_one_without_pipelining),
		cmocka_unit_test(refused_then_next),
		cmocka_unit_test(L03_go_ahead_without_recipients),
		cmocka_unit_test(L03_last_words),
		cmocka_unit_test(L03_content_that_is_not_taken),
		cmocka_unit_test(L04_out_of_step),
		cmocka_unit_test(L04_no_refusal_counts_out_of_step),
		cmocka_unit_test(L05_unasked_word_while_idle),
		cmocka_unit_test(L05_goodbye_while_idle),
		cmocka_unit_test(lost_before_the_first_reply),
		cmocka_unit_test(L01_slow_replies),
		cmocka_unit_test(L01_no_welcome),
		cmocka_unit_test(lmtp),
		cmocka_unit_test(dsn_passed_on),
		cmocka_unit_test(L06_what_the_hop_cannot_take),
		cmocka_unit_test(B20_no_tls_no_mail),
		cmocka_unit_test(tls_if_it_can),
		cmocka_unit_test(login),
		cmocka_unit_test(large_body_from_a_file),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
