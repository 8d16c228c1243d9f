/* SPDX-License-Identifier: BSD-2-Clause */
/* IP addresses and networks as bits: IPv4 is kept as ::ffff:a.b.c.d, so that one compare serves both. */
#ifndef CONFIG_NETWORK_H
#define CONFIG_NETWORK_H

#include "base/fault.h"
#include "base/text.h"

struct sockaddr;

enum { NETWORK_BYTES = 16, NETWORK_BITS = 128, NETWORK_TEXT_SIZE = 64 };

/* bits counts from the start of the 16 bytes: 10.1.0.0/24 has 120. */
struct network {
	unsigned char address[NETWORK_BYTES];
	unsigned int bits;
};

/*
 * "10.1.0.0/24", "10.1.0.1", "2001:db8::/32", "::1". Host bits behind the prefix must be zero.
 * The fault names what is wrong, without file and line.
 */
bool network_parse(struct span text, struct network *network_out, struct fault *fault);
/* As it would be written; a whole address without a prefix length. */
void network_format(const struct network *network, char to[NETWORK_TEXT_SIZE]);
/* Is this address (as network_address_of() gives it) part of the network? */
bool network_has(const struct network *network, const unsigned char address[NETWORK_BYTES]);
/* The 16 bytes of an AF_INET or AF_INET6 address; false for any other family. */
bool network_address_of(const struct sockaddr *from, unsigned char address_out[NETWORK_BYTES]);

#endif
