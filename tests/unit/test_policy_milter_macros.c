/* SPDX-License-Identifier: BSD-2-Clause */
/* Which macros go with which command, and what they say. */
#include "unit.h"

#include <stdio.h>

#include "config.h"
#include "policy/milter_macros.h"

static const char *const ours[] = { "example.org" };
static const struct settings settings = { .hostname = "mail.example.org",
	.authoritative_domains = { ours, 1 } };
static const struct settings_listener listener = { .title = "submission" };
static const struct settings_listener asking = { .title = "mutual",
	.client_certificate = CLIENT_CERTIFICATE_ASK };
static const char *const certificate[] = { "plc.example.org" };
static const struct identity alice = { .login = "alice", .mechanism = "SCRAM-SHA-256" };
static const struct settings_milter plain;
static const struct milter_offer usual;

static const struct mail_session stranger = { .settings = &settings,
	.listener = &listener,
	.helo = "client.example.net",
	.esmtp = true,
	.client_address = "192.0.2.9",
	.client_port = 4711,
	.tls_version = "",
	.tls_cipher = "",
	.local_address = "192.0.2.1",
	.local_port = 25,
	.certificate_subject = "",
	.certificate_issuer = "" };
static const struct mail_session login = { .settings = &settings,
	.listener = &listener,
	.helo = "laptop",
	.esmtp = true,
	.identity = &alice,
	.client_address = "2001:db8::9",
	.client_port = 4711,
	.tls_version = "TLS1.3",
	.tls_cipher = "TLS_AES_256_GCM_SHA384",
	.tls_bits = 256,
	.local_address = "2001:db8::1",
	.local_port = 587,
	.certificate_subject = "",
	.certificate_issuer = "" };

/* The packet as lines "name=value", "" if none is written; the command in front, "C: ". */
static void
expect(enum milter_command command, const struct settings_milter *own,
	const struct milter_offer *offer, const struct milter_facts *facts, const char *wanted)
{
	struct buf out = BUF_INIT(0);
	struct buf text = BUF_INIT(0);
	struct span rest;

	assert_true(milter_macros_write(&out, command, own, offer, facts));
	rest = buf_span(&out);
	if (rest.length > 0) {
		assert_int_equal(rest.start[4], 'D');
		assert_int_equal(rest.start[5], command);
		rest = span_from(rest, 6);
	}
	while (rest.length > 0) {
		struct span name = span_cut(rest, '\0', &rest);
		struct span value = span_cut(rest, '\0', &rest);

		assert_true(value.length > 0);
		buf_printf(&text, "%.*s=%.*s\n", SPAN_PRINT(name), SPAN_PRINT(value));
	}
	assert_string_equal(buf_text(&text), wanted);
	buf_fini(&out);
	buf_fini(&text);
}

static struct mail *
mail_of(const struct mail_session *session, const char *sender, const char *parameters)
{
	struct mail *mail = mail_new(session, "m1", 1763751600000);

	mail->sender = sender;
	mail->parameters = parameters;
	return mail;
}

