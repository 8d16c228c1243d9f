/* SPDX-License-Identifier: BSD-2-Clause */
/* Do the settings of a listener fit together, and with those of the others? */
#include "config/check.h"

#include <string.h>

typedef bool listener_check(const struct load *load, const struct settings_listener *listener,
	struct fault *fault);

static bool
check_tls(const struct load *load, const struct settings_listener *listener, struct fault *fault)
{
	if (listener->tls == LISTENER_TLS_NONE) {
		if (listener->certificates.count > 0)
			return load_fault(load, listener, "certificates", 0, fault,
				"has no use where tls is none");
		if (listener->require_tls)
			return load_fault(load, listener, "require-tls", 0, fault,
				"cannot be met where tls is none");
		return true;
	}
	if (load->settings->tls.count == 0)
		return load_fault(load, listener, "tls", 0, fault,
			"needs a certificate, but the file has no tls section");
	for (size_t i = 0; i < listener->certificates.count; i++) {
		if (!check_title(load, listener, "certificates", i, &schema_tls,
			    listener->certificates.items[i], fault))
			return false;
	}
	return true;
}

static bool
check_login(const struct load *load, const struct settings_listener *listener,
	struct fault *fault)
{
	bool plain = listener->login == LOGIN_PLAIN;

	if (listener->login == LOGIN_SECURE && listener->tls == LISTENER_TLS_NONE)
		return load_fault(load, listener, "login", 0, fault,
			"secure needs TLS, but tls is none: write login = off, or login = plain with "
			"insecure-networks");
	if (plain && listener->insecure_networks.count == 0)
		return load_fault(load, listener, "login", 0, fault,
			"plain needs insecure-networks as well, so that it is not open to all");
	if (!plain && listener->insecure_networks.count > 0)
		return load_fault(load, listener, "insecure-networks", 0, fault,
			"has no use unless login is plain");
	if (listener->login == LOGIN_OFF && listener->mechanisms.count > 0)
		return load_fault(load, listener, "mechanisms", 0, fault,
			"has no use where login is off");
	return true;
}

static bool
check_device(const struct load *load, const struct settings_listener *listener,
	struct fault *fault)
{
	if (listener->identity[0] && listener->networks.count == 0)
		return load_fault(load, listener, "identity", 0, fault,
			"needs networks as well, so that not everybody is that account");
	if (listener->qualify_domain[0] && !listener->lenient)
		return load_fault(load, listener, "qualify-domain", 0, fault,
			"has no use unless lenient is yes");
	return true;
}

static bool
check_client_certificate(const struct load *load, const struct settings_listener *listener,
	struct fault *fault)
{
	bool trusts = listener->client_trust_file[0];

	if (listener->client_certificate == CLIENT_CERTIFICATE_OFF) {
		if (trusts)
			return load_fault(load, listener, "client-trust-file", 0, fault,
				"has no use where client-certificate is off");
		return true;
	}
	if (listener->tls == LISTENER_TLS_NONE)
		return load_fault(load, listener, "client-certificate", 0, fault,
			"cannot be asked for where tls is none");
	if (!trusts)
		return load_fault(load, listener, "client-certificate", 0, fault,
			"needs client-trust-file, or no certificate would ever hold");
	if (listener->client_certificate == CLIENT_CERTIFICATE_REQUIRE && !listener->require_tls &&
		listener->tls != LISTENER_TLS_IMPLICIT)
		return load_fault(load, listener, "client-certificate", 0, fault,
			"is required, so require-tls must be yes or tls implicit");
	return true;
}

static bool
check_names(const struct load *load, const struct settings_listener *listener,
	struct fault *fault)
{
	return check_title(load, listener, "limits", 0, &schema_limits, listener->limits, fault) &&
		check_title(load, listener, "policy", 0, &schema_policy, listener->policy, fault);
}

