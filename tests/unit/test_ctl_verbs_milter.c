/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters as the administrator sees them: gathered from all processes, listed, tried. */
#include "ctl_call_fixture.h"

#include "ctl/filter_table.h"

#define VERDICTS(continued, rejected, tempfailed)                                                  \
	"{\"continue\":" #continued ",\"reject\":" #rejected ",\"tempfail\":" #tempfailed "}"

#define FIRST                                                                                      \
	"{\"name\":\"sign\",\"address\":\"127.0.0.1:8891\",\"on_failure\":\"tempfail\","           \
	"\"policies\":[\"default\"],\"state\":\"ok\",\"rest_ms\":0,\"version\":6,"                 \
	"\"actions\":[\"add-header\"],\"steps\":[\"no-body\"],\"connections\":2,\"messages\":30,"  \
	"\"verdicts\":" VERDICTS(28, 2, 0) ",\"changed\":28,\"failures\":0,"                       \
	"\"failures_in_row\":0,\"skipped\":0,\"took_us\":60000,\"recent_us\":1000,"                \
	"\"longest_us\":9000,\"fault\":\"\"}"
#define SECOND                                                                                     \
	"{\"name\":\"sign\",\"address\":\"127.0.0.1:8891\",\"on_failure\":\"tempfail\","           \
	"\"policies\":[\"default\"],\"state\":\"resting\",\"rest_ms\":4000,\"version\":null,"      \
	"\"actions\":[],\"steps\":[],\"connections\":1,\"messages\":10,"                           \
	"\"verdicts\":" VERDICTS(9, 0, 1) ",\"changed\":9,\"failures\":5,"                         \
	"\"failures_in_row\":5,\"skipped\":7,\"took_us\":20000,\"recent_us\":5000,"                \
	"\"longest_us\":4000,\"fault\":\"nobody is there\"}"
#define OLD                                                                                        \
	"{\"name\":\"sign\",\"address\":\"127.0.0.1:1\",\"state\":\"ok\",\"messages\":0},"         \
	"{\"name\":\"gone\",\"state\":\"unknown\"}"

#define ROLE(retired, filters)                                                                     \
	"{\"role\":\"smtp\",\"retired\":" #retired ",\"details\":{\"filters\":[" filters "]}}"

static json_t *
gather(const char *roles)
{
	char text[8192];
	json_t *status;
	json_t *list;

	snprintf(text, sizeof text, "{\"roles\":[%s]}", roles);
	status = json_loads(text, 0, NULL);
	assert_non_null(status);
	list = filter_table_gather(status);
	json_decref(status);
	return list;
}

static void
two_processes_and_an_old_one(void **state)
{
	static const char wanted[] =
		"{\"actions\":[\"add-header\"],\"address\":\"127.0.0.1:8891\",\"changed\":37,"
		"\"connections\":3,\"failures\":5,\"failures_in_row\":5,"
		"\"fault\":\"nobody is there\",\"longest_us\":9000,\"mean_us\":2000,"
		"\"messages\":40,\"name\":\"sign\",\"on_failure\":\"tempfail\","
		"\"policies\":[\"default\"],\"recent_us\":2000,\"refused\":3,\"rest_ms\":4000,"
		"\"skipped\":7,\"state\":\"resting\",\"steps\":[\"no-body\"],\"took_us\":80000,"
		"\"verdicts\":{\"continue\":37,\"reject\":2,\"tempfail\":1},\"version\":6}";
	static const char *const orders[] = {
		ROLE(0, FIRST) "," ROLE(0, SECOND) "," ROLE(1, OLD),
		ROLE(1, OLD) "," ROLE(0, SECOND) "," ROLE(0, FIRST),
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		json_t *list = gather(orders[i]);
		char *text = json_dumps(json_array_get(list, 0), JSON_COMPACT | JSON_SORT_KEYS);

		assert_int_equal(json_array_size(list), 2);
		assert_string_equal(text, wanted);
		assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1),
					    "name")), "gone");
		free(text);
		json_decref(list);
	}
}

#define HOW(state, told) "{\"name\":\"x\",\"state\":\"" state "\",\"told_ms\":" told "}"

