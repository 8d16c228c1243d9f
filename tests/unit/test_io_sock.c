/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening, accepting under a shortage of fds, connecting with its failures. */
#include "io_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "io/sock.h"

enum { CLIENTS = 100 };

static struct loop *loop;
static int accepted;
static int stop_after;
static int accepted_fds[CLIENTS];
static char peer_text[SOCK_TEXT_MAX_BYTES];

static int
set_up(void **state)
{
	(void)state;
	loop = loop_new();
	accepted = 0;
	stop_after = 1;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < accepted; i++)
		sock_close(&accepted_fds[i]);
	loop_free(&loop);
	return 0;
}

static int
listen_at(const char *text, struct sock_address *bound_out)
{
	struct sock_address address;
	struct fault fault = FAULT_INIT;
	int fd;

	assert_true(sock_address_parse(span_text(text), &address, &fault));
	fd = sock_listen(&address, &fault);
	if (fd < 0)
		fail_msg("%s", fault.text);
	assert_true(sock_local(fd, bound_out));
	return fd;
}

static void
on_accept(int fd, const struct sock_address *peer, void *context)
{
	(void)context;
	sock_address_format_host(peer, peer_text);
	accepted_fds[accepted++] = fd;
	if (accepted == stop_after)
		loop_stop(loop);
}

static int connected_fd;
static struct fault connect_fault;

static void
on_connect(int fd, const struct fault *fault, void *context)
{
	(void)context;
	connected_fd = fd;
	connect_fault = fault ? *fault : FAULT_INIT;
	loop_stop(loop);
}

static int
flag(int fd, int level, int option)
{
	int value = -1;
	socklen_t size = sizeof value;

	assert_int_equal(getsockopt(fd, level, option, &value, &size), 0);
	return value;
}

