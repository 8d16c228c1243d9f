/* SPDX-License-Identifier: BSD-2-Clause */
/* The client of the rig: what it says, and what it must hear. */
#include "smtp_rig_parts.h"

#include "io/sock.h"

static void
on_input(struct stream *stream, void *context)
{
	struct rig *rig = context;
	struct span bytes = stream_peek(stream);

	buf_add_span(&rig->got, bytes);
	stream_consume(stream, bytes.length);
	rig_stop_if_done(rig);
}

static void
on_secure(struct stream *stream, void *context)
{
	struct rig *rig = context;

	(void)stream;
	rig->secured = true;
	rig_stop_if_done(rig);
}

static void
on_close(struct stream *stream, enum stream_end end, const struct fault *fault, void *context)
{
	struct rig *rig = context;

	(void)stream;
	(void)fault;
	rig->closed = true;
	rig->end = end;
	rig_stop_if_done(rig);
}

static const struct stream_hooks hooks = {
	.on_input = on_input, .on_secure = on_secure, .on_close = on_close
};
static const struct stream_limits limits = { .input_max_bytes = 1 << 20,
	.output_max_bytes = 1 << 28,
	.output_high_bytes = 1 << 27,
	.output_low_bytes = 1 << 20,
	.linger_ms = 100 };

static void
ignore_input(struct stream *stream, void *context)
{
	(void)context;
	stream_consume(stream, stream_peek(stream).length);
}

static void
ignore_close(struct stream *stream, enum stream_end end, const struct fault *fault, void *context)
{
	(void)stream;
	(void)end;
	(void)fault;
	(void)context;
}

static const struct stream_hooks parked_hooks = { .on_input = ignore_input,
	.on_close = ignore_close };

void
rig_park(struct rig *rig, unsigned place)
{
	stream_set_owner(rig->client, &parked_hooks, &limits, rig);
	rig->parked[place] = rig->client;
	rig->client = NULL;
}

void
rig_take_up(struct rig *rig, unsigned place)
{
	rig_hang_up(rig);
	rig->closed = false;
	rig->client = rig->parked[place];
	rig->parked[place] = NULL;
	stream_set_owner(rig->client, &hooks, &limits, rig);
}

void
rig_hang_up(struct rig *rig)
{
	stream_free(&rig->client);
	buf_clear(&rig->got);
	rig_turns(rig, 8);
}

void
rig_connect_from(struct rig *rig, const char *from)
{
	struct sock_address address;
	int fds[2];

	rig_hang_up(rig);
	assert_true(sock_address_parse_host(span_text(from), 4000, &address));
	assert_true(sock_pair(fds, NULL));
	rig->closed = rig->secured = false;
	rig->client = stream_new(rig->loop, fds[0], &hooks, &limits, rig);
	front_accept(
		rig->service.front, &rig->service.front->setup->listeners[0], fds[1], &address);
}

void
rig_connect(struct rig *rig)
{
	rig_connect_from(rig, "192.0.2.1");
}

void
rig_say(struct rig *rig, struct span bytes)
{
	if (!rig->bytewise) {
		stream_write(rig->client, bytes);
		stream_flush(rig->client);
		return;
	}
	for (size_t i = 0; i < bytes.length && !rig->closed; i++) {
		stream_write(rig->client, span_of(bytes.start + i, 1));
		stream_flush(rig->client);
		rig_turns(rig, 2);
	}
}

static size_t wanted;

static bool
has_wanted(struct rig *rig)
{
	return buf_length(&rig->got) >= wanted || rig->closed;
}

void
rig_hear(struct rig *rig, const char *text)
{
	struct span got;

	wanted = strlen(text);
	rig_wait(rig, has_wanted);
	got = buf_span(&rig->got);
	if (!span_is(got, text))
		print_error("wanted: %s\nheard:  %.*s\n", text, SPAN_PRINT(got));
	assert_true(span_is(got, text));
	buf_clear(&rig->got);
}

