/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter tried for the administrator: what it is told, what is shown of what it says, how it ends. */
#include "trial_fixture.h"

enum { WAIT_MS = 5000 };

static const struct settings_milter filter = { .title = "filter",
	.address = { .text = "127.0.0.1:8891", .kind = ENDPOINT_INET },
	.connect_wait = 1000,
	.command_wait = 1000,
	.content_wait = 1000,
	.end_wait = 1000,
	.budget = 10 * 1000 };
static struct settings_milter own_filter;
static const struct settings_listener listeners[] = {
	{ .title = "imaps", .protocol = LISTENER_IMAP },
	{ .title = "in", .protocol = LISTENER_SMTP, .message_size = 100000 },
};
static struct settings settings = { .hostname = "mail.example.org",
	.listener = { listeners, 2 },
	.milter = { &own_filter, 1 },
	.holds = 1000 };

/* ---- trials ---------------------------------------------------------------------------------- */

static void
on_done(void *context, json_t *result)
{
	assert_ptr_equal(context, &rig);
	rig.result = result;
	rig.trial = NULL;
	loop_stop(rig.loop);
}

static void
on_guard(void *context)
{
	(void)context;
	fail_msg("nothing happened in time");
}

static void
run(const struct line *script, const struct trial_wish *wish)
{
	struct fault fault = FAULT_INIT;

	rig.script = script;
	loop_timer_start(&rig.guard, WAIT_MS);
	rig.trial = trial_start(&settings, &rig.means, wish, on_done, &rig, &fault);
	if (!rig.trial)
		print_error("%s\n", fault.text);
	assert_non_null(rig.trial);
	loop_run(rig.loop);
	loop_timer_stop(&rig.guard);
}

/* Another may follow. */
static void
forget(void)
{
	json_decref(rig.result);
	rig.result = NULL;
	loop_watch_free(&rig.watch);
	sock_close(&rig.far);
	buf_clear(&rig.input);
	memset(rig.heard, 0, sizeof rig.heard);
}

static const char *
text(const char *key)
{
	const char *value = json_string_value(json_object_get(rig.result, key));

	return value ? value : "";
}

/* "connect:continue helo:continue …", texts in brackets. */
static const char *
answers(void)
{
	static char line[4096];
	size_t index;
	json_t *each;

	line[0] = '\0';
	json_array_foreach(json_object_get(rig.result, "answers"), index, each)
	{
		const char *said = json_string_value(json_object_get(each, "text"));
		size_t length = strlen(line);

		assert_true(json_is_integer(json_object_get(each, "took_us")));
		snprintf(line + length, sizeof line - length, "%s%s:%s%s%s%s", index ? " " : "",
			json_string_value(json_object_get(each, "at")),
			json_string_value(json_object_get(each, "answer")), said ? "[" : "",
			said ? said : "", said ? "]" : "");
	}
	return line;
}

#define USUAL                                                                                      \
	"connect:continue helo:continue mail:continue rcpt:continue data:continue "                \
	"header Date:continue header From:continue header To:continue header Subject:continue "    \
	"header Message-ID:continue end-of-header:continue body:continue "

static const struct trial_wish usual = { .filter = "filter" };

static void
a_filter_that_lets_pass(void **state)
{
	(void)state;
	run(NULL, &usual);
	assert_string_equal(text("outcome"), "pass");
	assert_string_equal(text("fault"), "");
	assert_string_equal(text("address"), "127.0.0.1:8891");
	assert_true(json_is_integer(json_object_get(rig.result, "connect_us")));
	assert_true(json_is_integer(json_object_get(rig.result, "negotiate_us")));
	assert_int_equal(json_integer_value(json_object_get(rig.result, "version")), 6);
	assert_string_equal(rig.heard, "OCHMRTLLLLLNBE");
	assert_string_equal(answers(), USUAL "end-of-message:continue");
	assert_null(strstr(buf_text(&rig.macros), "auth_authen"));
}

static void
what_it_does_not_want_to_hear(void **state)
{
	(void)state;
	rig.actions = MILTER_MAY_ADD_HEADERS;
	rig.steps = MILTER_NO_CONNECT | MILTER_NO_BODY | MILTER_MUTE_HEADER;
	run(NULL, &usual);
	assert_string_equal(rig.heard, "OHMRTLLLLLNE");
	assert_string_equal(answers(), "helo:continue mail:continue rcpt:continue data:continue "
				       "end-of-header:continue end-of-message:continue");
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(rig.result, "steps"), 2)), "mute-header");
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(rig.result, "actions"), 0)), "add-header");
}

static void
only_negotiated(void **state)
{
	static const struct trial_wish brief = { .filter = "filter", .no_message = true };

	(void)state;
	run(NULL, &brief);
	assert_string_equal(text("outcome"), "negotiated");
	assert_string_equal(rig.heard, "O");
	assert_string_equal(answers(), "");
}

