/* SPDX-License-Identifier: BSD-2-Clause */
/* What an smtp process answers to the administrator: its status, trials of filters, and no more. */
#include "../fake/smtp_rig.h"

#include <jansson.h>
#include <stdio.h>

#include "ipc/control.h"
#include "smtp/control.h"

static struct {
	struct rig *rig;
	unsigned answers;
	char kind[32];   /* of a refusal; "ok" */
	json_t *data;    /* of the last answer */
	uint32_t asked;
	uint32_t answered;
} all;

/* ---- what super hears, in place of proc/role.c ------------------------------------------------- */

struct loop *
role_loop(struct role_context *context)
{
	(void)context;
	return all.rig->loop;
}

void
role_answer(struct role_context *context, uint32_t request, struct span json, bool more)
{
	(void)context;
	assert_false(more);
	json_decref(all.data);
	all.data = json_loadb(json.start, json.length, 0, NULL);
	assert_non_null(all.data);
	all.answered = request;
	snprintf(all.kind, sizeof all.kind, "ok");
	all.answers++;
}

void
role_answer_error(struct role_context *context, uint32_t request, const char *kind,
	const char *text)
{
	(void)context;
	assert_true(text[0]);
	all.answered = request;
	snprintf(all.kind, sizeof all.kind, "%s", kind);
	all.answers++;
}

/* ---- asking ------------------------------------------------------------------------------------ */

static void
ask(const char *json)
{
	control_run(&all.rig->service, ++all.asked, span_text(json));
}

static unsigned wanted;

static bool
is_answered(struct rig *rig)
{
	(void)rig;
	return all.answers >= wanted;
}

/* One that is answered at once; the data is in all. */
static const char *
told(const char *json)
{
	unsigned before = all.answers;

	ask(json);
	assert_int_equal(all.answers, before + 1);
	assert_int_equal(all.answered, all.asked);
	return all.kind;
}

static void
status(void **state)
{
	json_t *filter;

	(void)state;
	assert_string_equal(told("{\"verb\":\"status\",\"args\":{}}"), "ok");
	assert_true(json_is_true(json_object_get(all.data, "auth")));
	assert_true(json_is_true(json_object_get(all.data, "queue")));
	assert_true(json_is_false(json_object_get(all.data, "dial")));
	assert_int_equal(json_integer_value(json_object_get(all.data, "sessions")), 0);
	filter = json_array_get(json_object_get(all.data, "filters"), 0);
	assert_string_equal(json_string_value(json_object_get(filter, "name")), "virus");
	rig_connect(all.rig);
	rig_hear_line(all.rig, "220");
	assert_string_equal(told("{\"verb\":\"status\",\"args\":{}}"), "ok");
	assert_int_equal(json_integer_value(json_object_get(all.data, "sessions")), 1);
}

static void
refusals(void **state)
{
	(void)state;
	assert_string_equal(told("{\"verb\":\"milter test\",\"args\":{}}"), "usage");
	assert_string_equal(
		told("{\"verb\":\"milter test\",\"args\":{\"name\":7}}"), "usage");
	assert_string_equal(
		told("{\"verb\":\"milter test\",\"args\":{\"name\":\"other\"}}"), "missing");
	assert_string_equal(told("{\"verb\":\"milter test\",\"args\":{\"name\":\"virus\","
				 "\"listener\":\"other\"}}"), "missing");
	assert_string_equal(told("{\"verb\":\"milter test\",\"args\":{\"name\":\"virus\","
				 "\"mail_from\":\"a b\"}}"), "usage");
	assert_string_equal(told("{\"verb\":\"milter\",\"args\":{}}"), "missing");
	assert_string_equal(told("7"), "usage");
	assert_null(all.rig->service.trials);
}

/* Nobody dials here: each ends when its filter's connect-wait is over. */
static void
trials(void **state)
{
	static const char request[] = "{\"verb\":\"milter test\",\"args\":{\"name\":\"virus\"}}";

	(void)state;
	for (unsigned i = 0; i < CONTROL_TRIALS_MAX; i++)
		ask(request);
	assert_string_equal(told(request), "busy");
	wanted = all.answers + CONTROL_TRIALS_MAX;
	rig_wait(all.rig, is_answered);
	assert_string_equal(all.kind, "ok");
	assert_string_equal(json_string_value(json_object_get(all.data, "outcome")), "failed");
	assert_null(all.rig->service.trials);
	/* The process ends while one is under way. */
	ask(request);
	rig_turns(all.rig, 5);
	assert_non_null(all.rig->service.trials);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&all, 0, sizeof all);
	all.rig = rig_new("none", "login = off\n",
		"milter \"virus\" { address = \"127.0.0.1:1\" connect-wait = 100ms }\n");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	control_fini(&all.rig->service);
	assert_null(all.rig->service.trials);
	rig_free(&all.rig);
	json_decref(all.data);
	return 0;
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(status),
		CASE(refusals),
		CASE(trials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
