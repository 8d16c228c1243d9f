/* SPDX-License-Identifier: BSD-2-Clause */
/* What sessions and messages are called in packets. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/milter_commands.h"

/* Byte for byte what is on the wire, as Sendmail and Postfix send it. */
static void
assert_packet(struct buf *out, const char *wanted, size_t length)
{
	if (buf_length(out) != length ||
		memcmp(buf_span(out).start, wanted, length) != 0)
		fail_msg("%zu bytes: %.*s", buf_length(out), SPAN_PRINT(buf_span(out)));
	buf_clear(out);
}

#define ASSERT_PACKET(out, wanted) assert_packet(out, wanted, sizeof(wanted) - 1)

static void
steps_of_versions(void **state)
{
	(void)state;
	assert_int_equal(milter_commands_steps(2), 0x7f);
	assert_int_equal(milter_commands_steps(3), 0x17f);
	assert_int_equal(milter_commands_steps(4), 0x37f);
	assert_int_equal(milter_commands_steps(6), 0x1fffff);
}

struct connect_case {
	const char *address;
	uint16_t port;
	const char *packet;
	size_t length;
};

#define CONNECTS(address, port, packet) { address, port, packet, sizeof(packet) - 1 }

static void
connects(void **state)
{
	static const struct connect_case cases[] = {
		CONNECTS("192.0.2.1", 0x1234,
			"\0\0\0\x1a" "C[192.0.2.1]\0" "4\x12\x34" "192.0.2.1\0"),
		CONNECTS("192.0.2.1", 0, "\0\0\0\x1a" "C[192.0.2.1]\0" "4\0\0" "192.0.2.1\0"),
		CONNECTS("2001:db8::1", 25,
			"\0\0\0\x1e" "C[2001:db8::1]\0" "6\0\x19" "2001:db8::1\0"),
		/* IPv4 in IPv6 clothes. */
		CONNECTS("::ffff:192.0.2.1", 25,
			"\0\0\0\x1a" "C[192.0.2.1]\0" "4\0\x19" "192.0.2.1\0"),
		/* libmilter hangs up on a zone. */
		CONNECTS("fe80::1%eth0", 25, "\0\0\0\x16" "C[fe80::1]\0" "6\0\x19" "fe80::1\0"),
		CONNECTS("local", 0, "\0\0\0\x0c" "Clocalhost\0U"),
		CONNECTS("", 0, "\0\0\0\x0c" "Clocalhost\0U"),
	};
	struct buf out = BUF_INIT(0);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mail_session session = { .client_address = cases[i].address,
			.client_port = cases[i].port };

		assert_true(milter_commands_connect(&out, &session));
		assert_packet(&out, cases[i].packet, cases[i].length);
	}
	buf_fini(&out);
}

static void
says_helo(void **state)
{
	struct mail_session session = { .helo = "client.example" };
	struct buf out = BUF_INIT(0);

	(void)state;
	assert_true(milter_commands_helo(&out, &session));
	ASSERT_PACKET(&out, "\0\0\0\x10" "Hclient.example\0");
	buf_fini(&out);
}

static void
envelopes(void **state)
{
	struct mail_recipient recipient = { .path = "\"b b\"@c.example", .parameters =
		"NOTIFY=NEVER ORCPT=rfc822;x" };
	struct buf out = BUF_INIT(0);

	(void)state;
	assert_true(milter_commands_mail(&out, "a@b.example", ""));
	ASSERT_PACKET(&out, "\0\0\0\x0f" "M<a@b.example>\0");
	assert_true(milter_commands_mail(&out, "a@b.example", NULL));
	ASSERT_PACKET(&out, "\0\0\0\x0f" "M<a@b.example>\0");
	assert_true(milter_commands_mail(&out, "", "SIZE=123"));
	ASSERT_PACKET(&out, "\0\0\0\x0d" "M<>\0" "SIZE=123\0");
	/* As received, one text each, however many blanks stand between. */
	assert_true(milter_commands_mail(&out, "a@b.example", "SIZE=123  BODY=8BITMIME AUTH=<>"));
	ASSERT_PACKET(&out, "\0\0\0\x2e" "M<a@b.example>\0" "SIZE=123\0" "BODY=8BITMIME\0" "AUTH=<>\0");
	assert_true(milter_commands_rcpt(&out, &recipient));
	ASSERT_PACKET(&out, "\0\0\0\x2f" "R<\"b b\"@c.example>\0" "NOTIFY=NEVER\0" "ORCPT=rfc822;x\0");
	buf_fini(&out);
}

/* ---- header ---------------------------------------------------------------------------------- */

static struct header
parse(const char *block, struct arena *arena)
{
	struct header header;
	struct fault fault = FAULT_INIT;

	assert_true(header_parse(span_text(block), HEADER_RAW, arena, &header, &fault));
	return header;
}

struct field_case {
	const char *field;
	const char *kept;      /* with the leading space */
	size_t kept_length;
	const char *cut;
	size_t cut_length;
};

#define FIELD(field, kept, cut) { field, kept, sizeof(kept) - 1, cut, sizeof(cut) - 1 }

