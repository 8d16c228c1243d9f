/* SPDX-License-Identifier: BSD-2-Clause */
/* B9: the end of a stream under TLS, and what comes behind it. */
#include "stream_tls_fixture.h"

/* --- ordinary life */

/* A client whose wire we hold: its session writes into a buffer, we send what we like. */
static struct tls_session *bare;

static void
shake_bare(void)
{
	char bytes[65536];

	bare = tls_session_new_client(client_tls, "mail.example.org");
	start_server();
	while (!server.secured) {
		enum tls_io result = tls_session_handshake(bare, NULL);
		struct buf *out = tls_session_output(bare);
		ssize_t got;

		assert_true(result == TLS_DONE || result == TLS_WANT_READ);
		if (buf_length(out))
			peer_write(peer, buf_span(out));
		buf_clear(out);
		fixture_run_for(loop, 2);
		got = recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);
		if (got > 0) {
			tls_session_feed(bare, span_of(bytes, (size_t)got));
			tls_session_handshake(bare, NULL);
		}
	}
}

static void
send_bare(size_t cut)
{
	struct buf *out = tls_session_output(bare);

	peer_write(peer, span_first(buf_span(out), buf_length(out) - cut));
	buf_clear(out);
}

/* Nothing that comes from the server may be anything but TLS records. */
static void
expect_only_records(void)
{
	unsigned char bytes[65536];
	size_t size = peer_read(peer, (char *)bytes, sizeof bytes);

	for (size_t at = 0; at < size;) {
		assert_in_range(bytes[at], 20, 23);
		assert_int_equal(bytes[at + 1], 3);
		at += 5 + (size_t)bytes[at + 3] * 256 + bytes[at + 4];
	}
}

static void
reply_always(struct owner *owner)
{
	owner_take_all(owner);
	stream_write(owner->stream, SPAN_LITERAL("250 taken\r\n"));
}

static void
b9_clear_text_behind_close_notify_is_never_read(void **state)
{
	(void)state;
	shake_bare();
	server.on_input = reply_always;
	assert_true(tls_session_write(bare, SPAN_LITERAL("BDAT 1000\r\nabc"), NULL));
	tls_session_bye(bare);
	buf_add_text(tls_session_output(bare), "Z");
	send_bare(0);
	run_until_closed(&server);
	assert_int_equal(server.end, STREAM_END_PEER);
	assert_span_equal(buf_span(&server.got), "BDAT 1000\r\nabc");
	expect_only_records();
	tls_session_free(&bare);
}

static void
b9_close_notify_while_the_owner_waits(void **state)
{
	(void)state;
	shake_bare();
	server.on_input = owner_take_a_line_and_pause;
	assert_true(tls_session_write(bare, SPAN_LITERAL("AUTH PLAIN\r\nleft over"), NULL));
	tls_session_bye(bare);
	send_bare(0);
	peer_write(peer, SPAN_LITERAL("Z\r\n.\r\nQUIT\r\n"));
	fixture_run(loop);
	fixture_run_for(loop, 5);
	assert_false(server.closed);
	server.on_input = NULL;
	buf_clear(&server.got);
	stream_resume(server.stream);
	run_until_closed(&server);
	assert_int_equal(server.end, STREAM_END_PEER);
	assert_span_equal(buf_span(&server.got), "left over");
	expect_only_records();
	tls_session_free(&bare);
}

static void
b9_fin_without_close_notify_is_truncation(void **state)
{
	(void)state;
	shake_bare();
	assert_true(tls_session_write(bare, SPAN_LITERAL("DATA\r\n"), NULL));
	send_bare(0);
	shutdown(peer, SHUT_WR);
	run_until_closed(&server);
	assert_int_equal(server.end, STREAM_END_TRUNCATED);
	assert_span_equal(buf_span(&server.got), "DATA\r\n");
	tls_session_free(&bare);
}

static void
b9_half_a_record_and_the_end(void **state)
{
	(void)state;
	shake_bare();
	assert_true(tls_session_write(bare, SPAN_LITERAL("QUIT\r\n"), NULL));
	send_bare(3);
	fixture_run_for(loop, 5);
	assert_int_equal(server.inputs, 0);
	shutdown(peer, SHUT_WR);
	run_until_closed(&server);
	assert_int_equal(server.end, STREAM_END_TRUNCATED);
	assert_int_equal(server.inputs, 0);
	tls_session_free(&bare);
}

static void
b9_half_a_record_and_close_notify(void **state)
{
	struct buf half = BUF_INIT(0);

	(void)state;
	/* The close_notify lands inside the record that was promised: it cannot be one. */
	shake_bare();
	assert_true(tls_session_write(bare, SPAN_LITERAL("MAIL FROM:<a@example.org>\r\n"), NULL));
	send_bare(10);
	tls_session_bye(bare);
	send_bare(0);
	run_until_closed(&server);
	assert_int_equal(server.end, STREAM_END_TLS);
	assert_int_equal(server.inputs, 0);
	expect_only_records();
	buf_fini(&half);
	tls_session_free(&bare);
}

static void
broken_record_is_an_alert(void **state)
{
	(void)state;
	shake_bare();
	assert_true(tls_session_write(bare, SPAN_LITERAL("QUIT\r\n"), NULL));
	((char *)buf_span(tls_session_output(bare)).start)[8] ^= 1;
	send_bare(0);
	run_until_closed(&server);
	assert_int_equal(server.end, STREAM_END_TLS);
	assert_non_null(strstr(server.fault.text, "TLS"));
	expect_only_records();
	tls_session_free(&bare);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(b9_clear_text_behind_close_notify_is_never_read),
		TEST(b9_close_notify_while_the_owner_waits),
		TEST(b9_fin_without_close_notify_is_truncation),
		TEST(b9_half_a_record_and_the_end),
		TEST(b9_half_a_record_and_close_notify),
		TEST(broken_record_is_an_alert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
