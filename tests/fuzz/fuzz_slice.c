/* SPDX-License-Identifier: BSD-2-Clause */
/* Slices of settings: bytes of a compromised super, or of nobody, are refused or are one slice. */
#include "slices.h"

#include "base/digest.h"

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
		slices_check(settings, (enum role)bytes[0]);
	settings_free(&settings);
	buf_fini(&slice);
	return 0;
}
