/* SPDX-License-Identifier: BSD-2-Clause */
/* A front end with a protocol of its own, over real sockets: accepting, reload, lost sockets, the
 * end. */
#include "config_file.h"

#include <sys/socket.h>

#include "client/front.h"
#include "client/signer.h"
#include "config/config.h"
#include "io/sock.h"
#include "proc/role.h"

/* ---- super passes two listening sockets, or only one ----------------------------------------- */

static int listening[2] = { -1, -1 };
static unsigned present = 2;

int
role_take_file(struct role_context *context, enum file_kind kind, const char *name, unsigned index)
{
	(void)context;
	(void)name;
	return kind == FILE_LISTENER && index < present ? dup(listening[index]) : -1;
}

struct span
role_secret(const struct role_context *context, enum secret_kind kind, const char *name)
{
	(void)context;
	(void)kind;
	(void)name;
	return SPAN_EMPTY;
}

static void
listen_on(unsigned index)
{
	struct sock_address address;

	assert_true(sock_address_parse(SPAN_LITERAL("127.0.0.1:0"), &address, NULL));
	sock_close(&listening[index]);
	listening[index] = sock_listen(&address, NULL);
	assert_true(listening[index] >= 0);
}

/* ---- a protocol: it says "hello", and each line back ----------------------------------------- */

struct echo {
	struct session *session;
};

static unsigned opened;
static unsigned closed;

static void *
echo_open(struct session *session)
{
	struct echo *echo = mem_alloc(sizeof *echo);

	echo->session = session;
	opened++;
	return echo;
}

static void
echo_close(void *context)
{
	closed++;
	mem_free(&context);
}

static void
echo_on_ready(void *context)
{
	struct echo *echo = context;

	session_send(echo->session, SPAN_LITERAL("hello\r\n"));
}

static void
echo_on_line(struct span line, void *context)
{
	struct echo *echo = context;

	session_send(echo->session, line);
	session_send(echo->session, SPAN_LITERAL("\r\n"));
}

static void
echo_on_bye(enum session_end why, const char *text, void *context)
{
	struct echo *echo = context;

	session_send(echo->session, span_text(session_end_name(why)));
	(void)text;
}

static size_t
no_secret(struct span line)
{
	return line.length;
}

static bool
never(struct span start)
{
	(void)start;
	return false;
}

static bool
echo_refuse(enum gate_answer why, const char *hostname, struct buf *out)
{
	(void)hostname;
	return buf_add_text(out, gate_answer_text(why));
}

static const struct session_protocol echo_protocol = { .name = "echo",
	.open = echo_open,
	.close = echo_close,
	.on_ready = echo_on_ready,
	.on_line = echo_on_line,
	.on_bye = echo_on_bye,
	.secret_from = no_secret,
	.is_foreign = never,
	.refuse = echo_refuse };

/* ---- the test -------------------------------------------------------------------------------- */

struct place {
	struct loop *loop;
	struct signer *signer;
	struct front *front;
	bool emptied;
};

static struct setup *
make(struct place *place, const char *addresses)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings;
	struct setup *setup;
	char text[500];

	snprintf(text, sizeof text,
		"hostname = \"mail.example.org\"\n"
		"listener \"in\" { address = { %s } tls = none login = off }\n",
		addresses);
	config_file_write("f.conf", text);
	settings = config_load("f.conf", &fault);
	if (!settings)
		print_error("%s\n", fault.text);
	assert_non_null(settings);
	setup = setup_new(NULL, settings, 1u << LISTENER_SMTP, place->signer, &fault);
	assert_non_null(setup);
	settings_free(&settings);
	return setup;
}

static void
on_turn(void *context)
{
	struct place *place = context;

	loop_stop(place->loop);
}

static void
on_empty(void *service)
{
	struct place *place = service;

	place->emptied = true;
}

/* Turns of the loop until the socket has so many bytes, or is at its end. */
static void
hear(struct place *place, int fd, const char *wanted)
{
	char got[200] = "";
	size_t length = 0;
	uint64_t begin = loop_now_ms(place->loop);

	while (length < strlen(wanted) && loop_now_ms(place->loop) - begin < 5000) {
		struct loop_timer timer;
		ssize_t more = recv(fd, got + length, sizeof got - 1 - length, MSG_DONTWAIT);

		if (more == 0)
			break;
		if (more > 0)
			length += (size_t)more;
		loop_timer_init(&timer, place->loop, on_turn, place);
		loop_timer_start(&timer, 1);
		loop_run(place->loop);
		loop_timer_stop(&timer);
	}
	assert_string_equal(got, wanted);
}

