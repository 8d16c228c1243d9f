/* SPDX-License-Identifier: BSD-2-Clause */
/* The names by which a client's certificate is known: strict, for rights hang on them. */
#include <string.h>

#include "base/digest.h"
#include "io/tls_parts.h"

enum {
	SANS_MAX = 64, /* of any kind; most are not looked at */
	FINGERPRINT_SIZE = 2 * DIGEST_BYTES + 1,
};

static const char pin_prefix[] = "sha256:";

struct names {
	struct arena *arena;
	const char *list[TLS_NAMES_MAX];
	size_t count;
	const char *fault;
};

static void
add(struct names *names, const char *name)
{
	if (names->count == TLS_NAMES_MAX)
		names->fault = "too many names";
	else
		names->list[names->count++] = name;
}

/* Printable throughout: a NUL would end a name for some and not for others. */
static bool
is_clean(struct span text)
{
	while (text.length) {
		uint32_t point;
		size_t size = text_utf8(text, &point);

		if (size == 0 || point < ' ' || (point >= 0x7f && point < 0xa0))
			return false;
		text = span_from(text, size);
	}
	return true;
}

static void
add_text(struct names *names, struct span text)
{
	char *name;

	if (text.length == 0 || text.length >= TLS_NAME_MAX_BYTES || !is_clean(text) ||
			span_trim(text).length != text.length) {
		names->fault = "a name that cannot be read with certainty";
		return;
	}
	/* It would pass for the fingerprint of another. */
	if (span_starts_nocase(text, pin_prefix)) {
		names->fault = "a name that looks like a fingerprint";
		return;
	}
	name = arena_strndup(names->arena, text.start, text.length);
	for (size_t i = 0; i < text.length; i++)
		name[i] = text_lower(name[i]);
	add(names, name);
}

/* One name stands for one client; what stands for many is nobody's name. */
static bool
is_wildcard(struct span text)
{
	return span_has_byte(text, '*');
}

static void
add_san(struct names *names, unsigned type, struct span text)
{
	if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_RFC822NAME)
		return;
	if (is_wildcard(text))
		return;
	if (!span_is_printable(text) || span_has_byte(text, ' '))
		names->fault = "a name that cannot be read with certainty";
	else
		add_text(names, text);
}

/* True if there is a DNS name or a mail address, whatever became of it. */
static bool
read_sans(gnutls_x509_crt_t certificate, struct names *names)
{
	char text[TLS_NAME_MAX_BYTES];
	bool has_any = false;

	for (unsigned i = 0; !names->fault; i++) {
		size_t size = sizeof text;
		unsigned type = 0;
		int result = gnutls_x509_crt_get_subject_alt_name2(
				certificate, i, text, &size, &type, NULL);

		if (result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (i >= SANS_MAX) {
			names->fault = "too many names";
		} else if (result == GNUTLS_E_SHORT_MEMORY_BUFFER) {
			if (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME)
				names->fault = "a name that is too long";
		} else if (result < 0) {
			names->fault = "names that cannot be read";
		} else {
			has_any |= type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME;
			add_san(names, type, span_of(text, size));
		}
	}
	return has_any;
}

/* RFC 6125 6.4.4: the last resort. */
static void
read_common_name(gnutls_x509_crt_t certificate, struct names *names)
{
	char text[TLS_NAME_MAX_BYTES];
	size_t size = sizeof text;
	int result = gnutls_x509_crt_get_dn_by_oid(
			certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &size);

	if (result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return;
	if (result < 0)
		names->fault = "a name that cannot be read with certainty";
	else if (!is_wildcard(span_of(text, size)))
		add_text(names, span_of(text, size));
}

static void
add_fingerprint(gnutls_x509_crt_t certificate, struct names *names)
{
	unsigned char bytes[DIGEST_BYTES];
	char hex[FINGERPRINT_SIZE];
	size_t size = sizeof bytes;

	if (gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, bytes, &size) < 0) {
		names->fault = "no fingerprint";
		return;
	}
	text_hex(bytes, size, hex, sizeof hex);
	add(names, arena_printf(names->arena, "%s%s", pin_prefix, hex));
}

const char *
tls_names_read(gnutls_x509_crt_t certificate, struct arena *arena, const char *const **names_out,
		size_t *count_out)
{
	struct names names = { .arena = arena };

	add_fingerprint(certificate, &names);
	if (!read_sans(certificate, &names) && !names.fault)
		read_common_name(certificate, &names);
	if (names.fault)
		return names.fault;
	*names_out = arena_dup(arena, names.list, names.count * sizeof *names.list);
	*count_out = names.count;
	return NULL;
}
