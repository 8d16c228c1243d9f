/* SPDX-License-Identifier: BSD-2-Clause */
/* The filters of a process: what outlives a reload, who is asked for a session, what the administrator reads. */
#include "unit.h"

#include <stdio.h>

#include "proc/needs.h"
#include "smtp/filter_report.h"
#include "smtp/filters.h"
#include "wire/milter_packet.h"

static struct settings_milter milters[] = {
	{ .title = "virus", .address = { .text = "127.0.0.1:1" },
		.on_failure = MILTER_FAILURE_HOLD },
	{ .title = "sign", .address = { .text = "unix:/run/sign" } },
	{ .title = "idle", .address = { .text = "127.0.0.1:3" } },
};
static const char *const usual[] = { "virus", "sign" };
static const char *const short_list[] = { "sign" };
static const struct settings_policy policies[] = {
	{ .title = "default", .milters = { usual, 2 } },
	{ .title = "devices", .milters = { short_list, 1 } },
	{ .title = "none" },
};
static struct settings settings = { .milter = { milters, 3 }, .policy = { policies, 3 } };

static struct loop *loop;
static struct dial_link *dial;
static struct queue_link *queue;
static struct gate *gate;
static struct filters *filters;

static void
rows_of_a_session(void **state)
{
	static const struct {
		const char *policy;
		size_t count;
		const char *first;
	} cases[] = { { "default", 2, "virus" }, { "devices", 1, "sign" }, { "none", 0, NULL } };
	struct settings_listener listener = { .title = "in" };
	const struct mail_session session = { .settings = &settings, .listener = &listener };
	struct milter rows[FILTERS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		listener.policy = cases[i].policy;
		assert_int_equal(filters_of(filters, &session, rows), cases[i].count);
		if (!cases[i].count)
			continue;
		assert_string_equal(rows[0].settings->title, cases[i].first);
		assert_ptr_equal(rows[0].health, filters_health(filters, cases[i].first));
		assert_ptr_equal(rows[0].means, filters_means(filters));
		assert_ptr_equal(rows[0].means->loop, loop);
	}
}

static bool
admits(struct milter_health *health, uint64_t now_ms)
{
	uint64_t trial;

	return milter_health_admits(health, now_ms, &trial);
}

static void
fail_until_open(struct milter_health *health)
{
	struct fault why = FAULT_INIT;

	fault_set(&why, FAULT_MISSING, "nobody is there");
	for (unsigned i = 0; i < MILTER_BREAK_AFTER; i++)
		(void)milter_health_failed(health, 1000, false, &why);
	assert_false(admits(health, 1001));
}

static void
what_a_reload_keeps(void **state)
{
	struct milter_health *virus = filters_health(filters, "virus");
	struct milter_health *sign = filters_health(filters, "sign");
	struct settings_milter moved[3];
	struct settings next = { .milter = { moved, 2 }, .policy = { policies, 3 } };

	(void)state;
	milter_health_judged(virus, VERDICT_REJECT, false, 1500);
	fail_until_open(virus);
	fail_until_open(sign);
	filters_use(filters, &settings);
	assert_false(admits(virus, 1002));

	/* One is elsewhere now, and one is gone: sessions from before may still speak of it. */
	memcpy(moved, milters, sizeof moved);
	moved[0].address.text = "127.0.0.1:2";
	moved[0].rest = 300;
	filters_use(filters, &next);
	assert_int_equal(virus->breaker.first_rest_ms, 300);
	assert_ptr_equal(filters_health(filters, "virus"), virus);
	assert_true(admits(virus, 1003));
	assert_string_equal(virus->fault, "");
	assert_int_equal(virus->messages, 1);
	assert_int_equal(virus->failures, MILTER_BREAK_AFTER);
	assert_false(admits(sign, 1003));
	assert_non_null(filters_health(filters, "idle"));
	assert_null(filters_health(filters, "other"));
}

/* A second process. */
static void
all_processes_share_the_breaker(void **state)
{
	struct filters *other = filters_new(loop, dial, queue, gate);
	struct settings_milter moved[3];
	struct settings next = { .milter = { moved, 3 } };

	(void)state;
	filters_use(other, &settings);
	fail_until_open(filters_health(filters, "virus"));
	assert_false(admits(filters_health(other, "virus"), 1001));
	assert_true(admits(filters_health(other, "sign"), 1001));
	assert_int_equal(filters_health(other, "virus")->skipped, 1);
	assert_int_equal(filters_health(other, "virus")->failures, 0);

	/* One has reloaded, the other has not yet: each has the breaker of where it asks. */
	memcpy(moved, milters, sizeof moved);
	moved[0].address.text = "127.0.0.1:2";
	filters_use(other, &next);
	assert_true(admits(filters_health(other, "virus"), 1002));
	assert_false(admits(filters_health(filters, "virus"), 1002));
	filters_use(filters, &next);
	assert_true(admits(filters_health(filters, "virus"), 1003));
	fail_until_open(filters_health(other, "virus"));
	assert_false(admits(filters_health(filters, "virus"), 1003));
	/* And back again: what failed there is forgotten. */
	filters_use(filters, &settings);
	assert_true(admits(filters_health(filters, "virus"), 1004));
	filters_free(&other);
}

