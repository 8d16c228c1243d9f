/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole calls of the tool: what is asked, what is printed, and the exit. */
#include "config_file.h"
#include "ctl_call_fixture.h"

#define MESSAGE "\"id\":\"5f\",\"sender\":\"a@b\",\"size\":2048,\"held\":false,\"reason\":\"450 later\""

/* Everything the daemon answers. */
static void
asked(void **state)
{
	static const struct {
		const char *line;
		const char *in;
		const char *request; /* NULL: none */
		const char *answer;
		enum ctl_exit result;
		const char *out;
		const char *err;
	} cases[] = {
		{ "reload", " ", "{\"args\":{},\"verb\":\"reload\"}", OK_DATA("null"), CTL_DONE,
			"The configuration is in effect.\n", "" },
		{ "stop", " ", "{\"args\":{},\"verb\":\"stop\"}", OK_DATA("null"), CTL_DONE,
			"The daemon ends.\n", "" },
		{ "stop --json", " ", "{\"args\":{},\"verb\":\"stop\"}", OK_DATA("null"), CTL_DONE,
			"null\n", "" },
		{ "reload", " ", "{\"args\":{},\"verb\":\"reload\"}",
			"{\"ok\":false,\"error\":\"c.conf:3: wrong\",\"kind\":\"usage\"}", CTL_NO, "",
			"sallyportctl: c.conf:3: wrong\n" },
		{ "reload --json", " ", "{\"args\":{},\"verb\":\"reload\"}",
			"{\"ok\":false,\"error\":\"c.conf:3: wrong\",\"kind\":\"usage\"}", CTL_NO,
			"{\n  \"error\": \"c.conf:3: wrong\",\n  \"kind\": \"config\"\n}\n", "" },
		{ "status", " ", "{\"args\":{},\"verb\":\"status\"}",
			OK_DATA("{\"version\":\"1\",\"pid\":7,\"uptime_ms\":90061000,\"listeners\":["
				"{\"name\":\"in\",\"addresses\":[\"127.0.0.1:25\"]}],\"roles\":[{"
				"\"role\":\"smtp\",\"pid\":8,\"phase\":\"serving\",\"since_ms\":5000}]}"),
			CTL_DONE,
			"version: 1\npid:     7\nup for:  1d 1h\n\n"
			"LISTENER  PROTOCOL  ADDRESSES\nin                  127.0.0.1:25\n\n"
			"ROLE  INSTANCE  PID  PHASE    GENERATION  RESTARTS  SINCE\n"
			"smtp            8    serving                        5s\n",
			"" },
		{ "account add alice --password-stdin", "s3cret\nmore\n",
			"{\"args\":{\"login\":\"alice\",\"password\":\"s3cret\"},\"verb\":\"account "
			"add\"}",
			OK_DATA("null"), CTL_DONE, "The account is there.\n", "" },
		{ "account passwd alice --password-stdin", "p\xc3\xa4ss\n",
			"{\"args\":{\"login\":\"alice\",\"password\":\"p\\u00e4ss\"},\"verb\":\"account "
			"passwd\"}",
			OK_DATA("null"), CTL_DONE, "The password is changed.\n", "" },
		{ "account add alice --password-stdin", "\n", NULL, NULL, CTL_USAGE, "",
			"sallyportctl: the password is empty\n" },
		{ "account add alice --password-stdin", "\xff\n", NULL, NULL, CTL_USAGE, "",
			"sallyportctl: the password is not UTF-8\n" },
		{ "account list", " ", "{\"args\":{},\"verb\":\"account list\"}",
			OK_DATA("{\"accounts\":[{\"login\":\"alice\",\"disabled\":false,\"addresses\":["
				"\"a@b\",\"c@d\"]}]}"),
			CTL_DONE, "LOGIN  DISABLED  ADDRESSES\nalice  no        a@b, c@d\n", "" },
		{ "account show bob", " ", "{\"args\":{\"login\":\"bob\"},\"verb\":\"account show\"}",
			"{\"ok\":false,\"error\":\"there is no account bob\",\"kind\":\"missing\"}",
			CTL_NO, "", "sallyportctl: there is no account bob\n" },
		{ "address add alice a@b", " ",
			"{\"args\":{\"address\":\"a@b\",\"login\":\"alice\"},\"verb\":\"address add\"}",
			OK_DATA("null"), CTL_DONE, "The address is added.\n", "" },
		{ "address add alice a@b --primary", " ",
			"{\"args\":{\"address\":\"a@b\",\"login\":\"alice\",\"primary\":true},\"verb\":"
			"\"address add\"}",
			OK_DATA("null"), CTL_DONE, "The address is added.\n", "" },
		{ "account set alice --limits x --protocols smtp,imap --expires 2030-01-31", " ",
			"{\"args\":{\"expires_ms\":1896134400000,\"limits\":\"x\",\"login\":\"alice\","
			"\"protocols\":[\"smtp\",\"imap\"]},\"verb\":\"account set\"}",
			OK_DATA("null"), CTL_DONE, "The account is changed.\n", "" },
		{ "account set alice --expires never", " ",
			"{\"args\":{\"expires_ms\":0,\"login\":\"alice\"},\"verb\":\"account set\"}",
			OK_DATA("null"), CTL_DONE, "The account is changed.\n", "" },
		{ "account set alice --expires 2030-02-29", " ", NULL, NULL, CTL_USAGE, "",
			"sallyportctl: --expires is neither YYYY-MM-DD nor never\n" },
		{ "account set alice", " ", NULL, NULL, CTL_USAGE, "",
			"sallyportctl: say --limits, --protocols, --app-passwords-only or --expires\n" },
		{ "account set alice --expires tomorrow", " ", NULL, NULL, CTL_USAGE, "",
			"sallyportctl: --expires is neither YYYY-MM-DD nor never\n" },
		{ "grant add alice send-as @b.org", " ",
			"{\"args\":{\"login\":\"alice\",\"pattern\":\"@b.org\",\"right\":\"send-as\"},"
			"\"verb\":\"grant add\"}",
			OK_DATA("null"), CTL_DONE, "The grant is added.\n", "" },
		{ "limits reset alice", " ",
			"{\"args\":{\"login\":\"alice\"},\"verb\":\"limits reset\"}", OK_DATA("null"),
			CTL_DONE, "The limits are whole again.\n", "" },
		{ "address list", " ", "{\"args\":{},\"verb\":\"address list\"}",
			OK_DATA("{\"addresses\":[]}"), CTL_DONE, "", "" },
		{ "sessions kick --login alice", " ",
			"{\"args\":{\"login\":\"alice\"},\"verb\":\"sessions kick\"}",
			OK_DATA("{\"sessions\":2}"), CTL_DONE, "sessions ended: 2\n", "" },
		{ "sessions kick", " ", NULL, NULL, CTL_USAGE, "",
			"sallyportctl: say either --login or --session\n" },
		{ "sessions kick --login a --session b", " ", NULL, NULL, CTL_USAGE, "",
			"sallyportctl: say either --login or --session\n" },
		{ "explain --listener in --mail-from a@b", " ",
			"{\"args\":{\"listener\":\"in\",\"mail_from\":\"a@b\"},\"verb\":\"explain\"}",
			OK_DATA("{\"verdict\":\"pass\",\"code\":null,\"text\":\"\",\"where\":"
				"\"c.conf:3\"}"),
			CTL_DONE, "verdict:    pass\ndecided by: c.conf:3\n", "" },
		{ "explain --listener in --mail-from a@b --login x", " ",
			"{\"args\":{\"listener\":\"in\",\"login\":\"x\",\"mail_from\":\"a@b\"},\"verb\":"
			"\"explain\"}",
			OK_DATA("{\"verdict\":\"refuse\",\"code\":550}"), CTL_NO,
			"verdict: refuse\ncode:    550\n", "" },
		{ "explain --listener in --mail-from a@b", " ",
			"{\"args\":{\"listener\":\"in\",\"mail_from\":\"a@b\"},\"verb\":\"explain\"}",
			OK_DATA("{\"verdict\":\"pass\",\"filters\":[{\"name\":\"av\",\"asked\":true,"
				"\"largest\":2048},{\"name\":\"dkim\",\"asked\":false,\"missed\":"
				"\"logins\",\"where\":\"c.conf:9\"}]}"),
			CTL_DONE,
			"verdict: pass\n\n"
			"FILTER  ASKED  BECAUSE OF  DECIDED BY  SIZE FROM  SIZE UP TO\n"
			"av      yes                                       2.0K\n"
			"dkim    no     logins      c.conf:9               \n",
			"" },
		{ "explain --listener in --mail-from a@b", " ",
			"{\"args\":{\"listener\":\"in\",\"mail_from\":\"a@b\"},\"verb\":\"explain\"}",
			OK_DATA("{\"verdict\":\"pass\",\"filters\":[]}"), CTL_DONE,
			"verdict: pass\n\nNo filter stands in the policy of this listener.\n", "" },
		{ "queue list", " ", "{\"args\":{\"limit\":\"1000\"},\"verb\":\"queue list\"}",
			OK_DATA("{\"messages\":[{" MESSAGE ",\"recipients\":[\"x@y\",\"z@y\"]}]}"),
			CTL_DONE,
			"ID  RECEIVED  SIZE  SENDER  RECIPIENTS  HELD  NEXT TRY  REASON\n"
			"5f            2.0K  a@b     2           no              450 later\n",
			"" },
		{ "queue show 5f", " ", "{\"args\":{\"id\":\"5f\"},\"verb\":\"queue show\"}",
			OK_DATA("{" MESSAGE ",\"recipients\":[{\"address\":\"x@y\",\"state\":\"waits\"}],"
				"\"header\":\"Subject: \\u001b[0m\\r\\nFrom: a@b\\r\\n\"}"),
			CTL_DONE,
			"id:     5f\nsender: a@b\nsize:   2.0K\nheld:   no\nreason: 450 later\n\n"
			"RECIPIENT  STATE  ATTEMPTS  HOP  REPLY\nx@y        waits                 \n\n"
			"  Subject: \\x1b[0m\n  From: a@b\n",
			"" },
		{ "queue flush", " ", "{\"args\":{},\"verb\":\"queue flush\"}",
			OK_DATA("{\"messages\":4}"), CTL_DONE, "messages: 4\n", "" },
		{ "queue delete 5f", " ", "{\"args\":{\"id\":\"5f\"},\"verb\":\"queue delete\"}",
			OK_DATA("null"), CTL_DONE, "The message is deleted.\n", "" },
		{ "queue hold 5f --reason why", " ",
			"{\"args\":{\"id\":\"5f\",\"reason\":\"why\"},\"verb\":\"queue hold\"}",
			OK_DATA("null"), CTL_DONE, "The message is held.\n", "" },
		{ "track a@b", " ", "{\"args\":{\"text\":\"a@b\"},\"verb\":\"track\"}",
			OK_DATA("{\"messages\":[{\"id\":\"1\",\"recipients\":[]},{\"id\":\"2\","
				"\"recipients\":[]}]}"),
			CTL_DONE, "id: 1\n\n\nid: 2\n\n", "" },
		{ "track a@b", " ", "{\"args\":{\"text\":\"a@b\"},\"verb\":\"track\"}",
			OK_DATA("{\"messages\":[]}"), CTL_NO, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct call call;
		json_t *request;

		call_begin(&call, cases[i].in);
		if (cases[i].answer)
			control_fixture_answer(&call.fixture, cases[i].answer);
		assert_int_equal(call_run(&call, cases[i].line), cases[i].result);
		assert_string_equal(call.out, cases[i].out);
		assert_string_equal(call.err, cases[i].err);
		request = control_fixture_request(&call.fixture);
		assert_int_equal(request != NULL, cases[i].request != NULL);
		if (request) {
			char *text = json_dumps(request,
				JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
			/* JSON has capitals in its escapes */
			for (char *at = strstr(text, "\\u00E4"); at; at = NULL)
				memcpy(at, "\\u00e4", 6);
			assert_string_equal(text, cases[i].request);
			free(text);
			json_decref(request);
		}
		call_end(&call);
	}
}

static void
json_is_whole(void **state)
{
	struct call call;
	json_t *data;

	(void)state;
	call_begin(&call, " ");
	control_fixture_answer(&call.fixture,
		"{\"ok\":true,\"more\":true,\"data\":{\"messages\":[{\"id\":\"1\"}]}}");
	control_fixture_answer(&call.fixture, OK_DATA("{\"messages\":[{\"id\":\"2\"}]}"));
	assert_int_equal(call_run(&call, "queue list --json"), CTL_DONE);
	data = json_loads(call.out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(data, "messages")), 2);
	json_decref(data);
	call_end(&call);
}

/* Stretch by stretch: each is asked for where the one before ended. */
static void
long_lists_come_in_stretches(void **state)
{
	struct call call;
	json_t *data;

	(void)state;
	call_begin(&call, " ");
	control_fixture_answer(
		&call.fixture, OK_DATA("{\"messages\":[{\"id\":\"1\"}],\"next\":\"seq:7\"}"));
	control_fixture_answer(&call.fixture, OK_DATA("{\"messages\":[{\"id\":\"2\"}]}"));
	assert_int_equal(call_run(&call, "queue list --json"), CTL_DONE);
	data = json_loads(call.out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(data, "messages")), 2);
	json_decref(data);
	call_end(&call);

	call_begin(&call, " ");
	control_fixture_answer(
		&call.fixture, OK_DATA("{\"messages\":[{\"id\":\"1\"}],\"next\":\"seq:7\"}"));
	assert_int_equal(call_run(&call, "queue list --limit 1 --json"), CTL_DONE);
	call_end(&call);

	call_begin(&call, " ");
	control_fixture_answer(&call.fixture, OK_DATA("{\"messages\":900,\"next\":\"seq:7\"}"));
	control_fixture_answer(&call.fixture, OK_DATA("{\"messages\":3}"));
	assert_int_equal(call_run(&call, "queue delete --all"), CTL_DONE);
	assert_string_equal(call.out, "messages: 903\n");
	call_end(&call);
}

