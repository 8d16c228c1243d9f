/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS towards hops: one client for each demand and file of authorities, however many routes share it. */
#ifndef RELAY_TRUSTS_H
#define RELAY_TRUSTS_H

#include "io/tls.h"

struct trusts;

struct trusts *trusts_new(void);
void trusts_free(struct trusts **trusts); /* sessions go on */
/* file is a name alone, "" for the system's authorities. NULL if there is none yet. Borrowed. */
struct tls_client *trusts_find(const struct trusts *trusts, enum tls_verify verify, const char *file);
/* trust_pem is the content of file, empty for the system's. NULL with a fault. Borrowed. */
struct tls_client *trusts_add(struct trusts *trusts, enum tls_verify verify, const char *file,
	struct span trust_pem, struct fault *fault_out);

#endif
