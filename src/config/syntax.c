/* SPDX-License-Identifier: BSD-2-Clause */
/* What texts may stand in settings. */
#include "config/syntax.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config/endpoint.h"
#include "wire/address.h"
#include "wire/address_pattern.h"
#include "wire/domain.h"
#include "wire/utf8.h"

enum { DNS_PORT = 53, TEXT_MAX_BYTES = 1000, NAME_MAX_BYTES = 64, BANNER_MAX_BYTES = 200, USER_MAX_BYTES = 32 };

static const char letters_digits[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static bool
keep(struct span text, struct arena *arena, const char **text_out)
{
	*text_out = arena_strndup(arena, text.start, text.length);
	return true;
}

static bool
wrong(struct fault *fault, const char *reason)
{
	return fault_set(fault, FAULT_CONFIG, "%s", reason);
}

/* Letters, digits and the extra ones; not empty, at most max. */
static bool
is_made_of(struct span text, const char *extra, size_t max)
{
	if (text.length == 0 || text.length > max)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char byte = text.start[i];
		if (!span_has_byte(span_text(letters_digits), byte) &&
			!span_has_byte(span_text(extra), byte))
			return false;
	}
	return true;
}

static bool
has_control(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.start[i];
		if (byte < 0x20 || byte == 0x7f)
			return true;
	}
	return false;
}

