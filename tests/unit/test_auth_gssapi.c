/* SPDX-License-Identifier: BSD-2-Clause */
/* GSSAPI through the whole role, with tickets of a KDC that lives as long as the test. */
#include "auth_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sasl/sasl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/keytab.h"

#define SERVICE "smtp/mail.lab.test"

static char lab[64];
static pid_t kdc;
static bool missing; /* no Kerberos programs here */
static struct keytab *keytab;

static const char *acts_as = "";

static int
on_simple(void *context, int id, const char **text_out, unsigned *length_out)
{
	(void)context;
	(void)id;
	*text_out = acts_as;
	if (length_out)
		*length_out = (unsigned)strlen(acts_as);
	return SASL_OK;
}

typedef int sasl_fn(void);

static const sasl_callback_t callbacks[] = {
	{ SASL_CB_USER, (sasl_fn *)(void *)on_simple, NULL },
	{ SASL_CB_AUTHNAME, (sasl_fn *)(void *)on_simple, NULL },
	{ SASL_CB_LIST_END, NULL, NULL },
};

/* ---- the KDC --------------------------------------------------------------------------------- */

static void
write_file(const char *name, const char *format, ...)
{
	char path[128];
	va_list values;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", lab, name);
	file = fopen(path, "w");
	assert_non_null(file);
	va_start(values, format);
	vfprintf(file, format, values);
	va_end(values);
	fclose(file);
}

static unsigned
free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void
configure(void)
{
	unsigned port = free_port();
	char path[128];

	write_file("krb5.conf",
		"[libdefaults]\n default_realm = LAB.TEST\n dns_lookup_kdc = false\n"
		" dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n"
		" default_ccache_name = FILE:%s/cc\n"
		"[realms]\n LAB.TEST = {\n  kdc = 127.0.0.1:%u\n }\n"
		"[domain_realm]\n .lab.test = LAB.TEST\n",
		lab, port);
	write_file("kdc.conf",
		"[kdcdefaults]\n kdc_listen = 127.0.0.1:%u\n kdc_tcp_listen = 127.0.0.1:%u\n"
		"[realms]\n LAB.TEST = {\n  database_name = %s/principal\n  key_stash_file = %s/stash\n"
		"  acl_file = %s/acl\n  supported_enctypes = aes256-cts-hmac-sha1-96:normal\n }\n",
		port, port, lab, lab, lab);
	snprintf(path, sizeof path, "%s/krb5.conf", lab);
	setenv("KRB5_CONFIG", path, 1);
	snprintf(path, sizeof path, "%s/kdc.conf", lab);
	setenv("KRB5_KDC_PROFILE", path, 1);
}

static int
shell(const char *format, ...)
{
	char command[1024];
	va_list values;

	va_start(values, format);
	vsnprintf(command, sizeof command, format, values);
	va_end(values);
	return system(command);
}

static void
add_principal(const char *name)
{
	assert_int_equal(shell("kadmin.local -q 'addprinc -pw secret %s' >%s/log 2>&1", name, lab),
		0);
}

/* Until the KDC gives a ticket, or a deadline. */
static void
get_ticket(const char *name)
{
	for (int tries = 0; tries < 200; tries++) {
		if (shell("echo secret | kinit %s >%s/log 2>&1", name, lab) == 0)
			return;
		usleep(25 * 1000);
	}
	fail_msg("no ticket for %s", name);
}

static int
start_kdc(void **state)
{
	(void)state;
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	/* Once, and never undone: its modules would take what they hold along unseen. */
	assert_int_equal(sasl_client_init(callbacks), SASL_OK);
	missing = shell("command -v krb5kdc kdb5_util kadmin.local kinit >/dev/null 2>&1") != 0;
	if (missing)
		return 0;
	snprintf(lab, sizeof lab, "/tmp/auth-kdc-XXXXXX");
	assert_non_null(mkdtemp(lab));
	configure();
	assert_int_equal(shell("kdb5_util create -s -r LAB.TEST -P master >%s/log 2>&1", lab), 0);
	add_principal("alice");
	add_principal("carol");
	add_principal("disabled");
	add_principal("bob/admin");
	assert_int_equal(shell("kadmin.local -q 'addprinc -randkey " SERVICE "' >%s/log 2>&1", lab),
		0);
	assert_int_equal(
		shell("kadmin.local -q 'ktadd -k %s/keytab " SERVICE "' >%s/log 2>&1", lab, lab), 0);
	kdc = fork();
	if (kdc == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("krb5kdc", "krb5kdc", "-n", NULL);
		_exit(127);
	}
	return 0;
}

static int
stop_kdc(void **state)
{
	(void)state;
	if (missing)
		return 0;
	kill(kdc, SIGTERM);
	waitpid(kdc, NULL, 0);
	remove_folder(lab);
	return 0;
}

/* ---- the client ------------------------------------------------------------------------------ */

