/* SPDX-License-Identifier: BSD-2-Clause */
/* What a listener for devices makes right in envelope and header, before anything is judged. */
#ifndef POLICY_DEVICE_STAGE_H
#define POLICY_DEVICE_STAGE_H

#include "policy/stage.h"

/*
 * fixed-from takes the place of MAIL FROM (but not of the null sender) and of From. Where the
 * listener is lenient, addresses without a domain get qualify-domain in all address fields, and a
 * message without From gets one with its sender. Everywhere else it does nothing. What it writes is
 * judged by the rights like anything else.
 */
extern const struct stage_type device_stage_type;

/* The same, for whoever explains: the sender that is judged, and the header; false if there is no room. */
const char *device_sender(const struct mail_session *session, const char *sender);
bool device_make_right(struct mail *mail);
/* Does the listener serve this client at all? */
bool device_is_served(const struct settings_listener *listener,
	const unsigned char client[NETWORK_BYTES]);

#endif
