/* SPDX-License-Identifier: BSD-2-Clause */
/* Best practice: every finding has a configuration that shows it, and a good one shows none. */
#include "config_file.h"
#include "tls_fixture.h"

#include <sys/stat.h>

#include "config/config.h"
#include "ctl/practice.h"

#define TLS "tls \"main\" { certificate = \"CERT\" key = \"KEY\" }\n"
#define HEAD "hostname = \"mail.example.org\"\n" TLS
#define LISTENERS                                                                                  \
	"listener \"a\" { address = \"*:587\" }\n"                                                  \
	"listener \"b\" { address = \"*:465\" tls = implicit }\n"
#define RIGHTS "permit \"authenticated\" { rights = { submit, relay } }\n"
#define ROUTES "route \"*\" { to = \"smtp:relay.example.net\" }\n"
#define GOOD HEAD LISTENERS RIGHTS ROUTES
#define SECOND "listener \"c\" { address = \"*:589\""

static void
write_pair(const char *name, const struct fixture_wish *wish, mode_t key_mode)
{
	struct fixture_pair pair = fixture_certificate(wish);
	char path[64];

	snprintf(path, sizeof path, "%s.cert", name);
	config_file_write(path, pair.chain_pem);
	snprintf(path, sizeof path, "%s.key", name);
	config_file_write(path, pair.key_pem);
	assert_int_equal(chmod(path, key_mode), 0);
	fixture_pair_free(&pair);
}

/* CERT and KEY stand for files of the current folder; paths in a configuration are absolute. */
static void
write_config(const char *text, const char *cert, const char *key)
{
	struct buf out = BUF_INIT(0);

	for (; *text; text++) {
		if (strncmp(text, "CERT", 4) == 0) {
			buf_printf(&out, "%s/%s.cert", config_file_folder, cert);
			text += 3;
		} else if (strncmp(text, "KEY", 3) == 0) {
			buf_printf(&out, "%s/%s.key", config_file_folder, key);
			text += 2;
		} else {
			buf_add_byte(&out, *text);
		}
	}
	config_file_write("c.conf", buf_text(&out));
	assert_int_equal(chmod("c.conf", 0644), 0);
	buf_fini(&out);
}

/* "warn: what\nnote: what\n" */
static char *
findings(bool *good)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings = config_load("c.conf", &fault);
	struct buf all = BUF_INIT(0);
	json_t *list;
	json_t *each;
	size_t index;
	char *text;

	if (!settings)
		fail_msg("%s", fault.text);
	list = practice_check(settings, good);
	json_array_foreach(list, index, each)
		buf_printf(&all, "%s: %s\n", json_string_value(json_object_get(each, "weight")),
			json_string_value(json_object_get(each, "what")));
	json_decref(list);
	settings_free(&settings);
	text = mem_strdup(buf_text(&all));
	buf_fini(&all);
	return text;
}