/* A whole exchange with the ticket that is there; initial: the first token comes with the name. */
static struct rig_heard *
log_in(struct rig_front *front, bool initial)
{
	/* It would take a layer if it were offered one (C25). */
	sasl_security_properties_t wishes = { .max_ssf = 256, .maxbufsize = 65536 };
	struct message_login_start start = rig_start("s1", "GSSAPI");
	struct rig_heard *heard;
	sasl_conn_t *client;
	const char *token;
	const char *used;
	unsigned length;

	assert_int_equal(sasl_client_new("smtp", "mail.lab.test", NULL, NULL, NULL, 0, &client),
		SASL_OK);
	sasl_setprop(client, SASL_SEC_PROPS, &wishes);
	assert_int_equal(sasl_client_start(client, "GSSAPI", NULL, &token, &length, &used),
		SASL_CONTINUE);
	if (initial) {
		heard = rig_login(front, start, span_of(token, length));
	} else {
		rig_begin(front, &start);
		assert_int_equal(rig_hear(front)->id, MSG_LOGIN_CHALLENGE);
		heard = rig_step(front, span_of(token, length));
	}
	while (heard->id == MSG_LOGIN_CHALLENGE) {
		int code = sasl_client_step(client, buf_span(&heard->bytes).start,
			(unsigned)buf_length(&heard->bytes), NULL, &token, &length);

		assert_true(code == SASL_OK || code == SASL_CONTINUE);
		rig_step(front, span_of(token, length));
	}
	sasl_dispose(&client);
	return heard;
}

static int
setup(void **state)
{
	struct fault fault = FAULT_INIT;
	char path[128];
	struct rig *rig;
	int fd;

	if (missing)
		return rig_setup(state);
	snprintf(path, sizeof path, "%s/keytab", lab);
	fd = open(path, O_RDONLY);
	keytab = keytab_new(fd, &fault);
	assert_non_null(keytab);
	rig_keytab = keytab_path(keytab);
	rig_setup(state);
	rig = *state;
	rig->settings.sasl.service_host = "mail.lab.test";
	return 0;
}

static int
teardown(void **state)
{
	rig_teardown(state);
	keytab_free(&keytab);
	return 0;
}

static struct rig_front *
front_of(void **state)
{
	struct rig *rig = *state;

	if (missing)
		skip(); /* krb5-kdc, krb5-admin-server and krb5-user are not installed */
	return &rig->fronts[0];
}

static void
a_ticket_lets_in(void **state)
{
	struct rig_front *front = front_of(state);

	get_ticket("alice");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(log_in(front, i == 0)->id, MSG_LOGIN_DONE);
		assert_string_equal(front->heard.login, "alice");
	}
}

static void
nobody_acts_for_another(void **state)
{
	struct rig_front *front = front_of(state);

	get_ticket("alice");
	acts_as = "bob";
	assert_int_equal(log_in(front, true)->id, MSG_LOGIN_FAILED);
	assert_int_equal(front->heard.failure, LOGIN_BAD_CREDENTIALS);
	acts_as = "alice";
	assert_int_equal(log_in(front, true)->id, MSG_LOGIN_DONE);
	acts_as = "";
}

static void
a_principal_needs_an_account_that_may(void **state)
{
	static const char *const principals[] = { "carol", "disabled", "bob/admin" };
	struct rig_front *front = front_of(state);

	for (size_t i = 0; i < 3; i++) {
		get_ticket(principals[i]);
		assert_int_equal(log_in(front, true)->id, MSG_LOGIN_FAILED);
		assert_int_equal(front->heard.failure, LOGIN_BAD_CREDENTIALS);
		assert_int_equal(front->heard.delay_ms, 1000);
	}
	/* What Kerberos has proved may be logged. */
	get_ticket("carol");
	log_in(front, true);
	assert_string_equal(front->heard.login, "carol");
}

/* The service gets a new key; tickets for it are made with that from now on. */
static void
a_new_keytab_is_used_at_once(void **state)
{
	struct rig_front *front = front_of(state);
	struct fault fault = FAULT_INIT;
	struct keytab *fresh;
	char path[128];
	int fd;

	assert_int_equal(shell("kadmin.local -q 'ktadd -k %s/keytab2 " SERVICE "' >%s/log 2>&1",
				 lab, lab),
		0);
	get_ticket("alice");
	assert_int_equal(log_in(front, true)->id, MSG_LOGIN_FAILED);
	snprintf(path, sizeof path, "%s/keytab2", lab);
	fd = open(path, O_RDONLY);
	fresh = keytab_new(fd, &fault);
	assert_non_null(fresh);
	keytab_replace(keytab, &fresh);
	assert_int_equal(log_in(front, true)->id, MSG_LOGIN_DONE);
}

static void
rubbish_is_refused(void **state)
{
	static const char *const tokens[] = { "", "rubbish", "`\x82\x01\x02" };
	struct rig_front *front = front_of(state);

	for (size_t i = 0; i < 3; i++) {
		struct rig_heard *heard =
			rig_login(front, rig_start("s1", "GSSAPI"), span_text(tokens[i]));

		while (heard->id == MSG_LOGIN_CHALLENGE)
			rig_step(front, span_text("more"));
		assert_int_equal(heard->id, MSG_LOGIN_FAILED);
	}
}

#define GSSAPI_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		GSSAPI_TEST(a_ticket_lets_in),
		GSSAPI_TEST(nobody_acts_for_another),
		GSSAPI_TEST(a_principal_needs_an_account_that_may),
		GSSAPI_TEST(rubbish_is_refused),
		GSSAPI_TEST(a_new_keytab_is_used_at_once),
	};

	return cmocka_run_group_tests_name("auth/gssapi", tests, start_kdc, stop_kdc);
}
