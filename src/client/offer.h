/* SPDX-License-Identifier: BSD-2-Clause */
/* Which mechanisms a session may use to log in, as it is now: a pure decision. */
#ifndef CLIENT_OFFER_H
#define CLIENT_OFFER_H

#include "config/settings.h"

enum { OFFER_MAX = 16 };

/* The names are the settings' own. Only what stands here is ever started. */
struct offer {
	const char *mechanisms[OFFER_MAX];
	size_t count;
	bool after_tls;   /* nothing now, but there would be something under TLS */
	const struct settings_texts *tls_has; /* what STARTTLS would bring; NULL: nothing new */
	bool insecure;    /* in clear by insecure-networks */
};

/* What the session is like. */
struct offer_case {
	const struct settings_listener *listener;
	const struct settings_sasl *sasl;
	bool secure;
	const unsigned char *network; /* NETWORK_BYTES of the client, or NULL for a unix socket */
};

void offer_make(const struct offer_case *from, struct offer *offer_out);
/* The mechanism by this name, in any case; NULL if it is not offered. */
const char *offer_find(const struct offer *offer, struct span name);
/* Would it be, after STARTTLS? */
bool offer_is_after_tls(const struct offer *offer, struct span name);

#endif
