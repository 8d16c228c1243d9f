/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong in a configuration is told with its place, and nothing else is. */
#include "config_text.h"

#include "base/buffer.h"

#define X10 "xxxxxxxxxx"

static void
faults(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		/* grammar and names */
		{ "", "c.conf:1: hostname must be set" },
		{ "hostnme = x", "c.conf:1: unknown setting \"hostnme\"; did you mean \"hostname\"?" },
		{ "banana = x", "c.conf:1: unknown setting \"banana\"" },
		{ "\nlistner \"x\" { }", "c.conf:2: unknown setting \"listner\"; did you mean "
					 "\"listener\"?" },
		{ "listener \"x\" {\nadress = \"*:1\" }",
			"c.conf:2: unknown setting \"adress\" in section listener; did you mean "
			"\"address\"?" },
		{ "listener \"x\" {\npermit \"anonymous\" {\n\nright = submit } }",
			"c.conf:4: unknown setting \"right\" in section permit; did you mean "
			"\"rights\"?" },
		{ "hostname mail.example.org", "c.conf:1: missing equal sign after option 'hostname'" },
		{ "hostname = , ", "c.conf:1: unexpected token ','" },
		{ "hostname = { }", "c.conf:1: unexpected token '{'" },
		{ "tls { }", "c.conf:1: missing title for section 'tls'" },
		{ "sasl \"x\" { }", "c.conf:1: missing opening brace for section 'sasl'" },
		{ "hostname = ", "c.conf:1: premature end of file" },
		{ "/* a\nb */\nbanana = 1", "c.conf:3: unknown setting \"banana\"" },
		{ "include(\"inner.conf\")", "inner.conf:2: unknown setting \"banana\"" },

		/* twice */
		{ HEAD HEAD, "c.conf:2: the setting \"hostname\" stands here a second time" },
		{ "authoritative-domains = { a.org }\nauthoritative-domains = { b.org }",
			"c.conf:2: the setting \"authoritative-domains\" stands here a second time" },
		{ "authoritative-domains = { }\nauthoritative-domains = { b.org }",
			"c.conf:2: the setting \"authoritative-domains\" stands here a second time" },
		{ "authoritative-domains = { a.org }\nauthoritative-domains = { }",
			"c.conf:2: the setting \"authoritative-domains\" stands here a second time" },
		{ "sasl { }\nsasl { }", "c.conf:2: the section \"sasl\" stands here a second time" },
		{ TLS TLS, "c.conf:2: the title \"main\" stands here a second time" },
		{ GOOD "route \"Example.org\" { to = \"smtp:a.org\" }\n"
		       "route \"example.org\" { to = \"smtp:a.org\" }",
			"c.conf:5: route \"example.org\": stands already at c.conf:4" },

		/* kinds and ranges */
		{ GOOD "workers = many", "c.conf:4: workers: \"many\" is not a number" },
		{ GOOD "workers = 0", "c.conf:4: workers: \"0\" is out of range: 1 to 64" },
		{ GOOD "workers = 65", "c.conf:4: workers: \"65\" is out of range: 1 to 64" },
		{ GOOD "workers = -1", "c.conf:4: workers: \"-1\" is not a number" },
		{ GOOD "sasl {\nexchange-wait = 5 }",
			"c.conf:5: sasl: exchange-wait: \"5\" is not a duration, like 30s, 5m, 1h or "
			"5d" },
		{ GOOD "sasl { answer-wait = 2h }",
			"c.conf:4: sasl: answer-wait: \"2h\" is out of range: 1s to 1m" },
		{ GOOD "queue { free-space = 5T }",
			"c.conf:4: queue: free-space: \"5T\" is not a size, like 512, 64K, 25M or 2G" },
		{ GOOD "queue { sync = maybe }",
			"c.conf:4: queue: sync: \"maybe\" is neither yes nor no" },
		{ GOOD "log { format = xml }",
			"c.conf:4: log: format: \"xml\" is none of text, json" },
		{ GOOD "sasl { ntlm = winbind }", "c.conf:4: sasl: ntlm: \"winbind\" is not off" },
		{ GOOD "queue { retry = { 5m,\n10x } }",
			"c.conf:5: queue: retry: \"10x\" is not a duration, like 30s, 5m, 1h or 5d" },
		{ GOOD "queue { retry = 10ms }",
			"c.conf:4: queue: retry: \"10ms\" is out of range: 1s to 3650d" },
		{ GOOD "state-dir = \"var\"", "c.conf:4: state-dir: \"var\" is not an absolute path" },
		{ GOOD "authoritative-domains = { \"a.org\",\n\n\"b..org\" }",
			"c.conf:6: authoritative-domains: \"b..org\" is not a domain name" },
		{ GOOD "sasl { mechanisms = { PLAIN, NTLM } }",
			"c.conf:4: sasl: mechanisms: \"NTLM\" is none of PLAIN, LOGIN, SCRAM-SHA-1, "
			"SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-256-PLUS, GSSAPI" },
		{ GOOD "permit \"everybody\" { rights = submit }",
			"c.conf:4: permit \"everybody\": the title is not a principal: anonymous, "
			"authenticated, login:NAME, group:NAME, network:CIDR, "
			"certificate:NAME" },
		{ GOOD "permit \"login:\" { rights = submit }",
			"c.conf:4: permit \"login:\": the title is not a principal: anonymous, "
			"authenticated, login:NAME, group:NAME, network:CIDR, "
			"certificate:NAME" },
		{ GOOD "permit \"network:10.0.0.1/8\" { rights = submit }",
			"c.conf:4: permit \"network:10.0.0.1/8\": the title has bits set behind its "
			"prefix length" },
		{ GOOD "permit \"anonymous\" { rights = { submit, relays } }",
			"c.conf:4: permit \"anonymous\": rights: \"relays\" is none of submit, relay, "
			"any-sender, own-domain-sender, bypass-size, bypass-limits, bypass-milters" },
		{ GOOD "route \"*\" { }", "c.conf:4: route \"*\": to must be set" },
		{ GOOD "route \"a b\" { to = \"smtp:a.org\" }",
			"c.conf:4: route \"a b\": the title is neither a domain name, nor '.' and one, "
			"nor \"*\"" },
		{ GOOD "tls \"x y\" { certificate = \"/c\" key = \"/k\" }",
			"c.conf:4: tls \"x y\": the title is not a name of letters, digits, '-', '_' "
			"and '.'" },
		{ GOOD "tls \"x\" { certificate = { \"/a\", \"/b\", \"/c\" } key = \"/k\" }",
			"c.conf:4: tls \"x\": certificate: \"/c\" is one too many: at most 2 may be "
			"listed" },
		{ HEAD TLS "listener \"in\" {\naddress = {\n\"*\" } }",
			"c.conf:5: listener \"in\": address: \"*\" has no port" },
		{ GOOD "listener \"x\" { address = \"*:1\" protocol = imap }",
			"c.conf:4: listener \"x\": protocol: \"imap\" is not smtp" },

		/* listeners: contradictions */
		{ HEAD, "c.conf:1: there is no listener section, so nothing would be served" },
		{ HEAD LISTENER, "c.conf:2: listener \"in\": tls: needs a certificate, but the file "
				 "has no tls section" },
		{ HEAD TLS "listener \"in\" { address = { } }",
			"c.conf:3: listener \"in\": address: is empty, so the listener would not "
			"listen" },
		{ GOOD "listener \"x\" { address = \"*:1\"\ncertificates = { main, other } }",
			"c.conf:5: listener \"x\": certificates: there is no tls section \"other\"" },
		{ GOOD "listener \"x\" { address = \"*:1\" tls = none login = off\n"
		       "certificates = main }",
			"c.conf:5: listener \"x\": certificates: has no use where tls is none" },
		{ GOOD "listener \"x\" { address = \"*:1\" tls = none login = off\n"
		       "require-tls = yes }",
			"c.conf:5: listener \"x\": require-tls: cannot be met where tls is none" },
		{ GOOD "listener \"x\" { address = \"*:1\" tls = none }",
			"c.conf:4: listener \"x\": login: secure needs TLS, but tls is none: write "
			"login = off, or login = plain with insecure-networks" },
		{ GOOD "listener \"x\" { address = \"*:1\" tls = none\nlogin = secure }",
			"c.conf:5: listener \"x\": login: secure needs TLS, but tls is none: write "
			"login = off, or login = plain with insecure-networks" },
		{ GOOD "listener \"x\" { address = \"*:1\"\nlogin = plain }",
			"c.conf:5: listener \"x\": login: plain needs insecure-networks as well, so "
			"that it is not open to all" },
		{ GOOD "listener \"x\" { address = \"*:1\"\nidentity = \"scanner\" }",
			"c.conf:5: listener \"x\": identity: needs networks as well, so that not "
			"everybody is that account" },
		{ GOOD "listener \"x\" { address = \"*:1\"\nqualify-domain = \"example.org\" }",
			"c.conf:5: listener \"x\": qualify-domain: has no use unless lenient is yes" },
		{ GOOD "listener \"x\" { address = \"*:1\"\nclient-trust-file = \"/x\" }",
			"c.conf:5: listener \"x\": client-trust-file: has no use where "
			"client-certificate is off" },
		{ GOOD "listener \"x\" { address = \"*:1\"\nclient-certificate = ask }",
			"c.conf:5: listener \"x\": client-certificate: needs client-trust-file, or no "
			"certificate would ever hold" },
		{ GOOD "listener \"x\" { address = \"*:1\"\nclient-certificate = require\n"
		       "client-trust-file = \"/x\" }",
			"c.conf:5: listener \"x\": client-certificate: is required, so require-tls "
			"must be yes or tls implicit" },
		{ GOOD "listener \"x\" { address = \"*:1\" tls = none login = off\n"
		       "client-certificate = ask }",
			"c.conf:5: listener \"x\": client-certificate: cannot be asked for where tls is "
			"none" },
		{ GOOD "listener \"x\" { address = \"*:1\"\ninsecure-networks = \"10.0.0.0/8\" }",
			"c.conf:5: listener \"x\": insecure-networks: has no use unless login is "
			"plain" },
		{ GOOD "listener \"x\" { address = \"*:1\" login = off\nmechanisms = PLAIN }",
			"c.conf:5: listener \"x\": mechanisms: has no use where login is off" },
		{ GOOD "listener \"x\" { address = \"*:1\"\nmechanisms = GSSAPI }",
			"c.conf:5: listener \"x\": mechanisms: GSSAPI needs the keytab of the sasl "
			"section" },
		{ GOOD "listener \"x\" { address = \"*:1\"\nlimits = strict }",
			"c.conf:5: listener \"x\": limits: there is no limits section \"strict\"" },
		{ GOOD "listener \"x\" { address = \"*:1\" connections = 10 "
		       "connections-per-address = 11 }",
			"c.conf:4: listener \"x\": connections-per-address: is more than connections" },
		{ GOOD "listener \"x\" { address = \"*:1\" connections = 10 "
		       "connections-before-login = 11 }",
			"c.conf:4: listener \"x\": connections-before-login: is more than connections" },
		{ GOOD "listener \"x\" { address = \"*:1\" message-size = 64K header-size = 65K }",
			"c.conf:4: listener \"x\": header-size: is more than message-size" },
		{ GOOD "listener \"x\" { address = { \"*:1\",\n\"[::1]:587\" } }",
			"c.conf:5: listener \"x\": address: \"[::1]:587\" is taken by \"*:587\" of "
			"listener \"in\"" },
		{ GOOD "listener \"x\" { address = { \"10.0.0.1:1\", \"10.0.0.1:1\" } }",
			"c.conf:4: listener \"x\": address: \"10.0.0.1:1\" is taken by "
			"\"10.0.0.1:1\" of listener \"x\"" },
		{ GOOD "listener \"x\" { address = { \"[::1]:1\", \"[0:0::1]:1\" } }",
			"c.conf:4: listener \"x\": address: \"[0:0::1]:1\" is taken by \"[::1]:1\" of "
			"listener \"x\"" },
		{ GOOD "listener \"x\" { address = { \"unix:/a\", \"unix:/a\" } }",
			"c.conf:4: listener \"x\": address: \"unix:/a\" is taken by \"unix:/a\" of "
			"listener \"x\"" },

		/* rights */
		{ GOOD "permit \"anonymous\" { rights = { submit, relay } }",
			"c.conf:4: permit \"anonymous\": rights: relay for everybody makes an open "
			"relay, which others would abuse at once" },
		{ GOOD "permit \"network:0.0.0.0/0\" { rights = relay }",
			"c.conf:4: permit \"network:0.0.0.0/0\": rights: relay for everybody makes an "
			"open relay, which others would abuse at once" },
		{ GOOD "permit \"network:::/0\" { rights = relay }",
			"c.conf:4: permit \"network:::/0\": rights: relay for everybody makes an open "
			"relay, which others would abuse at once" },
		{ GOOD "listener \"x\" { address = \"*:1\"\npermit \"anonymous\" {\nrights = relay } }",
			"c.conf:6: listener \"x\": permit \"anonymous\": rights: relay for everybody "
			"makes an open relay, which others would abuse at once" },
		{ GOOD "permit \"login:a\" { }", "c.conf:4: permit \"login:a\": permits nothing" },
		{ GOOD "deny \"login:a@MAIL.example.org\" { rights = relay }",
			"c.conf:4: deny \"login:a@MAIL.example.org\": logins have no realm behind "
			"their name, so this one is never met" },
		{ GOOD "permit \"login:a\" { wrong-sender = next posing-name = next }",
			"c.conf:4: permit \"login:a\": permits nothing" },
		{ GOOD "deny \"login:a\" { }", "c.conf:4: deny \"login:a\": denies nothing" },
		{ GOOD "permit \"login:a\" { limits = strict }",
			"c.conf:4: permit \"login:a\": limits: there is no limits section \"strict\"" },

		/* the rest */
		{ GOOD "tls \"x\" { certificate = \"/c\"\nkey = { \"/k\", \"/l\" } }",
			"c.conf:5: tls \"x\": key: 2 for 1 certificates; each has its own" },
		{ GOOD "tls \"x\" { certificate = { } key = { } }",
			"c.conf:4: tls \"x\": certificate: is empty" },
		{ GOOD "sasl { mechanisms = { PLAIN,\nGSSAPI } }",
			"c.conf:5: sasl: mechanisms: GSSAPI needs a keytab" },
		{ GOOD "sasl { exchange-wait = 5s answer-wait = 6s }",
			"c.conf:4: sasl: answer-wait: is more than exchange-wait" },
		{ GOOD "directory \"a\" { }\ndirectory \"b\" { type = local }",
			"c.conf:5: directory \"b\": type: there is one local directory, and \"a\" is "
			"it" },
		{ GOOD "run-dir = \"/" X10 X10 X10 X10 X10 X10 X10 X10 X10 "xxxxx\"",
			"c.conf:4: run-dir: is 2 bytes too long for the path of the control socket" },
		{ GOOD "lookup { socket = \"/" X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 "xxxxxxxx\" }",
			"c.conf:4: lookup: socket: is 2 bytes too long for the path of a socket" },
		{ GOOD "lookup { users = postfix }",
			"c.conf:4: lookup: users: has no use without socket" },
		{ GOOD "queue { retry = { } }", "c.conf:4: queue: retry: is empty" },
		{ GOOD "queue { free-space = 1G free-space-resume = 1M }",
			"c.conf:4: queue: free-space-resume: is less than free-space" },
		{ GOOD "queue { concurrency = 10 concurrency-per-destination = 11 }",
			"c.conf:4: queue: concurrency-per-destination: is more than concurrency" },
		{ GOOD "log { protocol-log = csv }",
			"c.conf:4: log: protocol-log: needs protocol-directory as well" },
		{ GOOD "route \"*\" { to = \"smtps:a.org\"\ntls = may }",
			"c.conf:5: route \"*\": tls: smtps: has TLS from the first byte; write encrypt "
			"or verify" },
		{ GOOD "route \"*\" { to = \"smtp:a.org\" user = u }",
			"c.conf:4: route \"*\": user: needs secret-file as well" },
		{ GOOD "route \"*\" { to = \"smtp:a.org\" secret-file = \"/s\" }",
			"c.conf:4: route \"*\": secret-file: has no use without user" },
		{ GOOD "route \"*\" { to = \"smtp:a.org\" user = u secret-file = \"/s\"\n"
		       "tls = encrypt }",
			"c.conf:5: route \"*\": tls: must be verify where a user is given: a password "
			"goes to nobody else" },
		{ GOOD "route \"*\" { to = \"lmtp:unix:/l\" tls = verify }",
			"c.conf:4: route \"*\": tls: verify needs tls-name where the next hop is a unix "
			"socket" },
		{ GOOD "route \"*\" { to = \"smtp:a.org\" tls = none tls-name = b.org }",
			"c.conf:4: route \"*\": tls-name: has no use where tls is none" },
		{ GOOD "route \"*\" { to = \"smtp:a.org\" tls = none trust-file = \"/t\" }",
			"c.conf:4: route \"*\": trust-file: has no use where tls is none" },
		{ GOOD "listener \"a\" { address = \"*:2525\" }\n"
		       "route \"*\" { to = \"smtp:localhost:2525\" }",
			"c.conf:5: route \"*\": to: leads back to listener \"a\" of this server" },
		{ GOOD "listener \"a\" { address = \"192.0.2.1:2525\" }\n"
		       "route \"*\" { to = \"smtp:192.0.2.1:2525\" }",
			"c.conf:5: route \"*\": to: leads back to listener \"a\" of this server" },
		{ GOOD "listener \"a\" { address = \"unix:/run/x\" }\n"
		       "route \"*\" { to = \"lmtp:unix:/run/x\" }",
			"c.conf:5: route \"*\": to: leads back to listener \"a\" of this server" },
	};

	(void)state;
	config_file_write("inner.conf", "\nbanana = 1");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fault fault = FAULT_INIT;
		struct settings *settings;

		config_file_write("c.conf", cases[i].text);
		settings = config_load("c.conf", &fault);
		if (settings)
			fail_msg("should not load: %s", cases[i].text);
		assert_string_equal(fault.text, cases[i].reason);
		assert_int_equal(fault.kind, FAULT_CONFIG);
		/* who does not ask for the reason gets none */
		assert_null(config_load("c.conf", NULL));
	}
}

/* A fault leaves libConfuse's global scanner in a state from which the next file loads. */
static void
after_faults(void **state)
{
	static const char *const bad[] = { "hostname = ", "listener \"x\" { address", "tls", "a = {" };
	struct settings *settings;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		config_file_write("c.conf", bad[i]);
		assert_null(config_load("c.conf", NULL));
		settings = load(GOOD);
		settings_free(&settings);
	}
}

/* Every beginning of a right file is a fault or right; none of them hangs, crashes or loads by half. */
static void
every_beginning(void **state)
{
	static const char whole[] = HEAD TLS "listener \"in\" { address = { \"*:587\" }\n"
		"permit \"authenticated\" { rights = { submit, relay } } } # end\n";

	(void)state;
	for (size_t length = 0; length < sizeof whole; length++) {
		struct settings *settings;

		config_file_write_bytes("c.conf", span_of(whole, length));
		settings = config_load("c.conf", NULL);
		/* the last brace closes the listener, and then only a comment follows */
		assert_int_equal(settings != NULL, length >= sizeof whole - 1 - strlen(" # end\n"));
		settings_free(&settings);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults),
		cmocka_unit_test(after_faults),
		cmocka_unit_test(every_beginning),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