static void
connect_and_accept(const char *at, const char *connect_host, const char *wanted_peer)
{
	struct sock_address bound;
	struct sock_address to;
	int fd = listen_at(at, &bound);
	struct sock_acceptor *acceptor = sock_acceptor_new(loop, fd, on_accept, NULL);
	struct sock_connect *connecting;

	assert_true(sock_address_parse_host(span_text(connect_host), sock_address_port(&bound), &to));
	connected_fd = -2;
	connecting = sock_connect_new(loop, &to, NULL, 5000, on_connect, NULL);
	assert_int_equal(connected_fd, -2);
	while (connected_fd == -2 || !accepted)
		fixture_run(loop);
	assert_int_equal(connect_fault.kind, FAULT_NONE);
	assert_true(connected_fd >= 0);
	assert_string_equal(peer_text, wanted_peer);
	assert_true(fcntl(connected_fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(accepted_fds[0], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(accepted_fds[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(flag(accepted_fds[0], IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(flag(connected_fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(flag(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
	sock_quick_ack(connected_fd);
	assert_int_equal(flag(connected_fd, IPPROTO_TCP, TCP_QUICKACK), 1);
	sock_connect_free(&connecting);
	sock_acceptor_free(&acceptor);
	sock_close(&connected_fd);
	sock_close(&fd);
}

static void
ipv4(void **state)
{
	(void)state;
	connect_and_accept("127.0.0.1:0", "127.0.0.1", "127.0.0.1");
}

static bool
has_ipv6(void)
{
	struct sock_address address;
	int fd;

	assert_true(sock_address_parse(SPAN_LITERAL("[::1]:0"), &address, NULL));
	fd = sock_listen(&address, NULL);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void
star_serves_both_families(void **state)
{
	(void)state;
	connect_and_accept("*:0", "127.0.0.1", "127.0.0.1");
	if (!has_ipv6())
		return;
	tear_down(NULL);
	set_up(NULL);
	connect_and_accept("*:0", "::1", "::1");
}

static void
address_in_use(void **state)
{
	struct sock_address bound;
	struct fault fault = FAULT_INIT;
	int fd = listen_at("127.0.0.1:0", &bound);

	(void)state;
	assert_int_equal(sock_listen(&bound, &fault), -1);
	assert_int_equal(fault.kind, FAULT_SYSTEM);
	assert_non_null(strstr(fault.text, "listen on 127.0.0.1:"));
	assert_non_null(strstr(fault.text, "in use"));
	close(fd);
}

static void
unix_socket_left_behind_is_replaced(void **state)
{
	char path[] = "/tmp/io-test-XXXXXX";
	char text[64];
	struct sock_address address;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(text, sizeof text, "unix:%s/s", path);
	assert_true(sock_address_parse(span_text(text), &address, NULL));
	fd = sock_listen(&address, NULL);
	assert_true(fd >= 0);
	/* Served: not taken away. */
	assert_int_equal(sock_listen(&address, NULL), -1);
	close(fd);
	fd = sock_listen(&address, NULL);
	assert_true(fd >= 0);
	close(fd);
	unlink(text + 5);
	/* A file that is no socket is never removed. */
	fd = open(text + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sock_listen(&address, NULL), -1);
	assert_int_equal(access(text + 5, F_OK), 0);
	unlink(text + 5);
	rmdir(path);
}

static void
refused_and_late(void **state)
{
	struct sock_address bound;
	struct sock_connect *connecting;
	int fd = listen_at("127.0.0.1:0", &bound);

	(void)state;
	close(fd);
	connecting = sock_connect_new(loop, &bound, NULL, 5000, on_connect, NULL);
	fixture_run(loop);
	assert_int_equal(connected_fd, -1);
	assert_non_null(strstr(connect_fault.text, "refused"));
	assert_int_equal(connect_fault.kind, FAULT_MISSING);
	sock_connect_free(&connecting);

	/* An address from which no answer comes: the deadline ends it. */
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(sock_address_parse(SPAN_LITERAL("127.0.0.1:0"), &bound, NULL));
	assert_int_equal(bind(fd, &bound.of.any, bound.length), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_true(sock_local(fd, &bound));
	/* The backlog of 0 holds one; further ones hang in SYN-SENT. */
	for (int i = 0; i < 3; i++) {
		accepted_fds[accepted] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(accepted_fds[accepted++], &bound.of.any, bound.length);
	}
	connecting = sock_connect_new(loop, &bound, NULL, 50, on_connect, NULL);
	fixture_run(loop);
	assert_int_equal(connected_fd, -1);
	assert_int_equal(connect_fault.kind, FAULT_LIMIT);
	sock_connect_free(&connecting);
	close(fd);
}

static void
failure_at_once_is_told_from_the_loop(void **state)
{
	struct sock_address to;
	struct sock_connect *connecting;

	(void)state;
	connected_fd = -2;
	assert_true(sock_address_parse(SPAN_LITERAL("unix:/nowhere/s"), &to, NULL));
	connecting = sock_connect_new(loop, &to, NULL, 5000, on_connect, NULL);
	assert_int_equal(connected_fd, -2);
	fixture_run(loop);
	assert_int_equal(connected_fd, -1);
	assert_non_null(strstr(connect_fault.text, "connect to unix:/nowhere/s"));
	assert_int_equal(connect_fault.kind, FAULT_MISSING);
	sock_connect_free(&connecting);
	/* Freed in time, it never calls. */
	connected_fd = -2;
	connecting = sock_connect_new(loop, &to, NULL, 5000, on_connect, NULL);
	sock_connect_free(&connecting);
	fixture_run_for(loop, 5);
	assert_int_equal(connected_fd, -2);
}

static int clients[CLIENTS];

static void
connect_clients(const struct sock_address *to, int count)
{
	for (int i = 0; i < count; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(clients[i] >= 0);
		assert_int_equal(connect(clients[i], &to->of.any, to->length), 0);
	}
}

static int wakes;

static void
on_accept_count(int fd, const struct sock_address *peer, void *context)
{
	(void)peer;
	accepted_fds[accepted++] = fd;
	/* How many were taken in the same turn? Deferred calls run at its end. */
	loop_defer(context);
}

static void
on_turn_end(void *context)
{
	(void)context;
	wakes++;
	if (accepted == CLIENTS)
		loop_stop(loop);
}

static void
accepts_per_wake_are_bounded(void **state)
{
	struct sock_address bound;
	struct loop_defer end;
	int fd = listen_at("127.0.0.1:0", &bound);
	struct sock_acceptor *acceptor = sock_acceptor_new(loop, fd, on_accept_count, &end);

	(void)state;
	wakes = 0;
	loop_defer_init(&end, loop, on_turn_end, NULL);
	connect_clients(&bound, CLIENTS);
	fixture_run(loop);
	assert_int_equal(wakes, (CLIENTS + SOCK_ACCEPTS_PER_WAKE - 1) / SOCK_ACCEPTS_PER_WAKE);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	sock_acceptor_free(&acceptor);
	close(fd);
}

static uint64_t
cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
			(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void
shortage_of_fds_sheds_without_spinning(void **state)
{
	struct sock_address bound;
	struct rlimit old;
	struct rlimit low;
	int fd = listen_at("127.0.0.1:0", &bound);
	struct sock_acceptor *acceptor = sock_acceptor_new(loop, fd, on_accept, NULL);
	uint64_t begin;
	int last;
	char byte;

	(void)state;
	stop_after = -1;
	connect_clients(&bound, 20);
	/* Room for five more, counted from the lowest free fd. */
	last = dup(fd);
	close(last);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = (rlim_t)last + 5;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	begin = cpu_us();
	fixture_run_for(loop, 300);
	begin = cpu_us() - begin;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(accepted, 5);
	assert_int_equal(sock_acceptor_shed(acceptor), 15);
	assert_true(begin < 100000);
	/* Those who were shed see the end at once. */
	assert_int_equal(recv(clients[19], &byte, 1, 0), 0);
	for (int i = 0; i < 20; i++)
		close(clients[i]);
	/* And it goes on as soon as there are fds. */
	stop_after = 6;
	connect_clients(&bound, 1);
	fixture_run(loop);
	assert_int_equal(accepted, 6);
	close(clients[0]);
	sock_acceptor_free(&acceptor);
	close(fd);
}

static void
pair_is_nonblocking(void **state)
{
	int fds[2];
	char byte;

	(void)state;
	assert_true(sock_pair(fds, NULL));
	assert_int_equal(read(fds[0], &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_true(fcntl(fds[1], F_GETFD) & FD_CLOEXEC);
	sock_close(&fds[0]);
	assert_int_equal(fds[0], -1);
	sock_close(&fds[0]);
	sock_close(&fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ipv4),
		TEST(star_serves_both_families),
		TEST(address_in_use),
		TEST(unix_socket_left_behind_is_replaced),
		TEST(refused_and_late),
		TEST(failure_at_once_is_told_from_the_loop),
		TEST(accepts_per_wake_are_bounded),
		TEST(shortage_of_fds_sheds_without_spinning),
		TEST(pair_is_nonblocking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
