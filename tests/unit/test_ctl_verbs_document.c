/* SPDX-License-Identifier: BSD-2-Clause */
/* Documents of accounts in the tool: what is asked, what file is written, which ones are not sent. */
#include "config_file.h"
#include "ctl_call_fixture.h"

#include <sys/stat.h>

static void
assert_json(json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(value);
}

/* ---- export ---------------------------------------------------------------------------------- */

#define MORE_DATA(data) "{\"ok\":true,\"more\":true,\"data\":" data "}"
#define DOCUMENT                                                                                   \
	"{\"accounts\":[{\"login\":\"alice\"},{\"login\":\"bob\"}],"                                \
	"\"groups\":[{\"group\":\"support\",\"limits\":\"\"}],\"version\":1}"

static void
answer_export(struct call *call)
{
	control_fixture_answer(&call->fixture,
		OK_DATA("{\"groups\":[{\"group\":\"support\",\"limits\":\"\",\"changed_ms\":7}]}"));
	control_fixture_answer(&call->fixture, MORE_DATA("{\"accounts\":[{\"login\":\"alice\"}]}"));
	control_fixture_answer(&call->fixture, OK_DATA("{\"accounts\":[{\"login\":\"bob\"}]}"));
}

/* Both questions, in their order. */
static void
assert_asked(struct call *call, const char *args)
{
	char bytes[4096];
	char wanted[128];
	ssize_t got = recv(call->fixture.fd, bytes, sizeof bytes, MSG_DONTWAIT);
	struct span rest = span_of(bytes, got > 0 ? (size_t)got : 0);
	struct span json;
	size_t size;

	assert_int_equal(control_frame_next(rest, &json, &size), CONTROL_DONE);
	assert_json(json_loadb(json.start, json.length, 0, NULL),
		"{\"args\":{},\"verb\":\"group list\"}");
	rest = span_from(rest, size);
	assert_int_equal(control_frame_next(rest, &json, &size), CONTROL_DONE);
	snprintf(wanted, sizeof wanted, "{\"args\":%s,\"verb\":\"account export\"}", args);
	assert_json(json_loadb(json.start, json.length, 0, NULL), wanted);
	assert_int_equal(rest.length, size);
}

