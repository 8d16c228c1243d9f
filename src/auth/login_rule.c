/* SPDX-License-Identifier: BSD-2-Clause */
/* May this mechanism be used by this client on this listener? */
#include "auth/login_rule.h"

#include <string.h>

static const char plus_suffix[] = "-PLUS";

static bool
is_among(const struct settings_texts *names, struct span wanted)
{
	for (size_t i = 0; i < names->count; i++) {
		if (span_is(wanted, names->items[i]))
			return true;
	}
	return false;
}

static bool
is_offered(const struct settings *settings, const struct settings_listener *listener,
	struct span mechanism)
{
	return is_among(listener->mechanisms.count ? &listener->mechanisms
						   : &settings->sasl.mechanisms,
		mechanism);
}

/* Exact names alone: "PLAIN-PLUS" is nothing, whatever a library makes of it. */
static bool
find_kind(struct span name, bool gssapi, struct login_rule *policy)
{
	struct span bare = name;

	if (span_is(name, "PLAIN") || span_is(name, "LOGIN")) {
		policy->kind = LOGIN_KIND_PASSWORD;
		return true;
	}
	if (span_is(name, "GSSAPI")) {
		policy->kind = LOGIN_KIND_GSSAPI;
		return gssapi;
	}
	policy->kind = LOGIN_KIND_SCRAM;
	if (name.length > strlen(plus_suffix))
		bare = span_first(name, name.length - strlen(plus_suffix));
	policy->plus = span_is(span_from(name, bare.length), plus_suffix);
	return scram_hash_find(policy->plus ? bare : name, &policy->hash);
}

bool
login_rule_address(const char *text, unsigned char address_out[NETWORK_BYTES])
{
	struct fault fault = FAULT_INIT;
	struct network network;

	memset(address_out, 0, NETWORK_BYTES);
	if (!network_parse(span_text(text), &network, &fault))
		return false;
	memcpy(address_out, network.address, NETWORK_BYTES);
	return true;
}

static bool
is_in_networks(const struct settings_networks *networks, const char *client)
{
	unsigned char address[NETWORK_BYTES];

	if (!login_rule_address(client, address))
		return false;
	for (size_t i = 0; i < networks->count; i++) {
		if (network_has(&networks->items[i], address))
			return true;
	}
	return false;
}

static bool
may_be_in_clear(const struct settings_listener *listener, enum login_kind kind, const char *client)
{
	switch (listener->login) {
	case LOGIN_SECURE_OR_CHALLENGE:
		return kind != LOGIN_KIND_PASSWORD;
	case LOGIN_PLAIN:
		return listener->insecure_login != INSECURE_LOGIN_DENY &&
			is_in_networks(&listener->insecure_networks, client);
	case LOGIN_OFF:
	case LOGIN_SECURE:
		break;
	}
	return false;
}

static enum listener_protocol
listener_protocol_of(enum identity_protocol protocol)
{
	if (protocol == IDENTITY_IMAP)
		return LISTENER_IMAP;
	return protocol == IDENTITY_POP3 ? LISTENER_POP3 : LISTENER_SMTP;
}

/*
 * What no client can ask for: the front end does, for one that has not logged in. Whom it counts as,
 * and from where, auth knows from its own settings.
 */
static bool
check_network(const struct message_login_start *start, struct login_rule *policy)
{
	const struct settings_listener *listener = policy->listener;

	policy->kind = LOGIN_KIND_NETWORK;
	return listener->identity[0] && is_in_networks(&listener->networks, start->client_address);
}

bool
login_rule_check(const struct settings *settings, const struct message_login_start *start,
	bool gssapi, struct login_rule *policy_out, enum login_failure *failure_out)
{
	struct span mechanism = span_text(start->mechanism);
	struct login_rule policy = {
		.listener = settings_find_listener(settings, start->listener),
	};
	char plus_name[64];

	*failure_out = LOGIN_NO_MECHANISM;
	if (!policy.listener ||
		!account_find_protocol(span_text(start->protocol), &policy.protocol) ||
		policy.listener->protocol != listener_protocol_of(policy.protocol))
		return false;
	if (span_is(mechanism, LOGIN_BY_NETWORK)) {
		*policy_out = policy;
		return check_network(start, policy_out);
	}
	if (policy.listener->login == LOGIN_OFF ||
		!is_offered(settings, policy.listener, mechanism) ||
		!find_kind(mechanism, gssapi, &policy))
		return false;
	/* Without TLS there is nothing to bind to. */
	if (policy.plus && !start->tls)
		return false;
	if (!start->tls &&
		!may_be_in_clear(policy.listener, policy.kind, start->client_address)) {
		*failure_out = LOGIN_TOO_WEAK;
		return false;
	}
	if (policy.kind == LOGIN_KIND_SCRAM && start->tls &&
		start->bind_exporter.length + start->bind_endpoint.length > 0) {
		strcpy(plus_name, scram_hash_name(policy.hash));
		strcat(plus_name, plus_suffix);
		policy.plus_offered = is_offered(settings, policy.listener, span_text(plus_name));
	}
	*policy_out = policy;
	return true;
}
