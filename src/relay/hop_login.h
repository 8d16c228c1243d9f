/* SPDX-License-Identifier: BSD-2-Clause */
/* AUTH on a connection to a hop: which mechanism may be used, and the dialogue (RFC 4954). */
#ifndef RELAY_HOP_LOGIN_H
#define RELAY_HOP_LOGIN_H

#include "config/settings.h"
#include "io/stream.h"
#include "relay/login.h"
#include "relay/offer.h"

/* In the caller's storage; all zero is none. */
struct hop_login {
	struct login *login;
	unsigned steps;
	char mechanisms[OFFER_MECHANISMS_MAX_BYTES];
};

enum hop_login_step {
	HOP_LOGIN_MORE,
	HOP_LOGIN_DONE,
	HOP_LOGIN_FAILED, /* with a fault */
};

/*
 * A password goes only to a hop that has proved its name (tls = verify), or that is this machine
 * (local). SCRAM shows no password, so any TLS will do for it.
 */
enum hop_login_step hop_login_start(struct hop_login *login, struct stream *stream,
	const struct settings_route *route, const char *host, const struct secret *password,
	const struct offer *offer, bool local, struct fault *fault_out);
enum hop_login_step hop_login_reply(struct hop_login *login, struct stream *stream,
	const struct smtp_reply_reader *reply, struct fault *fault_out);
void hop_login_fini(struct hop_login *login);

#endif
