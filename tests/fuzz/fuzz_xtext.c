/* SPDX-License-Identifier: BSD-2-Clause */
/* xtext and base64: what was coded comes back, and what was taken is coded to the same again. */
#include "fuzz.h"

#include "wire/base64.h"
#include "wire/xtext.h"

static void
check_xtext(struct span in)
{
	struct buf coded = BUF_INIT(0);
	struct buf plain = BUF_INIT(0);

	FUZZ_CHECK(xtext_format(in, &coded));
	FUZZ_CHECK(span_is_printable(buf_span(&coded)));
	FUZZ_CHECK(xtext_parse(buf_span(&coded), &plain));
	FUZZ_CHECK(span_equal(buf_span(&plain), in));
	buf_clear(&plain);
	if (xtext_parse(in, &plain))
		FUZZ_CHECK(span_is_printable(in) && buf_length(&plain) <= in.length);
	if (xtext_is_envid(in))
		FUZZ_CHECK(
			span_is_printable(buf_span(&plain)) && in.length <= XTEXT_ENVID_MAX_BYTES);
	if (xtext_is_orcpt(in, false))
		FUZZ_CHECK(span_is_printable(in) && !span_has_byte(in, ' ') &&
			   xtext_is_orcpt(in, true));
	xtext_is_orcpt(in, true);
	buf_fini(&coded);
	buf_fini(&plain);
}

static void
check_base64(struct span in)
{
	struct buf coded = BUF_INIT(0);
	struct buf plain = BUF_INIT(0);
	struct secret *secret;

	FUZZ_CHECK(base64_format(in, &coded));
	FUZZ_CHECK(base64_parse(buf_span(&coded), &plain));
	FUZZ_CHECK(span_equal(buf_span(&plain), in));
	buf_clear(&plain);
	buf_clear(&coded);
	secret = base64_parse_secret(in);
	FUZZ_CHECK(base64_parse(in, &plain) == (secret != NULL));
	if (secret) {
		FUZZ_CHECK(span_equal(buf_span(&plain), secret_span(secret)));
		FUZZ_CHECK(base64_format(buf_span(&plain), &coded));
		FUZZ_CHECK(span_equal(buf_span(&coded), in)); /* there is one form only */
	}
	secret_free(&secret);
	buf_fini(&coded);
	buf_fini(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	check_xtext(fuzz_input(bytes, size));
	check_base64(fuzz_input(bytes, size));
	return 0;
}
