/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of sallyport-milter: in a file of its own, and in that of the daemon. */
#include "config_text.h"

#define SOURCE "filter { lookup-socket = \"/s\" } "
/* 108 bytes, one more than the address of a socket has room for. */
#define DIGITS "0123456789"
#define LONG_PATH "/socket" DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS DIGITS "s"

static struct settings *
load_for_filter(const char *text, struct fault *fault)
{
	config_file_write("c.conf", text);
	return config_load_for_filter("c.conf", fault);
}

static void
own_file(void **state)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings = load_for_filter(HEAD
		"listener \"submission\" { address = \"*:587\" permit \"login:a\" { rights = submit } }\n"
		"permit \"authenticated\" { rights = submit }\n"
		"filter { source = maps  sender-maps = \"hash:/etc/senders\"  mode = log\n"
		"	listener = submission  socket = \"127.0.0.1:8895\"  socket-mode = 0666 }",
		&fault);

	(void)state;
	if (!settings)
		fail_msg("%s", fault.text);
	assert_int_equal(settings->filter.source, FILTER_SOURCE_MAPS);
	assert_int_equal(settings->filter.mode, FILTER_MODE_LOG);
	assert_int_equal(settings->filter.socket_mode, 0666);
	assert_int_equal(settings->filter.socket.port, 8895);
	/* Postfix looks a login up as it is */
	assert_int_equal(settings->filter.login_realm, FILTER_REALM_KEEP);
	assert_string_equal(settings->filter.sender_maps.items[0], "hash:/etc/senders");
	settings_free(&settings);
	/* what the daemon would not start with */
	assert_null(config_load("c.conf", &fault));
}

static void
defaults(void **state)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings = load_for_filter(GOOD "lookup { socket = \"/s\" }", &fault);
	const struct settings_filter *filter;

	(void)state;
	assert_non_null(settings);
	filter = &settings->filter;
	assert_string_equal(filter->socket.path, "/run/sallyport-milter/milter.sock");
	assert_int_equal(filter->socket_mode, 0660);
	assert_int_equal(filter->mode, FILTER_MODE_ENFORCE);
	assert_int_equal(filter->source, FILTER_SOURCE_DIRECTORY);
	assert_int_equal(filter->strangers, FILTER_STRANGERS_PASS);
	assert_int_equal(filter->login_realm, FILTER_REALM_STRIP);
	assert_int_equal(filter->exempt_networks.count, 2);
	assert_int_equal(filter->lookup_wait, 5000);
	settings_free(&settings);
}

static void
faults(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{ HEAD "filter { source = maps }",
			"c.conf:2: filter: source: maps needs sender-maps as well" },
		{ HEAD "filter { sender-maps = \"hash:/m\" }",
			"c.conf:2: filter: sender-maps: has no use unless source is maps" },
		{ HEAD "filter { source = maps  sender-maps = \"hash:/m\"  lookup-socket = \"/s\" }",
			"c.conf:2: filter: lookup-socket: has no use where source is maps" },
		{ HEAD "filter { lookup-socket = \"" LONG_PATH "\" }",
			"c.conf:2: filter: lookup-socket: is 1 bytes too long for the path of a socket" },
		{ HEAD "lookup { socket = \"" LONG_PATH "\" }",
			"c.conf:2: lookup: socket: is 1 bytes too long for the path of a socket" },
		{ HEAD "filter { listener = x }",
			"c.conf:2: filter: listener: there is no listener section \"x\"" },
		{ HEAD SOURCE "permit \"authenticated\" { }",
			"c.conf:2: permit \"authenticated\": permits nothing" },
		{ HEAD SOURCE "listener \"x\" { address = \"*:25\"  deny \"authenticated\" { } }",
			"c.conf:2: listener \"x\": deny \"authenticated\": denies nothing" },
		{ HEAD "filter { socket = \"/s\" }", NULL },
		{ HEAD, "c.conf:1: filter: lookup-socket: must be set where source is directory and the "
			"lookup section has none" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fault fault = FAULT_INIT;
		struct settings *settings = load_for_filter(cases[i].text, &fault);

		if (settings)
			fail_msg("%s is taken", cases[i].text);
		if (cases[i].reason)
			assert_string_equal(fault.text, cases[i].reason);
	}
}

static void
sample(void **state)
{
	const char *srcdir = getenv("srcdir");
	bool absolute = srcdir && srcdir[0] == '/';
	struct fault fault = FAULT_INIT;
	struct settings *settings;
	char path[8192];

	(void)state;
	snprintf(path, sizeof path, "%s%s%s/conf/sallyport-milter.conf",
		absolute ? "" : config_file_home, absolute ? "" : "/", srcdir ? srcdir : ".");
	settings = config_load_for_filter(path, &fault);
	if (!settings)
		fail_msg("%s", fault.text);
	assert_int_equal(settings->filter.source, FILTER_SOURCE_MAPS);
	settings_free(&settings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_file),
		cmocka_unit_test(defaults),
		cmocka_unit_test(faults),
		cmocka_unit_test(sample),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
