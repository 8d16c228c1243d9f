/* SPDX-License-Identifier: BSD-2-Clause */
/* What a listener offers and what a client demands: priorities, tickets, trust. */
#include "io/tls_parts.h"

#include <stdio.h>
#include <string.h>

enum {
	TICKET_LIFE_S = 6 * 60 * 60,
	TICKET_LIFE_MAX_S = 7 * 24 * 60 * 60, /* RFC 8446 4.6.1 */
	PRIORITY_MAX_BYTES = 2048,
};

/* --- priority */

/* AES-128 first: its suites hash with SHA-256, for which processors have instructions. */
static const char priority_base[] = "NORMAL:-VERS-ALL:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
				    ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305"
				    ":-MAC-ALL:+AEAD"
				    ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1"
				    ":+GROUP-SECP384R1:+GROUP-SECP521R1"
				    ":-SIGN-ALL:+SIGN-ECDSA-SECP256R1-SHA256"
				    ":+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512"
				    ":+SIGN-EdDSA-Ed25519:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384"
				    ":+SIGN-ECDSA-SHA512:+SIGN-RSA-PSS-RSAE-SHA256"
				    ":+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512"
				    ":+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384"
				    ":+SIGN-RSA-PSS-SHA512:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384"
				    ":+SIGN-RSA-SHA512:%SERVER_PRECEDENCE";

/* What the older versions cannot do without, though still with forward secrecy. */
static const char priority_legacy[] = ":+AES-256-CBC:+AES-128-CBC:+SHA1"
				      ":+DHE-RSA:+GROUP-FFDHE2048:+GROUP-FFDHE3072"
				      ":+SIGN-ECDSA-SHA1:+SIGN-RSA-SHA1:%VERIFY_ALLOW_SIGN_WITH_SHA1";

static const char *const priority_versions[] = {
	[TLS_VERSION_1_0] = ":+VERS-TLS1.3:+VERS-TLS1.2:+VERS-TLS1.1:+VERS-TLS1.0",
	[TLS_VERSION_1_1] = ":+VERS-TLS1.3:+VERS-TLS1.2:+VERS-TLS1.1",
	[TLS_VERSION_1_2] = ":+VERS-TLS1.3:+VERS-TLS1.2",
	[TLS_VERSION_1_3] = ":+VERS-TLS1.3",
};

/* The floor holds whatever else a priority string says, and so does what can never work here. */
static const char *const priority_floors[] = {
	[TLS_VERSION_1_0] = ":-RSA:-ANON-ECDH:-ANON-DH",
	[TLS_VERSION_1_1] = ":-RSA:-ANON-ECDH:-ANON-DH:-VERS-TLS1.0",
	[TLS_VERSION_1_2] = ":-RSA:-ANON-ECDH:-ANON-DH:-VERS-TLS1.0:-VERS-TLS1.1",
	[TLS_VERSION_1_3] = ":-RSA:-ANON-ECDH:-ANON-DH:-VERS-TLS1.0:-VERS-TLS1.1:-VERS-TLS1.2",
};

static bool
make_priority(const char *priority, enum tls_version minimum, gnutls_priority_t *priority_out,
	struct fault *fault_out)
{
	char text[PRIORITY_MAX_BYTES];
	const char *wrong = "";
	int length;
	int result;

	if (priority)
		length = snprintf(text, sizeof text, "%s%s", priority, priority_floors[minimum]);
	else
		length = snprintf(text, sizeof text, "%s%s%s", priority_base,
				priority_versions[minimum],
				minimum < TLS_VERSION_1_2 ? priority_legacy : "");
	if (length < 0 || (size_t)length >= sizeof text)
		return fault_set(fault_out, FAULT_CONFIG, "a TLS priority is shorter than %d bytes",
				PRIORITY_MAX_BYTES);
	result = gnutls_priority_init(priority_out, text, &wrong);
	if (result < 0)
		return fault_set(fault_out, FAULT_CONFIG, "TLS priority, at \"%.100s\": %s", wrong,
				gnutls_strerror(result));
	return true;
}

bool
tls_priority_check(const char *priority, enum tls_version minimum, struct fault *fault_out)
{
	gnutls_priority_t made;

	if (!make_priority(priority, minimum, &made, fault_out))
		return false;
	gnutls_priority_deinit(made);
	return true;
}

/* --- trust */

static bool
make_trust(const char *file, struct span pem, gnutls_x509_trust_list_t *trust_out,
	struct fault *fault_out)
{
	gnutls_datum_t bytes = { .data = (unsigned char *)pem.start, .size = (unsigned)pem.length };
	gnutls_x509_trust_list_t trust;
	const char *where = file ? file : "the system's certificate authorities";
	int result;