static void
each_finding(void **state)
{
	static const struct {
		const char *text;
		const char *cert;
		const char *key;
		const char *found; /* NULL: nothing at all */
	} cases[] = {
		{ GOOD, "good", "good", NULL },
		{ HEAD "listener \"a\" { address = \"*:587\" }\n" RIGHTS ROUTES, "good", "good",
			"note: logins are served with STARTTLS alone; RFC 8314 wants port 465 with tls "
			"= implicit as well\n" },
		{ GOOD "listener \"c\" { address = \"*:25\" tls = none login = plain insecure-networks "
		       "= \"10.0.0.0/8\" }",
			"good", "good",
			"warn: listener \"c\" takes passwords without TLS from insecure-networks\n" },
		{ GOOD "listener \"c\" { address = \"*:25\" login = secure-or-challenge }", "good",
			"good", "note: listener \"c\" takes SCRAM and GSSAPI logins without TLS\n" },
		{ GOOD "listener \"c\" { address = \"*:25\" tls-priority = \"NORMAL\" }", "good",
			"good",
			"note: listener \"c\" has a tls-priority of its own: it has to be kept up to "
			"date\n" },
		{ GOOD "listener \"c\" { address = \"*:25\" bare-newline = normalize }", "good", "good",
			"note: listener \"c\" corrects line ends: signatures made before may break\n" },
		{ GOOD "listener \"c\" { address = \"*:25\" proxy-networks = \"0.0.0.0/0\" }", "good",
			"good",
			"warn: listener \"c\" believes PROXY headers from a very large network\n" },
		{ GOOD "listener \"c\" { address = \"*:25\" tls-minimum = 1.0 networks = "
		       "\"10.0.0.0/28\" }",
			"good", "good",
			"warn: listener \"c\" speaks TLS 1.0, which can be broken\n" },
		{ GOOD "listener \"c\" { address = \"*:25\" lenient = yes }", "good", "good",
			"warn: listener \"c\" is one for old devices, but has no networks: it serves "
			"everybody\n" },
		{ GOOD "listener \"c\" { address = \"*:25\" identity = \"scanner\" networks = "
		       "\"10.0.0.0/8\" recipients-allowed = \"@example.org\" }",
			"good", "good",
			"warn: a large network may send as \"scanner\" without login\n" },
		{ GOOD "listener \"c\" { address = \"*:25\" identity = \"scanner\" networks = "
		       "\"10.0.0.0/28\" }",
			"good", "good",
			"note: listener \"c\" sends as \"scanner\" without login to any recipient: "
			"recipients-allowed can say to whom\n" },
		{ HEAD LISTENERS ROUTES, "good", "good",
			"warn: nobody may send: no permit section gives the right submit\n" },
		{ HEAD LISTENERS RIGHTS, "good", "good",
			"warn: mail to other domains has no next hop: there is no route \"*\"\n" },
		{ GOOD "permit \"anonymous\" { rights = own-domain-sender }", "good", "good",
			"warn: anybody may use every address of our own domains as sender\n" },
		{ GOOD "permit \"anonymous\" { send-as = \"*\" }", "good", "good",
			"warn: \"anonymous\" may use any address as sender\n" },
		{ GOOD "permit \"anonymous\" { rights = bypass-milters }", "good", "good",
			"note: no filter sees or signs the mail of \"anonymous\": bypass-milters\n" },
		{ GOOD "permit \"login:robot\" { rights = bypass-milters }", "good", "good", NULL },
		{ GOOD "permit \"network:10.0.0.0/8\" { rights = relay }", "good", "good",
			"warn: a large network may relay without login: \"network:10.0.0.0/8\"\n" },
		{ GOOD "permit \"network:10.0.0.0/16\" { rights = relay }", "good", "good", NULL },
		{ GOOD "route \"a.org\" { to = \"smtp:hop.example.net\" tls = none }", "good", "good",
			"warn: mail to \"a.org\" crosses the network in clear: tls is none\n" },
		{ GOOD "route \"a.org\" { to = \"smtp:127.0.0.1\" tls = none }", "good", "good", NULL },
		{ GOOD "route \"a.org\" { to = \"smtp:hop.example.net\" user = u secret-file = "
		       "\"/nonexistent\" }",
			"good", "good", "warn: /nonexistent: No such file or directory\n" },
		{ GOOD "queue { sync = no }", "good", "good",
			"warn: queue sync is no: a power failure loses mail that was accepted\n" },
		{ GOOD "sasl { failure-delay = 0 }", "good", "good",
			"warn: sasl failure-delay is 0: passwords can be guessed at full speed\n" },
		{ GOOD "sasl { mechanisms = { PLAIN, SCRAM-SHA-1 } }", "good", "good",
			"note: SCRAM-SHA-1 is offered, which only old clients need\n" },
		{ GOOD "milter \"x\" { address = \"127.0.0.1:1\" } policy { milters = x }", "good",
			"good", NULL },
		{ GOOD "milter \"x\" { address = \"127.0.0.1:1\" } policy \"a\" { milters = x }",
			"good", "good",
			"note: policy \"a\" is named by no listener, so no mail passes it\n" },
		{ GOOD SECOND " policy = p } milter \"x\" { address = \"127.0.0.1:1\" listeners = a } "
		       "policy \"p\" { milters = x }", "good", "good",
			"note: milter \"x\" is for listeners whose policy does not name it, so it is "
			"never asked\n" },
		{ GOOD SECOND " policy = p } milter \"x\" { address = \"127.0.0.1:1\" listeners = c } "
		       "policy \"p\" { milters = x }", "good", "good", NULL },
		{ GOOD "milter \"x\" { address = \"127.0.0.1:1\" }", "good", "good",
			"note: milter \"x\" is in no policy, so it is never asked\n" },
		{ GOOD "milter \"x\" { address = \"unix:/f\" on-failure = accept } policy { milters "
		       "= x }",
			"good", "good",
			"note: mail passes without milter \"x\" while it does not answer\n" },
		{ GOOD "milter \"x\" { address = \"192.0.2.1:1\" } policy { milters = x }", "good",
			"good",
			"warn: mail crosses the network in clear on its way to milter \"x\"\n" },
		{ GOOD "limits \"x\" { messages-per-hour = 0 recipients-per-hour = 0 }", "good", "good",
			"note: limits \"x\" has no budget: a stolen password can send without "
			"end\n" },
		{ GOOD "users { smtp = \"one\" auth = \"one\" }", "good", "good",
			"warn: two roles share the user one, so neither is kept from the other's "
			"files\n" },
		{ GOOD, "none", "good", "No such file or directory\n" },
		{ GOOD, "broken", "good", "broken.cert: " },
		{ GOOD, "good", "none", "none.key: No such file or directory\n" },
		{ GOOD, "good", "other", "other.key: " },
		{ GOOD, "good", "open", "open.key: every user of this machine may read or write it\n" },
		{ GOOD, "good", "group", "group.key: its group may write it\n" },
		{ GOOD, "expired", "good", "expired.cert: " },
		{ GOOD, "soon", "good", "soon.cert: expires in 3 days\n" },
		{ GOOD, "stranger", "good",
			"warn: no certificate is for the host name mail.example.org, so clients will "
			"refuse it\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good;
		char *found;

		write_config(cases[i].text, cases[i].cert, cases[i].key);
		found = findings(&good);
		assert_int_equal(good, strstr(found, "warn: ") == NULL);
		if (cases[i].found ? !strstr(found, cases[i].found) : found[0])
			fail_msg("%zu: found \"%s\"", i, found);
		/* one fault, one finding */
		if (found[0])
			assert_ptr_equal(strchr(found, '\n'), strrchr(found, '\n'));
		mem_free(&found);
	}
}

static void
writable_by_others(void **state)
{
	bool good;
	char *found;

	(void)state;
	write_config(GOOD, "good", "good");
	assert_int_equal(chmod("c.conf", 0666), 0);
	found = findings(&good);
	assert_string_equal(found, "warn: others than its owner may write it\n");
	assert_false(good);
	mem_free(&found);
}

static int
setup(void **state)
{
	static const struct fixture_wish good = { .key = FIXTURE_P256,
		.names = { "mail.example.org" } };
	static const struct fixture_wish other = { .key = FIXTURE_P384,
		.names = { "mail.example.org" } };
	static const struct fixture_wish stranger = { .key = FIXTURE_P256,
		.names = { "other.example.org" } };
	static const struct fixture_wish expired = { .key = FIXTURE_P256,
		.names = { "mail.example.org" }, .begins_in_s = -7200, .expires_in_s = -3600 };
	static const struct fixture_wish soon = { .key = FIXTURE_P256,
		.names = { "mail.example.org" }, .begins_in_s = -7200,
		.expires_in_s = 3 * 86400 + 3600 };

	config_file_setup(state);
	write_pair("good", &good, 0600);
	write_pair("other", &other, 0600);
	write_pair("open", &good, 0644);
	write_pair("group", &good, 0620);
	write_pair("stranger", &stranger, 0600);
	write_pair("expired", &expired, 0600);
	write_pair("soon", &soon, 0600);
	config_file_write("broken.cert", "no certificate\n");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_finding),
		cmocka_unit_test(writable_by_others),
	};

	return cmocka_run_group_tests(tests, setup, config_file_teardown);
}
