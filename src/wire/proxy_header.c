/* SPDX-License-Identifier: BSD-2-Clause */
/* The PROXY protocol header, version 2, that a load balancer puts in front of a connection. */
#include "wire/proxy_header.h"

#include <netinet/in.h>
#include <string.h>

/* Section 2.2 of the specification: signature, version and command, family, length. */
enum {
	FIXED_BYTES = 16,
	COMMAND_AT = 12,
	FAMILY_AT = 13,
	LENGTH_AT = 14,
	COMMAND_LOCAL = 0x20,
	COMMAND_PROXY = 0x21,
	FAMILY_UNSPEC = 0x00,
	FAMILY_TCP4 = 0x11,
	FAMILY_TCP6 = 0x21,
	TCP4_BYTES = 12,
	TCP6_BYTES = 36,
	TLV_BYTES = 3,
};

static const char signature[COMMAND_AT] = "\r\n\r\n\0\r\nQUIT\n";

static unsigned
read16(const unsigned char *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static bool
is_fixed_part(struct span in)
{
	const unsigned char *bytes = (const unsigned char *)in.start;
	size_t compared = in.length < sizeof signature ? in.length : sizeof signature;

	if (compared && memcmp(in.start, signature, compared) != 0)
		return false;
	if (in.length > COMMAND_AT && bytes[COMMAND_AT] != COMMAND_LOCAL &&
		bytes[COMMAND_AT] != COMMAND_PROXY)
		return false;
	if (in.length > FAMILY_AT && bytes[COMMAND_AT] == COMMAND_PROXY &&
		bytes[FAMILY_AT] != FAMILY_UNSPEC && bytes[FAMILY_AT] != FAMILY_TCP4 &&
		bytes[FAMILY_AT] != FAMILY_TCP6)
		return false;
	return in.length < FIXED_BYTES ||
	       FIXED_BYTES + read16(bytes + LENGTH_AT) <= PROXY_HEADER_MAX_BYTES;
}

static void
set_ipv4(const unsigned char *address, const unsigned char *port, struct sockaddr_storage *to)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };

	memcpy(&ipv4.sin_addr, address, sizeof ipv4.sin_addr);
	memcpy(&ipv4.sin_port, port, sizeof ipv4.sin_port);
	memcpy(to, &ipv4, sizeof ipv4);
}

static void
set_ipv6(const unsigned char *address, const unsigned char *port, struct sockaddr_storage *to)
{
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };

	memcpy(&ipv6.sin6_addr, address, sizeof ipv6.sin6_addr);
	memcpy(&ipv6.sin6_port, port, sizeof ipv6.sin6_port);
	memcpy(to, &ipv6, sizeof ipv6);
}

/* Reads the addresses; *used_out is how many bytes they took. */
static bool
read_addresses(struct span body, unsigned family, struct proxy_header *header, size_t *used_out)
{
	const unsigned char *bytes = (const unsigned char *)body.start;

	*used_out = family == FAMILY_TCP4 ? TCP4_BYTES : family == FAMILY_TCP6 ? TCP6_BYTES : 0;
	if (body.length < *used_out)
		return false;
	if (family == FAMILY_TCP4) {
		set_ipv4(bytes, bytes + 8, &header->client);
		set_ipv4(bytes + 4, bytes + 10, &header->server);
	} else if (family == FAMILY_TCP6) {
		set_ipv6(bytes, bytes + 32, &header->client);
		set_ipv6(bytes + 16, bytes + 34, &header->server);
	}
	return true;
}

/* Section 2.2.6: type, length of two bytes, value. */
static bool
are_tlvs(struct span rest)
{
	while (rest.length) {
		const unsigned char *bytes = (const unsigned char *)rest.start;

		if (rest.length < TLV_BYTES || rest.length - TLV_BYTES < read16(bytes + 1))
			return false;
		rest = span_from(rest, TLV_BYTES + read16(bytes + 1));
	}
	return true;
}

enum parse
proxy_header_parse(struct span in, struct proxy_header *header_out)
{
	const unsigned char *bytes = (const unsigned char *)in.start;
	struct proxy_header header = { .local = false };
	struct span body;
	size_t used;

	if (!is_fixed_part(in))
		return PARSE_BAD;
	if (in.length < FIXED_BYTES || in.length - FIXED_BYTES < read16(bytes + LENGTH_AT))
		return PARSE_MORE;
	body = span_of(in.start + FIXED_BYTES, read16(bytes + LENGTH_AT));
	header.bytes = FIXED_BYTES + body.length;
	header.local = bytes[COMMAND_AT] == COMMAND_LOCAL;
	/* What follows LOCAL or UNSPEC means nothing and is skipped whole. */
	if (!header.local && bytes[FAMILY_AT] != FAMILY_UNSPEC &&
		(!read_addresses(body, bytes[FAMILY_AT], &header, &used) ||
			!are_tlvs(span_from(body, used))))
		return PARSE_BAD;
	*header_out = header;
	return PARSE_DONE;
}