static int
connect_to(unsigned index)
{
	struct sock_address address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(sock_local(listening[index], &address));
	assert_int_equal(connect(fd, &address.of.any, address.length), 0);
	return fd;
}

static struct place
begin(void)
{
	static const struct session_protocol *const protocols[FRONT_PROTOCOLS] = {
		[LISTENER_SMTP] = &echo_protocol
	};
	struct place place = { .loop = loop_new(), .signer = signer_new() };

	opened = closed = 0;
	present = 2;
	listen_on(0);
	listen_on(1);
	place.front = front_new(
		place.loop, ROLE_SMTP, protocols, gate_open(-1, 0, NULL), NULL, NULL, NULL);
	return place;
}

static void
end(struct place *place)
{
	front_free(&place->front);
	signer_free(&place->signer);
	assert_int_equal(opened, closed);
	loop_free(&place->loop);
}

static void
test_serve(void **state)
{
	struct place place = begin();
	struct fault fault = FAULT_INIT;
	int old;
	int fd;

	(void)state;
	place.front->service = &place;
	assert_true(front_serve(place.front, make(&place, "\"127.0.0.1:0\", \"127.0.0.1:0\""),
		(struct role_context *)&place, &fault));
	old = connect_to(0);
	hear(&place, old, "hello\r\n");
	assert_true(send(old, "one\r\ntwo\r\n", 10, 0) == 10);
	hear(&place, old, "one\r\ntwo\r\n");
	fd = connect_to(1);
	hear(&place, fd, "hello\r\n");
	close(fd);
	/* a socket is missing: refused with words, and all goes on as before */
	present = 1;
	assert_false(front_serve(place.front, make(&place, "\"127.0.0.1:0\", \"127.0.0.1:0\""),
		(struct role_context *)&place, &fault));
	assert_non_null(strstr(fault.text, "address 1 of listener \"in\""));
	fd = connect_to(1);
	hear(&place, fd, "hello\r\n");
	close(fd);
	/* made ready and thrown away: nothing has changed; but for what was taken with it */
	present = 2;
	assert_true(front_prepare(place.front, make(&place, "\"127.0.0.1:0\", \"127.0.0.1:0\""),
		(struct role_context *)&place, &fault));
	assert_int_equal(place.front->next_count, 2);
	front_forget(place.front);
	assert_int_equal(place.front->next_count, 0);
	assert_null(place.front->next);
	/* a listener less; the old session stays, and who has connected to what goes is let in */
	fd = connect_to(1);
	assert_true(front_serve(place.front, make(&place, "\"127.0.0.1:0\""),
		(struct role_context *)&place, &fault));
	assert_int_equal(place.front->socket_count, 1);
	hear(&place, fd, "hello\r\n");
	close(fd);
	assert_true(send(old, "three\r\n", 7, 0) == 7);
	hear(&place, old, "three\r\n");
	/* and the end of all */
	front_stop(place.front, 1000, on_empty);
	hear(&place, old, "stopping");
	close(old);
	for (unsigned i = 0; i < 2000 && !place.emptied; i++) {
		struct loop_timer timer;

		loop_timer_init(&timer, place.loop, on_turn, &place);
		loop_timer_start(&timer, 1);
		loop_run(place.loop);
	}
	assert_true(place.emptied);
	end(&place);
}

/* Sessions that are there when the front end goes are ended without a word. */
static void
test_ends_with_sessions(void **state)
{
	struct place place = begin();
	int fds[3];

	(void)state;
	assert_true(front_serve(
		place.front, make(&place, "\"127.0.0.1:0\""), (struct role_context *)&place, NULL));
	for (size_t i = 0; i < 3; i++) {
		fds[i] = connect_to(0);
		hear(&place, fds[i], "hello\r\n");
	}
	assert_int_equal(place.front->session_count, 3);
	end(&place);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serve),
		cmocka_unit_test(test_ends_with_sessions),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
