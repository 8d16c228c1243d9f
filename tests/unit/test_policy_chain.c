/* SPDX-License-Identifier: BSD-2-Clause */
/* In which order stages are asked, and what becomes of their verdicts. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/chain.h"

/* A stage that writes down what it hears and answers as told, at once or when the test says. */
struct fake {
	struct stage stage;
	char name;
};

static struct {
	char heard[4096];
	const char *answers; /* "1from=hold 2eom=reject": stage and event, verdict */
	bool later;          /* answers wait for release() */
	stage_done_fn done;
	void *context;
	struct verdict verdict;
	size_t body_bytes;
} script;

static struct verdict
verdict_named(const char *text)
{
	if (strncmp(text, "reject", 6) == 0)
		return verdict_refuse(550, "5.7.1", "fake", "no");
	if (strncmp(text, "tempfail", 8) == 0)
		return verdict_refuse(451, "4.7.1", "fake", "later");
	if (strncmp(text, "hold", 4) == 0)
		return verdict_hold("fake", "look at this");
	if (strncmp(text, "accept", 6) == 0)
		return (struct verdict){ .kind = VERDICT_ACCEPT };
	if (strncmp(text, "discard", 7) == 0)
		return (struct verdict){ .kind = VERDICT_DISCARD };
	return VERDICT_PASS;
}

static void
hear(struct stage *stage, const char *event, stage_done_fn done, void *context)
{
	char key[64];
	const char *told;
	struct verdict verdict = VERDICT_PASS;

	snprintf(key, sizeof key, "%c%s", ((struct fake *)stage)->name, event);
	snprintf(script.heard + strlen(script.heard), sizeof script.heard - strlen(script.heard),
		"%s ", key);
	snprintf(key, sizeof key, "%c%s=", ((struct fake *)stage)->name, event);
	told = strstr(script.answers, key);
	if (told)
		verdict = verdict_named(told + strlen(key));
	if (!script.later) {
		done(context, &verdict);
		return;
	}
	script.done = done;
	script.context = context;
	script.verdict = verdict;
}

static bool
release(void)
{
	stage_done_fn done = script.done;

	script.done = NULL;
	if (done)
		done(script.context, &script.verdict);
	return done;
}

static const struct stage_type fake_type;

static struct stage *
fake_open(const struct mail_session *session, void *service)
{
	struct fake *fake = mem_alloc(sizeof *fake);

	(void)session;
	fake->stage.type = &fake_type;
	fake->name = *(const char *)service;
	return &fake->stage;
}

static void
fake_connect(struct stage *stage, stage_done_fn done, void *context)
{
	hear(stage, "connect", done, context);
}

static void
fake_envfrom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	(void)mail;
	hear(stage, "from", done, context);
}

static void
fake_envrcpt(struct stage *stage, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context)
{
	(void)mail;
	(void)recipient;
	hear(stage, "rcpt", done, context);
}

static void
fake_refused(struct stage *stage, struct mail *mail, const struct mail_recipient *recipient,
	const struct verdict *verdict)
{
	(void)mail;
	snprintf(script.heard + strlen(script.heard), sizeof script.heard - strlen(script.heard),
		"%crefused:%s:%u ", ((struct fake *)stage)->name, recipient->path, verdict->code);
}

static void
fake_unknown(struct stage *stage, struct span line, stage_done_fn done, void *context)
{
	char event[32];

	snprintf(event, sizeof event, "u:%.*s", SPAN_PRINT(line));
	hear(stage, event, done, context);
}

static void
fake_header(struct stage *stage, struct mail *mail, struct span name, struct span value,
	stage_done_fn done, void *context)
{
	char event[32];

	(void)mail;
	(void)value;
	snprintf(event, sizeof event, "h:%.*s", SPAN_PRINT(name));
	hear(stage, event, done, context);
}

static void
fake_body(struct stage *stage, struct mail *mail, struct span piece, stage_done_fn done, void *context)
{
	(void)mail;
	script.body_bytes += piece.length;
	hear(stage, "body", done, context);
}

static void
fake_eom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	/* The first stage adds a field, which the second must see. */
	if (((struct fake *)stage)->name == '1')
		header_add(&mail->header, SPAN_LITERAL("X-One"), SPAN_LITERAL("1"));
	hear(stage, "eom", done, context);
}

static void
fake_abort(struct stage *stage)
{
	(void)stage;
	strcat(script.heard, "abort ");
}

static void
fake_close(struct stage **stage)
{
	mem_free(stage);
}

static const struct stage_type fake_type = {
	.name = "fake",
	.open = fake_open,
	.connect = fake_connect,
	.envfrom = fake_envfrom,
	.envrcpt = fake_envrcpt,
	.refused = fake_refused,
	.unknown = fake_unknown,
	.header = fake_header,
	.body = fake_body,
	.eom = fake_eom,
	.abort = fake_abort,
	.close = fake_close,
};

static const struct stage_type mute_type;

