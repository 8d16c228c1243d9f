/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes over the control socket: frames, requests and answers are refused or well formed. */
#include "fuzz.h"

#include "ipc/control.h"

static void
check_request(struct span json)
{
	struct control_request request;
	struct control_request again;
	struct fault fault = FAULT_INIT;
	struct buf packed = BUF_INIT(0);

	if (!control_request_unpack(json, &request, &fault)) {
		FUZZ_CHECK(fault.kind == FAULT_PEER);
		return;
	}
	FUZZ_CHECK(strlen(request.verb) <= CONTROL_VERB_MAX_BYTES);
	FUZZ_CHECK(json_is_object(request.args));
	if (control_request_pack(&packed, request.verb, request.args)) {
		FUZZ_CHECK(control_request_unpack(buf_span(&packed), &again, &fault));
		FUZZ_CHECK(strcmp(again.verb, request.verb) == 0);
		FUZZ_CHECK(json_equal(again.args, request.args));
		control_request_fini(&again);
	}
	control_request_fini(&request);
	buf_fini(&packed);
}

static void
check_answer(struct span json)
{
	struct control_answer answer;

	if (!control_answer_unpack(json, &answer, NULL))
		return;
	FUZZ_CHECK(answer.ok ? answer.data != NULL : answer.error && answer.kind);
	control_answer_fini(&answer);
}

/* Any bytes may be the reason of a refusal: what comes of them can be read back. */
static void
check_error(struct span bytes)
{
	struct control_answer answer;
	struct buf json = BUF_INIT(0);
	char *text = malloc(bytes.length + 1);

	FUZZ_CHECK(text != NULL);
	memcpy(text, bytes.start ? bytes.start : "", bytes.length);
	text[bytes.length] = '\0';
	FUZZ_CHECK(control_error_pack(&json, "failed", text));
	FUZZ_CHECK(control_answer_unpack(buf_span(&json), &answer, NULL));
	FUZZ_CHECK(!answer.ok && strcmp(answer.kind, "failed") == 0);
	control_answer_fini(&answer);
	buf_fini(&json);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	struct span json;
	size_t used;

	check_request(in);
	check_answer(in);
	check_error(in);
	while (control_frame_next(in, &json, &used) == CONTROL_DONE) {
		struct span copy = fuzz_copy(json);

		FUZZ_CHECK(used == CONTROL_HEAD_BYTES + json.length);
		check_request(copy);
		check_answer(copy);
		fuzz_free(copy);
		in = span_from(in, used);
	}
	return 0;
}
