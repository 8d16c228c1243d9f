/* SPDX-License-Identifier: BSD-2-Clause */
/* From settings and files to listeners: what fits serves, what does not is named. */
#include "config_file.h"
#include "tls_fixture.h"

#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/setup.h"
#include "client/signer.h"
#include "config/config.h"
#include "proc/role.h"

#define HEAD                                                                                       \
	"hostname = \"mail.example.org\"\n"                                                        \
	"tls \"main\" { certificate = \"/c.pem\" key = \"/k.pem\" }\n"
#define SMTP "listener \"in\" { address = \"127.0.0.1:0\" tls = starttls }\n"

static const char *given; /* as the certificate; NULL: none */
static unsigned taken;
static char ticket_key[TLS_TICKET_KEY_BYTES];

int
role_take_file(struct role_context *context, enum file_kind kind, const char *name, unsigned index)
{
	int fd;

	(void)context;
	assert_int_equal(kind, FILE_CERTIFICATE);
	assert_string_equal(name, "main");
	assert_int_equal(index, 0);
	taken++;
	if (!given)
		return -1;
	fd = memfd_create("certificate", MFD_CLOEXEC);
	assert_true(write(fd, given, strlen(given)) >= 0);
	return fd;
}

struct span
role_secret(const struct role_context *context, enum secret_kind kind, const char *name)
{
	(void)context;
	assert_int_equal(kind, SECRET_TICKET_KEY);
	assert_non_null(name);
	return span_of(ticket_key, sizeof ticket_key);
}

static struct setup *
make(const char *text, unsigned protocols, struct fault *fault)
{
	static struct signer *signer;
	struct settings *settings;
	struct setup *setup;

	if (!signer)
		signer = signer_new();
	config_file_write("s.conf", text);
	settings = config_load("s.conf", fault);
	if (!settings)
		print_error("%s\n", fault->text);
	assert_non_null(settings);
	taken = 0;
	setup = setup_new(NULL, settings, protocols, signer, fault);
	settings_free(&settings);
	return setup;
}

static void
test_good(void **state)
{
	struct fixture_pair pair = fixture_certificate(
		&(struct fixture_wish){ .key = FIXTURE_P256, .names = { "mail.example.org" } });
	struct fault fault = FAULT_INIT;
	struct setup *setup;

	(void)state;
	given = pair.chain_pem;
	setup = make(HEAD SMTP
		"listener \"clear\" { address = \"127.0.0.1:0\" tls = none login = off }\n"
		"listener \"other\" { address = \"127.0.0.1:0\" tls = implicit auth-line-max = "
		"200K }\n",
		1u << LISTENER_SMTP, &fault);
	if (!setup)
		print_error("%s\n", fault.text);
	assert_non_null(setup);
	assert_int_equal(setup->count, 3);
	assert_int_equal(taken, 1); /* read once for both */
	assert_non_null(setup_find(setup, "in")->tls);
	assert_null(setup_find(setup, "clear")->tls);
	assert_null(setup_find(setup, "elsewhere"));
	assert_int_equal(setup_find(setup, "in")->stream.input_max_bytes, 65536);
	assert_int_equal(setup_find(setup, "other")->stream.input_max_bytes, 200 * 1024);
	assert_int_equal(setup_find(setup, "in")->gate.connections, 2000);
	/* of protocols that this process does not serve there are none */
	{
		struct setup *none = make(HEAD SMTP, 1u << LISTENER_IMAP, &fault);

		assert_int_equal(none->count, 0);
		assert_int_equal(taken, 0);
		setup_free(&none);
	}
	/* the last hold frees */
	setup_hold(setup);
	setup_free(&(struct setup *){ setup });
	assert_int_equal(setup->count, 3);
	setup_free(&setup);
	assert_null(setup);
	fixture_pair_free(&pair);
}

static void
test_faults(void **state)
{
	static const struct fixture_wish expired = { .key = FIXTURE_P256,
		.names = { "mail.example.org" },
		.begins_in_s = -7200,
		.expires_in_s = -3600 };
	struct fixture_pair pair = fixture_certificate(&expired);
	const struct {
		const char *file;
		const char *text;
		const char *words[2];
	} rows[] = {
		{ NULL, HEAD SMTP, { "s.conf:2", "/c.pem" } },
		{ "", HEAD SMTP, { "s.conf:2", "/c.pem" } },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", HEAD SMTP,
			{ "s.conf:2", "/c.pem" } },
		{ pair.chain_pem, HEAD SMTP, { "/c.pem", "expired" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fault fault = FAULT_INIT;

		given = rows[i].file;
		assert_null(make(rows[i].text, 1u << LISTENER_SMTP, &fault));
		print_message("%s\n", fault.text);
		for (size_t k = 0; k < 2; k++)
			assert_non_null(strstr(fault.text, rows[i].words[k]));
	}
	fixture_pair_free(&pair);
}

static void
test_wrong_names_and_priority(void **state)
{
	struct fixture_pair pair = fixture_certificate(
		&(struct fixture_wish){ .key = FIXTURE_P256, .names = { "mail.example.org" } });
	struct fault fault = FAULT_INIT;

	(void)state;
	given = pair.chain_pem;
	assert_null(make("hostname = \"mail.example.org\"\n"
			 "tls \"main\" { certificate = \"/c.pem\" key = \"/k.pem\" "
			 "names = { \"www.example.net\" } }\n" SMTP,
		1u << LISTENER_SMTP, &fault));
	print_message("%s\n", fault.text);
	assert_non_null(strstr(fault.text, "www.example.net"));
	fault = FAULT_INIT;
	assert_null(make(HEAD "listener \"in\" { address = \"127.0.0.1:0\" tls = starttls\n"
			      "tls-priority = \"NORMAL:+NONSENSE\" }\n",
		1u << LISTENER_SMTP, &fault));
	print_message("%s\n", fault.text);
	assert_non_null(strstr(fault.text, "NONSENSE"));
	fixture_pair_free(&pair);
}

static void
test_expiry(void **state)
{
	struct fixture_pair pair = fixture_certificate(
		&(struct fixture_wish){ .key = FIXTURE_P256, .names = { "mail.example.org" } });
	int log = memfd_create("log", MFD_CLOEXEC);
	int64_t now_s = clock_wall_ms() / 1000;
	struct fault fault = FAULT_INIT;
	struct setup *setup;
	char text[2000] = "";

	(void)state;
	given = pair.chain_pem;
	setup = make("hostname = \"mail.example.org\"\n"
		     "tls \"main\" { certificate = \"/c.pem\" key = \"/k.pem\" expiry-warning = "
		     "10d }\n" SMTP,
		1u << LISTENER_SMTP, &fault);
	assert_non_null(setup);
	log_start("test", log, LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
	setup_warn(setup, now_s + 19 * 86400);
	assert_true(pread(log, text, sizeof text - 1, 0) == 0);
	setup_warn(setup, now_s + 21 * 86400);
	assert_true(pread(log, text, sizeof text - 1, 0) > 0);
	assert_non_null(strstr(text, "client.certificate-expires"));
	assert_non_null(strstr(text, "file=/c.pem"));
	log_start("test", STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
	setup_free(&setup);
	fixture_pair_free(&pair);
	close(log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_wrong_names_and_priority),
		cmocka_unit_test(test_expiry),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