/* On the file, or on nothing at all. */
static void
local(void **state)
{
	static const struct {
		const char *line;
		enum ctl_exit result;
		const char *out; /* begins so */
		const char *err; /* the same */
	} cases[] = {
		{ "config check", CTL_DONE, "c.conf is right.\n", "" },
		{ "config check --json", CTL_DONE,
			"{\n  \"file\": \"c.conf\",\n  \"right\": true\n}\n", "" },
		{ "-c bad.conf config check", CTL_NO, "",
			"sallyportctl: bad.conf:1: unknown setting \"hostnme\"; did you mean "
			"\"hostname\"?\n" },
		{ "config check -c bad.conf --json", CTL_NO,
			"{\n  \"error\": \"bad.conf:1: unknown setting \\\"hostnme\\\"; did you mean "
			"\\\"hostname\\\"?\",\n  \"kind\": \"config\"\n}\n",
			"" },
		{ "config show", CTL_DONE,
			"hostname = \"mail.example.org\"\n"
			"state-dir = \"/var/lib/sallyport\"   # default\n",
			"" },
		{ "config show --json", CTL_DONE,
			"{\n  \"settings\": [\n    {\n      \"section\": \"\",\n      \"name\": "
			"\"hostname\",\n      \"value\": \"\\\"mail.example.org\\\"\",\n      "
			"\"default\": false\n    },\n",
			"" },
		{ "-c bad.conf config show", CTL_NO, "", "sallyportctl: bad.conf:1: unknown" },
		{ "config help workers", CTL_DONE,
			"workers\n  number, 1 to 64; default 2\n  Number of processes that serve SMTP "
			"clients.\n\nsasl.workers\n",
			"" },
		{ "config help sasl.workers", CTL_DONE, "sasl.workers\n", "" },
		{ "config help permit.rights", CTL_DONE, "listener.permit.rights\n", "" },
		{ "config help log", CTL_DONE, "log.format\n", "" },
		{ "config help hostnam", CTL_NO, "",
			"sallyportctl: there is no setting \"hostnam\"; did you mean \"hostname\"?\n" },
		{ "config help xyzzy", CTL_NO, "",
			"sallyportctl: there is no setting \"xyzzy\"\n" },
		{ "config help", CTL_DONE, "hostname\n  text; must be set\n", "" },
		{ "banana", CTL_USAGE, "", "sallyportctl: unknown verb \"banana\"\n" },
		{ "stats", CTL_USAGE, "",
			"sallyportctl: unknown verb \"stats\"; did you mean \"status\"?\n" },
		{ "queue lst", CTL_USAGE, "",
			"sallyportctl: unknown verb \"queue lst\"; did you mean \"queue list\"?\n"
			"usage: sallyportctl [-c FILE] [--socket PATH] [--json] VERB ...\n"
			"  queue list [--after AFTER] [--limit LIMIT]" },
		{ "queue", CTL_USAGE, "", "sallyportctl: \"queue\" needs a second word\nusage:" },
		{ "queue show", CTL_USAGE, "",
			"sallyportctl: ID is missing\nusage: sallyportctl [-c FILE] [--socket PATH] "
			"[--json] VERB ...\n  queue show ID\n" },
		{ "queue show --json", CTL_USAGE,
			"{\n  \"error\": \"ID is missing\",\n  \"kind\": \"usage\"\n}\n", "" },
		{ "status now", CTL_USAGE, "",
			"sallyportctl: \"now\" is one word too many\nusage:" },
		{ "status -c", CTL_USAGE, "", "sallyportctl: -c needs a value\n" },
		{ "", CTL_USAGE, "", "usage: sallyportctl" },
		{ "--help", CTL_DONE, "usage: sallyportctl", "" },
		{ "queue --help", CTL_DONE, "usage: sallyportctl", "" },
		{ "--version", CTL_DONE, "sallyportctl ", "" },
	};

	(void)state;
	config_file_write("c.conf",
		"hostname = \"mail.example.org\" run-dir = \"/nonexistent\"\n"
		"listener \"x\" { address = \"*:1\" tls = none login = off }\n");
	config_file_write("bad.conf", "hostnme = 1");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct call call;

		call_begin(&call, " ");
		assert_int_equal(call_run(&call, cases[i].line), cases[i].result);
		if (strncmp(call.out, cases[i].out, strlen(cases[i].out)) != 0 ||
			strncmp(call.err, cases[i].err, strlen(cases[i].err)) != 0)
			fail_msg("%s: %s%s", cases[i].line, call.out, call.err);
		if (!cases[i].out[0])
			assert_string_equal(call.out, "");
		if (!cases[i].err[0])
			assert_string_equal(call.err, "");
		assert_null(control_fixture_request(&call.fixture));
		call_end(&call);
	}
}

