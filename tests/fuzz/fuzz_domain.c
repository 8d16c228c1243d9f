/* SPDX-License-Identifier: BSD-2-Clause */
/* Domain names and literals: the canonical form is a fixed point, in ASCII, of allowed letters. */
#include "fuzz.h"

#include "wire/domain.h"
#include "wire/octet.h"
#include "wire/utf8.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	char name[DOMAIN_SIZE];
	char again[DOMAIN_SIZE];

	if (domain_parse(in, name)) {
		FUZZ_CHECK(strlen(name) <= DOMAIN_MAX_BYTES);
		for (const char *at = name; *at; at++)
			FUZZ_CHECK((*at >= 'a' && *at <= 'z') || octet_is_digit(*at) ||
				   *at == '-' || *at == '.');
		FUZZ_CHECK(domain_parse(span_text(name), again));
		FUZZ_CHECK(strcmp(name, again) == 0);
		FUZZ_CHECK(domain_is_greeting(span_text(name)));
	}
	if (domain_parse_literal(in, name)) {
		FUZZ_CHECK(domain_parse_literal(span_text(name), again));
		FUZZ_CHECK(strcmp(name, again) == 0);
	}
	if (domain_is_greeting(in))
		FUZZ_CHECK(span_is_printable(in) && !span_has_byte(in, ' ') && in.length <= 255);
	if (utf8_is_valid(in)) {
		utf8_has_deceptive(in);
		FUZZ_CHECK(!utf8_is_ascii(in) || utf8_is_nfc(in));
	}
	return 0;
}