static void
export_is_one_document(void **state)
{
	static const struct {
		const char *line;
		const char *args;
	} cases[] = {
		{ "account export", "{}" },
		{ "account export --secrets", "{\"secrets\":true}" },
		{ "account export --json", "{}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct call call;

		call_begin(&call, "");
		answer_export(&call);
		assert_int_equal(call_run(&call, cases[i].line), CTL_DONE);
		assert_json(json_loads(call.out, JSON_REJECT_DUPLICATES, NULL), DOCUMENT);
		assert_string_equal(call.err, "");
		assert_asked(&call, cases[i].args);
		call_end(&call);
	}
}

/* For nobody else's eyes, and never over a file that is there, nor through a link. */
static void
export_makes_a_file_of_its_own(void **state)
{
	const mode_t mask = umask(0);
	struct stat status;
	struct call call;
	char *text;

	(void)state;
	call_begin(&call, "");
	answer_export(&call);
	assert_int_equal(call_run(&call, "account export --secrets --output out.json"), CTL_DONE);
	assert_string_equal(call.out, "");
	assert_asked(&call, "{\"secrets\":true}");
	assert_int_equal(stat("out.json", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	text = config_file_read("out.json");
	assert_json(json_loads(text, 0, NULL), DOCUMENT);
	assert_int_equal(text[strlen(text) - 1], '\n');
	free(text);
	call_end(&call);
	umask(mask);

	config_file_write("taken.json", "mine");
	assert_int_equal(symlink("nowhere.json", "link.json"), 0);
	for (int i = 0; i < 2; i++) {
		call_begin(&call, "");
		answer_export(&call);
		assert_int_equal(call_run(&call, i ? "account export --output link.json"
						   : "account export --output taken.json"), CTL_NO);
		assert_non_null(strstr(call.err, i ? "link.json: " : "taken.json: File exists"));
		call_end(&call);
	}
	text = config_file_read("taken.json");
	assert_string_equal(text, "mine");
	free(text);
	assert_int_equal(access("nowhere.json", F_OK), -1);
}

static void
a_refused_export_writes_nothing(void **state)
{
	static const char denied[] = "{\"ok\":false,\"error\":\"not now\",\"kind\":\"busy\"}";

	(void)state;
	for (int good = 0; good < 2; good++) {
		struct call call;

		call_begin(&call, "");
		if (good)
			control_fixture_answer(&call.fixture, OK_DATA("{\"groups\":[]}"));
		control_fixture_answer(&call.fixture, denied);
		assert_int_equal(call_run(&call, "account export --output none.json"), CTL_NO);
		assert_string_equal(call.err, "sallyportctl: not now\n");
		assert_int_equal(access("none.json", F_OK), -1);
		call_end(&call);
	}
}

/* ---- import ---------------------------------------------------------------------------------- */

static void
import_sends_the_document(void **state)
{
	static const struct {
		const char *line;
		const char *in;
		const char *args;
	} cases[] = {
		{ "account import -", "{\"version\":1}", "{\"document\":{\"version\":1}}" },
		{ "account import - --replace", "[]\n", "{\"document\":[],\"replace\":true}" },
		{ "account import --dry-run good.json", "", "{\"document\":{\"version\":2},\"dry_run\":true}" },
	};

	(void)state;
	config_file_write("good.json", "{\n \"version\": 2\n}\n");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char wanted[128];
		struct call call;

		call_begin(&call, cases[i].in);
		control_fixture_answer(&call.fixture, OK_DATA("{\"added\":2,\"changed\":1,"
			"\"unchanged\":3,\"dry_run\":true}"));
		assert_int_equal(call_run(&call, cases[i].line), CTL_DONE);
		assert_string_equal(call.err, "");
		for (const char *const *each = (const char *const[]){ "added", "2", "changed", "1",
			     "unchanged", "3", "only tried", "yes", NULL }; *each; each++)
			assert_non_null(strstr(call.out, *each));
		snprintf(wanted, sizeof wanted, "{\"args\":%s,\"verb\":\"account import\"}",
			cases[i].args);
		assert_json(control_fixture_request(&call.fixture), wanted);
		call_end(&call);
	}
}

static void
what_is_no_document_is_not_sent(void **state)
{
	static const struct {
		const char *line;
		const char *in;
		enum ctl_exit result;
		const char *err;
	} cases[] = {
		{ "account import -", "", CTL_NO, "line 1: " },
		{ "account import -", "{", CTL_NO, "line 1: " },
		{ "account import -", "{\n\"version\" 1}", CTL_NO, "line 2: " },
		{ "account import -", "{\"a\":1,\"a\":2}", CTL_NO, "duplicate" },
		{ "account import -", "{} {}", CTL_NO, "line 1: " },
		{ "account import -", "{\"a\":\"\xff\"}", CTL_NO, "line 1: " },
		{ "account import -", "{\"a\":\"\\u0000\"}", CTL_NO, "line 1: " },
		{ "account import missing.json", "", CTL_NO, "missing.json: No such file" },
		{ "account import", "", CTL_USAGE, "FILE|- is missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct call call;

		call_begin(&call, cases[i].in);
		/* Nobody would answer. */
		assert_int_equal(shutdown(call.fixture.fd, SHUT_WR), 0);
		assert_int_equal(call_run(&call, cases[i].line), cases[i].result);
		if (!strstr(call.err, cases[i].err))
			fail_msg("%s: %s", cases[i].in, call.err);
		assert_null(control_fixture_request(&call.fixture));
		call_end(&call);
	}
}

/* One request has room for so much, and nothing longer is read. */
static void
a_document_has_an_end(void **state)
{
	enum { MOST = 900 * 1024 };
	char *text = malloc(MOST + 2);

	(void)state;
	assert_non_null(text);
	for (size_t more = 0; more < 2; more++) {
		struct call call;

		memset(text, ' ', MOST + 1);
		memcpy(text, "{}", 2);
		text[MOST + more] = '\0';
		call_begin(&call, text);
		control_fixture_answer(&call.fixture, OK_DATA("{}"));
		assert_int_equal(call_run(&call, "account import -"), more ? CTL_NO : CTL_DONE);
		assert_int_equal(strstr(call.err, "more than 900 KiB") != NULL, more);
		call_end(&call);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(export_is_one_document),
		cmocka_unit_test(export_makes_a_file_of_its_own),
		cmocka_unit_test(a_refused_export_writes_nothing),
		cmocka_unit_test(import_sends_the_document),
		cmocka_unit_test(what_is_no_document_is_not_sent),
		cmocka_unit_test(a_document_has_an_end),
	};

	return cmocka_run_group_tests_name("ctl/verbs_document", tests, config_file_setup,
		config_file_teardown);
}