static void
unreachable(void **state)
{
	static const struct {
		const char *line;
		const char *err;
	} cases[] = {
		{ "status", "sallyportctl: the daemon does not run: /nonexistent/control.sock: No such "
			    "file or directory\n" },
		/* a wrong value elsewhere does not matter */
		{ "-c odd.conf status", "sallyportctl: the daemon does not run: "
					"/elsewhere/control.sock: No such file or directory\n" },
		{ "--socket /other.sock status", "sallyportctl: the daemon does not run: /other.sock: "
						 "No such file or directory\n" },
		{ "--socket c.conf status", "sallyportctl: the daemon does not run: c.conf: Connection "
					    "refused\n" },
	};

	(void)state;
	config_file_write("odd.conf", "workers = 1000 run-dir = \"/elsewhere\"");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct call call;

		call_begin(&call, " ");
		control_client_free(&call.ctl.client);
		assert_int_equal(call_run(&call, cases[i].line), CTL_UNREACHABLE);
		assert_string_equal(call.err, cases[i].err);
		call_end(&call);
	}
	/* where the socket is cannot be known */
	struct call call;
	call_begin(&call, " ");
	control_client_free(&call.ctl.client);
	assert_int_equal(call_run(&call, "-c none.conf status"), CTL_USAGE);
	call_end(&call);
	/* it goes away while asked */
	call_begin(&call, " ");
	shutdown(call.fixture.fd, SHUT_RDWR);
	assert_int_equal(call_run(&call, "reload"), CTL_UNREACHABLE);
	call_end(&call);
}

