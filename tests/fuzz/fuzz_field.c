/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of Date and Message-ID: what was read is written so that it reads the same. Encoded words. */
#include "fuzz.h"

#include "wire/display_name.h"
#include "wire/encoded_word.h"
#include "wire/mail_date.h"
#include "wire/message_id.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	char text[MAIL_DATE_SIZE];
	int64_t seconds;
	int64_t again;
	struct span id;
	struct arena *arena = arena_new(256);
	struct encoded_text decoded;
	struct address address;

	if (mail_date_parse(in, &seconds)) {
		FUZZ_CHECK(mail_date_format(seconds, 0, text) == 31);
		FUZZ_CHECK(mail_date_parse(span_text(text), &again));
		/* A zone can carry the last hours of the range over its edge. */
		if (seconds > INT64_C(-2208900000) && seconds < INT64_C(253402200000))
			FUZZ_CHECK(seconds == again);
	}
	if (in.length >= sizeof seconds) {
		memcpy(&seconds, in.start, sizeof seconds);
		FUZZ_CHECK(mail_date_format(seconds, (int)in.length, text) == 31);
		FUZZ_CHECK(mail_date_parse(span_text(text), &again));
	}
	if (message_id_parse(in, true, &id)) {
		FUZZ_CHECK(id.start[0] == '<' && id.start[id.length - 1] == '>');
		FUZZ_CHECK(span_find(id, '@') > 1 && span_find(id, '@') < id.length - 2);
		FUZZ_CHECK(message_id_parse(id, true, &id));
	}
	encoded_word_decode(in, arena, &decoded);
	FUZZ_CHECK(decoded.text.length <= in.length);
	FUZZ_CHECK(decoded.found || span_equal(decoded.text, in));
	if (address_parse(SPAN_LITERAL("alice@example.org"), 0, &address) == ADDRESS_OK)
		display_name_poses(in, &address, arena);
	arena_free(&arena);
	return 0;
}
