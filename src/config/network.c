/* SPDX-License-Identifier: BSD-2-Clause */
/* IP addresses and networks as bits. */
#include "config/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { MAPPED_BITS = 96 }; /* of ::ffff:0:0, before the IPv4 address */

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
parse_address(struct span text, unsigned char address_out[NETWORK_BYTES], bool *is_v4_out)
{
	char plain[INET6_ADDRSTRLEN];

	if (text.length == 0 || text.length >= sizeof plain || span_has_byte(text, '\0'))
		return false;
	snprintf(plain, sizeof plain, "%.*s", SPAN_PRINT(text));
	*is_v4_out = inet_pton(AF_INET, plain, address_out + sizeof mapped) == 1;
	if (*is_v4_out)
		memcpy(address_out, mapped, sizeof mapped);
	return *is_v4_out || inet_pton(AF_INET6, plain, address_out) == 1;
}

static bool
has_host_bits(const struct network *network)
{
	for (unsigned int bit = network->bits; bit < NETWORK_BITS; bit++) {
		if (network->address[bit / 8] & (0x80u >> (bit % 8)))
			return true;
	}
	return false;
}

bool
network_parse(struct span text, struct network *network_out, struct fault *fault)
{
	struct span length_text;
	struct span address_text = span_cut(text, '/', &length_text);
	struct network network = { .bits = NETWORK_BITS };
	bool is_v4;
	uint64_t length;

	if (!parse_address(address_text, network.address, &is_v4))
		return fault_set(fault, FAULT_CONFIG, "is not an IP network, like 192.0.2.0/24");
	if (address_text.length < text.length) {
		unsigned int first = is_v4 ? MAPPED_BITS : 0;
		if (!text_parse_number(length_text, NETWORK_BITS - first, &length))
			return fault_set(fault, FAULT_CONFIG,
				"has no prefix length of 0 to %u behind the slash",
				NETWORK_BITS - first);
		network.bits = first + (unsigned int)length;
	}
	if (has_host_bits(&network))
		return fault_set(fault, FAULT_CONFIG, "has bits set behind its prefix length");
	*network_out = network;
	return true;
}

void
network_format(const struct network *network, char to[NETWORK_TEXT_SIZE])
{
	bool is_v4 = network->bits >= MAPPED_BITS &&
		memcmp(network->address, mapped, sizeof mapped) == 0;
	unsigned int first = is_v4 ? MAPPED_BITS : 0;

	inet_ntop(is_v4 ? AF_INET : AF_INET6, network->address + first / 8, to, NETWORK_TEXT_SIZE);
	if (network->bits < NETWORK_BITS) {
		size_t used = strlen(to);
		snprintf(to + used, NETWORK_TEXT_SIZE - used, "/%u", network->bits - first);
	}
}

bool
network_has(const struct network *network, const unsigned char address[NETWORK_BYTES])
{
	size_t whole = network->bits / 8;
	unsigned int rest = network->bits % 8;

	if (memcmp(network->address, address, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	unsigned char mask = (unsigned char)(0xff00u >> rest);
	return ((network->address[whole] ^ address[whole]) & mask) == 0;
}

bool
network_address_of(const struct sockaddr *from, unsigned char address_out[NETWORK_BYTES])
{
	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
		memcpy(address_out, mapped, sizeof mapped);
		memcpy(address_out + sizeof mapped, &in->sin_addr, sizeof in->sin_addr);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;
		memcpy(address_out, &in6->sin6_addr, NETWORK_BYTES);
		return true;
	}
	return false;
}
