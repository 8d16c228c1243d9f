/* SPDX-License-Identifier: BSD-2-Clause */
/* What texts may stand in settings: each check keeps a copy, in canonical form where there is one. */
#ifndef CONFIG_SYNTAX_H
#define CONFIG_SYNTAX_H

#include "base/fault.h"
#include "base/memory.h"
#include "base/text.h"

/* All have the type schema_check of schema.h. Those with _or_empty also take "". */
#define SYNTAX_CHECK(name)                                                                         \
	bool syntax_##name(struct span text, struct arena *arena __attribute__((unused)),           \
		const char **text_out, struct fault *fault __attribute__((unused)))

SYNTAX_CHECK(text);           /* printable ASCII or UTF-8, at most 1,000 bytes */
SYNTAX_CHECK(name);           /* of a section: letters, digits, - _ . */
SYNTAX_CHECK(name_or_empty);
SYNTAX_CHECK(path);           /* absolute */
SYNTAX_CHECK(path_or_empty);
SYNTAX_CHECK(hostname);       /* a full host name; lower case, A-labels */
SYNTAX_CHECK(hostname_or_empty);
SYNTAX_CHECK(domain);         /* a mail domain; lower case, A-labels */
SYNTAX_CHECK(route_domain);   /* a domain, ".domain", or "*" */
SYNTAX_CHECK(sni);            /* a host name, or "*." and one */
SYNTAX_CHECK(realm);          /* letters of a Kerberos realm or a domain, or "" */
SYNTAX_CHECK(address);        /* a mail address, or "" */
SYNTAX_CHECK(pattern);        /* of mail addresses; kept as address_pattern_format() writes it */
SYNTAX_CHECK(mechanism);      /* a SASL mechanism that this program knows */
SYNTAX_CHECK(user);           /* a system user's name */
SYNTAX_CHECK(login_or_empty); /* a login name at a next hop */
SYNTAX_CHECK(banner);         /* printable ASCII, at most 200 bytes */
SYNTAX_CHECK(ip_or_empty);    /* an IPv4 or IPv6 address */
SYNTAX_CHECK(resolver);       /* "192.0.2.1", "192.0.2.1:53", "[::1]:53"; the port is put behind */
SYNTAX_CHECK(delimiter);      /* one character of + - = _ #, or "" */
SYNTAX_CHECK(group);          /* a group of the directory */
SYNTAX_CHECK(macro);          /* "name=value"; kept as "{name}=value", a name of one letter bare */

#endif