static void
check_alone(enum milter_failure on_failure)
{
	struct filters *other = filters_new(loop, dial, queue, gate);
	struct settings_milter final[3];
	struct settings next = { .milter = { final, 3 } };

	memcpy(final, milters, sizeof final);
	final[0].on_failure = on_failure;
	filters_use(other, &settings);
	filters_use(filters, &next);
	fail_until_open(filters_health(other, "virus"));
	assert_true(admits(filters_health(filters, "virus"), 1001));
	/* Sessions of those settings may still be there when they are changed. */
	filters_use(filters, &settings);
	assert_true(admits(filters_health(filters, "virus"), 1001));
	/* What it finds out for itself counts, and for itself alone. */
	milter_health_moved(filters_health(other, "virus"));
	fail_until_open(filters_health(filters, "virus"));
	assert_true(admits(filters_health(other, "virus"), 1001));
	filters_free(&other);
}

/* A process that was taken over must not have all others let mail pass, nor refuse it. */
static void
nobody_passes_a_filter_on_the_word_of_another(void **state)
{
	(void)state;
	check_alone(MILTER_FAILURE_ACCEPT);
}

static void
nobody_refuses_on_the_word_of_another(void **state)
{
	(void)state;
	check_alone(MILTER_FAILURE_REJECT);
}

/* Mail is only late then. */
static void
a_filter_without_which_mail_is_held_is_shared(void **state)
{
	struct filters *other = filters_new(loop, dial, queue, gate);
	struct settings_milter held[3];
	struct settings next = { .milter = { held, 3 } };

	(void)state;
	memcpy(held, milters, sizeof held);
	held[0].on_failure = MILTER_FAILURE_HOLD;
	filters_use(other, &next);
	filters_use(filters, &next);
	fail_until_open(filters_health(other, "virus"));
	assert_false(admits(filters_health(filters, "virus"), 1001));
	filters_free(&other);
}

static void
on_dialed(void *asker, int fd, const struct fault *fault)
{
	(void)asker;
	(void)fd;
	(void)fault;
	fail_msg("a call was forgotten, and is answered");
}

/* As many connections as descriptors were counted out for, and no more. */
static void
no_more_connections_than_counted(void **state)
{
	const struct milter_means *means = filters_means(filters);
	void *call;

	(void)state;
	filters_health(filters, "virus")->connections = NEEDS_FILTERS_MOST - 1;
	call = means->dial(means->context, "sign", 1000, on_dialed, NULL);
	assert_non_null(call);
	assert_null(means->dial(means->context, "sign", 1000, on_dialed, NULL));
	means->dial_forget(means->context, &call);
	assert_null(call);
	call = means->dial(means->context, "sign", 1000, on_dialed, NULL);
	assert_non_null(call);
	means->dial_forget(means->context, &call);
	assert_true(means->is_crowded(means->context));
	filters_health(filters, "virus")->connections = NEEDS_FILTERS_MOST / 2;
	assert_false(means->is_crowded(means->context));
}

static void
on_body(void *asker, uint64_t file, int fd, bool refused)
{
	(void)asker;
	(void)file;
	(void)fd;
	(void)refused;
	fail_msg("nobody asked");
}

static void
without_a_queue_there_are_no_files(void **state)
{
	const struct milter_means *means = filters_means(filters);
	void *call = NULL;

	(void)state;
	assert_null(means->body_open(means->context, on_body, NULL));
	means->body_forget(means->context, &call);
	means->body_drop(means->context, 7);
}

/* ---- the report ------------------------------------------------------------------------------ */

static void
read_filter(size_t at, uint64_t now_ms, const char *expected)
{
	json_t *list = filter_report(filters, &settings, now_ms);
	char *text = json_dumps(json_array_get(list, at), JSON_COMPACT | JSON_SORT_KEYS);

	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(text, expected);
	free(text);
	json_decref(list);
}

#define NO_VERDICTS                                                                                \
	"{\"accept\":0,\"continue\":0,\"discard\":0,\"hold\":0,\"reject\":0,\"tempfail\":0}"