static void
who_asked_last_knows_best(void **state)
{
	static const struct {
		const char *one;
		const char *other;
		const char *state;
	} cases[] = {
		{ HOW("failing", "9000"), HOW("ok", "10"), "ok" },
		{ HOW("ok", "9000"), HOW("failing", "10"), "failing" },
		{ HOW("resting", "9000"), HOW("ok", "10"), "resting" },
		{ HOW("trying", "9000"), HOW("failing", "10"), "trying" },
		{ HOW("unknown", "null"), HOW("ok", "10"), "ok" },
		{ HOW("unknown", "null"), HOW("failing", "10"), "failing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int turn = 0; turn < 2; turn++) {
			char roles[1024];
			json_t *list;

			snprintf(roles, sizeof roles,
				"{\"role\":\"smtp\",\"retired\":0,\"details\":{\"filters\":[%s,%s]}}",
				turn ? cases[i].one : cases[i].other,
				turn ? cases[i].other : cases[i].one);
			list = gather(roles);
			assert_string_equal(json_string_value(json_object_get(
						    json_array_get(list, 0), "state")),
				cases[i].state);
			json_decref(list);
		}
	}
}

/* A front end that was taken over says what it likes. */
static void
nonsense_is_passed_over(void **state)
{
	static const char *const roles[] = {
		"", "null", "7", "{}", "{\"details\":null}", "{\"details\":{\"filters\":7}}",
		"{\"details\":{\"filters\":[7,null,{}, {\"name\":7}]}}",
	};
	json_t *list;

	(void)state;
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		list = gather(roles[i]);
		assert_int_equal(json_array_size(list), 0);
		json_decref(list);
	}
	list = gather("{\"details\":{\"filters\":[{\"name\":\"x\",\"messages\":\"many\","
		      "\"verdicts\":7,\"state\":[]},{\"name\":\"x\",\"verdicts\":{\"reject\":1}}]}}");
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	list = filter_table_gather(NULL);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

/* What is said is out's, or of a refusal err's. */
static void
check(const char *line, const char *request, const char *answer, enum ctl_exit wanted,
	const char *out)
{
	struct call call;
	json_t *asked;
	char *text;

	call_begin(&call, " ");
	control_fixture_answer(&call.fixture, answer);
	assert_int_equal(call_run(&call, line), wanted);
	asked = control_fixture_request(&call.fixture);
	text = json_dumps(asked, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, request);
	assert_string_equal(call.err[0] ? call.err : call.out, out);
	free(text);
	json_decref(asked);
	call_end(&call);
}

#define STATUS_ASKED "{\"args\":{},\"verb\":\"status\"}"

static void
listed(void **state)
{
	(void)state;
	check("milter list", STATUS_ASKED, OK_DATA("{\"roles\":[" ROLE(0, FIRST) "]}"), CTL_DONE,
		"FILTER  ADDRESS         POLICIES  ON FAILURE  STATE  OPEN  MESSAGES  REFUSED  CHANGED  "
		"FAILURES  SKIPPED  MEAN    RECENT  LONGEST  LAST FAULT\n"
		"sign    127.0.0.1:8891  default   tempfail    ok     2     30        2        28       "
		"0         0        2.00ms  1.00ms  9.00ms   \n");
	check("milter list", STATUS_ASKED, OK_DATA("{\"roles\":[]}"), CTL_DONE,
		"There are no filters in the configuration that is in effect.\n");
	check("milter list --json", STATUS_ASKED, OK_DATA("{\"roles\":[]}"), CTL_DONE,
		"{\n  \"filters\": []\n}\n");
	check("status", STATUS_ASKED,
		OK_DATA("{\"version\":\"1\",\"roles\":[" ROLE(0, SECOND) "]}"), CTL_DONE,
		"version: 1\n\n"
		"ROLE  INSTANCE  PID  PHASE  GENERATION  RESTARTS  SINCE\n"
		"smtp                                              \n\n"
		"FILTER  STATE    MESSAGES  FAILURES  RECENT  LAST FAULT\n"
		"sign    resting  10        5         5.00ms  nobody is there\n");
}

