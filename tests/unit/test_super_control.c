/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket, with verbs of this test. */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "super/control.h"
#include "super/verbs.h"

enum {
	PAGE_BYTES = 900 * 1000,
	PAGES = 60, /* more than may wait to be read */
	CLIENTS_MORE = 40,
};

static char folder[64];
static struct settings settings;
static struct super super;
static struct loop_timer stop;
static struct control_client *waiting; /* for "late" */
static char *page;

/* ---- the verbs -------------------------------------------------------------------------------- */

void
verbs_run(struct control_client *client, const struct control_request *request, struct span json)
{
	assert_ptr_equal(control_client_super(client), &super);
	assert_true(json.length > 0);
	if (strcmp(request->verb, "late") == 0) {
		waiting = client;
	} else if (strcmp(request->verb, "pages") == 0) {
		for (unsigned i = 0; i < PAGES; i++)
			control_client_answer(client, span_of(page, PAGE_BYTES), i + 1 < PAGES);
	} else if (strcmp(request->verb, "error") == 0) {
		control_client_error(client, "missing", "no \"such\" thing\n");
	} else {
		json_t *text = json_object_get(request->args, "n");

		control_client_answer(client, span_text(text ? json_string_value(text) : ""), false);
	}
}

/* ---- a client --------------------------------------------------------------------------------- */

static void
on_stop(void *context)
{
	(void)context;
	loop_stop(super.loop);
}

/* Lets the daemon's side do what it can. */
static void
turn(void)
{
	loop_timer_start(&stop, 1);
	loop_run(super.loop);
}

static int
join(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", folder);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	turn();
	return fd;
}

static void
say(int fd, const char *json)
{
	struct buf frame = BUF_INIT(0);
	struct span bytes;

	assert_true(control_frame_add(&frame, span_text(json)));
	bytes = buf_span(&frame);
	assert_int_equal(send(fd, bytes.start, bytes.length, MSG_NOSIGNAL), bytes.length);
	buf_fini(&frame);
}

/* The next answer; an empty one where the connection ended. */
static struct control_answer
hear(int fd, struct buf *input)
{
	struct control_answer answer = { NULL };
	struct fault fault = FAULT_INIT;
	struct span json;
	size_t size;

	while (control_frame_next(buf_span(input), &json, &size) == CONTROL_MORE) {
		ssize_t got = read(fd, buf_reserve(input, 65536), 65536);

		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return answer;
		if (got > 0)
			buf_claim(input, (size_t)got);
		else
			turn();
	}
	assert_true(control_answer_unpack(json, &answer, &fault));
	buf_consume(input, size);
	return answer;
}

static void
assert_answer(int fd, struct buf *input, const char *data)
{
	struct control_answer answer = hear(fd, input);

	assert_true(answer.root && answer.ok && !answer.more);
	assert_string_equal(json_string_value(answer.data), data);
	control_answer_fini(&answer);
}

static void
assert_error(int fd, struct buf *input, const char *kind, const char *text)
{
	struct control_answer answer = hear(fd, input);

	assert_non_null(answer.root);
	assert_false(answer.ok);
	assert_string_equal(answer.kind, kind);
	assert_non_null(strstr(answer.error, text));
	control_answer_fini(&answer);
}

static void
assert_ended(int fd)
{
	struct buf input = BUF_INIT(0);
	struct control_answer answer = hear(fd, &input);

	assert_null(answer.root);
	buf_fini(&input);
	close(fd);
}

/* ---- cases ------------------------------------------------------------------------------------ */

static int
set_up(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	snprintf(folder, sizeof folder, "/tmp/sallyport-control-XXXXXX");
	assert_non_null(mkdtemp(folder));
	page = malloc(PAGE_BYTES);
	memset(page, 'x', PAGE_BYTES);
	page[0] = page[PAGE_BYTES - 1] = '"';
	settings = (struct settings){ .run_dir = folder };
	super = (struct super){ .loop = loop_new(), .now.settings = &settings };
	loop_timer_init(&stop, super.loop, on_stop, NULL);
	super.control = control_open(&super, &fault);
	if (!super.control)
		fail_msg("%s", fault.text);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	control_close(&super.control);
	loop_timer_stop(&stop);
	loop_free(&super.loop);
	free(page);
	return rmdir(folder); /* the socket's file is gone */
}

