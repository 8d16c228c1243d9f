/* SPDX-License-Identifier: BSD-2-Clause */
/* The dialler as a front end meets it: what the settings name, within the time asked for, and no more. */
#include "unit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dial/dial.h"
#include "io/sock.h"
#include "ipc/message_login.h"
#include "ipc/channel.h"
#include "proc/role_context.h"

enum { AGAIN_MS = 250, PATIENCE_MS = 2000, EACH = 256, CALLS_EACH = 4096 }; /* the dialler's own */

static struct settings_milter milters[] = {
	{ .title = "filter",
		.address = { .kind = ENDPOINT_INET, .text = "127.0.0.1:0", .host = "127.0.0.1",
			.path = "" } },
	{ .title = "second",
		.address = { .kind = ENDPOINT_INET, .text = "127.0.0.1:1", .host = "127.0.0.1",
			.path = "" } },
};
static struct settings settings = {
	.holds = 1000,
	.milter = { milters, 2 },
};

static struct {
	struct role_context context;
	struct loop *loop;
	void *dial;
	struct channel *channel;
	struct loop_timer stall;
	struct loop_timer begin;    /* of a filter that is late */
	int listener;
	int blackhole;
	int fd;
	unsigned code;
	char text[256];
} rig;

static int
listen_on(uint16_t port, uint16_t *port_out)
{
	struct sock_address address;
	struct fault fault = FAULT_INIT;
	char text[32];
	int fd;

	snprintf(text, sizeof text, "127.0.0.1:%u", port);
	assert_true(sock_address_parse(span_text(text), &address, &fault));
	fd = sock_listen(&address, &fault);
	assert_true(fd >= 0);
	assert_true(sock_local(fd, &address));
	*port_out = sock_address_port(&address);
	return fd;
}

static bool
on_message(void *context, struct channel_message *message)
{
	(void)context;
	(void)message;
	return false;
}

static void
on_closed(void *context, const struct fault *why)
{
	(void)context;
	fail_msg("the channel closed: %s", why->text);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct arena *arena = arena_new(0);
	struct message_refused refused;

	(void)context;
	assert_non_null(answer);
	if (answer->id == MSG_DIALED) {
		rig.fd = answer->fd;
		answer->fd = -1;
	} else {
		assert_int_equal(answer->id, MSG_REFUSED);
		assert_true(message_refused_unpack(answer->bytes, arena, &refused));
		rig.code = refused.code;
		snprintf(rig.text, sizeof rig.text, "%s", refused.text);
	}
	arena_free(&arena);
	loop_stop(rig.loop);
	return true;
}

static uint64_t
steady_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* How long it took. */
static uint64_t
ask(const char *endpoint, uint32_t wait_ms)
{
	struct message_dial question = { .endpoint = endpoint, .wait_ms = wait_ms };
	struct buf content = BUF_INIT(0);
	uint64_t begin_ms = steady_ms();

	rig.fd = -1;
	rig.code = 0;
	message_dial_pack(&content, &question);
	assert_int_not_equal(channel_ask(rig.channel, MSG_DIAL, &content, -1, 20000, on_answer, NULL),
		0);
	buf_fini(&content);
	loop_run(rig.loop);
	return steady_ms() - begin_ms;
}

static void
named_endpoints_alone(void **state)
{
	int listener = listen_on(0, &milters[0].address.port);
	socklen_t size = sizeof(int);
	int nodelay = 0;

	(void)state;
	ask("milter:filter", 5000);
	assert_true(rig.fd >= 0);
	assert_int_equal(getsockopt(rig.fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &size), 0);
	assert_true(nodelay);
	close(rig.fd);
	close(listener);
	ask("milter:other", 5000);
	assert_int_equal(rig.code, 451);
	ask("127.0.0.1:25", 5000);
	assert_int_equal(rig.code, 451);
}

static void
refused_when_the_time_is_over(void **state)
{
	uint64_t took_ms;

	(void)state;
	close(listen_on(0, &milters[0].address.port));
	took_ms = ask("milter:filter", 2 * AGAIN_MS + AGAIN_MS / 2);
	assert_int_equal(rig.code, 451);
	assert_true(took_ms >= AGAIN_MS && took_ms < 5000);
}

/* Somebody who is not there is not waited for as long as one who is only slow. */
static void
patience_is_short_with_who_is_not_there(void **state)
{
	uint64_t took_ms;

	(void)state;
	close(listen_on(0, &milters[0].address.port));
	took_ms = ask("milter:filter", 60 * 1000);
	assert_int_equal(rig.code, 451);
	assert_non_null(strstr(rig.text, "refused"));
	assert_in_range(took_ms, PATIENCE_MS / 2, 4 * PATIENCE_MS);
}

