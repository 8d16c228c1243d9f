/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams under TLS: upgrade in place, attacks around it, ends. */
#include "stream_tls_fixture.h"

/* --- ordinary life */

static void
both_ways_and_an_orderly_end(void **state)
{
	(void)state;
	start_server();
	assert_false(stream_is_secure(server.stream));
	assert_null(stream_tls(server.stream));
	start_client();
	/* Written during the handshake: goes out behind it, and never in clear. */
	assert_true(stream_write(server.stream, SPAN_LITERAL("220 greeting\r\n")));
	run_until_secure();
	run_until_got(&client, 14);
	assert_span_equal(buf_span(&client.got), "220 greeting\r\n");
	assert_string_equal(tls_session_version(stream_tls(server.stream)), "TLS1.3");
	stream_write(client.stream, SPAN_LITERAL("QUIT\r\n"));
	run_until_got(&server, 6);
	assert_span_equal(buf_span(&server.got), "QUIT\r\n");
	stream_write(server.stream, SPAN_LITERAL("221 bye\r\n"));
	stream_close(server.stream);
	run_until_closed(&client);
	assert_span_equal(buf_span(&client.got), "220 greeting\r\n221 bye\r\n");
	assert_int_equal(client.end, STREAM_END_PEER);
	run_until_closed(&server);
	assert_int_equal(server.end, STREAM_END_LOCAL);
}

static void
much_in_both_directions(void **state)
{
	size_t size = 900 * 1024;
	char *bytes = mem_alloc(size);

	(void)state;
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 13 + i / 509);
	start_server();
	start_client();
	run_until_secure();
	assert_true(stream_write(server.stream, span_of(bytes, size)));
	assert_true(stream_write(client.stream, span_of(bytes, size)));
	run_until_got(&client, size);
	run_until_got(&server, size);
	assert_int_equal(buf_length(&client.got), size);
	assert_memory_equal(buf_span(&client.got).start, bytes, size);
	assert_memory_equal(buf_span(&server.got).start, bytes, size);
	assert_true(stream_bytes_in(server.stream) > size);
	mem_free(&bytes);
}

static void
pause_in_the_middle_of_many_records(void **state)
{
	/* The client waits for as long as a slow machine needs to take it all. */
	static const struct stream_limits patient = { .input_max_bytes = 4096,
		.output_max_bytes = 1024 * 1024,
		.output_high_bytes = 256 * 1024,
		.output_low_bytes = 64 * 1024,
		.linger_ms = 60000 };
	int lines = 0;

	(void)state;
	start_server();
	start_client();
	run_until_secure();
	stream_set_owner(client.stream, &owner_hooks, &patient, &client);
	server.on_input = owner_take_a_line_and_pause;
	/* Far more than one scratch holds, and each record of its own. */
	for (int i = 0; i < 20000; i++) {
		stream_printf(client.stream, "%05d\r\n", i);
		if (i % 100 == 99)
			stream_flush(client.stream);
	}
	stream_close(client.stream);
	while (!server.closed) {
		fixture_run(loop);
		if (server.closed)
			break;
		lines++;
		stream_resume(server.stream);
	}
	assert_int_equal(lines, 20000);
	assert_int_equal(server.end, STREAM_END_PEER);
	assert_int_equal(buf_length(&server.got), 100000);
}

