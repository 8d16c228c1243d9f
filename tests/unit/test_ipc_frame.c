/* SPDX-License-Identifier: BSD-2-Clause */
/* Heads of frames, whole and one byte at a time. */
#include "unit.h"

#include "ipc/frame.h"

#define SMTP ROLE_BIT(ROLE_SMTP)
#define AUTH ROLE_BIT(ROLE_AUTH)
#define QUEUE ROLE_BIT(ROLE_QUEUE)

static const struct {
	unsigned id;
	unsigned flags;
	uint32_t request;
	uint32_t length;
	unsigned from;
	unsigned to;
	enum frame_result wanted;
} cases[] = {
	{ MSG_LOGIN_STEP, 0, 0, 3, SMTP, AUTH, FRAME_DONE },
	{ MSG_LOGIN_START, FRAME_ASKS, 1, 3, SMTP, AUTH, FRAME_DONE },
	{ MSG_LOGIN_DONE, FRAME_ANSWERS, 1, 3, AUTH, SMTP, FRAME_DONE },
	{ MSG_REFUSED, FRAME_ANSWERS, 1, 3, AUTH, SMTP, FRAME_DONE },
	{ MSG_BODY_FILE, FRAME_ANSWERS | FRAME_HAS_FD, 1, 3, QUEUE, SMTP, FRAME_DONE },
	/* the wrong way round, the wrong role */
	{ MSG_LOGIN_DONE, FRAME_ANSWERS, 1, 3, SMTP, AUTH, FRAME_BAD },
	{ MSG_LOGIN_STEP, 0, 0, 3, QUEUE, AUTH, FRAME_BAD },
	{ MSG_COMMIT, FRAME_ASKS, 1, 3, SMTP, AUTH, FRAME_BAD },
	/* unknown */
	{ MSG_NONE, 0, 0, 3, SMTP, AUTH, FRAME_BAD },
	{ MESSAGE_COUNT, 0, 0, 3, SMTP, AUTH, FRAME_BAD },
	{ 65535, 0, 0, 3, SMTP, AUTH, FRAME_BAD },
	/* flags and request that do not go together */
	{ MSG_LOGIN_STEP, 0, 1, 3, SMTP, AUTH, FRAME_BAD },
	{ MSG_LOGIN_STEP, FRAME_ASKS, 0, 3, SMTP, AUTH, FRAME_BAD },
	{ MSG_LOGIN_STEP, FRAME_ANSWERS, 0, 3, SMTP, AUTH, FRAME_BAD },
	{ MSG_LOGIN_STEP, FRAME_ASKS | FRAME_ANSWERS, 1, 3, SMTP, AUTH, FRAME_BAD },
	{ MSG_LOGIN_STEP, 8, 0, 3, SMTP, AUTH, FRAME_BAD },
	/* descriptors */
	{ MSG_LOGIN_STEP, FRAME_HAS_FD, 0, 3, SMTP, AUTH, FRAME_BAD },
	{ MSG_BODY_FILE, FRAME_ANSWERS, 1, 3, QUEUE, SMTP, FRAME_BAD },
	/* over the cap: known by the head alone */
	{ MSG_LOGIN_STEP, 0, 0, IPC_SASL_MAX_BYTES + 1, SMTP, AUTH, FRAME_BAD },
	{ MSG_LOGIN_STEP, 0, 0, UINT32_MAX, SMTP, AUTH, FRAME_BAD },
	{ MSG_LOGIN_STEP, 0, 0, IPC_SASL_MAX_BYTES, SMTP, AUTH, FRAME_MORE },
};

static void
heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct frame frame = { .id = (enum message_id)cases[i].id,
			.flags = cases[i].flags,
			.request = cases[i].request,
			.content = { "abc", cases[i].length } };
		struct fault fault = FAULT_INIT;
		struct buf bytes = BUF_INIT(0);
		struct frame got;
		size_t size;

		frame_pack_head(&bytes, &frame);
		buf_add(&bytes, "abc", 3);
		assert_int_equal(frame_next(buf_span(&bytes), cases[i].from, cases[i].to, &got,
					 &size, &fault),
			cases[i].wanted);
		assert_int_equal(fault.kind != FAULT_NONE, cases[i].wanted == FRAME_BAD);
		if (cases[i].wanted == FRAME_DONE) {
			assert_int_equal(size, FRAME_HEAD_BYTES + 3);
			assert_int_equal(got.id, cases[i].id);
			assert_int_equal(got.flags, cases[i].flags);
			assert_int_equal(got.request, cases[i].request);
			assert_span_equal(got.content, "abc");
		}
		for (size_t length = 0; length < FRAME_HEAD_BYTES; length++)
			assert_int_equal(frame_next(span_first(buf_span(&bytes), length),
						 cases[i].from, cases[i].to, &got, &size,
						 &fault),
				FRAME_MORE);
		buf_fini(&bytes);
	}
}

static void
byte_by_byte(void **state)
{
	struct frame frame = { MSG_LOGIN_STEP, 0, 0, { "hello", 5 } };
	struct buf bytes = BUF_INIT(0);
	struct frame got;
	size_t size;

	(void)state;
	frame_pack_head(&bytes, &frame);
	buf_add_text(&bytes, "hello");
	for (size_t length = 0; length < buf_length(&bytes); length++) {
		assert_int_equal(frame_next(span_first(buf_span(&bytes), length), SMTP, AUTH, &got,
					 &size, NULL),
			FRAME_MORE);
		assert_int_equal(size, length < FRAME_HEAD_BYTES ? FRAME_HEAD_BYTES
								 : FRAME_HEAD_BYTES + 5);
	}
	assert_int_equal(frame_next(buf_span(&bytes), SMTP, AUTH, &got, &size, NULL), FRAME_DONE);
	buf_fini(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads),
		cmocka_unit_test(byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