static void
on_begin(void *context)
{
	uint16_t port;

	(void)context;
	rig.listener = listen_on(milters[0].address.port, &port);
}

static void
a_filter_that_starts_anew_is_found(void **state)
{
	(void)state;
	close(listen_on(0, &milters[0].address.port));
	loop_timer_init(&rig.begin, rig.loop, on_begin, NULL);
	loop_timer_start(&rig.begin, AGAIN_MS / 2);
	ask("milter:filter", 60 * 1000);
	assert_true(rig.fd >= 0);
	close(rig.fd);
	close(rig.listener);
}

/* ---- unix sockets -------------------------------------------------------------------------------- */

static char folder[32];
static char path[64];

static void
listen_there(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	rig.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(rig.listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(rig.listener, 0), 0);
}

static void
begin_unix(void)
{
	snprintf(folder, sizeof folder, "/tmp/test-dial-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/filter", folder);
	milters[0].address.kind = ENDPOINT_UNIX;
	milters[0].address.path = path;
	milters[0].address.text = path;
}

static void
end_unix(void)
{
	milters[0].address.kind = ENDPOINT_INET;
	milters[0].address.text = "127.0.0.1:0";
	unlink(path);
	rmdir(folder);
}

static void
on_room(void *context)
{
	(void)context;
	close(accept(rig.listener, NULL, NULL));
}

/* Its queue is full, which a unix socket says at once; and then somebody is taken from it. */
static void
a_unix_socket_with_a_full_queue_is_waited_for(void **state)
{
	(void)state;
	begin_unix();
	listen_there();
	ask("milter:filter", 5000);
	assert_true(rig.fd >= 0);
	close(rig.fd);
	loop_timer_init(&rig.begin, rig.loop, on_room, NULL);
	loop_timer_start(&rig.begin, AGAIN_MS / 2);
	ask("milter:filter", 60 * 1000);
	assert_true(rig.fd >= 0);
	close(rig.fd);
	close(rig.listener);
	end_unix();
}

/* No try is repeated: an administrator has to see to it. */
static void
a_link_in_place_of_the_socket_is_refused_at_once(void **state)
{
	(void)state;
	begin_unix();
	assert_int_equal(symlink("/dev/log", path), 0);
	assert_true(ask("milter:filter", 60 * 1000) < PATIENCE_MS / 2);
	assert_int_equal(rig.code, 451);
	assert_non_null(strstr(rig.text, "symbolic link"));
	end_unix();
}

/* A listener that takes no more: connecting to it has no answer. */
static void
open_blackhole(void)
{
	struct sock_address address;
	struct fault fault = FAULT_INIT;
	char text[32];

	snprintf(text, sizeof text, "127.0.0.1:%u", milters[0].address.port);
	assert_true(sock_address_parse(span_text(text), &address, &fault));
	rig.blackhole = sock_listen(&address, &fault);
	assert_true(rig.blackhole >= 0);
	assert_int_equal(listen(rig.blackhole, 0), 0);
	for (int i = 0; i < 2; i++) {
		int filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		(void)connect(filler, &address.of.any, address.length);
	}
}

static void
on_stall(void *context)
{
	const struct timespec pause = { .tv_nsec = 600 * 1000 * 1000 };

	(void)context;
	open_blackhole();
	nanosleep(&pause, NULL);
}

/* The next try is due after the deadline has passed: no time is left, and not all the time there is. */
static void
a_process_that_was_stopped_in_between(void **state)
{
	uint64_t took_ms;

	(void)state;
	close(listen_on(0, &milters[0].address.port));
	loop_timer_init(&rig.stall, rig.loop, on_stall, NULL);
	loop_timer_start(&rig.stall, AGAIN_MS / 2);
	took_ms = ask("milter:filter", AGAIN_MS + AGAIN_MS / 2);
	assert_int_equal(rig.code, 451);
	assert_non_null(strstr(rig.text, "no connection in time"));
	assert_true(took_ms < 5000);
	close(rig.blackhole);
}

/* ---- many at once -------------------------------------------------------------------------------- */

static bool
on_many(void *context, struct channel_message *answer)
{
	(void)context;
	(void)answer;
	fail_msg("who was cancelled is answered");
	return true;
}

static uint32_t
ask_only(void)
{
	struct message_dial question = { .endpoint = "milter:filter", .wait_ms = 60 * 1000 };
	struct buf content = BUF_INIT(0);
	uint32_t request;

	message_dial_pack(&content, &question);
	request = channel_ask(rig.channel, MSG_DIAL, &content, -1, 0, on_many, NULL);
	assert_int_not_equal(request, 0);
	buf_fini(&content);
	return request;
}

