/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths: what is written parses to the same, and a slow reader by the letter of the RFC agrees. */
#include "fuzz.h"

#include "wire/address.h"
#include "wire/address_pattern.h"
#include "wire/octet.h"

/* RFC 5321 4.1.2 for ASCII, character by character; the position behind the local part, or 0. */
static size_t
slow_local(const char *text, size_t length)
{
	static const char atext[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "!#$%&'*+-/=?^_`{|}~";
	size_t at = 0;

	if (length && text[0] == '"') {
		for (at = 1; at < length && text[at] != '"'; at++) {
			if (text[at] == '\\')
				at++;
			if (at >= length || text[at] < ' ' || text[at] > '~')
				return 0;
		}
		return at > 1 && at < length ? at + 1 : 0;
	}
	while (at < length && text[at] && (strchr(atext, text[at]) || text[at] == '.'))
		at++;
	if (at == 0 || text[0] == '.' || text[at - 1] == '.')
		return 0;
	for (size_t i = 1; i < at; i++)
		if (text[i] == '.' && text[i - 1] == '.')
			return 0;
	return at;
}

/* Names without "xn--" and literals are left to the parser of domains; its own target has those. */
static bool
slow_domain(const char *text, size_t length)
{
	size_t label = 0;
	bool digits = true;

	for (size_t i = 0; i < length; i++) {
		bool alnum = (text[i] >= 'a' && text[i] <= 'z') ||
			     (text[i] >= 'A' && text[i] <= 'Z') ||
			     (text[i] >= '0' && text[i] <= '9');

		if (text[i] == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			digits = true;
			continue;
		}
		if (!alnum && (text[i] != '-' || label == 0))
			return false;
		digits = digits && text[i] >= '0' && text[i] <= '9';
		if (++label > 63)
			return false;
	}
	return label > 0 && text[length - 1] != '-' && !digits && length <= 253;
}

static bool
slow_mailbox(struct span text)
{
	size_t local = slow_local(text.start, text.length);

	return local > 0 && local <= 64 && local < text.length && text.start[local] == '@' &&
		slow_domain(text.start + local + 1, text.length - local - 1);
}

static void
check_written(const struct address *address, unsigned flags)
{
	struct address again;
	char text[ADDRESS_TEXT_SIZE];
	size_t length = address_format(address, text);

	FUZZ_CHECK(length == strlen(text));
	FUZZ_CHECK(length <= ADDRESS_TEXT_MAX_BYTES);
	for (size_t i = 0; i < length; i++)
		FUZZ_CHECK(!octet_is_control(text[i]));
	FUZZ_CHECK(address_parse(span_text(text), flags, &again) == ADDRESS_OK);
	FUZZ_CHECK(memcmp(&again, address, sizeof again) == 0);
	FUZZ_CHECK(address_equal(address, &again) && address_equal_own(address, &again));
	if (address_without_tag(address, '+', &again)) {
		length = address_format(&again, text);
		FUZZ_CHECK(address_parse(span_of(text, length), flags, &again) == ADDRESS_OK);
	}
}

static void
check_mailbox(struct span in, unsigned flags)
{
	struct address address;
	enum address_fault fault = address_parse(in, flags, &address);
	bool ace = false;

	if (fault == ADDRESS_OK)
		check_written(&address, flags);
	for (size_t i = 0; i < in.length; i++)
		ace = ace || span_starts_nocase(span_from(in, i), "xn--") ||
		      octet_is_8bit(in.start[i]) || in.start[i] == '[';
	if (!ace && in.length <= ADDRESS_TEXT_MAX_BYTES)
		FUZZ_CHECK((fault == ADDRESS_OK) == slow_mailbox(in));
}

static void
check_path(struct span in, unsigned flags)
{
	struct address address;
	struct span rest;

	if (address_parse_path(in, flags, &address, &rest) != ADDRESS_OK)
		return;
	FUZZ_CHECK(in.start[0] == '<');
	FUZZ_CHECK(rest.length < in.length);
	FUZZ_CHECK(in.start[in.length - rest.length - 1] == '>');
	if (address.kind == ADDRESS_MAILBOX || address.kind == ADDRESS_LITERAL)
		check_written(&address, flags);
}

static void
check_pattern(struct span in)
{
	struct address_pattern pattern;
	struct address_pattern again;
	char text[ADDRESS_TEXT_SIZE];
	size_t length;

	if (!address_pattern_parse(in, &pattern))
		return;
	length = address_pattern_format(&pattern, text);
	FUZZ_CHECK(length == strlen(text));
	FUZZ_CHECK(address_pattern_parse(span_of(text, length), &again));
	FUZZ_CHECK(memcmp(&again, &pattern, sizeof again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);

	check_path(in, 0);
	check_path(in, ADDRESS_UTF8);
	check_mailbox(in, 0);
	check_mailbox(in, ADDRESS_UTF8);
	if (in.length > 2 && in.start[0] == '<') {
		check_mailbox(span_of(in.start + 1, in.length - 2), 0);
		check_mailbox(span_of(in.start + 1, in.length - 2), ADDRESS_UTF8);
	}
	check_pattern(in);
	return 0;
}