static void
usual_sets(void **state)
{
	struct mail *mail = mail_of(&login, "alice@example.org", "SIZE=9 auth=bob+40example.net");
	const struct mail_recipient recipient = { .path = "dave@example.net" };
	const struct milter_facts facts = { .session = &login, .mail = mail, .recipient = &recipient };

	(void)state;
	expect(MILTER_CONNECT, &plain, &usual, &facts,
		"j=mail.example.org\n"
		"_=[2001:db8::9] [2001:db8::9]\n"
		"{daemon_name}=submission\n{daemon_addr}=2001:db8::1\n{daemon_port}=587\n"
		"{if_addr}=2001:db8::1\n{client_addr}=2001:db8::9\n"
		"{client_name}=[2001:db8::9]\n{client_port}=4711\n{client_resolve}=FAIL\n"
		"v=Sallyport " PACKAGE_VERSION "\n"
		"{auth_type}=SCRAM-SHA-256\n{auth_authen}=alice\n");
	expect(MILTER_HELO, &plain, &usual, &facts,
		"{tls_version}=TLSv1.3\n{cipher}=TLS_AES_256_GCM_SHA384\n{cipher_bits}=256\n"
		"{verify}=NOT\n");
	expect(MILTER_MAIL, &plain, &usual, &facts,
		"i=m1\n{auth_type}=SCRAM-SHA-256\n{auth_authen}=alice\n"
		"{auth_author}=bob@example.net\n{auth_ssf}=0\n{mail_addr}=alice@example.org\n"
		"{mail_host}=example.org\n{mail_mailer}=local\n");
	expect(MILTER_RCPT, &plain, &usual, &facts,
		"i=m1\n{rcpt_addr}=dave@example.net\n{rcpt_host}=example.net\n"
		"{rcpt_mailer}=esmtp\n");
	expect(MILTER_DATA, &plain, &usual, &facts, "i=m1\n");
	expect(MILTER_HEADER_END, &plain, &usual, &facts, "i=m1\n");
	expect(MILTER_END, &plain, &usual, &facts, "i=m1\n");
	expect(MILTER_HEADER, &plain, &usual, &facts, "");
	expect(MILTER_BODY, &plain, &usual, &facts, "");
	expect(MILTER_UNKNOWN, &plain, &usual, &facts, "");
	mail_free(&mail);
}

/* That one of {auth_…} is there says that there is a login: opendmarc and opendkim go by it. */
static void
strangers(void **state)
{
	struct mail *mail = mail_of(&stranger, "", "AUTH=alice@example.org");
	const struct mail_recipient postmaster = { .path = "Postmaster" };
	struct milter_facts facts = { .session = &stranger, .mail = mail };
	struct mail_session local = stranger;

	(void)state;
	expect(MILTER_CONNECT, &plain, &usual, &facts,
		"j=mail.example.org\n_=[192.0.2.9] [192.0.2.9]\n"
		"{daemon_name}=submission\n{daemon_addr}=192.0.2.1\n{daemon_port}=25\n"
		"{if_addr}=192.0.2.1\n{client_addr}=192.0.2.9\n"
		"{client_name}=[192.0.2.9]\n{client_port}=4711\n{client_resolve}=FAIL\n"
		"v=Sallyport " PACKAGE_VERSION "\n");
	expect(MILTER_HELO, &plain, &usual, &facts, "");
	expect(MILTER_MAIL, &plain, &usual, &facts,
		"i=m1\n{mail_addr}=<>\n{mail_host}=mail.example.org\n{mail_mailer}=local\n");
	facts.recipient = &postmaster;
	expect(MILTER_RCPT, &plain, &usual, &facts,
		"i=m1\n{rcpt_addr}=Postmaster\n{rcpt_host}=mail.example.org\n"
		"{rcpt_mailer}=local\n");

	/* of a unix socket */
	local.client_address = "local";
	local.client_port = 0;
	local.local_address = "";
	local.local_port = 0;
	facts = (struct milter_facts){ .session = &local };
	expect(MILTER_CONNECT, &plain, &usual, &facts,
		"j=mail.example.org\n_=localhost\n{daemon_name}=submission\n"
		"{client_name}=localhost\n{client_resolve}=OK\nv=Sallyport " PACKAGE_VERSION "\n");
	expect(MILTER_MAIL, &plain, &usual, &facts, "");
	mail_free(&mail);
}

static void
refused_recipient(void **state)
{
	const struct verdict verdict =
		verdict_refuse(550, "5.1.1", "", "No such user here");
	const struct mail_recipient recipient = { .path = "dave@example.net" };
	const struct milter_facts facts = { .session = &stranger,
		.recipient = &recipient,
		.refused = &verdict };

	(void)state;
	expect(MILTER_RCPT, &plain, &usual, &facts,
		"{rcpt_addr}=No such user here\n{rcpt_host}=5.1.1\n{rcpt_mailer}=error\n");
}

