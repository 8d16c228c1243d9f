/* SPDX-License-Identifier: BSD-2-Clause */
/* May this mechanism be used by this client on this listener? A pure decision. */
#ifndef AUTH_LOGIN_RULE_H
#define AUTH_LOGIN_RULE_H

#include "auth/account.h"
#include "auth/scram_keys.h"
#include "ipc/message_login.h"

/* What kind of mechanism it is; the front end has offered it, which is checked again here. */
enum login_kind {
	LOGIN_KIND_PASSWORD, /* PLAIN, and LOGIN, which the front end puts in PLAIN's form */
	LOGIN_KIND_SCRAM,
	LOGIN_KIND_GSSAPI,
	LOGIN_KIND_NETWORK,  /* no mechanism: the account that the listener names for its networks */
};

struct login_rule {
	const struct settings_listener *listener;
	enum login_kind kind;
	enum identity_protocol protocol;
	enum scram_hash hash;  /* SCRAM */
	bool plus;             /* SCRAM with channel binding */
	bool plus_offered;     /* SCRAM: the name with -PLUS was offered too */
};

/*
 * True, and *policy_out filled; otherwise why not: LOGIN_NO_MECHANISM for what this listener does
 * not offer, LOGIN_TOO_WEAK for what it offers under TLS alone.
 */
bool login_rule_check(const struct settings *settings, const struct message_login_start *start,
	bool gssapi, struct login_rule *policy_out, enum login_failure *failure_out);

/* The 16 bytes of an address as text; false, and all zero, for a client without one. */
bool login_rule_address(const char *text, unsigned char address_out[NETWORK_BYTES]);

#endif