	gnutls_x509_trust_list_init(&trust, 0);
	if (pem.length) {
		where = "certificate authorities";
		result = gnutls_x509_trust_list_add_trust_mem(
				trust, &bytes, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	} else if (file) {
		result = gnutls_x509_trust_list_add_trust_file(
				trust, file, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	} else {
		result = gnutls_x509_trust_list_add_system_trust(trust, 0, 0);
	}
	/* A system without authorities trusts nobody; only what must be verified fails then. */
	if (result > 0 || (result == 0 && !file && !pem.length)) {
		*trust_out = trust;
		return true;
	}
	gnutls_x509_trust_list_deinit(trust, 1);
	if (result == 0)
		return fault_set(fault_out, FAULT_CONFIG, "%s: there is no certificate in it", where);
	return tls_fault(fault_out, FAULT_CONFIG, result, where);
}

/* --- servers */

static void
set_alpn(struct tls_server *server, const struct tls_settings *settings)
{
	server->alpn_count = (unsigned)settings->alpn_count;
	server->alpn = mem_alloc_array(settings->alpn_count, sizeof(*server->alpn));
	for (size_t i = 0; i < settings->alpn_count; i++) {
		server->alpn[i].data = (unsigned char *)mem_strdup(settings->alpn[i]);
		server->alpn[i].size = (unsigned)strlen(settings->alpn[i]);
	}
}

static unsigned
ticket_life(unsigned life_s)
{
	if (life_s == 0)
		return TICKET_LIFE_S;
	return life_s < TICKET_LIFE_MAX_S ? life_s : TICKET_LIFE_MAX_S;
}

struct tls_server *
tls_server_new(const struct tls_settings *settings, struct tls_set *set, struct fault *fault_out)
{
	struct tls_server *server = mem_alloc(sizeof(*server));

	server->holds = 1;
	set_alpn(server, settings);
	server->ticket_life_s = ticket_life(settings->ticket_life_s);
	server->ask_certificate = settings->ask_certificate;
	server->require_certificate = settings->ask_certificate && settings->require_certificate;
	if (settings->ticket_key && !settings->ask_certificate)
		tls_server_set_ticket_key(server, settings->ticket_key);
	if (!make_priority(settings->priority, settings->minimum, &server->priority, fault_out) ||
			(settings->ask_certificate &&
					!make_trust(NULL, settings->trust_pem, &server->trust,
							fault_out)) ||
			!tls_set_seal(set, fault_out))
		tls_server_free(&server);
	else
		server->set = tls_set_hold(set);
	return server;
}

struct tls_server *
tls_server_hold(struct tls_server *server)
{
	server->holds++;
	return server;
}

void
tls_server_free(struct tls_server **server)
{
	struct tls_server *old = *server;

	*server = NULL;
	if (!old || --old->holds)
		return;
	for (unsigned i = 0; i < old->alpn_count; i++)
		mem_free(&old->alpn[i].data);
	mem_free(&old->alpn);
	mem_wipe(old->ticket_key, sizeof old->ticket_key);
	if (old->priority)
		gnutls_priority_deinit(old->priority);
	if (old->trust)
		gnutls_x509_trust_list_deinit(old->trust, 1);
	tls_set_free(&old->set);
	mem_free(&old);
}

bool
tls_server_set_certificates(struct tls_server *server, struct tls_set *set, struct fault *fault_out)
{
	if (!tls_set_seal(set, fault_out))
		return false;
	tls_set_hold(set);
	tls_set_free(&server->set);
	server->set = set;
	return true;
}

void
tls_server_set_ticket_key(struct tls_server *server, const unsigned char key[TLS_TICKET_KEY_BYTES])
{
	memcpy(server->ticket_key, key, TLS_TICKET_KEY_BYTES);
	server->has_ticket_key = true;
}

/* --- clients */

struct tls_client *
tls_client_new(const struct tls_client_settings *settings, struct fault *fault_out)
{
	struct tls_client *client = mem_alloc(sizeof(*client));
	bool verifies = settings->verify != TLS_VERIFY_NONE;

	client->holds = 1;
	client->verify = settings->verify;
	gnutls_certificate_allocate_credentials(&client->credentials);
	if (settings->certificate)
		client->certificate = tls_certificate_hold(settings->certificate);
	if (!make_priority(settings->priority, settings->minimum, &client->priority, fault_out) ||
			(verifies && !make_trust(settings->trust_file, settings->trust_pem,
						     &client->trust, fault_out)) ||
			(client->certificate && !tls_key_attach(client->certificate,
								client->credentials, fault_out)))
		tls_client_free(&client);
	return client;
}

struct tls_client *
tls_client_hold(struct tls_client *client)
{
	client->holds++;
	return client;
}

void
tls_client_free(struct tls_client **client)
{
	struct tls_client *old = *client;

	*client = NULL;
	if (!old || --old->holds)
		return;
	gnutls_certificate_free_credentials(old->credentials);
	if (old->priority)
		gnutls_priority_deinit(old->priority);
	if (old->trust)
		gnutls_x509_trust_list_deinit(old->trust, 1);
	tls_certificate_free(&old->certificate);
	mem_free(&old);
}
