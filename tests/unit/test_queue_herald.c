/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is told that the mail of a login is held: once each, over restarts, and in which words. */
#include "queue_rig.h"

#include "config/settings.h"
#include "queue/herald.h"
#include "queue/notice_held.h"

#include <string.h>

static const int64_t now_ms = 1700000000000;
static struct settings told_settings = { .hostname = "mail.example.org", .postmaster = "" };
static struct herald *herald;
static size_t told;
static struct parcel *notices[8];

static int64_t
now(void *context)
{
	(void)context;
	return now_ms + (int64_t)told; /* never the same bytes twice */
}

static void
on_message(void *context, struct parcel *parcel)
{
	(void)context;
	notices[told++] = parcel_hold(parcel);
	loop_stop(loop);
}

static void
open_herald(void)
{
	rig_open_spool(true);
	herald = herald_new(&(const struct herald_means){ spool, now, on_message, NULL });
}

static int
set_up(void **state)
{
	(void)state;
	rig_begin();
	open_herald();
	told_settings.postmaster = "";
	told = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	spool_close(&spool);
	herald_free(&herald);
	for (size_t i = 0; i < told; i++)
		parcel_drop(&notices[i]);
	rig_end();
	return 0;
}

/* And what was begun is over. */
static void
tell(const char *login, const char *owner, uint64_t since_ms)
{
	struct parcel *held = sample_parcel_of(login, "0001");
	struct spool_tick tick = { .request = { .verb = SPOOL_TICK }, .now_ms = now_ms };
	herald_tell(herald, &(const struct herald_news){ &told_settings, held, owner,
				    "More than 10 messages in an hour", since_ms });
	/* Requests come back in the order of asking, and this one is behind the notices. */
	ask_spool(&tick.request);
	assert_int_equal(herald_busy(herald), 0);
	parcel_drop(&held);
}

static const char *
recipient_of(size_t at)
{
	return notices[at]->record.envelope.recipients[0].path;
}

static void
test_once_each(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		tell("alice", "alice@example.org", 7000);
	assert_int_equal(told, 2);
	assert_string_equal(recipient_of(0), "postmaster@mail.example.org");
	assert_string_equal(recipient_of(1), "alice@example.org");
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(notices[i]->record.envelope.sender, "");
		assert_string_equal(notices[i]->record.login, "");
		assert_string_equal(notices[i]->record.parent, "0001");
	}
	/* Another login, and another time. */
	tell("bob", "", 7000);
	assert_int_equal(told, 3);
	tell("alice", "alice@example.org", 9000);
	assert_int_equal(told, 5);
}

static void
test_not_again_after_a_restart(void **state)
{
	(void)state;
	tell("alice", "alice@example.org", 7000);
	spool_close(&spool);
	herald_free(&herald);
	open_herald();
	tell("alice", "alice@example.org", 7000);
	assert_int_equal(told, 2);
	assert_int_equal(spool_counts(spool)->messages, 2);
}

static void
test_one_person_is_told_once(void **state)
{
	(void)state;
	told_settings.postmaster = "root@example.org";
	tell("root", "Root@Example.org", 7000);
	assert_int_equal(told, 1);
	assert_string_equal(recipient_of(0), "root@example.org");
}

static char *
text_of(const struct parcel *parcel)
{
	return mem_printf("%.*s%.*s", SPAN_PRINT(parcel_header(parcel)),
		SPAN_PRINT(parcel_body(parcel)));
}

static struct parcel *
make(const char *login, const char *to, bool to_owner)
{
	struct parcel *held = sample_parcel_of(login, "0001");
	struct parcel *made = notice_held_make(&(const struct notice_held){ .parcel = held,
		.reason = "More than 10 messages in an hour",
		.since_ms = now_ms,
		.hostname = "mail.example.org",
		.postmaster = "postmaster@example.org",
		.to = to,
		.to_owner = to_owner,
		.now_ms = now_ms });
	parcel_drop(&held);
	return made;
}

static void
test_words(void **state)
{
	static const char *const of_both[] = { "From: Mail Delivery System <postmaster@example.org>\r\n",
		"Auto-Submitted: auto-generated\r\n", "  Limit: More than 10 messages in an hour\r\n",
		"  Login: alice\r\n", "  Held since: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
		"  First message held: 0001\r\n" };
	static const char *const of_postmaster[] = { "Subject: Mail is held: login alice\r\n",
		"  sallyportctl queue release --login alice\r\n",
		"  sallyportctl queue delete --login alice --held\r\n",
		"  sallyportctl limits reset alice\r\n" };
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct parcel *made = make("alice", "a@example.org", i);
		char *text = text_of(made);
		for (size_t k = 0; k < sizeof(of_both) / sizeof(of_both[0]); k++)
			assert_non_null(strstr(text, of_both[k]));
		for (size_t k = 0; k < sizeof(of_postmaster) / sizeof(of_postmaster[0]); k++)
			assert_int_equal(strstr(text, of_postmaster[k]) != NULL, !i);
		assert_int_equal(strstr(text, "Subject: Your mail is held\r\n") != NULL, i);
		mem_free(&text);
		parcel_drop(&made);
	}
}

/* A login may hold what ends lines elsewhere. */
static void
test_nothing_is_injected(void **state)
{
	struct parcel *made = make("a\r\nBcc: x@y\r\n\xff", "\xc3\xb6@example.org", false);
	char *text = text_of(made);
	(void)state;
	assert_null(strstr(text, "\r\nBcc:"));
	assert_null(strchr(text, '\xff'));
	assert_true(made->record.envelope.smtputf8);
	mem_free(&text);
	parcel_drop(&made);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_once_each),
		TEST(test_not_again_after_a_restart),
		TEST(test_one_person_is_told_once),
		TEST(test_words),
		TEST(test_nothing_is_injected),
	};
	return cmocka_run_group_tests_name("queue/herald", tests, NULL, NULL);
}