static bool
has_line(struct rig *rig)
{
	return span_has_byte(buf_span(&rig->got), '\n') || rig->closed;
}

void
rig_hear_line(struct rig *rig, const char *begin)
{
	struct span got;

	rig_wait(rig, has_line);
	got = buf_span(&rig->got);
	if (!span_starts(got, begin))
		print_error("wanted: %s\nheard:  %.*s\n", begin, SPAN_PRINT(got));
	assert_true(span_starts(got, begin));
	buf_consume(&rig->got, span_find(got, '\n') + 1);
}

void
rig_hear_until(struct rig *rig, const char *begin)
{
	bool found = false;

	while (!found) {
		rig_wait(rig, has_line);
		assert_true(buf_length(&rig->got) > 0);
		found = span_starts(buf_span(&rig->got), begin);
		rig_hear_line(rig, "");
	}
}

static bool
is_closed(struct rig *rig)
{
	return rig->closed;
}

void
rig_wait_close(struct rig *rig)
{
	rig_wait(rig, is_closed);
}

void
rig_hear_close(struct rig *rig)
{
	rig_wait_close(rig);
	if (buf_length(&rig->got))
		print_error("heard: %.*s\n", SPAN_PRINT(buf_span(&rig->got)));
	assert_int_equal(buf_length(&rig->got), 0);
}

void
rig_hear_silence(struct rig *rig)
{
	rig_turns(rig, 10);
	if (buf_length(&rig->got))
		print_error("heard: %.*s\n", SPAN_PRINT(buf_span(&rig->got)));
	assert_int_equal(buf_length(&rig->got), 0);
}

static bool
is_secured(struct rig *rig)
{
	return rig->secured || rig->closed;
}

void
rig_shake(struct rig *rig)
{
	static const struct tls_client_settings settings = { .verify = TLS_VERIFY_NONE };

	if (!rig->tls)
		rig->tls = tls_client_new(&settings, NULL);
	assert_true(stream_start_client(rig->client, rig->tls, "mail.example.org", NULL));
	rig_wait(rig, is_secured);
}

void
rig_play(struct rig *rig, const char *script)
{
	struct span rest = span_text(script);
	struct buf said = BUF_INIT(0);
	struct buf heard = BUF_INIT(0);

	while (rest.length) {
		struct span line = span_cut(rest, '\n', &rest);
		struct buf *to = span_starts(line, "C: ") ? &said : &heard;

		assert_true(span_starts(line, "C: ") || span_starts(line, "S: "));
		buf_add_span(to, span_from(line, 3));
		buf_add_text(to, "\r\n");
		if (span_starts(line, "C: ") && !span_starts(rest, "C: ")) {
			rig_say(rig, buf_span(&said));
			buf_clear(&said);
		} else if (span_starts(line, "S: ") && !span_starts(rest, "S: ")) {
			rig_hear(rig, buf_text(&heard));
			buf_clear(&heard);
		}
	}
	buf_fini(&said);
	buf_fini(&heard);
}

void
rig_log_in(struct rig *rig)
{
	bool bytewise = rig->bytewise;

	rig->bytewise = false;
	rig_connect(rig);
	if (rig->service.front->setup->listeners[0].settings->tls == LISTENER_TLS_IMPLICIT) {
		rig_shake(rig);
		rig_hear_line(rig, "220 ");
	} else if (rig->service.front->setup->listeners[0].tls) {
		rig_hear_line(rig, "220 ");
		rig_say_text(rig, "STARTTLS\r\n");
		rig_hear(rig, "220 2.0.0 Go ahead\r\n");
		rig_shake(rig);
	} else {
		rig_hear_line(rig, "220 ");
	}
	rig_say_text(rig, "EHLO client.example.org\r\n");
	rig_hear_until(rig, "250 ");
	rig_say_text(rig, "AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n");
	rig_hear(rig, "235 2.7.0 Authentication successful\r\n");
	rig->bytewise = bytewise;
}
