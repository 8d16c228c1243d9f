/* SPDX-License-Identifier: BSD-2-Clause */
/* The two messages of a SCRAM client. */
#include "auth/scram_message.h"

#include "base/buffer.h"
#include "wire/base64.h"
#include "wire/utf8.h"

static bool
is_letter(char byte)
{
	byte = text_lower(byte);
	return byte >= 'a' && byte <= 'z';
}

/* cb-name = 1*(ALPHA / DIGIT / "." / "-") */
static bool
is_binding_name(struct span name)
{
	for (size_t i = 0; i < name.length; i++) {
		char byte = name.start[i];

		if (!is_letter(byte) && !(byte >= '0' && byte <= '9') && byte != '.' && byte != '-')
			return false;
	}
	return name.length > 0;
}

/* gs2-cbind-flag = ("p=" cb-name) / "n" / "y" */
static bool
parse_binding(struct span flag, struct scram_first *first)
{
	if (span_is(flag, "n"))
		first->binding = SCRAM_BINDING_NONE;
	else if (span_is(flag, "y"))
		first->binding = SCRAM_BINDING_UNSEEN;
	else if (span_starts(flag, "p=") && is_binding_name(span_from(flag, 2)))
		first->binding = SCRAM_BINDING_NAMED;
	else
		return false;
	first->binding_name = span_from(flag, 2);
	return true;
}

/* saslname = 1*(value-safe-char / "=2C" / "=3D"): UTF-8 without NUL, "=" and "," */
static bool
parse_name(struct span text, struct scram_name *name)
{
	name->length = 0;
	for (size_t i = 0; i < text.length; i++) {
		char byte = text.start[i];

		if (byte == '=') {
			struct span code = span_first(span_from(text, i + 1), 2);

			if (!span_is(code, "2C") && !span_is(code, "3D"))
				return false;
			byte = span_is(code, "2C") ? ',' : '=';
			i += 2;
		}
		if (byte == '\0' || name->length == sizeof name->bytes)
			return false;
		name->bytes[name->length++] = byte;
	}
	return name->length > 0 && utf8_is_valid(span_of(name->bytes, name->length));
}

/* nonce = "r=" c-nonce; printable = %x21-2B / %x2D-7E */
static bool
is_nonce(struct span part)
{
	if (!span_starts(part, "r=") || part.length < 3)
		return false;
	for (size_t i = 2; i < part.length; i++) {
		if (part.start[i] < 0x21 || part.start[i] > 0x7e || part.start[i] == ',')
			return false;
	}
	return true;
}

/* attr-val = ALPHA "=" 1*value-char */
static bool
is_extension(struct span part)
{
	return part.length >= 3 && is_letter(part.start[0]) && part.start[1] == '=' &&
		!span_has_byte(part, '\0') && utf8_is_valid(part);
}

/* The extensions that may follow; rest is what stands behind the last comma, if there was one. */
static bool
are_extensions(struct span rest, bool has_rest)
{
	while (has_rest) {
		has_rest = span_has_byte(rest, ',');
		if (!is_extension(span_cut(rest, ',', &rest)))
			return false;
	}
	return true;
}

bool
scram_first_parse(struct span message, struct scram_first *first_out)
{
	struct scram_first first = { .binding = SCRAM_BINDING_NONE };
	struct span rest;
	struct span part;
	bool has_more;

	if (!parse_binding(span_cut(message, ',', &rest), &first) || !span_has_byte(rest, ','))
		return false;
	part = span_cut(rest, ',', &rest);
	if (part.length > 0 &&
		!(span_starts(part, "a=") && parse_name(span_from(part, 2), &first.authzid)))
		return false;
	if (!span_has_byte(rest, ','))
		return false;
	part = span_cut(rest, ',', &rest);
	if (!span_starts(part, "n=") || !parse_name(span_from(part, 2), &first.login))
		return false;
	has_more = span_has_byte(rest, ',');
	if (!is_nonce(span_cut(rest, ',', &rest)) || !are_extensions(rest, has_more))
		return false;
	*first_out = first;
	return true;
}

static bool
is_base64(struct span text)
{
	struct buf bytes = BUF_INIT(0);
	bool good = text.length > 0 && base64_parse(text, &bytes);

	buf_wipe(&bytes);
	buf_fini(&bytes);
	return good;
}

/* channel-binding "," nonce ["," extensions] "," proof */
bool
scram_final_is_valid(struct span message)
{
	struct span rest;
	struct span part = span_cut(message, ',', &rest);

	if (!span_starts(part, "c=") || !is_base64(span_from(part, 2)))
		return false;
	if (!is_nonce(span_cut(rest, ',', &rest)))
		return false;
	for (part = span_cut(rest, ',', &rest); !span_starts(part, "p=");
		part = span_cut(rest, ',', &rest)) {
		if (!is_extension(part) || rest.length == 0)
			return false;
	}
	return rest.length == 0 && is_base64(span_from(part, 2)) &&
		message.start[message.length - 1] != ',';
}
