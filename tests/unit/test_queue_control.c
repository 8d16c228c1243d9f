/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's verbs, as JSON in and out, on a real spool. */
#include "queue_rig.h"

#include "queue/control.h"

#include <jansson.h>
#include <stdlib.h>

static const struct settings_route routes[] = { { .title = "*" } };
static struct settings all_settings = { .hostname = "mail.example.org", .route = { routes, 1 },
	.queue = { .expiry = 1000000, .concurrency = 1, .concurrency_per_destination = 1 } };

static struct dispatch *dispatch;
static struct control_means means;

static json_t *answer;     /* the pages' lists together */
static char refusal[40];
static size_t done;
static unsigned pages;

static int64_t
now(void *context)
{
	(void)context;
	return SAMPLE_RECEIVED_MS + 1000;
}

static void
on_page(void *context, uint32_t request, struct span data, bool more)
{
	(void)context;
	assert_int_equal(request, 7);
	json_t *page = json_loadb(data.start, data.length, JSON_DECODE_ANY, NULL);
	assert_non_null(page);
	assert_true(data.length < 1024 * 1024);
	pages++;
	if (answer && json_object_get(page, "messages")) {
		json_array_extend(json_object_get(answer, "messages"),
			json_object_get(page, "messages"));
		json_decref(page);
	} else {
		json_decref(answer);
		answer = page;
	}
	done += !more;
	loop_stop(loop);
}

static void
on_refusal(void *context, uint32_t request, const char *kind, const char *text)
{
	(void)context;
	assert_int_equal(request, 7);
	assert_true(text[0] != '\0');
	snprintf(refusal, sizeof(refusal), "%s", kind);
	done++;
	loop_stop(loop);
}

static void
ask(const char *json)
{
	json_decref(answer);
	answer = NULL;
	refusal[0] = '\0';
	done = 0;
	pages = 0;
	control_ask(&means, 7, span_text(json));
	wait_for(&done, 1);
}

static json_t *
message(size_t at)
{
	return json_array_get(json_object_get(answer, "messages"), at);
}

static size_t
message_count(void)
{
	return json_array_size(json_object_get(answer, "messages"));
}

static const char *
text_in(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

/* What auth is told. */
static char seen[100];

static void
on_seen(void *context, const char *login)
{
	(void)context;
	assert_string_equal(seen, "");
	snprintf(seen, sizeof(seen), "%s", login);
}

static int
set_up(void **state)
{
	(void)state;
	rig_begin();
	rig_open_spool(true);
	dispatch = dispatch_new(loop, spool, &all_settings, now, NULL);
	means = (struct control_means){ spool, dispatch, now, on_page, on_refusal, NULL, loop, 0,
		on_seen };
	seen[0] = '\0';
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	spool_close(&spool);
	dispatch_free(&dispatch);
	json_decref(answer);
	answer = NULL;
	rig_end();
	return 0;
}

static void
do_request(struct spool_request *request)
{
	assert_int_equal(ask_spool(request), SPOOL_DONE);
}

static void
bring(const char *id, const char *recipient)
{
	struct parcel *parcel = sample_parcel_to(id, recipient);
	struct spool_commit commit = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	do_request(&commit.request);
	parcel_drop(&parcel);
}

static void
defer_or_finish(const char *id, bool finished)
{
	struct spool_fetch fetch = { { .verb = SPOOL_FETCH }, .fd = -1 };
	snprintf(fetch.id, sizeof(fetch.id), "%s", id);
	do_request(&fetch.request);
	const struct recipient recipient = { .attempts = 2,
		.stage = finished ? RECIPIENT_DELIVERED : RECIPIENT_WAITING, .code = 451,
		.enhanced = "4.2.1", .text = "later \xff", .hop = "mx" };
	struct spool_settle settle = { { .verb = SPOOL_SETTLE }, .parcel = fetch.parcel,
		.recipients = &recipient, .recipient_count = 1, .finished = finished,
		.due_ms = SAMPLE_RECEIVED_MS + 5000, .now_ms = SAMPLE_RECEIVED_MS + 10 };
	do_request(&settle.request);
	parcel_drop(&fetch.parcel);
	arena_free(&fetch.arena);
}

static void
test_list_and_show(void **state)
{
	(void)state;
	ask("{\"verb\":\"queue list\"}");
	assert_int_equal(message_count(), 0);
	bring("0001", "bob@example.net");
	bring("0002", "b\xff@example.net"); /* H7: whatever it is, the answer is JSON */
	defer_or_finish("0001", false);
	ask("{\"verb\":\"queue list\",\"args\":{}}");
	assert_int_equal(message_count(), 2);
	assert_string_equal(text_in(message(0), "id"), "0001");
	assert_string_equal(text_in(message(0), "sender"), "alice@example.org");
	assert_string_equal(text_in(message(0), "login"), "alice");
	assert_string_equal(text_in(message(0), "state"), "queued");
	assert_int_equal(json_integer_value(json_object_get(message(0), "due_ms")),
		SAMPLE_RECEIVED_MS + 5000);
	assert_int_equal(json_integer_value(json_object_get(message(0), "received_ms")),
		SAMPLE_RECEIVED_MS);
	assert_true(json_integer_value(json_object_get(message(0), "size")) > 50);
	assert_true(json_is_false(json_object_get(message(0), "held")));
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(message(0), "recipients"), 0)),
		"bob@example.net");
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(message(1), "recipients"), 0)),
		"b\\xff@example.net");
	ask("{\"verb\":\"queue show\",\"args\":{\"id\":\"0001\"}}");
	json_t *recipient = json_array_get(json_object_get(answer, "recipients"), 0);
	assert_string_equal(text_in(recipient, "address"), "bob@example.net");
	assert_string_equal(text_in(recipient, "state"), "waiting");
	assert_string_equal(text_in(recipient, "reply"), "451 4.2.1 later \\xff");
	assert_string_equal(text_in(recipient, "hop"), "mx");
	assert_int_equal(json_integer_value(json_object_get(recipient, "attempts")), 2);
	assert_string_equal(text_in(answer, "client_address"), "192.0.2.1");
	assert_string_equal(text_in(answer, "session"), "s1");
	assert_non_null(strstr(text_in(answer, "header"), "Subject: sample\r\n"));
}