static void
cancel(uint32_t request)
{
	struct message_dial_cancel message = { .call = request };
	struct buf content = BUF_INIT(0);

	channel_forget(rig.channel, request);
	message_dial_cancel_pack(&content, &message);
	assert_true(channel_send(rig.channel, MSG_DIAL_CANCEL, &content, -1));
	buf_fini(&content);
}

/* A filter that hangs has its own share of what can be connected at once; and gives back what is cancelled. */
static void
one_that_hangs_is_not_in_the_way(void **state)
{
	static uint32_t requests[EACH + 3];
	int listener = listen_on(0, &milters[1].address.port);

	(void)state;
	close(listen_on(0, &milters[0].address.port));
	open_blackhole();
	for (size_t i = 0; i < EACH + 3; i++)
		requests[i] = ask_only();
	ask("milter:second", 60 * 1000);
	assert_true(rig.fd >= 0);
	close(rig.fd);
	close(listener);

	/* It is elsewhere now: the next call is not behind those that nobody waits for. */
	for (size_t i = 0; i < EACH + 3; i++)
		cancel(requests[i]);
	listener = listen_on(0, &milters[0].address.port);
	ask("milter:filter", 5000);
	assert_true(rig.fd >= 0);
	close(rig.fd);
	close(listener);
	close(rig.blackhole);
	cancel(requests[0]); /* is not there any more */
	ask("milter:other", 5000);
	assert_int_equal(rig.code, 451);
}

/* A front end of the dialler's; NULL if it is not let in. */
static struct channel *
join(enum role role, uint8_t instance)
{
	static const struct channel_events events = { .on_message = on_message,
		.on_closed = on_closed };
	const struct message_link link = { .peer = role, .kind = LINK_CHANNEL, .instance = instance };
	struct fault fault = FAULT_INIT;
	int fds[2];

	if (!sock_pair(fds, &fault) || !dial_program.on_link(rig.dial, &link, fds[0]))
		return NULL;
	return channel_new(rig.loop, fds[1], role, ROLE_DIAL, &events, NULL);
}

/* One front end that asks for more and more is told so, and the others hear nothing of it. */
static void
one_that_floods_is_not_in_the_way(void **state)
{
	struct channel *first = rig.channel;
	struct channel *second = join(ROLE_SMTP, 1);
	int listener = listen_on(0, &milters[1].address.port);

	(void)state;
	assert_non_null(second);
	close(listen_on(0, &milters[0].address.port));
	open_blackhole();
	for (size_t i = 0; i < CALLS_EACH; i++)
		ask_only();
	ask("milter:filter", 60 * 1000);
	assert_int_equal(rig.code, 451);
	assert_string_equal(rig.text, "too many connections are being made");
	rig.channel = second;
	ask("milter:second", 60 * 1000);
	assert_true(rig.fd >= 0);
	close(rig.fd);
	close(listener);
	close(rig.blackhole);
	channel_free(&first);
	/* It comes anew: nothing of it is left. */
	rig.channel = join(ROLE_SMTP, 0);
	ask("milter:other", 5000);
	listener = listen_on(0, &milters[0].address.port);
	ask("milter:filter", 5000);
	assert_true(rig.fd >= 0);
	close(rig.fd);
	close(listener);
	channel_free(&second);
}

static void
filters_are_for_smtp(void **state)
{
	struct channel *smtp = rig.channel;
	int listener = listen_on(0, &milters[0].address.port);

	(void)state;
	rig.channel = join(ROLE_MAILBOX, 0);
	assert_non_null(rig.channel);
	ask("milter:filter", 5000);
	assert_int_equal(rig.code, 451);
	assert_string_equal(rig.text, "no such endpoint");
	channel_free(&rig.channel);
	rig.channel = smtp;
	close(listener);
}

static int
set_up(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	rig.loop = rig.context.loop = loop_new();
	rig.context.program = &dial_program;
	rig.context.now.settings = &settings;
	rig.dial = dial_program.start(&rig.context, &fault);
	rig.channel = rig.dial ? join(ROLE_SMTP, 0) : NULL;
	return rig.channel ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	channel_free(&rig.channel);
	dial_program.free(&rig.dial);
	loop_free(&rig.loop);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_endpoints_alone),
		cmocka_unit_test(refused_when_the_time_is_over),
		cmocka_unit_test(patience_is_short_with_who_is_not_there),
		cmocka_unit_test(a_filter_that_starts_anew_is_found),
		cmocka_unit_test(a_unix_socket_with_a_full_queue_is_waited_for),
		cmocka_unit_test(a_link_in_place_of_the_socket_is_refused_at_once),
		cmocka_unit_test(one_that_hangs_is_not_in_the_way),
		cmocka_unit_test(one_that_floods_is_not_in_the_way),
		cmocka_unit_test(filters_are_for_smtp),
		cmocka_unit_test(a_process_that_was_stopped_in_between),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