static void
nobody_was_asked_yet(void **state)
{
	(void)state;
	read_filter(2, 5000,
		"{\"actions\":[],\"address\":\"127.0.0.1:3\",\"changed\":0,\"connections\":0,"
		"\"failures\":0,\"failures_in_row\":0,\"fault\":\"\",\"longest_us\":0,"
		"\"messages\":0,\"name\":\"idle\",\"on_failure\":\"tempfail\",\"policies\":[],"
		"\"recent_us\":0,\"rest_ms\":0,\"skipped\":0,\"state\":\"unknown\",\"steps\":[],"
		"\"told_ms\":null,\"took_us\":0,\"verdicts\":" NO_VERDICTS ",\"version\":null}");
}

static void
one_that_works(void **state)
{
	static const struct milter_offer offer = { .version = 6,
		.actions = MILTER_MAY_ADD_HEADERS | MILTER_MAY_QUARANTINE,
		.steps = MILTER_NO_BODY | MILTER_MUTE_HEADER };
	struct milter_health *health = filters_health(filters, "sign");

	(void)state;
	milter_health_met(health, &offer);
	health->connections = 3;
	milter_health_judged(health, VERDICT_CONTINUE, true, 1000);
	milter_health_judged(health, VERDICT_TEMPFAIL, false, 3000);
	read_filter(1, 5000,
		"{\"actions\":[\"add-header\",\"quarantine\"],\"address\":\"unix:/run/sign\","
		"\"changed\":1,\"connections\":3,\"failures\":0,\"failures_in_row\":0,"
		"\"fault\":\"\",\"longest_us\":3000,\"messages\":2,\"name\":\"sign\","
		"\"on_failure\":\"tempfail\",\"policies\":[\"default\",\"devices\"],"
		"\"recent_us\":1250,\"rest_ms\":0,\"skipped\":0,\"state\":\"ok\","
		"\"steps\":[\"no-body\",\"mute-header\"],\"told_ms\":null,\"took_us\":4000,\"verdicts\":"
		"{\"accept\":0,\"continue\":1,\"discard\":0,\"hold\":0,\"reject\":0,\"tempfail\":1},"
		"\"version\":6}");
}

static void
one_that_rests(void **state)
{
	struct milter_health *health = filters_health(filters, "virus");

	(void)state;
	fail_until_open(health);
	read_filter(0, 2000,
		"{\"actions\":[],\"address\":\"127.0.0.1:1\",\"changed\":0,\"connections\":0,"
		"\"failures\":5,\"failures_in_row\":5,\"fault\":\"nobody is there\","
		"\"longest_us\":0,\"messages\":0,\"name\":\"virus\",\"on_failure\":\"hold\","
		"\"policies\":[\"default\"],\"recent_us\":0,\"rest_ms\":9000,\"skipped\":1,"
		"\"state\":\"resting\",\"steps\":[],\"told_ms\":1000,\"took_us\":0,\"verdicts\":" NO_VERDICTS
		",\"version\":null}");
}

static void
states_and_odd_faults(void **state)
{
	struct milter_health *health = filters_health(filters, "virus");
	struct fault why = FAULT_INIT;
	json_t *list;

	(void)state;
	fault_set(&why, FAULT_PEER, "half a letter \xc3");
	(void)milter_health_failed(health, 1000, false, &why);
	list = filter_report(filters, &settings, 1000);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(list, 0), "state")), "failing");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "fault")),
		"half a letter \\xc3");
	json_decref(list);
	fail_until_open(health);
	list = filter_report(filters, &settings, 1000 + 2 * MILTER_REST_MS);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(list, 0), "state")), "trying");
	json_decref(list);
}

static int
set_up(void **state)
{
	(void)state;
	loop = loop_new();
	dial = dial_link_new(loop);
	queue = queue_link_new(loop);
	gate = gate_open(-1, 0, NULL);
	filters = filters_new(loop, dial, queue, gate);
	filters_use(filters, &settings);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	filters_free(&filters);
	gate_close(&gate);
	queue_link_free(&queue);
	dial_link_free(&dial);
	loop_free(&loop);
	return 0;
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(rows_of_a_session),
		CASE(what_a_reload_keeps),
		CASE(all_processes_share_the_breaker),
		CASE(nobody_passes_a_filter_on_the_word_of_another),
		CASE(nobody_refuses_on_the_word_of_another),
		CASE(a_filter_without_which_mail_is_held_is_shared),
		CASE(no_more_connections_than_counted),
		CASE(without_a_queue_there_are_no_files),
		CASE(nobody_was_asked_yet),
		CASE(one_that_works),
		CASE(one_that_rests),
		CASE(states_and_odd_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
