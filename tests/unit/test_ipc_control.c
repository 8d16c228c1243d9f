/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames, requests and answers of the control socket. */
#include "unit.h"

#include "ipc/control.h"

static void
frames(void **state)
{
	struct buf bytes = BUF_INIT(0);
	struct span json;
	size_t size;

	(void)state;
	assert_true(control_frame_add(&bytes, span_text("{}")));
	assert_true(control_frame_add(&bytes, span_text("{\"a\":1}")));
	for (size_t length = 0; length < CONTROL_HEAD_BYTES + 2; length++)
		assert_int_equal(control_frame_next(span_first(buf_span(&bytes), length), &json,
					 &size),
			CONTROL_MORE);
	assert_int_equal(control_frame_next(buf_span(&bytes), &json, &size), CONTROL_DONE);
	assert_span_equal(json, "{}");
	buf_consume(&bytes, size);
	assert_int_equal(control_frame_next(buf_span(&bytes), &json, &size), CONTROL_DONE);
	assert_span_equal(json, "{\"a\":1}");
	buf_fini(&bytes);
	assert_int_equal(control_frame_next(SPAN_LITERAL("\0\0\0\0{}"), &json, &size), CONTROL_BAD);
	assert_int_equal(control_frame_next(SPAN_LITERAL("\0\x10\0\1{"), &json, &size), CONTROL_BAD);
	assert_int_equal(control_frame_next(SPAN_LITERAL("\xff\xff\xff\xff"), &json, &size),
		CONTROL_BAD);
	assert_int_equal(control_frame_next(SPAN_LITERAL("\0\x10\0\0{"), &json, &size),
		CONTROL_MORE);
	assert_false(control_frame_add(&bytes, SPAN_EMPTY));
	assert_int_equal(buf_length(&bytes), 0);
}

static void
requests(void **state)
{
	json_t *args = json_pack("{s:s}", "login", "alice");
	struct control_request request;
	struct fault fault = FAULT_INIT;
	struct buf json = BUF_INIT(0);

	(void)state;
	assert_true(control_request_pack(&json, "account add", args));
	assert_true(control_request_unpack(buf_span(&json), &request, &fault));
	assert_string_equal(request.verb, "account add");
	assert_string_equal(json_string_value(json_object_get(request.args, "login")), "alice");
	control_request_fini(&request);
	json_decref(args);
	buf_clear(&json);
	assert_true(control_request_pack(&json, "status", NULL));
	assert_span_equal(buf_span(&json), "{\"verb\":\"status\",\"args\":{}}");
	buf_fini(&json);
	assert_true(control_request_unpack(span_text("{\"verb\":\"status\"}"), &request, &fault));
	assert_int_equal(json_object_size(request.args), 0);
	control_request_fini(&request);
}

static void
bad_requests(void **state)
{
	static const char *const cases[] = { "", "[]", "1", "{", "{}", "{\"verb\":1}",
		"{\"verb\":\"x\",\"args\":[]}", "{\"verb\":\"x\",\"args\":{}} x",
		"{\"verb\":\"x\",\"verb\":\"y\"}", "{\"verb\":\"x\",\"more\":1}",
		"{\"verb\":\"x\\u0000y\"}", "{\"verb\":\"\xff\"}",
		"{\"verb\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}" };
	struct control_request request;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault fault = FAULT_INIT;

		assert_false(control_request_unpack(span_text(cases[i]), &request, &fault));
		assert_int_equal(fault.kind, FAULT_PEER);
	}
}

static void
answers(void **state)
{
	struct control_answer answer;
	struct fault fault = FAULT_INIT;
	struct buf json = BUF_INIT(0);

	(void)state;
	assert_true(control_answer_pack(&json, span_text("[1,2]"), true));
	assert_true(control_answer_unpack(buf_span(&json), &answer, &fault));
	assert_true(answer.ok && answer.more);
	assert_int_equal(json_array_size(answer.data), 2);
	control_answer_fini(&answer);
	buf_clear(&json);
	assert_true(control_answer_pack(&json, SPAN_EMPTY, false));
	assert_true(control_answer_unpack(buf_span(&json), &answer, &fault));
	assert_true(answer.ok && !answer.more && json_is_null(answer.data));
	control_answer_fini(&answer);
	buf_clear(&json);
	assert_true(control_error_pack(&json, "missing", "no account \"x\xff\n"));
	assert_true(control_answer_unpack(buf_span(&json), &answer, &fault));
	assert_false(answer.ok);
	assert_string_equal(answer.kind, "missing");
	assert_string_equal(answer.error, "no account \"x\\xff\\x0a");
	control_answer_fini(&answer);
	buf_fini(&json);
	assert_false(control_answer_unpack(span_text("{\"ok\":true}"), &answer, &fault));
	assert_false(control_answer_unpack(span_text("{\"ok\":false}"), &answer, &fault));
	assert_false(control_answer_unpack(span_text("{\"ok\":1,\"data\":1}"), &answer, &fault));
}

static void
kinds(void **state)
{
	(void)state;
	for (enum fault_kind kind = FAULT_NONE; kind <= FAULT_BUSY; kind++) {
		const char *name = control_kind_name(kind);

		assert_string_equal(control_kind_name(control_kind_find(name)), name);
	}
	assert_int_equal(control_kind_find("denied"), FAULT_DENIED);
	assert_int_equal(control_kind_find("what"), FAULT_SYSTEM);
}

/* From here on what Jansson frees is overwritten first; nothing else changes. */
static void
wiped(void **state)
{
	struct control_request request;
	struct fault fault = FAULT_INIT;
	struct buf json = BUF_INIT(0);

	(void)state;
	control_wipe_memory();
	assert_true(control_request_unpack(
		span_text("{\"verb\":\"account add\",\"args\":{\"password\":\"x\"}}"), &request,
		&fault));
	assert_true(control_request_pack(&json, request.verb, request.args));
	assert_true(json_object_get(request.args, "password") != NULL);
	control_request_fini(&request);
	buf_fini(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames),
		cmocka_unit_test(requests),
		cmocka_unit_test(bad_requests),
		cmocka_unit_test(answers),
		cmocka_unit_test(kinds),
		cmocka_unit_test(wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
