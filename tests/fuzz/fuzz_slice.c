/* SPDX-License-Identifier: BSD-2-Clause */
/* Slices of settings: bytes of a compromised super, or of nobody, are refused or are one slice. */
#include "fuzz.h"

#include "base/digest.h"
#include "config/slice.h"

/* Every slice begins with the digest of the table; the fuzzer need not guess it. */
static void
add_digest(struct buf *to)
{
	static const struct settings nothing = { .file = "" };
	struct buf slice = BUF_INIT(0);

	FUZZ_CHECK(settings_pack(&nothing, ROLE_KEYS, &slice));
	buf_add_span(to, span_first(buf_span(&slice), DIGEST_BYTES));
	buf_fini(&slice);
}

/* What was read is written in a form that reads and writes as itself. */
static void
check_settled(const struct settings *settings, enum role role)
{
	struct buf once = BUF_INIT(0);
	struct buf again = BUF_INIT(0);
	struct settings *part;

	FUZZ_CHECK(settings_pack(settings, role, &once));
	part = settings_unpack(buf_span(&once), NULL);
	FUZZ_CHECK(part != NULL);
	FUZZ_CHECK(settings_pack(part, role, &again));
	FUZZ_CHECK(span_equal(buf_span(&once), buf_span(&again)));
	settings_free(&part);
	buf_fini(&once);
	buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct buf slice = BUF_INIT(0);
	struct settings *settings;

	if (size == 0)
		return 0;
	add_digest(&slice);
	buf_add(&slice, bytes, size);
	settings = settings_unpack(buf_span(&slice), NULL);
	if (settings)
		check_settled(settings, (enum role)bytes[0]);
	settings_free(&settings);
	buf_fini(&slice);
	return 0;
}
