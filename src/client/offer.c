/* SPDX-License-Identifier: BSD-2-Clause */
/* Which mechanisms a session may use to log in. */
#include "client/offer.h"

#include <string.h>

static bool
is_challenge(struct span mechanism)
{
	return span_starts_nocase(mechanism, "SCRAM-") || span_is_nocase(mechanism, "GSSAPI");
}

static bool
is_bound(struct span mechanism)
{
	static const struct span plus = SPAN_LITERAL("-PLUS");

	return mechanism.length > plus.length &&
	       span_equal_nocase(span_from(mechanism, mechanism.length - plus.length), plus);
}

static bool
is_insecure_network(const struct offer_case *from)
{
	const struct settings_networks *networks = &from->listener->insecure_networks;

	if (from->listener->insecure_login == INSECURE_LOGIN_DENY || !from->network)
		return false;
	for (size_t i = 0; i < networks->count; i++)
		if (network_has(&networks->items[i], from->network))
			return true;
	return false;
}

static bool
may_use(const struct offer_case *from, struct span mechanism, bool secure, bool insecure)
{
	/* The certificate at least can be bound to, tls-server-end-point, in any session. */
	if (secure)
		return true;
	if (is_bound(mechanism))
		return false;
	switch (from->listener->login) {
	case LOGIN_SECURE_OR_CHALLENGE:
		return is_challenge(mechanism);
	case LOGIN_PLAIN:
		return insecure;
	case LOGIN_OFF:
	case LOGIN_SECURE:
		break;
	}
	return false;
}

void
offer_make(const struct offer_case *from, struct offer *offer_out)
{
	const struct settings_texts *all = from->listener->mechanisms.count
						   ? &from->listener->mechanisms
						   : &from->sasl->mechanisms;
	bool insecure =
		!from->secure && from->listener->login == LOGIN_PLAIN && is_insecure_network(from);

	*offer_out = (struct offer){ .insecure = insecure };
	if (from->listener->login == LOGIN_OFF)
		return;
	for (size_t i = 0; i < all->count && offer_out->count < OFFER_MAX; i++)
		if (may_use(from, span_text(all->items[i]), from->secure, insecure))
			offer_out->mechanisms[offer_out->count++] = all->items[i];
	if (!from->secure && from->listener->tls == LISTENER_TLS_STARTTLS)
		offer_out->tls_has = all;
	offer_out->after_tls = offer_out->tls_has && offer_out->count == 0 && all->count > 0;
}

bool
offer_is_after_tls(const struct offer *offer, struct span name)
{
	if (!offer->tls_has || offer_find(offer, name))
		return false;
	for (size_t i = 0; i < offer->tls_has->count; i++)
		if (span_is_nocase(name, offer->tls_has->items[i]))
			return true;
	return false;
}

const char *
offer_find(const struct offer *offer, struct span name)
{
	for (size_t i = 0; i < offer->count; i++)
		if (span_is_nocase(name, offer->mechanisms[i]))
			return offer->mechanisms[i];
	return NULL;
}
