/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a login is, and which addresses are its own: asked of the directory, or of Postfix's maps. */
#ifndef FILTER_IDENTITIES_H
#define FILTER_IDENTITIES_H

#include "base/fault.h"
#include "policy/identity.h"

/* One source: directory or maps, never both. All texts and lists may be empty, none is NULL. */
struct identities_settings {
	const char *directory;               /* path of the look-up socket of sallyportd */
	struct settings_texts maps;          /* as in smtpd_sender_login_maps, in their order */
	struct settings_texts local_domains; /* maps: "user" stands for user@ each of these */
	const char *delimiters;              /* maps: recipient_delimiter, each byte one; "": none */
	uint64_t wait_ms;                    /* for one whole answer; at least 1 */
};

enum identities_found {
	IDENTITIES_FOUND,
	IDENTITIES_UNKNOWN, /* no such login, or one that may not send */
	IDENTITIES_UNSURE,  /* nobody can say now: the fault says why */
};

struct identities;

/*
 * NULL, with a reason, if a map cannot be read or is not understood. A directory that is not there
 * yet is no fault. The settings are copied. Maps are read anew when their files have changed.
 */
struct identities *identities_new(
	const struct identities_settings *settings, struct fault *fault_out);
void identities_free(struct identities **identities); /* no identities_find() may be under way */

/*
 * Blocks for at most wait_ms; from any thread. The directory gives the whole identity. Maps give
 * one without groups and grants, whose addresses are those of the candidates (as address_format()
 * writes them) that the login owns: perhaps none, for maps do not know who has an account, and so
 * never say UNKNOWN. The identity lives in the arena and is written only if FOUND.
 */
enum identities_found identities_find(struct identities *identities, const char *login,
	const struct settings_texts *candidates, struct arena *arena,
	struct identity *identity_out, struct fault *fault_out);

#endif