static void
test_hold_release_flush_delete(void **state)
{
	(void)state;
	bring("0001", "bob@example.net");
	bring("0002", "bob@example.net");
	defer_or_finish("0002", false);
	ask("{\"verb\":\"queue hold\",\"args\":{\"id\":\"0001\",\"reason\":\"to look at\"}}");
	assert_true(json_is_null(answer));
	ask("{\"verb\":\"queue list\"}");
	assert_string_equal(text_in(message(0), "state"), "held");
	assert_string_equal(text_in(message(0), "reason"), "to look at");
	ask("{\"verb\":\"queue flush\",\"args\":{\"id\":\"0001\"}}");
	assert_string_equal(refusal, "missing");
	ask("{\"verb\":\"queue flush\"}");
	assert_int_equal(json_integer_value(json_object_get(answer, "messages")), 1);
	ask("{\"verb\":\"queue show\",\"args\":{\"id\":\"0002\"}}");
	assert_int_equal(json_integer_value(json_object_get(answer, "due_ms")),
		SAMPLE_RECEIVED_MS + 1000);
	ask("{\"verb\":\"queue flush\",\"args\":{\"id\":\"0002\"}}");
	assert_int_equal(json_integer_value(json_object_get(answer, "messages")), 1);
	ask("{\"verb\":\"queue release\",\"args\":{\"id\":\"0001\"}}");
	assert_true(json_is_null(answer));
	ask("{\"verb\":\"queue release\",\"args\":{\"id\":\"0001\"}}");
	assert_string_equal(refusal, "missing");
	ask("{\"verb\":\"queue delete\",\"args\":{\"id\":\"0001\"}}");
	assert_true(json_is_null(answer));
	ask("{\"verb\":\"queue delete\",\"args\":{\"id\":\"0001\"}}");
	assert_string_equal(refusal, "missing");
	ask("{\"verb\":\"queue show\",\"args\":{\"id\":\"0001\"}}");
	assert_string_equal(refusal, "missing");
	assert_int_equal(spool_counts(spool)->messages, 1);
}