static struct stage *
mute_open(const struct mail_session *session, void *service)
{
	struct stage *stage = mem_alloc(sizeof *stage);

	(void)session;
	(void)service;
	stage->type = &mute_type;
	return stage;
}

static const struct stage_type mute_type = { .name = "mute", .open = mute_open, .close = fake_close };

static const struct settings_listener listener;
static struct mail_session session = { .listener = &listener };

struct got {
	int calls;
	struct verdict verdict;
};

static void
on_done(void *context, const struct verdict *verdict)
{
	struct got *got = context;

	got->calls++;
	got->verdict = *verdict;
}

static const struct chain_link links[] = {
	{ &fake_type, (void *)"1" },
	{ &mute_type, NULL },
	{ &fake_type, (void *)"2" },
};

static struct mail *
mail_with(const char *header, const char *body)
{
	struct mail *mail = mail_new(&session, "id", 0);
	struct fault fault = FAULT_INIT;

	buf_add_text(&mail->header_block, header);
	assert_true(mail_parse_header(mail, true, &fault));
	buf_add_text(&mail->body, body);
	mail->body_length = strlen(body);
	return mail;
}

static void
run(const char *answers, bool later, const char *heard, enum verdict_kind kind, bool hold)
{
	struct mail *mail = mail_with("From: a\r\nTo: b\r\n", "x\r\n");
	struct mail_recipient recipient = { .path = "b@c.d" };
	struct chain *chain = chain_new(&session, links, 3);
	struct got got = { 0 };
	int calls = 0;

	memset(&script, 0, sizeof script);
	script.answers = answers;
	script.later = later;
	for (int event = 0; event < 3; event++) {
		if (event == 0)
			chain_envfrom(chain, mail, on_done, &got);
		if (event == 1)
			chain_envrcpt(chain, mail, &recipient, on_done, &got);
		if (event == 2)
			chain_message(chain, mail, on_done, &got);
		while (release())
			;
		assert_int_equal(got.calls, ++calls);
		if (got.verdict.kind != VERDICT_CONTINUE && got.verdict.kind != VERDICT_HOLD)
			break;
	}
	assert_string_equal(script.heard, heard);
	assert_int_equal(got.verdict.kind, kind);
	assert_int_equal(mail->hold, hold);
	chain_free(&chain);
	mail_free(&mail);
}

/* One after the other, between messages and in one, until somebody says how it is refused. */
static void
unknown_commands(void **state)
{
	struct mail *mail = mail_with("From: a\r\n", "x\r\n");
	struct chain *chain = chain_new(&session, links, 3);
	char line[] = "XYZZY";
	struct got got = { 0 };

	(void)state;
	memset(&script, 0, sizeof script);
	script.answers = "1u:TURN=tempfail 1from=accept";
	script.later = true;
	chain_unknown(chain, span_text(line), on_done, &got);
	memset(line, '!', sizeof line - 1);
	while (release())
		;
	assert_int_equal(got.calls, 1);
	assert_int_equal(got.verdict.kind, VERDICT_CONTINUE);
	chain_unknown(chain, SPAN_LITERAL("TURN"), on_done, &got);
	release();
	assert_int_equal(got.verdict.kind, VERDICT_TEMPFAIL);
	chain_envfrom(chain, mail, on_done, &got);
	while (release())
		;
	/* Whoever accepted the message hears nothing in it. */
	chain_unknown(chain, SPAN_LITERAL("TURN"), on_done, &got);
	while (release())
		;
	assert_int_equal(got.calls, 4);
	assert_int_equal(got.verdict.kind, VERDICT_CONTINUE);
	assert_string_equal(script.heard, "1u:XYZZY 2u:XYZZY 1u:TURN 1from 2from 2u:TURN ");
	chain_free(&chain);
	mail_free(&mail);
}

static void
verdicts(void **state)
{
	static const char message_1[] = "1h:From 1h:To 1body 1eom ";
	static const char message_2[] = "2h:From 2h:To 2h:X-One 2body 2eom ";
	char whole[512];

	(void)state;
	for (int later = 0; later < 2; later++) {
		snprintf(whole, sizeof whole, "1from 2from 1rcpt 2rcpt %s%s", message_1, message_2);
		run("", later, whole, VERDICT_CONTINUE, false);
		run("1from=reject", later, "1from ", VERDICT_REJECT, false);
		run("2rcpt=tempfail", later, "1from 2from 1rcpt 2rcpt ", VERDICT_TEMPFAIL, false);
		/* Who comes behind the one that refused is told; who said ACCEPT hears no more. */
		run("1rcpt=reject", later, "1from 2from 1rcpt 2refused:b@c.d:550 ", VERDICT_REJECT,
			false);
		run("1rcpt=tempfail", later, "1from 2from 1rcpt 2refused:b@c.d:451 ",
			VERDICT_TEMPFAIL, false);
		run("1rcpt=discard", later, "1from 2from 1rcpt ", VERDICT_DISCARD, false);
		run("1rcpt=reject 2from=accept", later, "1from 2from 1rcpt ", VERDICT_REJECT, false);
		run("1h:To=discard", later, "1from 2from 1rcpt 2rcpt 1h:From 1h:To ",
			VERDICT_DISCARD, false);
		/* ACCEPT silences one stage for the rest of this message, not the others. */
		snprintf(whole, sizeof whole, "1from 2from 2rcpt 2h:From 2h:To 2body 2eom ");
		run("1from=accept", later, whole, VERDICT_CONTINUE, false);
		/* HOLD marks the mail, and the later stages still have their say. */
		snprintf(whole, sizeof whole, "1from 2from 1rcpt 2rcpt %s%s", message_1, message_2);
		run("1h:To=hold", later, whole, VERDICT_HOLD, true);
		run("1h:To=hold 2eom=reject", later, whole, VERDICT_REJECT, true);
	}
}

