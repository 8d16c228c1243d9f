/* SPDX-License-Identifier: BSD-2-Clause */
/* Grants and the identity in them: what was signed is taken, and nothing that differs in a bit. */
#include "fuzz.h"

#include "base/digest.h"
#include "ipc/grant.h"
#include "ipc/messages.h"
#include "policy/identity.h"

#define KEY SPAN_LITERAL("0123456789abcdef0123456789abcdef")
#define OTHER_KEY SPAN_LITERAL("0123456789abcdef0123456789abcdeF")

enum { NOW_MS = 1000000, FLIPS = 8 };

static void
check_identity(struct span in)
{
	struct arena *arena = arena_new(0);
	struct buf again = BUF_INIT(0);
	struct identity identity;

	if (identity_unpack(in, arena, &identity)) {
		identity_pack(&again, &identity);
		FUZZ_CHECK(span_equal(buf_span(&again), in));
		FUZZ_CHECK(identity_primary(&identity) != NULL);
		if (in.length)
			FUZZ_CHECK(!identity_unpack(span_first(in, in.length - 1), arena, &identity));
	}
	buf_fini(&again);
	arena_free(&arena);
}

static bool
is_taken(struct span bytes, struct span key, int64_t now_ms)
{
	struct fault fault = FAULT_INIT;
	struct grant grant;
	bool taken = grant_check(bytes, key, now_ms, &grant, &fault);

	FUZZ_CHECK(taken || fault.kind == FAULT_DENIED);
	return taken;
}

/* A flipped bit anywhere, a byte less, a byte more, another key, a moment too late. */
static void
check_changed(struct span in, struct buf *signed_grant, int64_t expires_ms)
{
	struct span whole = buf_span(signed_grant);

	FUZZ_CHECK(!is_taken(whole, OTHER_KEY, NOW_MS));
	FUZZ_CHECK(!is_taken(whole, KEY, expires_ms));
	for (unsigned i = 0; i < FLIPS && i + 1 < in.length; i++) {
		unsigned at = (unsigned)(unsigned char)in.start[i] * 251 +
			(unsigned char)in.start[i + 1];
		struct span copy = fuzz_copy(whole);
		char *byte = (char *)(uintptr_t)copy.start + at % copy.length;

		*byte = (char)(*byte ^ 1 << at % 8);
		FUZZ_CHECK(!is_taken(copy, KEY, NOW_MS));
		FUZZ_CHECK(!is_taken(span_first(copy, at % copy.length), KEY, NOW_MS));
		fuzz_free(copy);
	}
	buf_add_byte(signed_grant, '\0');
	FUZZ_CHECK(!is_taken(buf_span(signed_grant), KEY, NOW_MS));
}

static void
check_signed(struct span in)
{
	struct buf signed_grant = BUF_INIT(0);
	struct fault fault = FAULT_INIT;
	struct grant made = {
		.session = span_first(in, 8),
		.login = span_first(span_from(in, 8), 32),
		.listener = span_first(span_from(in, 40), 16),
		.identity = span_first(span_from(in, 56), IPC_IDENTITY_MAX_BYTES),
		.expires_ms = NOW_MS + 1 + (int64_t)in.length,
		.epoch = in.length,
	};
	struct grant grant;

	grant_sign(&signed_grant, KEY, &made);
	FUZZ_CHECK(grant_check(buf_span(&signed_grant), KEY, NOW_MS, &grant, &fault));
	FUZZ_CHECK(span_equal(grant.session, made.session) && span_equal(grant.login, made.login));
	FUZZ_CHECK(span_equal(grant.listener, made.listener));
	FUZZ_CHECK(span_equal(grant.identity, made.identity));
	FUZZ_CHECK(grant.expires_ms == made.expires_ms && grant.epoch == made.epoch);
	check_changed(in, &signed_grant, made.expires_ms);
	buf_fini(&signed_grant);
}

/* Any body with our MAC behind it: still only a whole grant is one, and there is one form of it. */
static void
check_body(struct span in)
{
	static const char label[] = "sallyport grant 1";
	unsigned char bytes[DIGEST_BYTES];
	struct buf signed_body = BUF_INIT(0);
	struct buf again = BUF_INIT(0);
	struct fault fault = FAULT_INIT;
	struct digest_mac mac;
	struct grant grant;

	digest_mac_init(&mac, KEY);
	digest_mac_add(&mac, span_of(label, sizeof label));
	digest_mac_add(&mac, in);
	digest_mac_final(&mac, bytes);
	buf_add_span(&signed_body, in);
	buf_add(&signed_body, bytes, sizeof bytes);
	if (grant_check(buf_span(&signed_body), KEY, NOW_MS, &grant, &fault)) {
		grant_sign(&again, KEY, &grant);
		FUZZ_CHECK(span_equal(buf_span(&again), buf_span(&signed_body)));
	} else {
		FUZZ_CHECK(fault.kind == FAULT_DENIED);
	}
	buf_fini(&signed_body);
	buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);

	check_identity(in);
	check_signed(in);
	check_body(in);
	return 0;
}
