/* SPDX-License-Identifier: BSD-2-Clause */
/* What each macro of the milter protocol says. */
#include "policy/milter_macro_value.h"

#include "config.h"
#include "policy/tidy.h"
#include "wire/mail_date.h"
#include "wire/xtext.h"

typedef void value_fn(const struct milter_facts *facts, struct buf *out);

/* NULL, as any fact may be that nobody knows, adds nothing. */
static void
add_text(struct buf *out, const char *text)
{
	buf_add_span(out, span_text(text));
}

/* ---- the connection ---------------------------------------------------------------------------- */

static void
add_hostname(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, facts->session->settings->hostname);
}

/* Never a digit first: some take "8.x" for Sendmail and change their ways. */
static void
add_version(const struct milter_facts *facts, struct buf *out)
{
	(void)facts;
	add_text(out, "Sallyport " PACKAGE_VERSION);
}

static void
add_package_version(const struct milter_facts *facts, struct buf *out)
{
	(void)facts;
	add_text(out, PACKAGE_VERSION);
}

static void
add_listener(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, facts->session->listener->title);
}

static void
add_local_address(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, facts->session->local_address);
}

static void
add_number(uint64_t number, struct buf *out)
{
	if (number > 0)
		buf_printf(out, "%llu", (unsigned long long)number);
}

static void
add_local_port(const struct milter_facts *facts, struct buf *out)
{
	add_number(facts->session->local_port, out);
}

/* A client of a unix socket has none: io/sock_address.h. */
static bool
has_address(const struct mail_session *session)
{
	struct span address = span_text(session->client_address);

	return address.length > 0 && !span_is(address, "local");
}

static void
add_client_address(const struct milter_facts *facts, struct buf *out)
{
	if (has_address(facts->session))
		add_text(out, facts->session->client_address);
}

/* Nobody looks up the name of a client, so it is its address in brackets. */
static void
add_client_name(const struct milter_facts *facts, struct buf *out)
{
	if (has_address(facts->session))
		buf_printf(out, "[%s]", facts->session->client_address);
	else
		add_text(out, "localhost");
}

static void
add_client_resolve(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, has_address(facts->session) ? "FAIL" : "OK");
}

static void
add_client_port(const struct milter_facts *facts, struct buf *out)
{
	add_number(facts->session->client_port, out);
}

/* What the address says of its name: that of who has none is known. */
static void
add_client_pointer(const struct milter_facts *facts, struct buf *out)
{
	if (!has_address(facts->session))
		add_client_name(facts, out);
}

static void
add_client_connections(const struct milter_facts *facts, struct buf *out)
{
	if (has_address(facts->session))
		add_number(facts->session->client_connections, out);
}

static void
add_client(const struct milter_facts *facts, struct buf *out)
{
	add_client_name(facts, out);
	if (has_address(facts->session))
		buf_printf(out, " [%s]", facts->session->client_address);
}

static void
add_helo(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, facts->session->helo);
}

static void
add_protocol(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, tidy_protocol(facts->session, facts->mail && facts->mail->smtputf8));
}

/* ---- TLS --------------------------------------------------------------------------------------- */

/* "TLSv1.3", as everybody else writes it. */
static void
add_tls_version(const struct milter_facts *facts, struct buf *out)
{
	struct span version = span_text(facts->session->tls_version);

	if (!span_starts(version, "TLS") || span_starts(version, "TLSv"))
		buf_add_span(out, version);
	else
		buf_printf(out, "TLSv%.*s", SPAN_PRINT(span_from(version, 3)));
}

static void
add_cipher(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, facts->session->tls_cipher);
}

static void
add_cipher_bits(const struct milter_facts *facts, struct buf *out)
{
	add_number(facts->session->tls_bits, out);
}

static void
add_server_name(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, facts->session->tls_name);
}

static void
add_subject(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, facts->session->certificate_subject);
}

static void
add_issuer(const struct milter_facts *facts, struct buf *out)
{
	add_text(out, facts->session->certificate_issuer);
}

/* OK: a certificate that holds. NO: none that does. NOT: nobody asked for one. */
static void
add_verify(const struct milter_facts *facts, struct buf *out)
{
	const struct mail_session *session = facts->session;

	if (!session->tls_version[0])
		return;
	if (session->listener->client_certificate == CLIENT_CERTIFICATE_OFF)
		add_text(out, "NOT");
	else
		add_text(out, session->certificates.count ? "OK" : "NO");
}

/* ---- the login: that one of these is there says that there is one -------------------------------- */

static void
add_mechanism(const struct milter_facts *facts, struct buf *out)
{
	if (facts->session->identity)
		add_text(out, facts->session->identity->mechanism);
}

static void
add_login(const struct milter_facts *facts, struct buf *out)
{
	if (facts->session->identity)
		add_text(out, facts->session->identity->login);
}

/* No mechanism here wraps what follows it. */
static void
add_strength(const struct milter_facts *facts, struct buf *out)
{
	if (facts->session->identity)
		add_text(out, "0");
}