#define OR_EMPTY(name)                                                                             \
	SYNTAX_CHECK(name##_or_empty)                                                               \
	{                                                                                           \
		return text.length ? syntax_##name(text, arena, text_out, fault)                    \
				   : keep(text, arena, text_out);                                   \
	}

SYNTAX_CHECK(text)
{
	if (text.length > TEXT_MAX_BYTES)
		return wrong(fault, "is longer than 1000 bytes");
	if (has_control(text) || !utf8_is_valid(text))
		return wrong(fault, "has a control character, or is not UTF-8");
	return keep(text, arena, text_out);
}

SYNTAX_CHECK(name)
{
	if (!is_made_of(text, "-_.", NAME_MAX_BYTES))
		return wrong(fault, "is not a name of letters, digits, '-', '_' and '.'");
	return keep(text, arena, text_out);
}
OR_EMPTY(name)

SYNTAX_CHECK(path)
{
	if (!span_starts(text, "/"))
		return wrong(fault, "is not an absolute path");
	return syntax_text(text, arena, text_out, fault);
}
OR_EMPTY(path)

SYNTAX_CHECK(domain)
{
	char name[DOMAIN_SIZE];

	if (!domain_parse(text, name))
		return wrong(fault, "is not a domain name");
	*text_out = arena_strdup(arena, name);
	return true;
}

SYNTAX_CHECK(hostname)
{
	char name[DOMAIN_SIZE];

	if (!domain_parse(text, name) || !span_has_byte(span_text(name), '.'))
		return wrong(fault, "is not a full host name, like mail.example.org");
	*text_out = arena_strdup(arena, name);
	return true;
}
OR_EMPTY(hostname)

/* The domain behind a prefix, put back together in canonical form. */
static bool
prefixed_domain(struct span text, const char *prefix, struct arena *arena, const char **text_out)
{
	char name[DOMAIN_SIZE];

	if (!span_starts(text, prefix) ||
		!domain_parse(span_from(text, span_text(prefix).length), name))
		return false;
	*text_out = arena_printf(arena, "%s%s", prefix, name);
	return true;
}

SYNTAX_CHECK(route_domain)
{
	if (span_is(text, "*"))
		return keep(text, arena, text_out);
	if (prefixed_domain(text, ".", arena, text_out) || prefixed_domain(text, "", arena, text_out))
		return true;
	return wrong(fault, "is neither a domain name, nor '.' and one, nor \"*\"");
}

SYNTAX_CHECK(sni)
{
	if (prefixed_domain(text, "*.", arena, text_out) || prefixed_domain(text, "", arena, text_out))
		return true;
	return wrong(fault, "is neither a host name nor \"*.\" and one");
}

SYNTAX_CHECK(realm)
{
	if (text.length && !is_made_of(text, "-_./", 255))
		return wrong(fault, "is not a realm");
	return keep(text, arena, text_out);
}

SYNTAX_CHECK(address)
{
	struct address address;
	enum address_fault reason;

	if (text.length == 0)
		return keep(text, arena, text_out);
	reason = address_parse(text, ADDRESS_UTF8, &address);
	if (reason != ADDRESS_OK)
		return fault_set(fault, FAULT_CONFIG, "is not a mail address: %s",
			address_fault_text(reason));
	return keep(text, arena, text_out);
}

SYNTAX_CHECK(pattern)
{
	struct address_pattern pattern;
	char canonical[ADDRESS_TEXT_SIZE];

	if (!address_pattern_parse(text, &pattern))
		return wrong(fault, "is neither a mail address, nor \"@domain\", \".domain\" or \"*\"");
	address_pattern_format(&pattern, canonical);
	return keep(span_text(canonical), arena, text_out);
}

SYNTAX_CHECK(mechanism)
{
	static const char *const known[] = {
		"PLAIN",
		"LOGIN",
		"SCRAM-SHA-1",
		"SCRAM-SHA-1-PLUS",
		"SCRAM-SHA-256",
		"SCRAM-SHA-256-PLUS",
		"GSSAPI",
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (span_is_nocase(text, known[i])) {
			*text_out = known[i];
			return true;
		}
	}
	return wrong(fault,
		"is none of PLAIN, LOGIN, SCRAM-SHA-1, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, "
		"SCRAM-SHA-256-PLUS, GSSAPI");
}

SYNTAX_CHECK(user)
{
	if (!is_made_of(text, "-_.", USER_MAX_BYTES) || text.start[0] == '-')
		return wrong(fault, "is not the name of a system user");
	return keep(text, arena, text_out);
}

SYNTAX_CHECK(login_or_empty)
{
	if (text.length > 255 || span_starts(text, " "))
		return wrong(fault, "is not a login name");
	return syntax_text(text, arena, text_out, fault);
}

SYNTAX_CHECK(banner)
{
	if (text.length > BANNER_MAX_BYTES || !span_is_printable(text) || span_has_byte(text, '\t'))
		return wrong(fault, "is not printable ASCII of at most 200 bytes");
	return keep(text, arena, text_out);
}

SYNTAX_CHECK(ip_or_empty)
{
	char plain[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (text.length == 0)
		return keep(text, arena, text_out);
	if (text.length < sizeof plain) {
		snprintf(plain, sizeof plain, "%.*s", SPAN_PRINT(text));
		if (inet_pton(AF_INET, plain, &address) == 1 ||
			inet_pton(AF_INET6, plain, &address) == 1)
			return keep(text, arena, text_out);
	}
	return wrong(fault, "is neither an IPv4 nor an IPv6 address");
}

SYNTAX_CHECK(resolver)
{
	struct endpoint endpoint;
	const char *plain;

	if (!endpoint_parse(text, ENDPOINT_CONNECT, DNS_PORT, arena, &endpoint, fault))
		return false;
	if (endpoint.kind != ENDPOINT_INET || !endpoint.host[0] ||
		!syntax_ip_or_empty(span_text(endpoint.host), arena, &plain, fault))
		return wrong(fault, "is neither an IPv4 nor an IPv6 address");
	*text_out = arena_printf(arena, strchr(plain, ':') ? "[%s]:%u" : "%s:%u", plain,
		endpoint.port);
	return true;
}

SYNTAX_CHECK(delimiter)
{
	if (text.length > 1 || (text.length == 1 && !span_has_byte(span_text("+-=_#"), text.start[0])))
		return wrong(fault, "is not one of the characters + - = _ #");
	return keep(text, arena, text_out);
}

/* Names are compared as they are; one that can never be met would be of no use. */
SYNTAX_CHECK(group)
{
	if (text.length == 0 || text.length > 255 || !utf8_is_nfc(text))
		return wrong(fault, "is not the name of a group");
	return syntax_text(text, arena, text_out, fault);
}

SYNTAX_CHECK(macro)
{
	const char *plain;
	struct span value;
	struct span name = span_cut(text, '=', &value);

	if (!span_has_byte(text, '='))
		return wrong(fault, "is not {name}=value");
	if (span_starts(name, "{") && name.start[name.length - 1] == '}')
		name = span_of(name.start + 1, name.length - 2);
	if (!is_made_of(name, "_", NAME_MAX_BYTES))
		return wrong(fault, "has no name of letters, digits and '_' before '='");
	if (!syntax_text(value, arena, &plain, fault))
		return false;
	*text_out = arena_printf(arena, name.length == 1 ? "%.*s=%s" : "{%.*s}=%s",
		SPAN_PRINT(name), plain);
	return true;
}
