/* SPDX-License-Identifier: BSD-2-Clause */
/* What a stage says, as the client hears it; what it sees of a message; and a body that it puts there. */
#include "transaction_fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "io/sock.h"
#include "smtp/queue_body.h"
#include "smtp/recipient_stage.h"

enum event { AT_NOTHING, AT_MAIL, AT_RCPT, AT_UNKNOWN, AT_DATA, AT_END };

/* A stage in the place of the one for recipients, told what to say and when. */
static struct {
	enum event at;
	struct verdict verdict;
	char *lines; /* the stage's own; gone with its next message */
	char seen[1024];
	const char *new_body; /* put in the place of the one there is; NULL: none */
	bool in_file;
	bool new_envelope;
	bool nobody;          /* the recipients are all taken away */
	struct service *service;
	struct queue_body *asked;
	struct mail *mail;
	stage_done_fn done;
	void *context;
} script;

static struct stage *
scripted_open(const struct mail_session *session, void *service)
{
	struct stage *stage = mem_alloc(sizeof *stage);

	(void)session;
	script.service = service;
	stage->type = &recipient_stage_type;
	return stage;
}

static void
answer(enum event event, stage_done_fn done, void *context)
{
	done(context, script.at == event ? &script.verdict : &VERDICT_PASS);
}

static void
scripted_envfrom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	(void)stage;
	snprintf(script.seen, sizeof script.seen, "[%s]", mail->parameters);
	answer(AT_MAIL, done, context);
}

static void
scripted_envrcpt(struct stage *stage, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context)
{
	(void)stage;
	(void)mail;
	snprintf(script.seen + strlen(script.seen), sizeof script.seen - strlen(script.seen),
		"[%s]", recipient->parameters);
	answer(AT_RCPT, done, context);
}

static void
scripted_unknown(struct stage *stage, struct span line, stage_done_fn done, void *context)
{
	(void)stage;
	snprintf(script.seen + strlen(script.seen), sizeof script.seen - strlen(script.seen),
		"<%.*s>", SPAN_PRINT(line));
	answer(AT_UNKNOWN, done, context);
}

static void
scripted_data(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	(void)stage;
	(void)mail;
	answer(AT_DATA, done, context);
}

/* ---- a body in the place of another ------------------------------------------------------------ */

/* As every stage has to: the old file is closed, and dropped by whoever replaces it. */
static void
drop_old_body(struct mail *mail)
{
	if (mail->body_file)
		queue_body_drop(script.service->queue, mail->body_file);
	sock_close(&mail->body_fd);
	buf_clear(&mail->body);
	mail->body_file = 0;
	mail->body_length = strlen(script.new_body);
	mail->body_8bit = false;
}

static void
on_new_file(void *context, uint64_t file, int fd, bool refused)
{
	struct mail *mail = script.mail;
	struct digest digest;

	(void)context;
	assert_false(refused);
	drop_old_body(mail);
	assert_int_equal(pwrite(fd, script.new_body, mail->body_length, 0), mail->body_length);
	digest_init(&digest);
	digest_add(&digest, span_text(script.new_body));
	digest_final(&digest, mail->body_hash);
	mail->body_fd = fd;
	mail->body_file = file;
	answer(AT_END, script.done, script.context);
}

static void
scripted_eom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	(void)stage;
	for (size_t i = 0; i < mail->recipient_count; i++)
		snprintf(script.seen + strlen(script.seen),
			sizeof script.seen - strlen(script.seen), "<%s>",
			mail->recipients[i].parameters);
	if (script.new_envelope) {
		mail->allowed_sender = mail->sender;
		mail->sender = "bounce@lists.example.com";
		mail_add_recipient(mail, "eve@example.com", "", 0)->added = true;
	}
	if (script.nobody)
		mail->recipient_count = 0;
	if (script.new_body && script.in_file) {
		script.mail = mail;
		script.done = done;
		script.context = context;
		script.asked = queue_body_open(script.service->queue, on_new_file, NULL);
		return;
	}
	if (script.new_body) {
		drop_old_body(mail);
		buf_add_text(&mail->body, script.new_body);
	}
	answer(AT_END, done, context);
}