static void
macros_it_asks_for(void **state)
{
	static const struct line script[] = {
		SAYS('O', "\0\0\0\x26O\0\0\0\6\0\0\1\xff\0\0\0\0"
			  "\0\0\0\2i {auth_authen}\0"
			  "\0\0\0\5\0"),
		{ 0, NULL, 0 }
	};
	char *macros;

	(void)state;
	run(script, &usual);
	assert_string_equal(text("outcome"), "pass");
	macros = json_dumps(json_object_get(rig.result, "macros"), JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(macros, "[{\"at\":\"mail\",\"names\":[\"i\",\"{auth_authen}\"]},"
				    "{\"at\":\"end-of-message\",\"names\":[]}]");
	free(macros);
	assert_null(strstr(buf_text(&rig.macros), "{mail_addr}"));
}

static void
what_it_wants_changed(void **state)
{
	static const struct line script[] = {
		SAYS('E', "\0\0\0\1p"
			  "\0\0\0\x0bhX-A\0 1\n\t2\0"
			  "\0\0\0\x0bi\0\0\0\1X-B\0b\0"
			  "\0\0\0\x07+<a@b>\0"
			  "\0\0\0\x06" "bbody\n"
			  "\0\0\0\x05qspam"
			  "\0\0\0\1a"),
		{ 0, NULL, 0 } };

	(void)state;
	run(script, &usual);
	assert_string_equal(answers(), USUAL
		"end-of-message:progress end-of-message:add-header[X-A: 1\\x0d\\x0a\\x092] "
		"end-of-message:insert-header[1 X-B: b] end-of-message:add-recipient[<a@b>] "
		"end-of-message:replace-body[5 bytes] end-of-message:quarantine[spam] "
		"end-of-message:accept");
	assert_string_equal(text("outcome"), "held");
}

static void
verdicts_along_the_way(void **state)
{
	static const struct {
		struct line lines[2];
		const char *outcome;
		const char *last;
	} cases[] = {
		{ { SAYS('C', "\0\0\0\1a"), { 0, NULL, 0 } }, "pass", "connect:accept" },
		{ { SAYS('C', "\0\0\0\1r"), { 0, NULL, 0 } }, "refused", "connect:reject" },
		{ { SAYS('M', "\0\0\0\1t"), { 0, NULL, 0 } }, "put-off", "mail:tempfail" },
		{ { SAYS('R', "\0\0\0\x0fy550 5.7.1 No!\0"), { 0, NULL, 0 } }, "refused",
			"rcpt:reply[550 5.7.1 No!]" },
		{ { SAYS('B', "\0\0\0\1d"), { 0, NULL, 0 } }, "discarded", "body:discard" },
		{ { SAYS('B', "\0\0\0\1s"), { 0, NULL, 0 } }, "pass",
			"body:skip end-of-message:continue" },
		{ { SAYS('T', "\0\0\0\1p\0\0\0\1c"), { 0, NULL, 0 } }, "pass", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *said;

		run(cases[i].lines, &usual);
		said = answers();
		assert_string_equal(text("outcome"), cases[i].outcome);
		if (cases[i].last)
			assert_non_null(strstr(said, cases[i].last));
		forget();
	}
}

static void
what_breaks_the_protocol(void **state)
{
	static const struct {
		struct line lines[2];
		const char *why;
	} cases[] = {
		{ { SAYS('O', "\0\0\0\1c"), { 0, NULL, 0 } }, "negotiate" },
		{ { SAYS('O', "220 hello"), { 0, NULL, 0 } }, "milter" },
		{ { SAYS('H', "\0\0\0\1c\0\0\0\1c\0\0\0\1c"), { 0, NULL, 0 } }, "was not asked" },
		{ { SAYS('M', "\0\0\0\6hA\0b\0\0"), { 0, NULL, 0 } }, "before the end" },
		{ { SAYS('M', "\0\0\0\0"), { 0, NULL, 0 } }, "at mail" },
		{ { SAYS('E', "\0\0\0\1s"), { 0, NULL, 0 } }, "at the end of the message" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		run(cases[i].lines, &usual);
		assert_string_equal(text("outcome"), "failed");
		if (!strstr(text("fault"), cases[i].why))
			print_error("%s\n", text("fault"));
		assert_non_null(strstr(text("fault"), cases[i].why));
		forget();
	}
}

static void
more_than_is_looked_at(void **state)
{
	static char flood[5 * (TRIAL_ANSWERS_MAX + 10)];
	struct line script[] = { { 'E', flood, sizeof flood }, { 0, NULL, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof flood; i += 5)
		memcpy(flood + i, "\0\0\0\1p", 5);
	run(script, &usual);
	assert_string_equal(text("outcome"), "failed");
	assert_non_null(strstr(text("fault"), "more than"));
	assert_int_equal(json_array_size(json_object_get(rig.result, "answers")),
		TRIAL_ANSWERS_MAX);
}

static void
one_that_is_silent(void **state)
{
	static const struct line script[] = { SAYS('M', ""), { 0, NULL, 0 } };

	(void)state;
	own_filter.command_wait = 50;
	run(script, &usual);
	assert_string_equal(text("outcome"), "failed");
	assert_non_null(strstr(text("fault"), "at mail"));
}

/* At work, as it says again and again: each wait begins anew, but for the one for all of it. */
static void
one_that_is_never_done(void **state)
{
	static const struct line script[] = { SAYS('M', ""), { 0, NULL, 0 } };

	(void)state;
	own_filter.budget = 100;
	rig.drips = true;
	run(script, &usual);
	assert_string_equal(text("outcome"), "failed");
	assert_string_equal(text("fault"), "at mail: it is not done after 100 ms, its budget");
}

static void
nobody_there(void **state)
{
	(void)state;
	rig.nobody = true;
	run(NULL, &usual);
	assert_string_equal(text("outcome"), "failed");
	assert_string_equal(text("fault"), "nobody listens there");
	assert_null(json_object_get(rig.result, "connect_us"));
}

static void
who_it_is_told_of(void **state)
{
	static const struct trial_wish wish = { .filter = "filter", .listener = "in",
		.ip = "2001:db8::1", .login = "alice", .sender = "alice@example.org",
		.recipient = "bob@example.net" };

	(void)state;
	run(NULL, &wish);
	assert_string_equal(text("outcome"), "pass");
	assert_non_null(strstr(buf_text(&rig.macros), "{auth_authen}|alice|"));
	assert_non_null(strstr(buf_text(&rig.macros), "{mail_addr}|alice@example.org|"));
	assert_non_null(strstr(buf_text(&rig.macros), "{rcpt_addr}|bob@example.net|"));
}

static void
wishes_that_cannot_be(void **state)
{
	static const char *const reasons[] = { "in effect", "did you mean \"filter\"?" };
	static const struct trial_wish wishes[] = {
		{ .filter = "other" },
		{ .filter = "fliter" },
		{ .filter = "filter", .listener = "imaps" },
		{ .filter = "filter", .ip = "10.0.0.0/8" },
		{ .filter = "filter", .ip = "here" },
		{ .filter = "filter", .sender = "nobody at all" },
		{ .filter = "filter", .recipient = "a@b\r\nDATA" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
		struct fault fault = FAULT_INIT;

		assert_null(trial_start(&settings, &rig.means, &wishes[i], on_done, &rig, &fault));
		assert_int_not_equal(fault.kind, FAULT_NONE);
		if (i < sizeof reasons / sizeof *reasons)
			assert_string_equal(fault.text + strlen(fault.text) - strlen(reasons[i]), reasons[i]);
	}
}

static void
given_up(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	rig.trial = trial_start(&settings, &rig.means, &usual, on_done, &rig, &fault);
	assert_non_null(rig.trial);
	trial_free(&rig.trial);
	assert_null(rig.trial);
	trial_free(&rig.trial);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&rig, 0, sizeof rig);
	own_filter = filter;
	rig.far = -1;
	rig.actions = MILTER_MAY_ALL;
	rig.loop = loop_new();
	buf_init(&rig.input, 0);
	buf_init(&rig.macros, 0);
	rig.means = (struct milter_means){ .loop = rig.loop,
		.context = &rig,
		.dial = dial,
		.dial_forget = dial_forget };
	loop_defer_init(&rig.dialed, rig.loop, on_dialed, NULL);
	loop_timer_init(&rig.guard, rig.loop, on_guard, NULL);
	loop_timer_init(&rig.drip, rig.loop, on_drip, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	json_decref(rig.result);
	loop_timer_stop(&rig.drip);
	loop_watch_free(&rig.watch);
	sock_close(&rig.far);
	buf_fini(&rig.input);
	buf_fini(&rig.macros);
	loop_free(&rig.loop);
	return 0;
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_filter_that_lets_pass),
		CASE(what_it_does_not_want_to_hear),
		CASE(only_negotiated),
		CASE(macros_it_asks_for),
		CASE(what_it_wants_changed),
		CASE(verdicts_along_the_way),
		CASE(what_breaks_the_protocol),
		CASE(more_than_is_looked_at),
		CASE(one_that_is_silent),
		CASE(one_that_is_never_done),
		CASE(nobody_there),
		CASE(who_it_is_told_of),
		CASE(wishes_that_cannot_be),
		CASE(given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
