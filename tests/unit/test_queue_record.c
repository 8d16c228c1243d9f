/* SPDX-License-Identifier: BSD-2-Clause */
/* Records, recipients and briefs: any bytes survive the disk, any change there is seen. */
#include "../fake/mail_samples.h"
#include "queue/brief.h"
#include "unit.h"

#include <stdlib.h>

/* Every byte but NUL, in texts; and all of them in the content. */
static char all_bytes[256];
static char all_content[3 * 256];

static struct parcel *
every_byte_parcel(void)
{
	struct parcel *parcel = parcel_new(sizeof(all_content));
	struct message_recipient *list = arena_alloc(parcel->arena, 2 * sizeof(*list));
	for (size_t i = 0; i < sizeof(all_bytes) - 1; i++)
		all_bytes[i] = (char)(i + 1);
	for (size_t i = 0; i < sizeof(all_content); i++)
		all_content[i] = (char)i;
	list[0] = (struct message_recipient){ .path = all_bytes, .orcpt = all_bytes, .notify = 2 };
	list[1] = (struct message_recipient){ .number = 1, .path = "b@x", .orcpt = "" };
	parcel->record = (struct record){
		.id = "id", .parent = "parent", .session = "session", .listener = all_bytes,
		.protocol = "P", .client_address = "::1", .login = all_bytes,
		.envelope = { .sender = all_bytes, .envid = "e+41", .ret = RETURN_FULL,
			.body_kind = BODY_8BITMIME, .smtputf8 = true, .recipient_count = 2,
			.recipients = list },
	};
	parcel_seal(parcel, span_of(all_content, 256), span_of(all_content + 256, 512), 77);
	return parcel;
}

static void
test_every_byte_survives(void **state)
{
	(void)state;
	struct parcel *parcel = every_byte_parcel();
	struct parcel *back = parcel_new(0);
	assert_int_equal(parcel_restore(back, parcel->bytes, parcel->content), RECORD_GOOD);
	const struct record *record = &back->record;
	assert_string_equal(record->id, "id");
	assert_string_equal(record->parent, "parent");
	assert_string_equal(record->session, "session");
	assert_string_equal(record->listener, all_bytes);
	assert_string_equal(record->login, all_bytes);
	assert_string_equal(record->envelope.sender, all_bytes);
	assert_string_equal(record->envelope.envid, "e+41");
	assert_int_equal(record->envelope.ret, RETURN_FULL);
	assert_int_equal(record->envelope.body_kind, BODY_8BITMIME);
	assert_true(record->envelope.smtputf8);
	assert_int_equal(record->envelope.recipient_count, 2);
	assert_string_equal(record->envelope.recipients[0].path, all_bytes);
	assert_string_equal(record->envelope.recipients[0].orcpt, all_bytes);
	assert_int_equal(record->envelope.recipients[0].notify, 2);
	assert_int_equal(record->envelope.recipients[1].number, 1);
	assert_int_equal(record->header_length, 256);
	assert_int_equal(record->body_length, 512);
	assert_true(span_equal(parcel_header(back), span_of(all_content, 256)));
	assert_true(span_equal(parcel_body(back), span_of(all_content + 256, 512)));
	parcel_drop(&back);
	parcel_drop(&parcel);
}

static void
test_any_changed_byte_is_seen(void **state)
{
	(void)state;
	struct parcel *parcel = every_byte_parcel();
	char *bytes = mem_dup(parcel->bytes.start, parcel->bytes.length);
	for (size_t i = 0; i < parcel->bytes.length; i++) {
		struct record record;
		struct arena *arena = arena_new(4096);
		bytes[i] ^= 0x10;
		assert_int_not_equal(
			record_unpack(span_of(bytes, parcel->bytes.length), arena, &record),
			RECORD_GOOD);
		bytes[i] ^= 0x10;
		assert_int_equal(record_unpack(span_of(bytes, i), arena, &record), RECORD_TORN);
		arena_free(&arena);
	}
	mem_free(&bytes);
	char *content = mem_dup(parcel->content.start, parcel->content.length);
	for (size_t i = 0; i < parcel->content.length; i++) {
		content[i] ^= 1;
		assert_false(record_has_content(
			&parcel->record, span_of(content, parcel->content.length)));
		content[i] ^= 1;
		assert_false(record_has_content(&parcel->record, span_of(content, i)));
	}
	mem_free(&content);
	parcel_drop(&parcel);
}

static void
test_later_version(void **state)
{
	(void)state;
	struct parcel *parcel = every_byte_parcel();
	char *bytes = mem_dup(parcel->bytes.start, parcel->bytes.length);
	struct record record;
	bytes[0] = RECORD_VERSION + 1;
	assert_int_equal(
		record_unpack(span_of(bytes, parcel->bytes.length), parcel->arena, &record),
		RECORD_NEWER);
	mem_free(&bytes);
	parcel_drop(&parcel);
}