static void
scripted_close(struct stage **stage)
{
	mem_free(stage);
}

const struct stage_type recipient_stage_type = {
	.name = "scripted",
	.open = scripted_open,
	.envfrom = scripted_envfrom,
	.envrcpt = scripted_envrcpt,
	.unknown = scripted_unknown,
	.data = scripted_data,
	.eom = scripted_eom,
	.close = scripted_close,
};

static void
will_say(enum event at, unsigned code, const char *lines)
{
	script.at = at;
	script.verdict = verdict_refuse(code, code < 500 ? "4.7.0" : "5.7.1", "scripted", "first");
	mem_free(&script.lines);
	script.lines = mem_strdup(lines);
	script.verdict.lines = script.lines;
}

static void
will_pass(void)
{
	script.at = AT_NOTHING;
	mem_free(&script.lines);
}

#define SAID "550-5.7.1 first\r\n550-5.7.1 second\r\n550 5.7.1 third\r\n"

static const struct case_row {
	enum event at;
	bool chunked;
} cases[] = { { AT_MAIL, false }, { AT_RCPT, false }, { AT_DATA, false }, { AT_END, false },
	{ AT_DATA, true }, { AT_END, true } };

/* A message up to where the stage says it, and to its answer; the answer to all before is Ok. */
static void
say_message(struct rig *rig, const struct case_row *row)
{
	if (row->at == AT_MAIL) {
		rig_say_text(rig, "MAIL FROM:<alice@example.org>\r\n");
		return;
	}
	rig_play(rig, MAIL);
	rig_say_text(rig, "RCPT TO:<bob@example.net>\r\n");
	if (row->at == AT_RCPT)
		return;
	rig_hear(rig, "250 2.1.5 Ok\r\n");
	if (row->chunked) {
		say_chunk(rig, span_text(HEAD "x\r\n"), true);
		return;
	}
	rig_say_text(rig, "DATA\r\n");
	if (row->at == AT_DATA)
		return;
	rig_hear_line(rig, "354 ");
	rig_say_text(rig, HEAD "x\r\n.\r\n");
}

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rig *rig = rig_new("none", CLEAR, "");

		will_pass();
		rig_log_in(rig);
		will_say(cases[i].at, 550, "first\nsecond\nthird");
		say_message(rig, &cases[i]);
		rig_hear(rig, SAID);
		/* The session goes on, and the next message is one of its own. */
		will_pass();
		rig_play(rig, "C: RSET\nS: 250 2.0.0 Ok\n" MAIL RCPT);
		say_data(rig, HEAD "x\r\n.\r\n");
		rig_hear_line(rig, ok);
		rig_free(&rig);
	}
}

static void
test_closing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rig *rig = rig_new("none", CLEAR, "");

		will_pass();
		rig_log_in(rig);
		will_say(cases[i].at, 421, "not now\ngo away");
		say_message(rig, &cases[i]);
		rig_hear(rig, "421-4.7.0 not now\r\n421 4.7.0 go away\r\n");
		rig_hear_close(rig);
		assert_int_equal(rig->commits, 0);
		rig_free(&rig);
	}
	will_pass();
}

/* A text beyond all bounds: the code is still said. */
static void
test_endless_text(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");
	char *long_text = mem_alloc(100 * 1000 + 1);


	(void)state;
	will_pass();
	rig->service.reply.cap = 32 * 1024;
	rig_log_in(rig);
	memset(long_text, 'a', 100 * 1000);
	will_say(AT_MAIL, 550, long_text);
	rig_say_text(rig, "MAIL FROM:<alice@example.org>\r\n");
	rig_hear(rig, "550 5.7.1 \r\n");
	mem_free(&long_text);
	will_pass();
	rig_free(&rig);
}

