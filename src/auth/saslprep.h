/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords as bytes that every client and every keyboard agree on (RFC 4013). */
#ifndef AUTH_SASLPREP_H
#define AUTH_SASLPREP_H

#include "base/secret.h"

enum { PASSWORD_MAX_BYTES = 1024 };

/*
 * SASLprep, not the newer RFC 8265: a SCRAM client prepares the password by it before it makes its
 * proof (RFC 5802 2.2), so keys derived from anything else would refuse that client. Code points
 * that Unicode 3.2 did not know are allowed. NULL for an empty or over-long password, one that is
 * not UTF-8, and one with prohibited characters, control bytes among them. ASCII comes back as it
 * is.
 */
struct secret *saslprep(struct span password);

#endif
