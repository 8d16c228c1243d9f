/* SPDX-License-Identifier: BSD-2-Clause */
/* PROXY headers: the answer never changes once it is given, whatever follows. */
#include "fuzz.h"

#include "wire/proxy_header.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	struct proxy_header first = { .bytes = 0 };
	enum parse before = PARSE_MORE;

	for (size_t length = 0; length <= size; length++) {
		struct span copy = fuzz_copy(span_first(in, length));
		struct proxy_header header = { .bytes = 0 };
		enum parse result = proxy_header_parse(copy, &header);

		fuzz_free(copy);
		if (before == PARSE_BAD)
			FUZZ_CHECK(result == PARSE_BAD);
		if (before == PARSE_DONE)
			FUZZ_CHECK(
				result == PARSE_DONE && memcmp(&first, &header, sizeof first) == 0);
		if (result == PARSE_DONE && before == PARSE_MORE) {
			FUZZ_CHECK(header.bytes == length && length <= PROXY_HEADER_MAX_BYTES);
			first = header;
		}
		before = result;
		if (length > 128 && result != PARSE_MORE)
			break;
	}
	return 0;
}