static void
test_parameters(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	will_pass();
	rig_log_in(rig);
	rig_say_text(rig, "MAIL FROM:<alice@example.org> body=8bitmime  SIZE=0099 RET=HDRS \r\n"
			  "RCPT TO:<u@example.net>  NOTIFY=failure,DELAY ORCPT=rfc822;u+2B@x.y\r\n"
			  "RCPT TO:<v@example.net>\r\n");
	rig_hear(rig, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.1.5 Ok\r\n");
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	assert_string_equal(script.seen, "[body=8bitmime  SIZE=0099 RET=HDRS]"
		"[NOTIFY=failure,DELAY ORCPT=rfc822;u+2B@x.y][]"
		"<NOTIFY=failure,DELAY ORCPT=rfc822;u+2B@x.y><>");
	rig_play(rig, MAIL);
	assert_string_equal(script.seen, "[]");
	rig_free(&rig);
}

static bool
has_drop(struct rig *rig)
{
	return rig->drops > 0;
}

/* From memory or a file into memory or a file: the queue gets the new one, the old file is dropped. */
static void
test_new_body(void **state)
{
	char *large = mem_alloc(300 * 1000 + 1);

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct rig *rig = rig_new("none", CLEAR, "");
		bool from_file = i & 1;
		bool refused = i & 4;

		will_pass();
		script.new_body = "new\r\n";
		script.in_file = i & 2;
		rig_log_in(rig);
		rig_play(rig, MAIL RCPT DATA);
		for (size_t at = 0; at < 300 * 1000; at++)
			large[at] = "old\r\n"[at % 5];
		rig_say_text(rig, HEAD);
		rig_say_text(rig, from_file ? large : "caf\xc3\xa9\r\n");
		if (refused)
			will_say(AT_END, 550, "no");
		rig_say_text(rig, ".\r\n");
		if (refused) {
			rig_hear(rig, "550 5.7.1 no\r\n");
			rig_turns(rig, 8);
			assert_int_equal(rig->drops, from_file + script.in_file);
		} else {
			rig_hear_line(rig, ok);
			assert_span_equal(buf_span(&rig_last(rig)->body), "new\r\n");
			assert_int_equal(rig_last(rig)->in_file, script.in_file);
			assert_true(rig_last(rig)->hash_good || !script.in_file);
			assert_false(rig_last(rig)->eightbit);
			if (from_file)
				rig_wait(rig, has_drop);
			rig_turns(rig, 8);
			assert_int_equal(rig->drops, from_file);
		}
		rig_free(&rig);
	}
	script.new_body = NULL;
	mem_free(&large);
}

/* What a filter may, and the session may not, goes to the queue beside what the rights allowed. */
static void
test_new_envelope(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	will_pass();
	rig_log_in(rig);
	for (unsigned i = 0; i < 2; i++) {
		script.new_envelope = i == 0;
		next(rig);
		say_data(rig, HEAD "x\r\n.\r\n");
		rig_hear_line(rig, ok);
		assert_int_equal(rig_last(rig)->sender_changed, i == 0);
		assert_string_equal(rig_last(rig)->sender,
			i == 0 ? "bounce@lists.example.com" : "alice@example.org");
		assert_string_equal(
			rig_last(rig)->allowed_sender, i == 0 ? "alice@example.org" : "");
		assert_int_equal(rig_last(rig)->recipients, i == 0 ? 2 : 1);
		assert_int_equal(rig_last(rig)->added, i == 0);
		assert_int_equal(rig_last(rig)->first_added, i == 0);
	}
	rig_free(&rig);
}

/* A message that has come to be for nobody is accepted and goes nowhere. */
static void
test_nobody_left(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	will_pass();
	script.nobody = true;
	script.at = AT_END;
	script.verdict = (struct verdict){ .kind = VERDICT_DISCARD };
	rig_log_in(rig);
	next(rig);
	say_data(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, ok);
	assert_int_equal(rig->commits, 0);
	script.nobody = false;
	will_pass();
	rig_free(&rig);
}

/* ---- commands that nobody knows ---------------------------------------------------------------- */

#define UNRECOGNIZED "500 5.5.1 command not recognized\r\n"
#define UNOFFERED "502 5.5.1 command not offered\r\n"