static void
test_track(void **state)
{
	(void)state;
	bring("0001", "bob@example.net");
	bring("0002", "carol@example.net");
	bring("0003", "bob@example.net");
	defer_or_finish("0001", true);
	ask("{\"verb\":\"track\",\"args\":{\"text\":\"BOB@example.net\"}}");
	assert_int_equal(message_count(), 2);
	assert_string_equal(text_in(message(0), "id"), "0003");
	assert_string_equal(text_in(message(0), "state"), "queued");
	assert_string_equal(text_in(message(1), "id"), "0001");
	assert_string_equal(text_in(message(1), "state"), "delivered");
	assert_int_equal(json_integer_value(json_object_get(message(1), "finished_ms")),
		SAMPLE_RECEIVED_MS + 10);
	ask("{\"verb\":\"track\",\"args\":{\"text\":\"alice\"}}");
	assert_int_equal(message_count(), 3);
	ask("{\"verb\":\"track\",\"args\":{\"text\":\"0001\"}}");
	assert_int_equal(message_count(), 1);
	ask("{\"verb\":\"track\",\"args\":{\"text\":\"nobody\"}}");
	assert_int_equal(message_count(), 0);
	ask("{\"verb\":\"queue delete\",\"args\":{\"id\":\"0002\"}}");
	ask("{\"verb\":\"track\",\"args\":{\"text\":\"0002\"}}");
	assert_string_equal(text_in(message(0), "state"), "failed");
	assert_string_equal(text_in(json_array_get(json_object_get(message(0), "recipients"), 0),
				    "state"),
		"deleted");
}

static void
test_long_list_comes_in_pages(void **state)
{
	(void)state;
	enum { COUNT = 900 };
	for (unsigned i = 0; i < COUNT; i++) {
		char id[20];
		char local[200];
		const char *recipients[11] = { NULL };
		snprintf(id, sizeof(id), "%04u", i);
		memset(local, 'x', sizeof(local));
		snprintf(local + 60, sizeof(local) - 60, "@example.net");
		for (size_t k = 0; k < 10; k++)
			recipients[k] = local;
		struct parcel *parcel = sample_parcel(id, "x", recipients);
		struct spool_commit commit = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
		do_request(&commit.request);
		parcel_drop(&parcel);
	}
	char request[200] = "{\"verb\":\"queue list\"}";
	unsigned got = 0;
	unsigned stretches = 0;
	for (const char *next = request; next[0]; stretches++) {
		ask(request);
		assert_int_equal(pages, 1);
		for (size_t i = 0; i < message_count(); i++)
			assert_int_equal(strtoul(text_in(message(i), "id"), NULL, 10), got++);
		next = text_in(answer, "next");
		snprintf(request, sizeof(request),
			"{\"verb\":\"queue list\",\"args\":{\"after\":\"%s\"}}", next);
	}
	assert_int_equal(got, COUNT);
	assert_true(stretches > 1);
	/* Behind a message, so many. */
	ask("{\"verb\":\"queue list\",\"args\":{\"after\":\"0007\",\"limit\":\"3\"}}");
	assert_int_equal(message_count(), 3);
	assert_string_equal(text_in(message(0), "id"), "0008");
	assert_true(text_in(answer, "next")[0]);
	ask("{\"verb\":\"queue list\",\"args\":{\"after\":\"0899\"}}");
	assert_int_equal(message_count(), 0);
	assert_string_equal(text_in(answer, "next"), "");
	ask("{\"verb\":\"queue list\",\"args\":{\"after\":\"nobody\"}}");
	assert_string_equal(refusal, "missing");
}

static int
changed(const char *request)
{
	ask(request);
	return (int)json_integer_value(json_object_get(answer, "messages"));
}