/* RFC 4954 5: AUTH= of MAIL, which a client may write as it likes. */
static void
add_author(const struct milter_facts *facts, struct buf *out)
{
	struct span rest = facts->mail ? span_text(facts->mail->parameters) : SPAN_EMPTY;

	if (!facts->session->identity)
		return;
	while (rest.length > 0) {
		struct span parameter = span_cut(rest, ' ', &rest);

		if (!span_starts_nocase(parameter, "AUTH="))
			continue;
		if (!span_is(span_from(parameter, 5), "<>"))
			xtext_parse(span_from(parameter, 5), out);
		return;
	}
}

/* ---- the message --------------------------------------------------------------------------------- */

static void
add_id(const struct milter_facts *facts, struct buf *out)
{
	if (facts->mail)
		add_text(out, facts->mail->id);
}

static struct span
host_of(struct span path, const struct mail_session *session)
{
	size_t at = path.length;

	while (at > 0 && path.start[at - 1] != '@')
		at--;
	/* The null sender, and postmaster without a domain, are this machine's. */
	return at > 0 ? span_from(path, at) : span_text(session->settings->hostname);
}

static void
add_mailer(struct span path, const struct mail_session *session, struct buf *out)
{
	struct span host = host_of(path, session);
	bool ours = settings_is_authoritative(session->settings, host) ||
		span_is_nocase(host, session->settings->hostname);

	add_text(out, ours ? "local" : "esmtp");
}

static void
add_sender(const struct milter_facts *facts, struct buf *out)
{
	if (facts->mail)
		add_text(out, facts->mail->sender[0] ? facts->mail->sender : "<>");
}

static void
add_sender_host(const struct milter_facts *facts, struct buf *out)
{
	if (facts->mail)
		buf_add_span(out, host_of(span_text(facts->mail->sender), facts->session));
}

static void
add_sender_mailer(const struct milter_facts *facts, struct buf *out)
{
	if (facts->mail)
		add_mailer(span_text(facts->mail->sender), facts->session, out);
}

static void
add_date(const struct milter_facts *facts, struct buf *out)
{
	char date[MAIL_DATE_SIZE];

	if (!facts->mail)
		return;
	mail_date_format(facts->mail->now_ms / 1000, 0, date);
	add_text(out, date);
}

static void
add_message_id(const struct milter_facts *facts, struct buf *out)
{
	const struct header *header = facts->mail ? &facts->mail->header : NULL;
	size_t at = header ? header_find(header, "Message-ID", 0) : 0;

	if (header && at < header->count)
		buf_add_span(out, header_unfold(header->fields[at].value, facts->mail->arena));
}

/* ---- a recipient; for one that was refused Sendmail names the mailer "error" ----------------------- */

static void
add_recipient(const struct milter_facts *facts, struct buf *out)
{
	if (facts->refused)
		add_text(out, facts->refused->text);
	else if (facts->recipient)
		add_text(out, facts->recipient->path);
}

static void
add_recipient_host(const struct milter_facts *facts, struct buf *out)
{
	if (facts->refused)
		add_text(out, facts->refused->enhanced);
	else if (facts->recipient)
		buf_add_span(out, host_of(span_text(facts->recipient->path), facts->session));
}

static void
add_recipient_mailer(const struct milter_facts *facts, struct buf *out)
{
	if (facts->refused)
		add_text(out, "error");
	else if (facts->recipient)
		add_mailer(span_text(facts->recipient->path), facts->session, out);
}

static const struct {
	const char *name;
	value_fn *add;
} macros[] = {
	{ "_", add_client },
	{ "Z", add_package_version },
	{ "auth_authen", add_login },
	{ "auth_author", add_author },
	{ "auth_ssf", add_strength },
	{ "auth_type", add_mechanism },
	{ "b", add_date },
	{ "cert_issuer", add_issuer },
	{ "cert_subject", add_subject },
	{ "cipher", add_cipher },
	{ "cipher_bits", add_cipher_bits },
	{ "client_addr", add_client_address },
	{ "client_connections", add_client_connections },
	{ "client_name", add_client_name },
	{ "client_port", add_client_port },
	{ "client_ptr", add_client_pointer },
	{ "client_resolve", add_client_resolve },
	{ "daemon_addr", add_local_address },
	{ "daemon_name", add_listener },
	{ "daemon_port", add_local_port },
	{ "i", add_id },
	{ "if_addr", add_local_address },
	{ "if_name", add_hostname },
	{ "j", add_hostname },
	{ "mail_addr", add_sender },
	{ "mail_host", add_sender_host },
	{ "mail_mailer", add_sender_mailer },
	{ "msg_id", add_message_id },
	{ "r", add_protocol },
	{ "rcpt_addr", add_recipient },
	{ "rcpt_host", add_recipient_host },
	{ "rcpt_mailer", add_recipient_mailer },
	{ "s", add_helo },
	{ "tls_sni", add_server_name },
	{ "tls_version", add_tls_version },
	{ "v", add_version },
	{ "verify", add_verify },
};

void
milter_macro_value(struct span name, const struct milter_facts *facts, struct buf *out)
{
	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
		if (span_is(name, macros[i].name)) {
			macros[i].add(facts, out);
			return;
		}
	}
}
