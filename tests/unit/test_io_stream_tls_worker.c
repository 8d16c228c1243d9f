/* SPDX-License-Identifier: BSD-2-Clause */
/* RSA handshakes of a stream on a worker: late, given up, refused. */
#include "stream_tls_fixture.h"

/* --- RSA on a worker */

static void
use_rsa(void)
{
	tls_server_free(&server_tls);
	tls_client_free(&client_tls);
	tls_set_free(&set);
	use_key(FIXTURE_RSA);
	pool = worker_pool_new(loop, "handshake", 1, 1, NULL);
	assert_non_null(pool);
}

static void
rsa_handshake_on_a_worker(void **state)
{
	static const char *const priorities[] = { NULL, "NORMAL:-VERS-TLS1.3" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct tls_client_settings settings = { .priority = priorities[i],
			.minimum = TLS_VERSION_1_2 };

		if (i) {
			tear_down(NULL);
			set_up(NULL);
		}
		use_rsa();
		tls_client_free(&client_tls);
		client_tls = tls_client_new(&settings, NULL);
		start_server();
		start_client();
		stream_write(server.stream, SPAN_LITERAL("220 greeting\r\n"));
		run_until_secure();
		assert_int_equal(tls_session_key(stream_tls(server.stream)), TLS_KEY_RSA);
		stream_write(client.stream, SPAN_LITERAL("EHLO there\r\n"));
		run_until_got(&server, 12);
		run_until_got(&client, 14);
		assert_span_equal(buf_span(&client.got), "220 greeting\r\n");
	}
}

static void
slow_job(void *context)
{
	int *fds = context;
	char byte = 'r';

	(void)!write(fds[3], &byte, 1);
	(void)!read(fds[0], &byte, 1);
}

static void
slow_job_done(enum worker_result result, void *context)
{
	(void)result;
	(void)context;
}

static const struct worker_task slow_task = { .run = slow_job, .done = slow_job_done };

/* The one thread says that it runs, and is kept busy until a byte is written to the first pipe. */
static int pipe_fds[4];

static void
occupy_the_worker(void)
{
	char byte;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(pipe(pipe_fds + 2), 0);
	assert_non_null(worker_submit(pool, &slow_task, pipe_fds, 60000));
	assert_int_equal(read(pipe_fds[2], &byte, 1), 1);
}

static void
release_the_worker(void)
{
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	worker_pool_free(&pool, 5000);
	for (int i = 0; i < 4; i++)
		close(pipe_fds[i]);
}

static void
run_until_away(void)
{
	while (worker_pool_load(pool) < 2)
		fixture_run_for(loop, 1);
}

static void
stream_may_end_while_its_handshake_is_away(void **state)
{
	(void)state;
	for (int how = 0; how < 4; how++) {
		if (how) {
			tear_down(NULL);
			set_up(NULL);
		}
		use_rsa();
		occupy_the_worker();
		start_server();
		start_client();
		stream_write(server.stream, SPAN_LITERAL("220 secret\r\n"));
		run_until_away();
		switch (how) {
		case 0:
			stream_free(&server.stream);
			break;
		case 1:
			stream_abort(server.stream);
			run_until_closed(&server);
			break;
		case 2:
			/* No session, no TLS: then nothing at all may go out. */
			stream_close(server.stream);
			run_until_closed(&server);
			assert_int_equal(stream_bytes_out(server.stream), 0);
			break;
		default:
			stream_deadline(server.stream, 10);
			run_until_closed(&server);
			assert_int_equal(server.end, STREAM_END_DEADLINE);
			break;
		}
		release_the_worker();
		run_until_closed(&client);
		assert_int_equal(client.end, STREAM_END_TRUNCATED);
	}
}

static void
full_pool_refuses_handshakes(void **state)
{
	struct owner second;
	int fds[2];

	(void)state;
	use_rsa();
	occupy_the_worker();
	start_server();
	start_client();
	run_until_away();
	assert_true(sock_pair(fds, NULL));
	owner_init(&second, loop, fds[0]);
	assert_true(stream_start_server(
			second.stream, server_tls, pool, STREAM_WAITING_ATTACK, NULL));
	{
		struct owner other = { .loop = loop };

		owner_init(&other, loop, fds[1]);
		stream_start_client(other.stream, client_tls, NULL, NULL);
		run_until_closed(&second);
		owner_fini(&other);
	}
	assert_int_equal(second.end, STREAM_END_TLS);
	assert_int_equal(second.fault.kind, FAULT_BUSY);
	owner_fini(&second);
	owner_fini(&server);
	release_the_worker();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rsa_handshake_on_a_worker),
		TEST(stream_may_end_while_its_handshake_is_away),
		TEST(full_pool_refuses_handshakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
