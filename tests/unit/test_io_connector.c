/* SPDX-License-Identifier: BSD-2-Clause */
/* Names to connections: literals, /etc/hosts, refused and missing places. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/connector.h"
#include "io/sock.h"

static struct {
	struct loop *loop;
	struct resolver *resolver;
	int fd;
	int calls;
	char text[SOCK_TEXT_MAX_BYTES];
	struct fault fault;
} got;

static void
on_done(int fd, const struct sock_address *address, const struct fault *fault, void *context)
{
	(void)context;
	got.calls++;
	got.fd = fd;
	got.fault = *fault;
	if (fd >= 0)
		sock_address_format(address, got.text);
	loop_stop(got.loop);
}

static void
go(const struct connector_place *place)
{
	got.calls = 0;
	connector_new(got.loop, got.resolver, place, 5000, on_done, NULL);
	assert_int_equal(got.calls, 0);
	loop_run(got.loop);
	assert_int_equal(got.calls, 1);
}

static int
listen_on(const char *text, uint16_t *port_out)
{
	struct sock_address address;
	struct fault fault = FAULT_INIT;
	int fd;

	assert_true(sock_address_parse(span_text(text), &address, &fault));
	fd = sock_listen(&address, &fault);
	assert_true(fd >= 0);
	assert_true(sock_local(fd, &address));
	*port_out = sock_address_port(&address);
	return fd;
}

static void
literal_and_name(void **state)
{
	uint16_t port;
	int listener = listen_on("127.0.0.1:0", &port);
	struct connector_place place = { .port = port };
	/* localhost may be ::1 first, where nobody listens: the next address is tried. */
	static const char *const hosts[] = { "127.0.0.1", "localhost" };
	char want[32];

	(void)state;
	snprintf(want, sizeof want, "127.0.0.1:%u", port);
	for (size_t i = 0; i < 2; i++) {
		place.host = hosts[i];
		go(&place);
		if (got.fd < 0)
			fail_msg("%s: %s", hosts[i], got.fault.text);
		assert_string_equal(got.text, want);
		close(got.fd);
	}
	close(listener);
	place.host = "127.0.0.1";
	go(&place);
	assert_int_equal(got.fd, -1);
	assert_int_not_equal(got.fault.kind, FAULT_NONE);
}

static void
unix_socket(void **state)
{
	char folder[] = "/tmp/sallyport-connector-XXXXXX";
	char path[64];
	char text[80];
	struct connector_place place = { .path = path };
	uint16_t port;
	int listener;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/s", folder);
	snprintf(text, sizeof text, "unix:%s", path);
	go(&place);
	assert_int_equal(got.fd, -1);
	listener = listen_on(text, &port);
	go(&place);
	assert_true(got.fd >= 0);
	close(got.fd);
	close(listener);
	unlink(path);
	rmdir(folder);
}

/* A listener that takes no more: whoever connects hears nothing. The time is over for all in the end. */
static void
one_deadline(void **state)
{
	struct sock_address address;
	struct connector_place place = { .host = "127.0.0.1" };
	int fillers[2];
	int listener = listen_on("127.0.0.1:0", &place.port);
	uint64_t begin_ms = clock_steady_ms();

	(void)state;
	assert_int_equal(listen(listener, 0), 0);
	assert_true(sock_local(listener, &address));
	for (size_t i = 0; i < 2; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fillers[i], &address.of.any, address.length);
	}
	got.calls = 0;
	connector_new(got.loop, got.resolver, &place, 2 * CONNECTOR_STAGGER_MS, on_done, NULL);
	loop_run(got.loop);
	assert_int_equal(got.calls, 1);
	assert_int_equal(got.fd, -1);
	assert_int_equal(got.fault.kind, FAULT_LIMIT);
	assert_true(clock_steady_ms() - begin_ms < 5000);
	for (size_t i = 0; i < 2; i++)
		close(fillers[i]);
	close(listener);
}

static void
cancelled(void **state)
{
	struct connector_place place = { .host = "127.0.0.1", .port = 1 };
	struct connector *connector =
		connector_new(got.loop, got.resolver, &place, 5000, on_done, NULL);

	(void)state;
	got.calls = 0;
	connector_free(&connector);
	assert_null(connector);
	place.host = "127.0.0.1";
	go(&place); /* one call: its own */
}

static int
set_up(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	got.loop = loop_new();
	got.resolver = resolver_new(got.loop, NULL, 0, &fault);
	return got.resolver ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	resolver_free(&got.resolver);
	loop_free(&got.loop);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literal_and_name),
		cmocka_unit_test(unix_socket),
		cmocka_unit_test(one_deadline),
		cmocka_unit_test(cancelled),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
