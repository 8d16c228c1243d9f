/* SPDX-License-Identifier: BSD-2-Clause */
/* What a front end may ask relay for, and that every question has one answer. */
#include "queue/inquiry.h"
#include "unit.h"

#include <stdio.h>

static const char *const ours[] = { "example.org", "listed.example", "open.example",
	"noroute.example" };
static const struct settings_domain domains[] = {
	{ .title = "listed.example", .recipients = RECIPIENTS_DIRECTORY },
	{ .title = "open.example", .recipients = RECIPIENTS_ANY },
};
static const struct settings_route routes[] = { { .title = "example.org" },
	{ .title = "listed.example" }, { .title = "open.example" }, { .title = "example.net" } };
static const struct settings all_settings = { .hostname = "mail.example.org",
	.authoritative_domains = { ours, 4 }, .domain = { domains, 2 }, .route = { routes, 4 },
	.relay = { .call_ahead_wait = 7000 } };

/* The stand-in for relay. */
static bool away;
static char route[64];
static char path[64];
static uint64_t wait;
static channel_answer_fn on_answer;
static void *asker;

/* What the front end is told. */
static unsigned tellings;
static struct message_recipient_told last;
static char last_text[64];

static bool
call(void *context, const struct message_call_ahead *asked, uint64_t wait_ms,
	channel_answer_fn answer, void *who)
{
	assert_ptr_equal(context, &away);
	snprintf(route, sizeof(route), "%s", asked->route);
	snprintf(path, sizeof(path), "%s", asked->path);
	wait = wait_ms;
	on_answer = answer;
	asker = who;
	return !away;
}

static void
on_told(void *context, uint32_t request, const struct message_recipient_told *told)
{
	assert_ptr_equal(context, &tellings);
	assert_int_equal(request, 9);
	tellings++;
	last = *told;
	snprintf(last_text, sizeof(last_text), "%s", told->text);
}

static void
ask(const char *of)
{
	static const struct inquiry_means means = { &all_settings, call, &away };
	tellings = 0;
	route[0] = '\0';
	inquiry_ask(&means, of, on_told, &tellings, 9);
}

static void
test_what_may_be_asked(void **state)
{
	static const char *const wrong[] = { "a@listed.example", "a@open.example", "a@example.net",
		"a@noroute.example", "a@sub.example.org", "a", "", "@", "a@" };
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ask(wrong[i]);
		assert_int_equal(tellings, 1);
		assert_int_equal(last.finding, FINDING_UNSURE);
		assert_string_equal(route, "");
	}
	ask("\"a@b\"@EXAMPLE.org");
	assert_int_equal(tellings, 0);
	assert_string_equal(route, "example.org");
	assert_string_equal(path, "\"a@b\"@EXAMPLE.org");
	assert_true(wait > 7000 && wait <= 10000);
	assert_true(on_answer(asker, NULL));
	assert_int_equal(tellings, 1);
}

static void
test_answers(void **state)
{
	const struct message_recipient_told told = { FINDING_UNKNOWN, "5.1.1", "nobody" };
	struct buf content = BUF_INIT(0);
	(void)state;
	message_recipient_told_pack(&content, &told);
	const struct {
		enum message_id id;
		struct span bytes;
		enum finding finding;
		const char *text;
	} cases[] = {
		{ MSG_CALLED_AHEAD, buf_span(&content), FINDING_UNKNOWN, "nobody" },
		{ MSG_CALLED_AHEAD, SPAN_LITERAL("x"), FINDING_UNSURE,
			"the relay gives no answer" },
		{ MSG_REFUSED, buf_span(&content), FINDING_UNSURE, "the relay gives no answer" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct channel_message answer = { .id = cases[i].id, .bytes = cases[i].bytes,
			.fd = -1 };
		ask("u@example.org");
		assert_true(on_answer(asker, &answer));
		assert_int_equal(tellings, 1);
		assert_int_equal(last.finding, cases[i].finding);
		assert_string_equal(last_text, cases[i].text);
	}
	away = true;
	ask("u@example.org");
	away = false;
	assert_int_equal(tellings, 1);
	assert_string_equal(last_text, "the relay is away");
	buf_fini(&content);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_may_be_asked),
		cmocka_unit_test(test_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