static void
test_many_by_filter(void **state)
{
	(void)state;
	bring("0001", "bob@example.net");
	bring("0002", "eve@sub.example.net");
	bring("0003", "bob@example.com");
	struct parcel *parcel = sample_parcel_of("carol", "0004");
	struct spool_commit commit = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	do_request(&commit.request);
	parcel_drop(&parcel);
	ask("{\"verb\":\"queue list\",\"args\":{\"recipient\":\"@example.net\"}}");
	assert_int_equal(message_count(), 2);
	assert_string_equal(text_in(message(1), "id"), "0004");
	ask("{\"verb\":\"queue list\",\"args\":{\"recipient\":\".example.net\",\"login\":\"Alice\"}}");
	assert_int_equal(message_count(), 1);
	ask("{\"verb\":\"queue list\",\"args\":{\"sender\":\"<>\"}}");
	assert_int_equal(message_count(), 0);
	ask("{\"verb\":\"queue list\",\"args\":{\"sender\":\"@\"}}");
	assert_string_equal(refusal, "usage");
	assert_int_equal(changed("{\"verb\":\"queue hold\",\"args\":{\"login\":\"carol\"}}"), 1);
	assert_int_equal(changed("{\"verb\":\"queue hold\",\"args\":{\"all\":true}}"), 3);
	assert_int_equal(spool_counts(spool)->held, 4);
	assert_int_equal(changed("{\"verb\":\"queue flush\"}"), 0);
	assert_int_equal(
		changed("{\"verb\":\"queue release\",\"args\":{\"recipient\":\"@example.com\"}}"), 1);
	assert_int_equal(changed("{\"verb\":\"queue flush\"}"), 1);
	assert_int_equal(changed("{\"verb\":\"queue delete\",\"args\":{\"recipient\":\"*\"}}"), 4);
	assert_int_equal(spool_counts(spool)->messages, 0);
	ask("{\"verb\":\"queue delete\",\"args\":{\"id\":\"0001\",\"all\":true}}");
	assert_string_equal(refusal, "usage");
}

/* What is held of a login, and nothing else; then auth is told that somebody looked. */
static void
test_held_of_a_login(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		char id[16];
		snprintf(id, sizeof(id), "000%d", i);
		struct parcel *parcel = sample_parcel_of(i < 4 ? "alice" : "carol", id);
		struct spool_commit commit = { { .verb = SPOOL_COMMIT },
			.parcel = parcel,
			.hold_reason = i % 2 ? "over" : NULL,
			.held_most = UINT64_MAX };
		do_request(&commit.request);
		parcel_drop(&parcel);
	}
	ask("{\"verb\":\"queue list\",\"args\":{\"held\":true}}");
	assert_int_equal(message_count(), 3);
	ask("{\"verb\":\"queue delete\",\"args\":{\"held\":true}}");
	assert_string_equal(refusal, "usage");
	assert_int_equal(changed("{\"verb\":\"queue delete\",\"args\":{\"login\":\"Alice\","
				 "\"held\":true,\"recipient\":\"@nowhere.example\"}}"), 0);
	assert_string_equal(seen, "");
	assert_int_equal(changed("{\"verb\":\"queue delete\",\"args\":{\"login\":\"Alice\","
				 "\"held\":true}}"), 2);
	assert_string_equal(seen, "Alice");
	seen[0] = '\0';
	assert_int_equal(
		changed("{\"verb\":\"queue release\",\"args\":{\"login\":\"carol\"}}"), 1);
	assert_string_equal(seen, "carol");
	assert_int_equal(spool_counts(spool)->held, 0);
	assert_int_equal(spool_counts(spool)->messages, 4);
}

static void
test_bad_requests(void **state)
{
	(void)state;
	static const char *const requests[] = {
		"", "[]", "{\"verb\":7}", "{\"verb\":\"queue\"}", "{\"verb\":\"queue show\"}",
		"{\"verb\":\"queue hold\",\"args\":{}}", "{\"verb\":\"track\"}",
		"{\"verb\":\"queue list\",\"args\":{\"limit\":\"0\"}}",
		"{\"verb\":\"queue list\",\"args\":{\"limit\":\"x\"}}",
		"{\"verb\":\"queue nonsense\",\"args\":{\"id\":\"1\"}}",
		"{\"verb\":\"queue show\",\"args\":{\"id\":7}}",
	};
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		ask(requests[i]);
		assert_string_equal(refusal, "usage");
	}
	static const char *const nobody[] = { "0", "seq:0", "seq:99", "seq:-1", "seq:x",
		"0123456789012345678901234567890123456789", "'; DROP TABLE message; --" };
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		char json[200];
		snprintf(json, sizeof(json),
			"{\"verb\":\"queue delete\",\"args\":{\"id\":\"%s\"}}", nobody[i]);
		ask(json);
		assert_string_equal(refusal, "missing");
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_list_and_show),
		TEST(test_hold_release_flush_delete),
		TEST(test_track),
		TEST(test_long_list_comes_in_pages),
		TEST(test_many_by_filter),
		TEST(test_held_of_a_login),
		TEST(test_bad_requests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
