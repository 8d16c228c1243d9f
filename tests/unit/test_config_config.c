/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole configurations that load: what is written, and what is not. */
#include "config_text.h"

#include "base/buffer.h"

static void
defaults(void **state)
{
	struct settings *settings = load(GOOD);
	const struct settings_listener *listener = &settings->listener.items[0];

	(void)state;
	assert_string_equal(settings->file, "c.conf");
	assert_string_equal(settings->hostname, "mail.example.org");
	assert_string_equal(settings->state_dir, "/var/lib/sallyport");
	assert_string_equal(settings->postmaster, "");
	assert_int_equal(settings->workers, 2);
	assert_int_equal(settings->authoritative_domains.count, 0);
	assert_string_equal(settings->users.queue, "sallyport-queue");
	/* nobody may do anything until it is written */
	assert_int_equal(settings->permit.count, 0);
	assert_int_equal(settings->route.count, 0);

	assert_int_equal(settings->listener.count, 1);
	assert_string_equal(listener->title, "in");
	assert_string_equal(listener->where, "c.conf:3");
	assert_int_equal(listener->address.count, 1);
	assert_string_equal(listener->address.items[0].host, "*");
	assert_int_equal(listener->address.items[0].port, 587);
	assert_int_equal(listener->tls, LISTENER_TLS_STARTTLS);
	assert_int_equal(listener->login, LOGIN_SECURE);
	assert_int_equal(listener->bare_newline, BARE_NEWLINE_REJECT);
	assert_int_equal(listener->command_line_max, 4096);
	assert_int_equal(listener->message_size, 25 * 1024 * 1024);
	assert_int_equal(listener->idle_wait, 300000);
	assert_true(listener->inherit);
	assert_string_equal(listener->limits, "default");

	assert_int_equal(settings->limits.count, 1);
	assert_string_equal(settings->limits.items[0].title, "default");
	assert_string_equal(settings->limits.items[0].where, "default");
	assert_int_equal(settings->limits.items[0].messages_per_hour, 500);
	assert_int_equal(settings->directory.count, 1);
	assert_string_equal(settings->directory.items[0].title, "local");
	assert_int_equal(settings->queue.retry.count, 7);
	assert_int_equal(settings->queue.retry.items[0], 300000);
	assert_true(settings->queue.sync);
	assert_string_equal(settings->sasl.mechanisms.items[0], "SCRAM-SHA-256-PLUS");
	assert_int_equal(settings->tls.items[0].certificate.count, 1);
	settings_free(&settings);
	assert_null(settings);
}

static void
written(void **state)
{
	struct settings *settings = load(
		HEAD TLS "limits \"default\" { over = refuse }\n"
		"limits \"strict\" { messages-per-hour = 10 }\n"
		"authoritative-domains = { \"Example.ORG\", \"m\xc3\xbcnchen.de\" }\n"
		"domain \"example.org\" { plus-address = \"+\" recipients = directory }\n"
		"listener \"in\" { address = { \"127.0.0.1:0\", \"127.0.0.1:0\" } tls = implicit\n"
		"  login = plain insecure-networks = { \"10.0.0.0/8\", \"::1\" } limits = strict\n"
		"  permit \"network:10.0.0.0/8\" { rights = { submit, relay } send-as = \"@a.org\" } }\n"
		"permit \"authenticated\" { rights = { submit, relay } limits = strict }\n"
		"deny \"login:mallory\" { rights = relay }\n"
		"route \"*\" { to = \"smtps:relay.example.net\" }\n"
		"route \"a.org\" { to = \"smtp:relay.example.net\" user = u secret-file = \"/s\" }\n"
		"route \"b.org\" { to = \"smtp:127.0.0.1:2525\" user = u secret-file = \"/s\" }\n"
		"route \"c.org\" { to = \"smtp:relay.example.net\" }\n");
	const struct settings_listener *listener = settings_find_listener(settings, "in");
	const struct settings_permit *permit = &listener->permit.items[0];

	(void)state;
	assert_int_equal(settings_find_limits(settings, "default")->over, LIMITS_OVER_REFUSE);
	assert_int_equal(settings_find_limits(settings, "strict")->messages_per_hour, 10);
	assert_int_equal(settings_find_limits(settings, "strict")->over, LIMITS_OVER_HOLD);
	assert_null(settings_find_limits(settings, "other"));
	assert_non_null(settings_find_tls(settings, "main"));
	assert_null(settings_find_milter(settings, "main"));
	assert_string_equal(settings->authoritative_domains.items[0], "example.org");
	assert_string_equal(settings->authoritative_domains.items[1], "xn--mnchen-3ya.de");
	assert_true(settings_is_authoritative(settings, span_text("EXAMPLE.org")));
	assert_false(settings_is_authoritative(settings, span_text("example.net")));
	assert_int_equal(settings_plus_address(settings, span_text("Example.org")), '+');
	assert_int_equal(settings_plus_address(settings, span_text("a.org")), 0);
	assert_int_equal(settings_recipients(settings, span_text("Example.org")),
		RECIPIENTS_DIRECTORY);
	assert_int_equal(settings_recipients(settings, span_text("xn--mnchen-3ya.de")),
		RECIPIENTS_CALL_AHEAD);
	assert_int_equal(settings_recipients(settings, span_text("a.org")), RECIPIENTS_ANY);

	assert_int_equal(listener->insecure_networks.count, 2);
	assert_int_equal(listener->insecure_networks.items[0].bits, 104);
	assert_string_equal(permit->title, "network:10.0.0.0/8");
	assert_string_equal(permit->where, "c.conf:9");
	assert_int_equal(permit->principal.kind, PRINCIPAL_NETWORK);
	assert_int_equal(permit->principal.network.bits, 104);
	assert_int_equal(permit->rights, RIGHT_SUBMIT | RIGHT_RELAY);
	assert_string_equal(permit->send_as.items[0], "@a.org");
	assert_int_equal(settings->permit.items[0].principal.kind, PRINCIPAL_AUTHENTICATED);
	assert_string_equal(settings->deny.items[0].principal.name, "mallory");

	/* unless written, a password goes to a verified hop, and smtps is verified */
	assert_int_equal(settings->route.items[0].tls, ROUTE_TLS_VERIFY);
	assert_int_equal(settings->route.items[1].tls, ROUTE_TLS_VERIFY);
	assert_int_equal(settings->route.items[2].tls, ROUTE_TLS_MAY);
	assert_int_equal(settings->route.items[3].tls, ROUTE_TLS_MAY);
	settings_free(&settings);
}