/* What version 1 looks like: a change here needs a new version, or old spools cannot be read. */
static void
test_version_1_is_this(void **state)
{
	(void)state;
	static const unsigned char wanted[RECORD_DIGEST_BYTES] = { 0x0d, 0xd7, 0x5f, 0xd6,
		0xcb, 0xa4, 0x4f, 0x3a, 0x62, 0xf4, 0xd7, 0xf9, 0xac, 0x1d, 0x8e, 0x23 };
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	assert_int_equal((unsigned char)parcel->bytes.start[0], 1);
	assert_memory_equal(record_digest(parcel->bytes).start, wanted, sizeof(wanted));
	parcel_drop(&parcel);
}

static void
test_digest_tells_messages_apart(void **state)
{
	(void)state;
	struct parcel *one = sample_parcel_to("0001", "bob@example.net");
	struct parcel *same = sample_parcel_to("0001", "bob@example.net");
	struct parcel *other = sample_parcel("0001", "Hello!\r\n",
		(const char *const[]){ "bob@example.net", NULL });
	same->received_ms++;
	assert_true(span_equal(record_digest(one->bytes), record_digest(same->bytes)));
	assert_false(span_equal(record_digest(one->bytes), record_digest(other->bytes)));
	parcel_drop(&one);
	parcel_drop(&same);
	parcel_drop(&other);
}

static void
test_parcel_references(void **state)
{
	(void)state;
	struct parcel *parcel = sample_parcel_to("0001", "bob@example.net");
	struct parcel *second = parcel_hold(parcel);
	parcel_drop(&parcel);
	assert_null(parcel);
	assert_string_equal(second->record.id, "0001");
	assert_true(parcel_size(second) >= second->content.length + second->bytes.length);
	parcel_drop(&second);
	parcel_drop(&second);
}

static void
test_recipient(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1000);
	struct buf bytes = BUF_INIT(0);
	struct recipient recipient = { .stage = RECIPIENT_RELAYED, .attempts = 7,
		.delay_told = true, .tried_ms = -5, .job = UINT64_MAX, .code = 250,
		.enhanced = "2.0.0", .text = "a\x01\xff", .hop = "hop" };
	struct recipient back = { .number = 9 };
	recipient_pack(&bytes, &recipient);
	for (size_t cut = 0; cut <= buf_length(&bytes); cut++) {
		struct unpack from = unpack_start(span_first(buf_span(&bytes), cut));
		recipient_unpack(&from, arena, &back);
		assert_int_equal(unpack_done(&from), cut == buf_length(&bytes));
	}
	assert_int_equal(back.number, 9);
	assert_int_equal(back.stage, RECIPIENT_RELAYED);
	assert_int_equal(back.attempts, 7);
	assert_true(back.delay_told);
	assert_int_equal(back.tried_ms, -5);
	assert_true(back.job == UINT64_MAX);
	assert_int_equal(back.code, 250);
	assert_string_equal(back.text, "a\x01\xff");
	assert_string_equal(back.hop, "hop");
	buf_fini(&bytes);
	arena_free(&arena);
}

static void
test_brief(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1000);
	struct buf bytes = BUF_INIT(0);
	struct brief brief;
	struct parcel *parcel = sample_parcel(
		"0001", "x", (const char *const[]){ "bob@example.net", "carol@example.net", NULL });
	struct recipient recipients[2] = { { .stage = RECIPIENT_DELIVERED },
		{ .number = 1, .stage = RECIPIENT_FAILED, .code = 550, .text = "no" } };
	brief_pack(&bytes, parcel, recipients, 4711);
	assert_true(brief_unpack(buf_span(&bytes), arena, &brief));
	assert_memory_equal(brief.digest, record_digest(parcel->bytes).start, sizeof(brief.digest));
	assert_int_equal(brief.finished_ms, 4711);
	assert_int_equal(brief.received_ms, SAMPLE_RECEIVED_MS);
	assert_int_equal(brief.recipient_count, 2);
	assert_int_equal(brief.recipients[1].recipient.number, 1);
	assert_int_equal(brief.recipients[1].recipient.code, 550);
	static const char *const about[] = { "0001", "ALICE", "alice@example.org",
		"carol@EXAMPLE.net" };
	for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++)
		assert_true(brief_is_about(&brief, span_text(about[i])));
	assert_false(brief_is_about(&brief, span_text("dave@example.net")));
	assert_false(brief_is_about(&brief, span_text("")));
	assert_false(brief_unpack(span_first(buf_span(&bytes), 10), arena, &brief));
	buf_add_byte(&bytes, 0);
	assert_false(brief_unpack(buf_span(&bytes), arena, &brief));
	buf_fini(&bytes);
	arena_free(&arena);
	parcel_drop(&parcel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_survives),
		cmocka_unit_test(test_any_changed_byte_is_seen),
		cmocka_unit_test(test_later_version),
		cmocka_unit_test(test_version_1_is_this),
		cmocka_unit_test(test_digest_tells_messages_apart),
		cmocka_unit_test(test_parcel_references),
		cmocka_unit_test(test_recipient),
		cmocka_unit_test(test_brief),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