static void
byte_by_byte_and_several_at_once(void **state)
{
	static const char json[] = "{\"verb\":\"echo\",\"args\":{\"n\":\"\\\"one\\\"\"}}";
	struct buf input = BUF_INIT(0);
	int fd = join();
	struct stat status;
	char head[4] = { 0, 0, 0, sizeof json - 1 };
	char path[96];

	(void)state;
	snprintf(path, sizeof path, "%s/control.sock", folder);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0660);
	for (size_t i = 0; i < sizeof head + sizeof json - 1; i++) {
		const char *byte = i < sizeof head ? &head[i] : &json[i - sizeof head];

		assert_int_equal(write(fd, byte, 1), 1);
		turn();
	}
	assert_answer(fd, &input, "one");
	say(fd, json);
	say(fd, "{\"verb\":\"error\"}");
	say(fd, "[]");
	say(fd, json);
	assert_answer(fd, &input, "one");
	assert_error(fd, &input, "missing", "no \"such\" thing\\x0a");
	assert_error(fd, &input, "usage", "not a JSON object");
	assert_answer(fd, &input, "one");
	buf_fini(&input);
	close(fd);
	turn();
}

/* One thing at a time: what was asked behind a verb at work waits for it. */
static void
a_verb_that_takes_its_time(void **state)
{
	struct buf input = BUF_INIT(0);
	int fd = join();

	(void)state;
	say(fd, "{\"verb\":\"late\"}");
	say(fd, "{\"verb\":\"echo\",\"args\":{\"n\":\"\\\"behind\\\"\"}}");
	turn();
	assert_non_null(waiting);
	assert_int_equal(read(fd, &(char){ 0 }, 1), -1);
	control_client_answer(waiting, SPAN_LITERAL("\"first\""), false);
	assert_answer(fd, &input, "first");
	assert_answer(fd, &input, "behind");
	/* Gone before its answer comes. */
	say(fd, "{\"verb\":\"late\"}");
	turn();
	close(fd);
	turn();
	control_client_answer(waiting, SPAN_LITERAL("\"to nobody\""), true);
	control_client_answer(waiting, SPAN_LITERAL("\"to nobody\""), false);
	turn();
	buf_fini(&input);
}

/* An end that is no end is never left unsaid, and the next request is answered as ever. */
static void
pages_that_are_not_read(void **state)
{
	struct buf input = BUF_INIT(0);
	struct control_answer answer;
	unsigned pages = 0;
	int fd = join();

	(void)state;
	say(fd, "{\"verb\":\"pages\"}");
	say(fd, "{\"verb\":\"echo\",\"args\":{\"n\":\"\\\"after\\\"\"}}");
	turn();
	for (;;) {
		answer = hear(fd, &input);
		assert_non_null(answer.root);
		if (!answer.ok)
			break;
		assert_true(answer.more);
		assert_int_equal(json_string_length(answer.data), PAGE_BYTES - 2);
		pages++;
		control_answer_fini(&answer);
	}
	assert_in_range(pages, 30, PAGES - 1);
	assert_string_equal(answer.kind, "busy");
	assert_non_null(strstr(answer.error, "cut off"));
	control_answer_fini(&answer);
	assert_answer(fd, &input, "after");
	buf_fini(&input);
	close(fd);
}

static void
what_is_no_request(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
		{ "\0\0\0\0", 4 },
		{ "\377\377\377\377", 4 },
		{ "\0\020\0\1", 4 },
		{ "\0\0\0\7{", 5 },
		{ "\0", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int fd = join();

		assert_int_equal(write(fd, cases[i].bytes, cases[i].length), cases[i].length);
		shutdown(fd, SHUT_WR);
		assert_ended(fd);
	}
}

static void
too_many_at_once(void **state)
{
	int fds[CLIENTS_MORE];
	unsigned open = 0;

	(void)state;
	for (unsigned i = 0; i < CLIENTS_MORE; i++)
		fds[i] = join();
	turn();
	for (unsigned i = 0; i < CLIENTS_MORE; i++)
		open += read(fds[i], &(char){ 0 }, 1) == -1 && errno == EAGAIN;
	assert_int_equal(open, 32);
	for (unsigned i = 0; i < CLIENTS_MORE; i++)
		close(fds[i]);
	turn();
	close(join());
}

/* The daemon's end does not wait for them. */
static void
closed_with_clients(void **state)
{
	int fd = join();

	(void)state;
	say(fd, "{\"verb\":\"late\"}");
	turn();
	control_close(&super.control);
	assert_ended(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(byte_by_byte_and_several_at_once),
		CASE(a_verb_that_takes_its_time),
		CASE(pages_that_are_not_read),
		CASE(what_is_no_request),
		CASE(too_many_at_once),
		CASE(closed_with_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