/* What was not written gives way. */
static void
dependent_defaults(void **state)
{
	struct settings *settings = load(HEAD TLS
		"listener \"in\" { address = \"*:587\" connections = 10 message-size = 10K }\n"
		"sasl { exchange-wait = 5s } queue { concurrency = 7 free-space = 1G }\n"
		"route \"a.org\" { to = \"smtps:127.0.0.1\" }\n");
	const struct settings_listener *listener = &settings->listener.items[0];

	(void)state;
	assert_int_equal(listener->connections_per_address, 10);
	assert_int_equal(listener->connections_before_login, 10);
	assert_int_equal(listener->header_size, 10240);
	assert_int_equal(settings->sasl.answer_wait, 5000);
	assert_int_equal(settings->queue.concurrency_per_destination, 7);
	assert_int_equal(settings->queue.free_space_resume, 3ull << 29);
	/* of smtps even on this machine */
	assert_int_equal(settings->route.items[0].tls, ROUTE_TLS_VERIFY);
	settings_free(&settings);
}

static void
holds(void **state)
{
	struct settings *settings = load(GOOD);
	struct settings *held = settings_hold(settings);

	(void)state;
	settings_free(&settings);
	assert_null(settings);
	assert_string_equal(held->hostname, "mail.example.org");
	settings_free(&held);
	assert_null(held);
	settings_free(&held);
}

static void
socket_path(void **state)
{
	static const struct {
		const char *text;
		const char *path;
	} cases[] = {
		{ GOOD, "/run/sallyport/control.sock" },
		{ GOOD "run-dir = \"/a b\"", "/a b/control.sock" },
		{ "run-dir = /x", "/x/control.sock" },
		/* wrong values, wrong names, wrong grammar */
		{ "workers = 1000 run-dir = /x", "/x/control.sock" },
		{ "bad = 1\n run-dir = \"/a b\" # here", "/a b/control.sock" },
		{ "}\nrun-dir='/x'", "/x/control.sock" },
		{ "bad = 1\nrun-dir\t=\t/x workers = 2", "/x/control.sock" },
		{ "bad = 1\n#run-dir = /y\nrun-dirt = /z", "/run/sallyport/control.sock" },
		{ "include(\"none.conf\")\nrun-dir = /x", "/x/control.sock" },
	};
	char path[256];
	struct fault fault = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		config_file_write("c.conf", cases[i].text);
		assert_true(config_find_socket("c.conf", path, sizeof path, &fault));
		assert_string_equal(path, cases[i].path);
	}
	assert_false(config_find_socket("none.conf", path, sizeof path, &fault));
	assert_string_equal(fault.text, "none.conf:1: cannot be opened: No such file or directory");
}

static void
many_sections(void **state)
{
	struct buf text = BUF_INIT(0);
	struct settings *settings;

	(void)state;
	buf_add_text(&text, GOOD);
	for (int i = 0; i < 5000; i++)
		buf_printf(&text, "route \"d%d.example.org\" { to = \"smtp:a.org\" }\n", i);
	settings = load(buf_text(&text));
	assert_int_equal(settings->route.count, 5000);
	assert_string_equal(settings->route.items[4999].title, "d4999.example.org");
	settings_free(&settings);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(written),
		cmocka_unit_test(dependent_defaults),
		cmocka_unit_test(holds),
		cmocka_unit_test(socket_path),
		cmocka_unit_test(many_sections),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