static void
seen_sends(int fd, int *count, size_t *total)
{
	char bytes[65536];
	ssize_t got;

	while ((got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		(*count)++;
		*total += (size_t)got;
	}
}

static void
batch_of_replies_is_one_send(void **state)
{
	int fds[2];
	int count = 0;
	size_t total = 0;

	(void)state;
	/* Messages are kept apart here, so that sends can be counted. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	owner_fini(&server);
	owner_init(&server, loop, fds[0]);
	sock_close(&peer);
	peer = fds[1];
	start_server();
	start_client();
	run_until_secure();
	fixture_run_for(loop, 5);
	stream_pause(client.stream);
	for (int i = 0; i < 50; i++)
		stream_printf(server.stream, "250 reply %d\r\n", i);
	stream_flush(server.stream);
	seen_sends(fds[1], &count, &total);
	assert_int_equal(count, 1);
	assert_true(total < 50 * 15 + 100);
}

/* --- B1, B2: what stands behind STARTTLS */

static bool attack_seen;

static void
on_starttls(struct owner *owner)
{
	struct fault fault = FAULT_INIT;
	struct span line;

	if (stream_read_line(owner->stream, 512, &line) != STREAM_LINE_DONE)
		return;
	assert_span_equal(line, "STARTTLS");
	stream_write(owner->stream, SPAN_LITERAL("220 go ahead\r\n"));
	if (!stream_start_server(owner->stream, server_tls, NULL, STREAM_WAITING_ATTACK, &fault)) {
		attack_seen = true;
		assert_int_equal(fault.kind, FAULT_PEER);
		assert_int_equal(stream_peek(owner->stream).length, 0);
		stream_abort(owner->stream);
	}
	loop_stop(owner->loop);
}

static void
upgrade_in_place(void **state)
{
	char text[64];

	(void)state;
	server.on_input = on_starttls;
	peer_write(peer, SPAN_LITERAL("STARTTLS\r\n"));
	fixture_run(loop);
	peer_read(peer, text, sizeof text);
	assert_string_equal(text, "220 go ahead\r\n");
	start_client();
	run_until_secure();
}

static void
b1_commands_behind_starttls_are_an_attack(void **state)
{
	char text[64];

	(void)state;
	attack_seen = false;
	server.on_input = on_starttls;
	peer_write(peer, SPAN_LITERAL("STARTTLS\r\nNOOP injected\r\nRSET\r\n"));
	run_until_closed(&server);
	assert_true(attack_seen);
	assert_int_equal(server.inputs, 1);
	assert_int_equal(peer_read(peer, text, sizeof text), 0);
}

static void
b2_clear_text_before_the_hello_is_never_read(void **state)
{
	static const char *const injected[] = { "NOOP injected\r\n", "EHLO x\r\nAUTH PLAIN AGEAYg==\r\n",
		"MAIL FROM:<a@example.org>\r\n" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		if (i) {
			tear_down(NULL);
			set_up(NULL);
		}
		server.on_input = on_starttls;
		peer_write(peer, SPAN_LITERAL("STARTTLS\r\n"));
		fixture_run(loop);
		peer_write(peer, span_text(injected[i]));
		run_until_closed(&server);
		assert_int_equal(server.end, STREAM_END_TLS);
		assert_int_equal(server.inputs, 1);
		/* An alert may follow, but no reply in clear. */
		peer_read(peer, text, sizeof text);
		assert_true(strncmp(text, "220 go ahead\r\n", 14) == 0);
		assert_true(text[14] == '\0' || text[14] == 21);
	}
}

static void
clear_text_behind_an_answer_is_no_answer(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	/* The other way round: a hop that says more than "220" before TLS begins. */
	server.on_input = owner_take_a_line_and_pause;
	peer_write(peer, SPAN_LITERAL("220 ready\r\n250 AUTH PLAIN\r\n"));
	fixture_run(loop);
	assert_false(stream_start_client(server.stream, client_tls, "mail.example.org", &fault));
	assert_int_equal(stream_peek(server.stream).length, 0);
}

static void
on_proxy_header(struct owner *owner)
{
	struct span header;

	if (!stream_read_exact(owner->stream, 6, &header))
		return;
	assert_span_equal(header, "PROXY\n");
	owner->on_input = NULL;
	assert_true(stream_start_server(
			owner->stream, server_tls, NULL, STREAM_WAITING_TLS, NULL));
}

static void
hello_behind_a_proxy_header_is_taken(void **state)
{
	int fds[2];
	char bytes[4096];
	ssize_t got;

	(void)state;
	/* Catch the client's hello, and send it in one piece with the header. */
	server.on_input = on_proxy_header;
	assert_true(sock_pair(fds, NULL));
	owner_init(&client, loop, fds[0]);
	stream_start_client(client.stream, client_tls, "mail.example.org", NULL);
	stream_flush(client.stream);
	memcpy(bytes, "PROXY\n", 6);
	got = recv(fds[1], bytes + 6, sizeof bytes - 6, MSG_DONTWAIT);
	assert_true(got > 0);
	peer_write(peer, span_of(bytes, 6 + (size_t)got));
	while (!server.secured) {
		fixture_run_for(loop, 1);
		/* A relay between the two. */
		got = recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);
		if (got > 0)
			peer_write(fds[1], span_of(bytes, (size_t)got));
		got = recv(fds[1], bytes, sizeof bytes, MSG_DONTWAIT);
		if (got > 0)
			peer_write(peer, span_of(bytes, (size_t)got));
		assert_false(server.closed);
	}
	close(fds[1]);
}

/* --- B10, B14: slow and silent clients */

static void
b10_handshake_has_a_deadline(void **state)
{
	static const struct stream_limits hasty = { .input_max_bytes = 4096,
		.output_max_bytes = 65536, .output_high_bytes = 32768, .handshake_ms = 60 };
	uint64_t begin = loop_now_ms(loop);

	(void)state;
	stream_set_owner(server.stream, &owner_hooks_with_deadline, &hasty, &server);
	start_server();
	for (int i = 0; i < 20 && !server.closed; i++) {
		/* The beginning of a record, a byte at a time. */
		send(peer, &"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03qqqqqqqqqqqqqqqqqqq"[i], 1,
				MSG_NOSIGNAL);
		fixture_run_for(loop, 10);
	}
	assert_true(server.closed);
	assert_int_equal(server.end, STREAM_END_DEADLINE);
	assert_in_range(loop_now_ms(loop) - begin, 50, 150);
	/* Nothing can be said in the middle of a handshake. */
	assert_int_equal(server.late, 0);
}

static void
end_in_the_handshake(void **state)
{
	(void)state;
	start_server();
	sock_close(&peer);
	run_until_closed(&server);
	assert_int_equal(server.end, STREAM_END_TRUNCATED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_ways_and_an_orderly_end),
		TEST(much_in_both_directions),
		TEST(pause_in_the_middle_of_many_records),
		TEST(batch_of_replies_is_one_send),
		TEST(upgrade_in_place),
		TEST(b1_commands_behind_starttls_are_an_attack),
		TEST(b2_clear_text_before_the_hello_is_never_read),
		TEST(clear_text_behind_an_answer_is_no_answer),
		TEST(hello_behind_a_proxy_header_is_taken),
		TEST(b10_handshake_has_a_deadline),
		TEST(end_in_the_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
