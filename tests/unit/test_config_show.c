/* SPDX-License-Identifier: BSD-2-Clause */
/* Showing settings: effective values with defaults told apart, and what a setting is. */
#include "config_file.h"

#include "config/show.h"

static void
add(const struct show_item *item, void *context)
{
	struct buf *all = context;

	for (size_t i = 0; i < item->path.depth; i++) {
		buf_add_text(all, item->path.sections[i]->name);
		if (item->titles[i])
			buf_printf(all, " \"%s\"", item->titles[i]);
		buf_add_byte(all, '/');
	}
	buf_printf(all, "%s = %s%s\n", item->row->name, item->value,
		item->written ? "" : " (default)");
}

static void
effective(void **state)
{
	static const char *const lines[] = {
		"\nworkers = 2 (default)\n",
		"\nauthoritative-domains = { \"a.org\", \"b.org\" }\n",
		"\ncontrol-users = { } (default)\n",
		"\nlistener \"x\"/address = { \"*:587\" }\n",
		"\nlistener \"x\"/tls = none\n",
		"\nlistener \"x\"/idle-wait = 5m (default)\n",
		"\nlistener \"x\"/banner = \"say \\\"hi\\\" \\\\ there\"\n",
		"\nlistener \"x\"/insecure-networks = { \"10.0.0.0/8\", \"::1\" }\n",
		"\nlistener \"x\"/permit \"anonymous\"/rights = { submit, any-sender }\n",
		"\nlistener \"x\"/permit \"anonymous\"/wrong-sender = next (default)\n",
		"\nlimits \"default\"/over = hold (default)\n",
		"\nlistener \"x\"/policy = \"default\" (default)\n",
		"\npolicy \"default\"/milters = { \"dkim\" }\n",
		"\npolicy \"x\"/milters = { } (default)\n",
		"\nmilter \"dkim\"/budget = 20s\n",
		"\nmilter \"dkim\"/end-wait = 20s (default)\n",
		"\nmilter \"dkim\"/macros = { \"{daemon_name}=X\" }\n",
		"\nqueue/retry = { 5m, 10m, 20m, 40m, 1h, 2h, 4h } (default)\n",
		"\nqueue/sync = no\n",
		"\nroute \"*\"/to = \"smtp:a.org\"\n",
		"\nroute \"*\"/tls = may (default)\n",
	};
	struct buf all = BUF_INIT(0);
	struct fault fault = FAULT_INIT;

	(void)state;
	config_file_write("c.conf",
		"hostname = \"mail.example.org\" authoritative-domains = { \"a.org\", \"b.org\" }\n"
		"listener \"x\" { address = \"*:587\" tls = none login = plain\n"
		"  insecure-networks = { \"10.0.0.0/8\", \"::1\" }\n"
		"  banner = \"say \\\"hi\\\" \\\\ there\"\n"
		"  permit \"anonymous\" { rights = { any-sender, submit } } }\n"
		"policy { milters = dkim } policy \"x\" { }\n"
		"milter \"dkim\" { address = \"127.0.0.1:1\" budget = 20s macros = "
		"\"daemon_name=X\" }\n"
		"queue { sync = off }\n"
		"route \"*\" { to = \"smtp:a.org\" }\n");
	if (!show_settings("c.conf", add, &all, &fault))
		fail_msg("%s", fault.text);
	assert_memory_equal(buf_text(&all), "hostname = \"mail.example.org\"\n", 30);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {

		if (!strstr(buf_text(&all), lines[i]))
			fail_msg("%s in %s", lines[i], buf_text(&all));
	}
	buf_fini(&all);
}

static void
fault_instead(void **state)
{
	struct buf all = BUF_INIT(0);
	struct fault fault = FAULT_INIT;

	(void)state;
	config_file_write("c.conf", "hostname = \"mail.example.org\"");
	assert_false(show_settings("c.conf", add, &all, &fault));
	assert_string_equal(fault.text,
		"c.conf:1: there is no listener section, so nothing would be served");
	assert_int_equal(buf_length(&all), 0);
	assert_false(show_settings("none.conf", add, &all, &fault));
}

static void
summaries(void **state)
{
	static const struct {
		const struct schema_section *section;
		const char *name;
		const char *summary;
	} cases[] = {
		{ &schema_root, "hostname", "text; must be set" },
		{ &schema_root, "workers", "number, 1 to 64; default 2" },
		{ &schema_root, "authoritative-domains",
			"list of texts, at most 10000; empty by default" },
		{ &schema_listener, "idle-wait", "duration, 1s to 1d; default 5m" },
		{ &schema_listener, "message-size", "size, 1K to 2G; default 25M" },
		{ &schema_listener, "login",
			"one word: off, secure, secure-or-challenge, plain; default secure" },
		{ &schema_listener, "require-tls", "yes or no; default no" },
		{ &schema_listener, "address", "list of addresses, at most 64; must be set" },
		{ &schema_queue, "retry",
			"list of durations, at most 32; default { 5m, 10m, 20m, 40m, 1h, 2h, 4h }" },
		{ &schema_deny, "rights",
			"list of words: submit, relay, any-sender, own-domain-sender, bypass-size, "
			"bypass-limits, bypass-milters; empty by default" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf summary = BUF_INIT(0);

		show_summary(schema_find_row(cases[i].section, cases[i].name), &summary);
		assert_string_equal(buf_text(&summary), cases[i].summary);
		buf_fini(&summary);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(effective),
		cmocka_unit_test(fault_instead),
		cmocka_unit_test(summaries),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