/* What a stage is told of them: never what may be a secret. */
static const struct {
	const char *line;
	const char *reply;
	const char *seen;
} unknowns[] = {
	{ "XYZZY\r\n", UNRECOGNIZED, "<XYZZY>" },
	{ "xyzzy hunter2 \r\n", UNRECOGNIZED, "<xyzzy>" },
	{ "AGFsaWNlAHNlY3JldA==\r\n", UNRECOGNIZED, "" },
	{ "PasswordOfAlice\r\n", UNRECOGNIZED, "" },
	{ "hunter2 x\r\n", UNRECOGNIZED, "" },
	{ " secret\r\n", UNRECOGNIZED, "" },
	{ "\r\n", UNRECOGNIZED, "" },
	{ "ETRN example.org\r\n", UNOFFERED, "<ETRN example.org>" },
	{ "xclient ADDR=192.0.2.1\r\n", UNOFFERED, "<xclient ADDR=192.0.2.1>" },
	{ "BURL imap://a;urlauth=x:internal:91354a47\r\n", UNOFFERED, "<BURL>" },
	{ "EXPN \1\r\n", "501 5.5.2 control byte in command\r\n", "" },
	{ "NOOP\r\n", "250 2.0.0 Ok\r\n", "" },
	{ "RCPT FROM:<x>\r\n", "501 5.5.4 syntax: RCPT TO:<address>\r\n", "" },
	{ "STARTTLS now\r\n", "501 5.5.4 this command takes no argument\r\n", "" },
	/* What a client sends on that did not wait for the refusal of its login. */
	{ "AUTH LOGIN\r\n", "503 5.5.1 EHLO first, and not in a transaction\r\n", "" },
	{ "bobs\r\n", UNRECOGNIZED, "" },
	{ "pass\r\n", UNRECOGNIZED, "" },
	{ "RSET\r\n", "250 2.0.0 Ok\r\n", "" },
	{ "XYZZY\r\n", UNRECOGNIZED, "<XYZZY>" },
};

static void
test_unknown(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	will_pass();
	script.seen[0] = '\0';
	rig_connect(rig);
	rig_hear_line(rig, "220 ");
	rig_say_text(rig, "XYZZY\r\n");
	rig_hear_line(rig, "50");
	/* Nobody has said EHLO. */
	assert_string_equal(script.seen, "");
	rig_free(&rig);
	rig = rig_new("none", CLEAR "errors = 1000\n", "");
	rig_log_in(rig);
	rig_play(rig, MAIL);
	for (size_t i = 0; i < sizeof unknowns / sizeof *unknowns; i++) {
		script.seen[0] = '\0';
		rig_say_text(rig, unknowns[i].line);
		rig_hear(rig, unknowns[i].reply);
		if (strcmp(script.seen, unknowns[i].seen) != 0)
			fail_msg("%s: %s", unknowns[i].line, script.seen);
	}
	rig_free(&rig);
}

/* It is refused whatever the stage says; with its words if it has some. */
static void
test_unknown_words(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");
	char line[1024];

	(void)state;
	rig_log_in(rig);
	rig_play(rig, MAIL);
	will_say(AT_UNKNOWN, 550, "first\nsecond\nthird");
	rig_say_text(rig, "XYZZY\r\n");
	rig_hear(rig, SAID);
	script.verdict = (struct verdict){ .kind = VERDICT_DISCARD };
	rig_say_text(rig, "XYZZY\r\n");
	rig_hear(rig, UNRECOGNIZED);
	/* A stage hears so much of a line and no more. */
	script.seen[0] = '\0';
	snprintf(line, sizeof line, "ETRN %0*d\r\n", 900, 0);
	rig_say_text(rig, line);
	rig_hear(rig, UNOFFERED);
	assert_int_equal(strlen(script.seen), strlen("<>") + 512);
	will_say(AT_UNKNOWN, 421, "go");
	rig_say_text(rig, "XYZZY\r\n");
	rig_hear_line(rig, "421 4.7.0 go");
	will_pass();
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_closing),
		cmocka_unit_test(test_endless_text),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_new_body),
		cmocka_unit_test(test_new_envelope),
		cmocka_unit_test(test_nobody_left),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_unknown_words),
	};

	return cmocka_run_group_tests_name("smtp/verdict", tests, NULL, NULL);
}