static void
certificates(void **state)
{
	struct mail_session session = login;
	const struct milter_facts facts = { .session = &session };

	(void)state;
	session.listener = &asking;
	session.tls_version = "TLSv1.2";
	expect(MILTER_HELO, &plain, &usual, &facts,
		"{tls_version}=TLSv1.2\n{cipher}=TLS_AES_256_GCM_SHA384\n{cipher_bits}=256\n"
		"{verify}=NO\n");
	session.certificates = (struct settings_texts){ certificate, 1 };
	session.certificate_subject = "CN=plc.example.org,O=Ex\xc3\xa4mple";
	session.certificate_issuer = "CN=Own\r\nCA";
	expect(MILTER_HELO, &plain, &usual, &facts,
		"{tls_version}=TLSv1.2\n{cipher}=TLS_AES_256_GCM_SHA384\n{cipher_bits}=256\n"
		"{cert_subject}=CN=plc.example.org,O=Ex\xc3\xa4mple\n{cert_issuer}=CN=OwnCA\n"
		"{verify}=OK\n");
}

/* ---- what a filter asks for ---------------------------------------------------------------------- */

#define NAME(text) { text, sizeof text - 1 }

static void
asked_for(void **state)
{
	/* opendkim's, and one that wants nothing at MAIL */
	struct span at_end[] = { NAME("i"), NAME("{daemon_name}"), NAME("{auth_type}"),
		NAME("daemon_name"), NAME("{i}"), NAME("{no_such}"), NAME("{}"), NAME("{msg_id}"),
		NAME("r"), NAME("s"), NAME("Z"), NAME("b"), NAME("if_name"), NAME("{rcpt_addr}") };
	struct milter_offer offer = { .version = 6 };
	struct mail *mail = mail_of(&login, "alice@example.org", "");
	const struct milter_facts facts = { .session = &login, .mail = mail };

	(void)state;
	header_add(&mail->header, SPAN_LITERAL("Message-ID"), SPAN_LITERAL(" <1@\r\n x>"));
	offer.macros[MILTER_STAGE_END] = (struct milter_macro_list){ true, at_end,
		sizeof at_end / sizeof *at_end };
	offer.macros[MILTER_STAGE_MAIL].given = true;
	expect(MILTER_END, &plain, &offer, &facts,
		"i=m1\n{daemon_name}=submission\n{auth_type}=SCRAM-SHA-256\n"
		"daemon_name=submission\n{i}=m1\n{msg_id}=<1@ x>\nr=ESMTPSA\ns=laptop\n"
		"Z=" PACKAGE_VERSION "\nb=Fri, 21 Nov 2025 19:00:00 +0000\n"
		"if_name=mail.example.org\n");
	expect(MILTER_MAIL, &plain, &offer, &facts, "");
	expect(MILTER_DATA, &plain, &offer, &facts, "i=m1\n");
	mail_free(&mail);
}

/* Filters keep the values of a message until they are told those of the next. */
static void
nothing_to_say_at_mail(void **state)
{
	struct span at_mail[] = { NAME("{auth_author}") };
	struct milter_offer offer = { .version = 6 };
	struct mail *first = mail_of(&login, "alice@example.org", "AUTH=boss@example.org");
	struct mail *second = mail_of(&login, "alice@example.org", "");
	struct milter_facts facts = { .session = &login, .mail = first };

	(void)state;
	offer.macros[MILTER_STAGE_MAIL] = (struct milter_macro_list){ true, at_mail, 1 };
	expect(MILTER_MAIL, &plain, &offer, &facts, "{auth_author}=boss@example.org\n");
	facts.mail = second;
	expect(MILTER_MAIL, &plain, &offer, &facts, "i=m1\n");
	mail_free(&first);
	mail_free(&second);
}

/* What only who asks for it is told; and of a client without an address, and of one nobody counts. */
static void
on_request(void **state)
{
	struct span at_connect[] = { NAME("{client_connections}"), NAME("{client_ptr}"),
		NAME("tls_sni"), NAME("j") };
	struct milter_offer offer = { .version = 6 };
	struct mail_session session = login;
	const struct milter_facts facts = { .session = &session };

	(void)state;
	offer.macros[MILTER_STAGE_CONNECT] = (struct milter_macro_list){ true, at_connect, 4 };
	expect(MILTER_CONNECT, &plain, &offer, &facts, "j=mail.example.org\n");
	session.client_connections = 3;
	session.tls_name = "smtp.example.org";
	expect(MILTER_CONNECT, &plain, &offer, &facts,
		"{client_connections}=3\ntls_sni=smtp.example.org\nj=mail.example.org\n");
	session.client_address = "local";
	session.tls_name = "";
	expect(MILTER_CONNECT, &plain, &offer, &facts,
		"{client_ptr}=localhost\nj=mail.example.org\n");
}

