/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has logged in, and what the directory says of them: made by auth, read by the rights. */
#ifndef POLICY_IDENTITY_H
#define POLICY_IDENTITY_H

#include "base/memory.h"
#include "base/pack.h"
#include "config/settings.h"

enum identity_protocol {
	IDENTITY_SMTP = 1,
	IDENTITY_IMAP = 2,
	IDENTITY_POP3 = 4,
};

enum { IDENTITY_TEXTS_MAX = 1000 }; /* addresses, groups, patterns: each */

/* A pattern granted in the directory, to the login itself or to one of its groups. */
struct identity_grant {
	const char *pattern;
	const char *where;  /* for explain and the log: "directory grant", "grant of group support" */
	uint16_t group;     /* 1 + its place among the groups; 0: the login's own */
};
struct identity_grants {
	const struct identity_grant *items;
	size_t count;
};

/*
 * All texts live in the arena it was made in; lists may be empty, texts are never NULL. Addresses are
 * as address_format() writes them, patterns as address_pattern_format() does: whoever takes them from
 * elsewhere brings them into that form, so that they are compared without being parsed.
 */
struct identity {
	const char *login;              /* canonical name */
	const char *mechanism;          /* how this session logged in: "PLAIN", … */
	const char *credential;         /* label of the app password it logged in with; "" for none */
	uint64_t credential_id;         /* of that app password, never given twice; 0 for none */
	struct settings_texts addresses; /* own, the primary one first */
	struct settings_texts groups;
	struct identity_grants send_as;
	struct identity_grants on_behalf;
	const char *limits;             /* name of a limits section; "" for the usual one */
	uint8_t protocols;              /* enum identity_protocol, or-ed */
	uint64_t epoch;                 /* rises when something of it is taken away */
};

void identity_pack(struct buf *to, const struct identity *identity);
/* False unless the bytes are exactly one identity. */
bool identity_unpack(struct span bytes, struct arena *arena, struct identity *identity_out);
/* group: as in the struct; pattern stays the caller's, the rest is in the arena. */
struct identity_grant identity_grant_make(struct arena *arena, const char *pattern,
	const struct settings_texts *groups, uint16_t group);
const char *identity_primary(const struct identity *identity); /* "" if it has no address */

#endif
