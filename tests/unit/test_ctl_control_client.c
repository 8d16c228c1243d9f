/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking over the control connection: pages, refusals, nonsense, silence. */
#include "control_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#define OK_PAGE(data, more) "{\"ok\":true,\"more\":" more ",\"data\":" data "}"

static void
answers(void **state)
{
	static const struct {
		const char *pages[4];
		enum control_call result;
		const char *wanted; /* the data, or the reason */
	} cases[] = {
		{ { OK_PAGE("null", "false") }, CONTROL_CALL_DONE, "null" },
		{ { OK_PAGE("{\"a\":1}", "false") }, CONTROL_CALL_DONE, "{\"a\":1}" },
		{ { OK_PAGE("{\"m\":[1,2],\"n\":1}", "true"), OK_PAGE("{\"m\":[3],\"n\":2}", "true"),
			  OK_PAGE("{\"m\":[],\"x\":[9]}", "false") },
			CONTROL_CALL_DONE, "{\"m\":[1,2,3],\"n\":2,\"x\":[9]}" },
		{ { "{\"ok\":false,\"error\":\"no such account\",\"kind\":\"missing\"}" },
			CONTROL_CALL_REFUSED, "no such account" },
		{ { OK_PAGE("{\"m\":[1]}", "true"),
			  "{\"ok\":false,\"error\":\"gone\",\"kind\":\"failed\"}" },
			CONTROL_CALL_REFUSED, "gone" },
		{ { "{\"ok\":true}" }, CONTROL_CALL_LOST, NULL },
		{ { "[]" }, CONTROL_CALL_LOST, NULL },
		{ { "nonsense" }, CONTROL_CALL_LOST, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct control_fixture fixture;
		struct fault fault = FAULT_INIT;
		json_t *data = NULL;
		char *text;

		control_fixture_open(&fixture);
		for (size_t n = 0; n < 4 && cases[i].pages[n]; n++)
			control_fixture_answer(&fixture, cases[i].pages[n]);
		assert_int_equal(
			control_client_call(fixture.client, "status", NULL, 5000, &data, &fault),
			cases[i].result);
		if (cases[i].result == CONTROL_CALL_DONE) {
			text = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
			assert_string_equal(text, cases[i].wanted);
			free(text);
			json_decref(data);
		} else {
			assert_null(data);
			if (cases[i].wanted)
				assert_string_equal(fault.text, cases[i].wanted);
		}
		control_fixture_close(&fixture);
	}
}

static void
requests(void **state)
{
	struct control_fixture fixture;
	struct fault fault = FAULT_INIT;
	json_t *args = json_pack("{s:s}", "login", "alice");
	json_t *data;
	json_t *request;
	char *text;

	(void)state;
	control_fixture_open(&fixture);
	/* two on one connection */
	for (int i = 0; i < 2; i++) {
		control_fixture_answer(&fixture, OK_PAGE("null", "false"));
		assert_int_equal(control_client_call(fixture.client, "account show", args, 5000,
					 &data, &fault),
			CONTROL_CALL_DONE);
		json_decref(data);
		request = control_fixture_request(&fixture);
		text = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(text,
			"{\"args\":{\"login\":\"alice\"},\"verb\":\"account show\"}");
		free(text);
		json_decref(request);
	}
	/* too long to be asked */
	char *long_text = calloc(1, CONTROL_JSON_MAX_BYTES + 1);
	memset(long_text, 'x', CONTROL_JSON_MAX_BYTES);
	json_object_set_new(args, "login", json_string(long_text));
	assert_int_equal(
		control_client_call(fixture.client, "account show", args, 5000, &data, &fault),
		CONTROL_CALL_LOST);
	assert_string_equal(fault.text, "the request is too long");
	assert_null(control_fixture_request(&fixture));
	free(long_text);
	json_decref(args);
	control_fixture_close(&fixture);
}

static void
lost(struct control_fixture *fixture, uint64_t wait_ms, const char *reason)
{
	struct fault fault = FAULT_INIT;
	json_t *data = NULL;

	assert_int_equal(
		control_client_call(fixture->client, "status", NULL, wait_ms, &data, &fault),
		CONTROL_CALL_LOST);
	assert_string_equal(fault.text, reason);
	assert_null(data);
	control_fixture_close(fixture);
}

static void
silence_and_ends(void **state)
{
	struct control_fixture fixture;

	(void)state;
	control_fixture_open(&fixture);
	lost(&fixture, 50, "no answer in time");

	control_fixture_open(&fixture);
	control_fixture_send(&fixture, SPAN_LITERAL("\0\0"));
	lost(&fixture, 50, "no answer in time");

	control_fixture_open(&fixture);
	control_fixture_send(&fixture, SPAN_LITERAL("\0\0\0\x10{\"ok\""));
	shutdown(fixture.fd, SHUT_WR);
	lost(&fixture, 5000, "the connection ended before the answer");

	control_fixture_open(&fixture);
	control_fixture_send(&fixture, SPAN_LITERAL("\xff\xff\xff\xff"));
	lost(&fixture, 5000, "the answer is malformed");

	control_fixture_open(&fixture);
	control_fixture_send(&fixture, SPAN_LITERAL("\0\0\0\0"));
	lost(&fixture, 5000, "the answer is malformed");
}

/* Each byte on its own. */
static void
trickled(void **state)
{
	static const char json[] = OK_PAGE("{\"a\":[1]}", "false");
	struct control_fixture fixture;
	struct fault fault = FAULT_INIT;
	struct buf frame = BUF_INIT(0);
	json_t *data = NULL;
	pid_t child;

	(void)state;
	control_fixture_open(&fixture);
	assert_true(control_frame_add(&frame, span_text(json)));
	child = fork();
	if (child == 0) {
		for (size_t i = 0; i < buf_length(&frame); i++)
			if (write(fixture.fd, frame.bytes + i, 1) != 1)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(control_client_call(fixture.client, "status", NULL, 5000, &data, &fault),
		CONTROL_CALL_DONE);
	assert_int_equal(json_array_size(json_object_get(data, "a")), 1);
	json_decref(data);
	buf_fini(&frame);
	control_fixture_close(&fixture);
}

static void
opening(void **state)
{
	char folder[] = "/tmp/test-ctl-XXXXXX";
	char path[64];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct fault fault = FAULT_INIT;
	struct control_client *client;
	char long_path[200];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/control.sock", folder);
	assert_null(control_client_open(path, &fault));
	assert_int_equal(fault.kind, FAULT_MISSING);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	/* there, and nobody listens */
	assert_null(control_client_open(path, &fault));
	assert_int_equal(fault.kind, FAULT_MISSING);
	assert_int_equal(listen(fd, 1), 0);
	client = control_client_open(path, &fault);
	assert_non_null(client);
	control_client_free(&client);
	assert_null(client);
	control_client_free(&client);

	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	assert_null(control_client_open(long_path, &fault));
	assert_int_equal(fault.kind, FAULT_CONFIG);
	close(fd);
	unlink(path);
	rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(requests),
		cmocka_unit_test(silence_and_ends),
		cmocka_unit_test(trickled),
		cmocka_unit_test(opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