static void
settings_win(void **state)
{
	static const char *const macros[] = { "{daemon_name}=ORIGINATING", "{auth_type}=",
		"{color}=blue", "{size}=", "{client_name}=mx", "v=8.17", "{late}=x" };
	static const struct settings_milter own = { .macros = { macros, 7 } };
	struct span at_end[] = { NAME("daemon_name"), NAME("{late}") };
	struct milter_offer offer = { .version = 6 };
	struct mail *mail = mail_of(&login, "alice@example.org", "");
	const struct milter_facts facts = { .session = &login, .mail = mail };

	(void)state;
	offer.macros[MILTER_STAGE_END] = (struct milter_macro_list){ true, at_end, 2 };
	expect(MILTER_CONNECT, &own, &offer, &facts,
		"j=mail.example.org\n_=[2001:db8::9] [2001:db8::9]\n"
		"{daemon_name}=ORIGINATING\n{daemon_addr}=2001:db8::1\n{daemon_port}=587\n"
		"{if_addr}=2001:db8::1\n{client_addr}=2001:db8::9\n{client_name}=mx\n"
		"{client_port}=4711\n{client_resolve}=FAIL\nv=8.17\n{auth_authen}=alice\n"
		"{color}=blue\n");
	expect(MILTER_MAIL, &own, &offer, &facts,
		"i=m1\n{auth_authen}=alice\n{auth_ssf}=0\n{mail_addr}=alice@example.org\n"
		"{mail_host}=example.org\n{mail_mailer}=local\n");
	expect(MILTER_END, &own, &offer, &facts, "daemon_name=ORIGINATING\n{late}=x\n");
	mail_free(&mail);
}

/* M11 of the attack catalogue. */
static void
m11_values_are_tame(void **state)
{
	static const struct identity odd = { .login = "a\r\nb\x7f\x1b[31m", .mechanism = "PLAIN" };
	struct span at_helo[] = { NAME("{auth_authen}"), NAME("s") };
	struct span many[MILTER_MACROS_MAX];
	struct milter_offer offer = { .version = 6 };
	struct mail_session session = login;
	const struct milter_facts facts = { .session = &session };
	char helo[3000];
	char wanted[2000];
	struct buf out = BUF_INIT(0);

	(void)state;
	memset(helo, 'h', sizeof helo - 1);
	helo[sizeof helo - 1] = '\0';
	/* the cut falls into a character: it goes as a whole */
	memcpy(helo + 1023, "\xc3\xbc", 2);
	session.identity = &odd;
	session.helo = helo;
	offer.macros[MILTER_STAGE_HELO] = (struct milter_macro_list){ true, at_helo, 2 };
	snprintf(wanted, sizeof wanted, "{auth_authen}=ab[31m\ns=%.1023s\n", helo);
	expect(MILTER_HELO, &plain, &offer, &facts, wanted);

	for (size_t i = 0; i < MILTER_MACROS_MAX; i++)
		many[i] = SPAN_LITERAL("s");
	offer.macros[MILTER_STAGE_HELO] =
		(struct milter_macro_list){ true, many, MILTER_MACROS_MAX };
	assert_true(milter_macros_write(&out, MILTER_HELO, &plain, &offer, &facts));
	assert_in_range(buf_length(&out), 58 * 1024, MILTER_PAYLOAD_MAX_BYTES);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_sets),
		cmocka_unit_test(strangers),
		cmocka_unit_test(refused_recipient),
		cmocka_unit_test(certificates),
		cmocka_unit_test(asked_for),
		cmocka_unit_test(nothing_to_say_at_mail),
		cmocka_unit_test(on_request),
		cmocka_unit_test(settings_win),
		cmocka_unit_test(m11_values_are_tame),
	};

	return cmocka_run_group_tests_name("policy/milter_macros", tests, NULL, NULL);
}