/* What was negotiated, and each verdict, stand there; of one that was never met they do not. */
static void
one_of_them(void **state)
{
	static const char answer[] = OK_DATA("{\"roles\":[" ROLE(0, FIRST "," OLD) "]}");

	(void)state;
	check("milter list sign", STATUS_ASKED, answer, CTL_DONE,
		"filter:     sign\naddress:    127.0.0.1:8891\npolicies:   default\n"
		"on failure: tempfail\nstate:      ok\nversion:    6\nactions:    add-header\n"
		"steps:      no-body\nopen:       2\nmessages:   30\n"
		"verdicts:   continue 28, reject 2\nchanged:    28\nfailures:   0\nskipped:    0\n"
		"mean:       2.00ms\nrecent:     1.00ms\nlongest:    9.00ms\n");
	check("milter list gone", STATUS_ASKED, answer, CTL_DONE,
		"filter:   gone\nstate:    unknown\nverdicts: none\nmean:     -\n");
	check("milter list nobody", STATUS_ASKED, answer, CTL_NO,
		"sallyportctl: there is no filter nobody in the configuration that is in effect\n");
	check("milter list sing", STATUS_ASKED, answer, CTL_NO,
		"sallyportctl: there is no filter sing in the configuration that is in effect; did "
		"you mean \"sign\"?\n");
}

static void
tried(void **state)
{
	(void)state;
	check("milter test sign", "{\"args\":{\"name\":\"sign\"},\"verb\":\"milter test\"}",
		OK_DATA("{\"name\":\"sign\",\"address\":\"127.0.0.1:8891\",\"connect_us\":420,"
			"\"negotiate_us\":17400,\"version\":6,\"actions\":[\"add-header\"],"
			"\"steps\":[],\"macros\":[{\"at\":\"mail\",\"names\":[\"i\",\"{auth_type}\"]}],"
			"\"answers\":[{\"at\":\"mail\",\"answer\":\"continue\",\"took_us\":100},"
			"{\"at\":\"end-of-message\",\"answer\":\"add-header\",\"took_us\":2000000,"
			"\"text\":\"X-Test: \\u001b[1m\"}],\"outcome\":\"pass\"}"),
		CTL_DONE,
		"filter:        sign\n"
		"address:       127.0.0.1:8891\n"
		"connected in:  0.42ms\n"
		"negotiated in: 17ms\n"
		"version:       6\n"
		"actions:       add-header\n"
		"steps:         none\n\n"
		"MACROS WANTED AT  NAMES\n"
		"mail              i, {auth_type}\n\n"
		"AT              ANSWER      AFTER   TEXT\n"
		"mail            continue    0.10ms  \n"
		"end-of-message  add-header  2.0s    X-Test: \\x1b[1m\n\n"
		"It works, and lets the message pass.\n");
	check("milter test sign --no-message --login alice",
		"{\"args\":{\"login\":\"alice\",\"name\":\"sign\",\"no_message\":true},"
		"\"verb\":\"milter test\"}",
		OK_DATA("{\"name\":\"sign\",\"outcome\":\"failed\",\"fault\":\"no\\nanswer\"}"),
		CTL_NO, "filter: sign\n\nIt does not work: no\\x0aanswer.\n");
	check("milter test sign --json", "{\"args\":{\"name\":\"sign\"},\"verb\":\"milter test\"}",
		OK_DATA("{\"outcome\":\"refused\"}"), CTL_NO, "{\n  \"outcome\": \"refused\"\n}\n");
	check("milter test sign --no-message",
		"{\"args\":{\"name\":\"sign\",\"no_message\":true},\"verb\":\"milter test\"}",
		OK_DATA("{\"outcome\":\"negotiated\"}"), CTL_DONE, "\nIt answers.\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_processes_and_an_old_one),
		cmocka_unit_test(who_asked_last_knows_best),
		cmocka_unit_test(nonsense_is_passed_over),
		cmocka_unit_test(listed),
		cmocka_unit_test(one_of_them),
		cmocka_unit_test(tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
