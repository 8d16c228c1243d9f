/* SPDX-License-Identifier: BSD-2-Clause */
/* However the network cuts what a client says: the same replies, and the same messages. */
#include "../fake/smtp_script.h"

#include <stdio.h>

#define UNTIRED CLEAR "errors = 1000 login-tries = 100 message-size = 200K header-size = 32K\n"

enum { DIALOGUES = 150, PIECES = 40, SAID_MAX_BYTES = 600000 };

/* What dialogues are made of; right, wrong, and cut short. */
static const char *const pieces[] = {
	"EHLO client.example.org\r\n",
	"EHLO client.example.org\r\n",
	"HELO [192.0.2.1]\r\n",
	"AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n",
	"AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n",
	"AUTH PLAIN AGFsaWNlAHdyb25n\r\n",
	"AUTH LOGIN\r\nYWxpY2U=\r\nYWxpY2Vwdw==\r\n",
	"AUTH SCRAM-SHA-256 b25l\r\nYWxpY2U=\r\n",
	"AUTH SCRAM-SHA-256 b25l\r\n*\r\n",
	"AUTH LOGIN\r\n!!!\r\n",
	"MAIL FROM:<alice@example.org>\r\n",
	"MAIL FROM:<alice@example.org>\r\n",
	"MAIL FROM:<alice@example.org> SIZE=100 BODY=8BITMIME\r\n",
	"MAIL FROM:<bob@example.org>\r\n",
	"MAIL FROM:<alice@example.org\r\n",
	"RCPT TO:<u@example.net>\r\n",
	"RCPT TO:<u@example.net>\r\n",
	"RCPT TO:<v@example.net> NOTIFY=NEVER\r\n",
	"RCPT TO:<bad address>\r\n",
	"DATA\r\n",
	"DATA\r\nFrom: <alice@example.org>\r\n\r\nhello\r\n..dot\r\n.\r\n",
	"DATA\r\nFrom: <alice@example.org>\r\n\r\nbare\nnewline\r\n.\r\n",
	"DATA\r\nFrom: <bob@example.org>\r\n\r\nnot mine\r\n.\r\n",
	"From: <alice@example.org>\r\nSubject: x\r\n\r\nbody\r\n.\r\n",
	"BDAT 32\r\nFrom: <alice@example.org>\r\n\r\na\r\n",
	"BDAT 5 LAST\r\nend\r\n",
	"BDAT 0 LAST\r\n",
	"BDAT 6\r\nRSET\r\n",
	"BDAT 3 LAST\r\na\nb",
	"RSET\r\n",
	"NOOP\r\nNOOP\r\n",
	"VRFY alice\r\n",
	"XYZZY\r\n",
	"\r\n",
	"NOOP\nNOOP\r\n",
	"NOOP\r\r\n",
	" NOOP\r\n",
	".\r\n",
};

static const char *const messages[] = {
	"RSET\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<u@example.net>\r\nDATA\r\n"
	"From: <alice@example.org>\r\n\r\nwhole\r\n.\r\n",
	"RSET\r\nMAIL FROM:<ali@example.org>\r\nRCPT TO:<u@example.net>\r\n"
	"BDAT 32\r\nFrom: <alice@example.org>\r\n\r\nb\r\nBDAT 5 LAST\r\nend\r\n",
};

static uint64_t random_state;

/* Marsaglia's xorshift: the same dialogues each time. */
static size_t
draw(size_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % below);
}

static void
write_dialogue(struct buf *said)
{
	/* Half of them come to where messages are sent. */
	if (draw(2))
		buf_add_text(said, "EHLO x.example.org\r\nAUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n");
	for (size_t i = 0; i < PIECES; i++)
		buf_add_text(said, draw(3) ? pieces[draw(sizeof pieces / sizeof *pieces)]
					   : messages[draw(sizeof messages / sizeof *messages)]);
	if (draw(4) == 0) {
		buf_add_text(said, "NOOP ");
		for (size_t i = draw(40000); i > 0; i--)
			buf_add_byte(said, 'x');
		buf_add_text(said, "\r\n");
	}
	/* Whatever it is in the middle of ends here. */
	buf_add_text(said, "\r\n*\r\n\r\n.\r\nQUIT\r\n.\r\nQUIT\r\n");
}

/* Ids differ from run to run. */
static void
mask_ids(char *text)
{
	static const char before[] = "queued as ";

	for (char *at = strstr(text, before); at; at = strstr(at, before)) {
		at += sizeof before - 1;
		while (*at && *at != '\r')
			*at++ = '#';
	}
}

/* piece: most bytes in one go; 0 for all at once. */
static char *
run(struct span said, size_t piece, unsigned *count_out, size_t *bodies_out)
{
	struct rig *rig = rig_new("none", UNTIRED, "");
	uint64_t kept = random_state;
	char *heard;

	rig_connect(rig);
	while (said.length && !rig->closed) {
		struct span first = piece ? span_first(said, 1 + draw(piece)) : said;

		rig_say(rig, first);
		if (piece)
			rig_turns(rig, 1 + (unsigned)draw(3));
		said = span_from(said, first.length);
	}
	rig_wait_close(rig);
	heard = mem_strdup(buf_text(&rig->got));
	mask_ids(heard);
	*count_out = rig->count;
	*bodies_out = 0;
	for (unsigned i = 0; i < rig->count && i < RIG_MESSAGES_MAX; i++)
		*bodies_out += buf_length(&rig->messages[i].body) * (i + 1);
	rig_free(&rig);
	random_state = kept;
	return heard;
}

static void
test_segments(void **state)
{
	static const size_t cuts[] = { 1, 2, 7, 100 };
	unsigned accepted = 0;

	(void)state;
	random_state = 20261121;
	for (unsigned i = 0; i < DIALOGUES; i++) {
		struct buf said = BUF_INIT(SAID_MAX_BYTES);
		size_t cut = cuts[i % 4];
		unsigned whole_count;
		unsigned count;
		size_t whole_bodies;
		size_t bodies;
		char *whole;
		char *heard;

		write_dialogue(&said);
		whole = run(buf_span(&said), 0, &whole_count, &whole_bodies);
		heard = run(buf_span(&said), cut, &count, &bodies);
		if (strcmp(whole, heard) != 0)
			print_error("dialogue %u in pieces of %zu:\n%s", i, cut, buf_text(&said));
		assert_string_equal(heard, whole);
		assert_int_equal(count, whole_count);
		assert_int_equal(bodies, whole_bodies);
		accepted += count;
		mem_free(&whole);
		mem_free(&heard);
		buf_fini(&said);
		draw(2);
	}
	/* They were not all nonsense. */
	assert_true(accepted > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