static void
is_in_manual(const char *manual, const struct command *command)
{
	char entry[128];

	snprintf(entry, sizeof entry, "Ic %s", command->verb);
	if (!strstr(manual, entry))
		fail_msg("the manual has no %s", entry);
	for (const struct argument *each = command->arguments; each && each->name; each++) {
		if (each->kind == ARGUMENT_WORD)
			continue;
		snprintf(entry, sizeof entry, "Fl \\-%s", each->name);
		if (!strstr(manual, entry))
			fail_msg("the manual has no %s", entry);
	}
}

static void
table_is_sound(void **state)
{
	const char *srcdir = getenv("srcdir");
	char path[8192];
	char *manual;
	size_t count = 0;

	(void)state;
	snprintf(path, sizeof path, "%s/%s/doc/sallyportctl.8",
		srcdir && srcdir[0] == '/' ? "" : config_file_home, srcdir ? srcdir : ".");
	manual = config_file_read(path);
	for (const struct command *each = command_next(NULL); each; each = command_next(each)) {
		char *words[3];
		char verb[64];
		int given = 0;
		int taken;
		bool options = false;
		size_t arguments = 0;

		count++;
		snprintf(verb, sizeof verb, "%s", each->verb);
		for (char *word = strtok(verb, " "); word; word = strtok(NULL, " "))
			words[given++] = word;
		/* each is found by its own words, and no other is in its way */
		assert_ptr_equal(command_find(given, words, &taken), each);
		assert_int_equal(taken, given);
		assert_true(each->help[strlen(each->help) - 1] != '.');
		assert_true(each->run || each->columns || each->done);
		assert_true(!each->list || each->columns || each->run);
		for (const struct argument *a = each->arguments; a && a->name; a++) {
			/* words come first */
			assert_false(options && a->kind == ARGUMENT_WORD);
			options |= a->kind != ARGUMENT_WORD;
			arguments++;
		}
		assert_true(arguments <= ARGUMENTS_MAX);
		is_in_manual(manual, each);
	}
	assert_true(count > 50); /* all groups are walked through */
	free(manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked),
		cmocka_unit_test(json_is_whole),
		cmocka_unit_test(long_lists_come_in_stretches),
		cmocka_unit_test(local),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(table_is_sound),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