static void
fields(void **state)
{
	static const struct field_case cases[] = {
		FIELD("To: bob\r\n", "\0\0\0\x09LTo\0 bob\0", "\0\0\0\x08LTo\0" "bob\0"),
		FIELD("To:bob\r\n", "\0\0\0\x08LTo\0" "bob\0", "\0\0\0\x08LTo\0" "bob\0"),
		/* One blank, and no tab. */
		FIELD("To:  bob\r\n", "\0\0\0\x0aLTo\0  bob\0", "\0\0\0\x09LTo\0 bob\0"),
		FIELD("To:\tbob\r\n", "\0\0\0\x09LTo\0\tbob\0", "\0\0\0\x09LTo\0\tbob\0"),
		FIELD("X:\r\n", "\0\0\0\x04LX\0\0", "\0\0\0\x04LX\0\0"),
		FIELD("X: \r\n", "\0\0\0\x05LX\0 \0", "\0\0\0\x04LX\0\0"),
		/* Folded: lines end in LF. */
		FIELD("To: a,\r\n\tb,\r\n  c\r\n", "\0\0\0\x10LTo\0 a,\n\tb,\n  c\0",
			"\0\0\0\x0fLTo\0" "a,\n\tb,\n  c\0"),
		FIELD("To:\r\n bob\r\n", "\0\0\0\x0aLTo\0\n bob\0", "\0\0\0\x0aLTo\0\n bob\0"),
	};
	struct arena *arena = arena_new(0);
	struct buf out = BUF_INIT(0);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct header header = parse(cases[i].field, arena);

		assert_true(milter_commands_field(&out, header.fields, MILTER_LEADING_SPACE));
		assert_packet(&out, cases[i].kept, cases[i].kept_length);
		assert_true(milter_commands_field(&out, header.fields, 0));
		assert_packet(&out, cases[i].cut, cases[i].cut_length);
	}
	buf_fini(&out);
	arena_free(&arena);
}

static void
headers_that_cannot_be_said(void **state)
{
	char *text = mem_alloc(MILTER_FIELD_MAX_BYTES);
	struct header_field field = { .name = SPAN_LITERAL("X") };
	struct header header = { .fields = &field, .count = 1 };

	(void)state;
	memset(text, 'x', MILTER_FIELD_MAX_BYTES);
	field.value = span_of(text, MILTER_FIELD_MAX_BYTES - 1);
	assert_null(milter_commands_check(&header));
	field.value = span_of(text, MILTER_FIELD_MAX_BYTES);
	assert_non_null(milter_commands_check(&header));
	field.value = SPAN_LITERAL("a\0b");
	assert_non_null(milter_commands_check(&header));
	header.count = 0;
	assert_null(milter_commands_check(&header));
	mem_free(&text);
}

/* ---- body ------------------------------------------------------------------------------------ */

enum { PIECE_BYTES = 65535 };

static void
take_piece(struct buf *out, struct mail *mail, uint64_t at, size_t wanted, char first)
{
	size_t size;
	const unsigned char *head;

	assert_true(milter_commands_body(out, mail, at, &size));
	assert_int_equal(size, wanted);
	assert_int_equal(buf_length(out), 5 + wanted);
	head = (const unsigned char *)buf_span(out).start;
	assert_int_equal((head[1] << 16) | (head[2] << 8) | head[3], wanted + 1);
	assert_int_equal(head[4], 'B');
	assert_int_equal(head[5], (unsigned char)first);
	buf_clear(out);
}

static void
bodies(void **state)
{
	struct mail mail = { .body = BUF_INIT(0), .body_fd = -1, .body_length = PIECE_BYTES + 2 };
	char path[] = "/tmp/test_policy_milter_XXXXXX";
	struct buf out = BUF_INIT(0);
	size_t size;

	(void)state;
	/* NUL and any other byte, as they are. */
	buf_add_byte(&mail.body, '\0');
	for (int i = 0; i < PIECE_BYTES - 1; i++)
		buf_add_byte(&mail.body, 'x');
	buf_add_text(&mail.body, "yz");
	take_piece(&out, &mail, 0, PIECE_BYTES, '\0');
	take_piece(&out, &mail, PIECE_BYTES, 2, 'y');
	mail.body_fd = mkstemp(path);
	unlink(path);
	assert_int_equal(write(mail.body_fd, buf_span(&mail.body).start, PIECE_BYTES + 2),
		PIECE_BYTES + 2);
	buf_fini(&mail.body);
	take_piece(&out, &mail, 0, PIECE_BYTES, '\0');
	take_piece(&out, &mail, PIECE_BYTES, 2, 'y');
	/* The file is shorter than it should be. */
	mail.body_length++;
	assert_false(milter_commands_body(&out, &mail, PIECE_BYTES, &size));
	assert_int_equal(buf_length(&out), 0);
	close(mail.body_fd);
	buf_fini(&out);
}

/* Each place has a command of its own; its end is always told and answered. */
static void
places(void **state)
{
	uint32_t steps = 0;

	(void)state;
	for (int place = MILTER_AT_CONNECT; place < MILTER_AT_END; place++) {
		const struct milter_telling *telling = milter_commands_at((enum milter_place)place);

		assert_int_not_equal(telling->command, 0);
		assert_int_equal(steps & (telling->no | telling->mute), 0);
		assert_true(telling->no && telling->mute);
		steps |= telling->no | telling->mute;
	}
	assert_int_equal(milter_commands_at(MILTER_AT_END)->command, MILTER_END);
	assert_int_equal(milter_commands_at(MILTER_AT_END)->no, 0);
	assert_int_equal(milter_commands_at(MILTER_AT_END)->mute, 0);
	assert_int_equal(milter_commands_at(MILTER_AT_RCPT)->command, MILTER_RCPT);
	assert_int_equal(milter_commands_at(MILTER_AT_RCPT)->mute, MILTER_MUTE_RCPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_of_versions),
		cmocka_unit_test(places),
		cmocka_unit_test(connects),
		cmocka_unit_test(says_helo),
		cmocka_unit_test(envelopes),
		cmocka_unit_test(fields),
		cmocka_unit_test(headers_that_cannot_be_said),
		cmocka_unit_test(bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