static bool
check_numbers(const struct load *load, const struct settings_listener *listener,
	struct fault *fault)
{
	if (listener->connections_per_address > listener->connections)
		return load_fault(load, listener, "connections-per-address", 0, fault,
			"is more than connections");
	if (listener->connections_before_login > listener->connections)
		return load_fault(load, listener, "connections-before-login", 0, fault,
			"is more than connections");
	if (listener->header_size > listener->message_size)
		return load_fault(load, listener, "header-size", 0, fault,
			"is more than message-size");
	return true;
}

static bool
has_mechanism(const struct settings_texts *mechanisms, const char *name)
{
	for (size_t i = 0; i < mechanisms->count; i++) {
		if (strcmp(mechanisms->items[i], name) == 0)
			return true;
	}
	return false;
}

static bool
check_mechanisms(const struct load *load, const struct settings_listener *listener,
	struct fault *fault)
{
	if (load->settings->sasl.keytab[0] == '\0' && has_mechanism(&listener->mechanisms, "GSSAPI"))
		return load_fault(load, listener, "mechanisms", 0, fault,
			"GSSAPI needs the keytab of the sasl section");
	return true;
}

static bool
check_rights(const struct load *load, const struct settings_listener *listener,
	struct fault *fault)
{
	return check_permits(load, &listener->permit, false, fault) &&
		check_permits(load, &listener->deny, true, fault);
}

/* ---- two listeners on one address ------------------------------------------------------------- */

/* "*" and the unspecified addresses take every address of their port. */
static bool
is_any(const struct endpoint *endpoint)
{
	return strcmp(endpoint->host, "*") == 0 || strcmp(endpoint->host, "0.0.0.0") == 0 ||
		strcmp(endpoint->host, "::") == 0;
}

static bool
is_one_place(const struct endpoint *a, const struct endpoint *b)
{
	struct network left;
	struct network right;

	if (a->kind != b->kind)
		return false;
	if (a->kind == ENDPOINT_UNIX)
		return strcmp(a->path, b->path) == 0;
	if (a->port == 0 || a->port != b->port)
		return false;
	if (is_any(a) || is_any(b))
		return true;
	return network_parse(span_text(a->host), &left, NULL) &&
		network_parse(span_text(b->host), &right, NULL) &&
		network_has(&left, right.address);
}

/* Looks at the addresses that come before the index-th of this listener, in all listeners. */
static bool
check_address(const struct load *load, size_t at, size_t index, struct fault *fault)
{
	const struct settings_listeners *all = &load->settings->listener;
	const struct endpoint *mine = &all->items[at].address.items[index];

	for (size_t i = 0; i <= at; i++) {
		const struct settings_endpoints *theirs = &all->items[i].address;
		size_t count = i == at ? index : theirs->count;

		for (size_t n = 0; n < count; n++) {
			if (is_one_place(mine, &theirs->items[n]))
				return load_fault(load, &all->items[at], "address", index, fault,
					"\"%s\" is taken by \"%s\" of listener \"%s\"", mine->text,
					theirs->items[n].text, all->items[i].title);
		}
	}
	return true;
}

bool
check_listeners(const struct load *load, struct fault *fault)
{
	static listener_check *const checks[] = { check_tls, check_login, check_device,
		check_client_certificate, check_names, check_numbers, check_mechanisms, check_rights };
	const struct settings_listeners *all = &load->settings->listener;

	if (all->count == 0)
		return load_fault(load, load->settings, NULL, 0, fault,
			"there is no listener section, so nothing would be served");
	for (size_t i = 0; i < all->count; i++) {
		for (size_t n = 0; n < sizeof checks / sizeof checks[0]; n++) {
			if (!checks[n](load, &all->items[i], fault))
				return false;
		}
		if (all->items[i].address.count == 0)
			return load_fault(load, &all->items[i], "address", 0, fault,
				"is empty, so the listener would not listen");
		for (size_t n = 0; n < all->items[i].address.count; n++) {
			if (!check_address(load, i, n, fault))
				return false;
		}
	}
	return true;
}
