/* SPDX-License-Identifier: BSD-2-Clause */
/* A server's stream under TLS and its owner, with a client's stream or a bare fd at the other end. */
#ifndef STREAM_TLS_FIXTURE_H
#define STREAM_TLS_FIXTURE_H

#include "stream_fixture.h"

#include "base/digest.h"
#include "base/memory.h"
#include "tls_fixture.h"

static struct loop *loop;
static struct tls_set *set;
static struct tls_server *server_tls;
static struct tls_client *client_tls;
static struct worker_pool *pool;
static struct owner server;
static struct owner client;
static int peer;

static inline void
use_key(enum fixture_key key)
{
	const struct fixture_wish wish = { .key = key, .names = { "mail.example.org" } };
	static unsigned char ticket_key[TLS_TICKET_KEY_BYTES];
	const struct tls_settings settings = { .minimum = TLS_VERSION_1_2, .ticket_key = ticket_key };
	const struct tls_client_settings client_settings = { .verify = TLS_VERIFY_NONE,
		.minimum = TLS_VERSION_1_2 };
	struct tls_certificate *certificate = fixture_load(&wish);

	digest_random(ticket_key, sizeof ticket_key);
	set = tls_set_new();
	assert_true(tls_set_add(set, certificate, NULL, 0, NULL));
	server_tls = tls_server_new(&settings, set, NULL);
	client_tls = tls_client_new(&client_settings, NULL);
	assert_non_null(server_tls);
	assert_non_null(client_tls);
	tls_certificate_free(&certificate);
}

static inline int
set_up(void **state)
{
	int fds[2];

	(void)state;
	loop = loop_new();
	use_key(FIXTURE_P256);
	assert_true(sock_pair(fds, NULL));
	owner_init(&server, loop, fds[0]);
	client = (struct owner){ .loop = loop };
	peer = fds[1];
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	owner_fini(&server);
	owner_fini(&client);
	worker_pool_free(&pool, 5000);
	tls_server_free(&server_tls);
	tls_client_free(&client_tls);
	tls_set_free(&set);
	sock_close(&peer);
	loop_free(&loop);
	return 0;
}

static inline void
start_client(void)
{
	owner_init(&client, loop, peer);
	peer = -1;
	assert_true(stream_start_client(client.stream, client_tls, "mail.example.org", NULL));
}

static inline void
start_server(void)
{
	struct fault fault = FAULT_INIT;

	if (!stream_start_server(server.stream, server_tls, pool, STREAM_WAITING_ATTACK, &fault))
		fail_msg("%s", fault.text);
}

static inline void
run_until_secure(void)
{
	while (!client.secured || !server.secured) {
		fixture_run(loop);
		if (client.closed || server.closed)
			fail_msg("client: %s; server: %s", client.fault.text, server.fault.text);
	}
}

static inline void
run_until_got(struct owner *owner, size_t bytes)
{
	owner->stop_at = bytes;
	while (buf_length(&owner->got) < bytes && !owner->closed)
		fixture_run(loop);
}

static inline void
run_until_closed(struct owner *owner)
{
	while (!owner->closed)
		fixture_run(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