/* What nobody is asked about, all hear of; but who said ACCEPT. */
static void
refused_by_nobody(void **state)
{
	static const char *const answers[] = { "", "1from=accept", "2from=accept" };
	static const char *const heard[] = {
		"1from 2from 1refused:b@c.d:554 2refused:b@c.d:554 ",
		"1from 2from 2refused:b@c.d:554 ", "1from 2from 1refused:b@c.d:554 " };
	const struct verdict verdict = verdict_refuse(554, "5.1.2", "", "Not fully qualified");
	const struct mail_recipient recipient = { .path = "b@c.d" };

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct mail *mail = mail_with("From: a\r\n", "");
		struct chain *chain = chain_new(&session, links, 3);
		struct got got = { 0 };

		memset(&script, 0, sizeof script);
		script.answers = answers[i];
		chain_envfrom(chain, mail, on_done, &got);
		chain_refused(chain, mail, &recipient, &verdict);
		assert_int_equal(got.calls, 1);
		assert_string_equal(script.heard, heard[i]);
		chain_free(&chain);
		mail_free(&mail);
	}
}

/* Catalogue D5: what one message said does not carry over to the next. */
static void
accept_ends_with_its_message(void **state)
{
	struct mail *mail = mail_with("From: a\r\n", "");
	struct chain *chain = chain_new(&session, links, 3);
	struct got got = { 0 };

	(void)state;
	memset(&script, 0, sizeof script);
	script.answers = "1from=accept 2eom=reject";
	chain_envfrom(chain, mail, on_done, &got);
	chain_message(chain, mail, on_done, &got);
	assert_int_equal(got.verdict.kind, VERDICT_REJECT);
	chain_abort(chain);
	script.heard[0] = '\0';
	script.answers = "";
	chain_connect(chain, on_done, &got); /* as HELO and AUTH between two messages */
	assert_string_equal(script.heard, "1connect 2connect ");
	script.heard[0] = '\0';
	chain_envfrom(chain, mail, on_done, &got);
	assert_string_equal(script.heard, "1from 2from ");
	chain_free(&chain);
	mail_free(&mail);
}

static void
abort_forgets(void **state)
{
	struct mail *mail = mail_with("From: a\r\n", "");
	struct chain *chain = chain_new(&session, links, 3);
	struct got got = { 0 };

	(void)state;
	memset(&script, 0, sizeof script);
	script.answers = "";
	script.later = true;
	chain_envfrom(chain, mail, on_done, &got);
	chain_abort(chain);
	assert_int_equal(got.calls, 0);
	script.later = false;
	chain_connect(chain, on_done, &got);
	assert_int_equal(got.calls, 1);
	chain_free(&chain);
	mail_free(&mail);
}

static void
body_from_a_file(void **state)
{
	char name[] = "/tmp/sallyport-chain-XXXXXX";
	struct mail *mail = mail_with("From: a\r\n", "");
	struct chain *chain = chain_new(&session, links, 3);
	struct got got = { 0 };

	(void)state;
	mail->body_fd = mkstemp(name);
	unlink(name);
	mail->body_length = 200000;
	assert_int_equal(ftruncate(mail->body_fd, 200000), 0);
	memset(&script, 0, sizeof script);
	script.answers = "";
	chain_message(chain, mail, on_done, &got);
	assert_int_equal(got.verdict.kind, VERDICT_CONTINUE);
	assert_int_equal(script.body_bytes, 2 * 200000);
	/* A file that lost its end is a fault of ours, never a shorter message. */
	assert_int_equal(ftruncate(mail->body_fd, 100000), 0);
	chain_message(chain, mail, on_done, &got);
	assert_int_equal(got.verdict.kind, VERDICT_TEMPFAIL);
	assert_int_equal(got.verdict.code, 451);
	close(mail->body_fd);
	chain_free(&chain);
	mail_free(&mail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(refused_by_nobody),
		cmocka_unit_test(unknown_commands),
		cmocka_unit_test(accept_ends_with_its_message),
		cmocka_unit_test(abort_forgets),
		cmocka_unit_test(body_from_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
