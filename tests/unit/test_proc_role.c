/* SPDX-License-Identifier: BSD-2-Clause */
/* A role in a process of its own, and this test as its super. */
#include "unit.h"

#include "../fake/counting_role.h"
#include "config/config.h"
#include "config/slice.h"
#include "io/loop.h"
#include "ipc/control.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 60000 };

static struct loop *loop;
static struct loop_timer guard;
static struct channel *role;
static pid_t pid;
static bool closed;
static enum message_id answer_id;
static char answer_text[512];

static void
on_guard(void *context)
{
	(void)context;
	kill(pid, SIGKILL);
	fail_msg("the role did not answer");
}

static bool
on_message(void *context, struct channel_message *message)
{
	(void)context;
	(void)message;
	return false;
}

static void
on_closed(void *context, const struct fault *why)
{
	(void)context;
	(void)why;
	closed = true;
	loop_stop(loop);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct arena *arena = arena_new(0);
	struct message_refused refused;
	struct message_control page;
	struct message_ready ready;

	(void)context;
	answer_id = answer ? answer->id : MSG_NONE;
	answer_text[0] = '\0';
	if (answer_id == MSG_REFUSED && message_refused_unpack(answer->bytes, arena, &refused))
		snprintf(answer_text, sizeof answer_text, "%s", refused.text);
	if (answer_id == MSG_READY && message_ready_unpack(answer->bytes, arena, &ready))
		snprintf(answer_text, sizeof answer_text, "%u%s", (unsigned)ready.generation,
			ready.anew ? " anew" : "");
	if (answer_id == MSG_ANSWER && message_control_unpack(answer->bytes, arena, &page))
		snprintf(answer_text, sizeof answer_text, "%.*s", SPAN_PRINT(page.json));
	arena_free(&arena);
	loop_stop(loop);
	return true;
}

static void
run(void)
{
	loop_timer_start(&guard, WAIT_MS);
	loop_run(loop);
	loop_timer_stop(&guard);
}

static enum message_id
ask(enum message_id id, struct buf *content)
{
	answer_id = MSG_NONE;
	assert_true(channel_ask(role, id, content, -1, 0, on_answer, NULL));
	run();
	return answer_id;
}

static const char *
ask_control(void)
{
	struct message_control control = { SPAN_LITERAL("{}"), false };
	struct buf content = BUF_INIT(0);

	message_control_pack(&content, &control);
	assert_int_equal(ask(MSG_CONTROL, &content), MSG_ANSWER);
	buf_fini(&content);
	return answer_text;
}

static void
send_settings(uint32_t generation, const char *hostname)
{
	struct message_settings message = { .generation = generation, .instance = 4, .user = "" };
	struct buf slice = BUF_INIT(0);
	struct buf content = BUF_INIT(0);
	struct settings *whole;
	struct fault fault = FAULT_INIT;
	char path[] = "/tmp/sallyport-role-XXXXXX";
	int fd = mkstemp(path);

	dprintf(fd,
		"hostname = \"%s\"\n"
		"listener \"a\" { protocol = smtp address = { \"*:25\" } tls = none login = off }\n"
		"route \"*\" { to = \"smtp:127.0.0.1:2525\" }\n",
		hostname);
	close(fd);
	whole = config_load(path, &fault);
	unlink(path);
	if (!whole)
		fail_msg("%s", fault.text);
	assert_true(settings_pack(whole, ROLE_QUEUE, &slice));
	message.slice = buf_span(&slice);
	message_settings_pack(&content, &message);
	assert_true(channel_send(role, MSG_SETTINGS, &content, -1));
	settings_free(&whole);
	buf_fini(&slice);
	buf_fini(&content);
}

static void
send_secret(const char *bytes)
{
	struct message_secret secret = { SECRET_GRANT_KEY, "", span_text(bytes) };
	struct buf content = BUF_INIT(0);

	message_secret_pack(&content, &secret);
	assert_true(channel_send(role, MSG_SECRET, &content, -1));
	buf_fini(&content);
}

static void
send_file(enum file_kind kind)
{
	struct message_file file = { kind, 0, "" };
	struct buf content = BUF_INIT(0);

	message_file_pack(&content, &file);
	assert_true(channel_send(role, MSG_FILE, &content, dup(STDERR_FILENO)));
	buf_fini(&content);
}

static void
send_link(enum message_id id, uint8_t instance)
{
	struct message_link link = { ROLE_SMTP, instance, LINK_CHANNEL };
	struct buf content = BUF_INIT(0);

	message_link_pack(&content, &link);
	assert_true(channel_send(role, id, &content,
		id == MSG_LINK ? dup(STDERR_FILENO) : -1));
	buf_fini(&content);
}

static int
end_status(void)
{
	int status;

	while (!closed)
		run();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int
set_up(void **state)
{
	static const struct channel_events events = { on_message, on_closed, NULL };
	int fds[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { (char *)(uintptr_t) "sallyport-queue", NULL };

		if (dup2(fds[1], ROLE_SUPER_FD) != ROLE_SUPER_FD)
			_exit(99);
		for (int fd = ROLE_SUPER_FD + 1; fd < 64; fd++)
			close(fd);
		_exit(role_main(&counting_role, 1, argv));
	}
	close(fds[1]);
	closed = false;
	loop = loop_new();
	loop_timer_init(&guard, loop, on_guard, NULL);
	role = channel_new(loop, fds[0], ROLE_SUPER, ROLE_QUEUE, &events, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	channel_free(&role);
	loop_timer_stop(&guard);
	loop_free(&loop);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

static void
start_role(void)
{
	send_settings(1, "mail.example.org");
	send_secret("old");
	assert_int_equal(ask(MSG_START, NULL), MSG_READY);
}

static void
whole_life(void **state)
{
	struct message_stop stop = { 1000 };
	struct buf content = BUF_INIT(0);

	(void)state;
	/* Links may come before the role can take them; one of them is cut again. */
	send_link(MSG_LINK, 0);
	send_link(MSG_LINK, 1);
	send_link(MSG_LINK, 2);
	send_link(MSG_UNLINK, 1);
	assert_int_equal(ask(MSG_PING, NULL), MSG_PONG);
	start_role();
	assert_int_equal(ask(MSG_PING, NULL), MSG_PONG);
	assert_non_null(strstr(ask_control(),
		"\"mail.example.org 1 4 links 2 secrets 0 files 0 forgotten 0\""));
	/* Outside of a reload: a changed secret, a rolled log. */
	send_secret("new");
	send_file(FILE_PROTOCOL_LOG);
	send_file(FILE_EVENT_LOG);
	assert_non_null(strstr(ask_control(), "links 2 secrets 1 files 1"));
	message_stop_pack(&content, &stop);
	channel_send(role, MSG_STOP, &content, -1);
	buf_fini(&content);
	assert_int_equal(end_status(), 0);
}

/* Nothing is in use before TAKE, and nothing of what was refused or forgotten ever. */
static void
reload_in_two_steps(void **state)
{
	(void)state;
	start_role();
	send_settings(2, "other.example.org");
	send_secret("of the reload");
	assert_int_equal(ask(MSG_CHECK, NULL), MSG_READY);
	assert_string_equal(answer_text, "2");
	assert_non_null(strstr(ask_control(), "\"mail.example.org 1 4"));
	/* What comes between the steps is for the generation in use. */
	send_secret("new");
	assert_non_null(strstr(ask_control(), "secrets 1"));
	assert_int_equal(ask(MSG_TAKE, NULL), MSG_READY);
	assert_non_null(strstr(ask_control(), "\"other.example.org 2 4 links 0 secrets 1"));
	send_settings(3, "bad.example.org");
	assert_int_equal(ask(MSG_CHECK, NULL), MSG_REFUSED);
	assert_string_equal(answer_text, "told to refuse");
	assert_true(channel_send(role, MSG_FORGET, NULL, -1));
	assert_non_null(strstr(ask_control(), "\"other.example.org 2 4"));
	assert_non_null(strstr(answer_text, "forgotten 0"));
	send_settings(4, "forgotten.example.org");
	assert_int_equal(ask(MSG_CHECK, NULL), MSG_READY);
	assert_true(channel_send(role, MSG_FORGET, NULL, -1));
	assert_non_null(strstr(ask_control(), "\"other.example.org 2 4"));
	assert_non_null(strstr(answer_text, "forgotten 1"));
	/* Another one in place of one that waits; and one that takes a new process. */
	send_settings(5, "forgotten.example.org");
	assert_int_equal(ask(MSG_CHECK, NULL), MSG_READY);
	send_settings(6, "anew.example.org");
	assert_int_equal(ask(MSG_CHECK, NULL), MSG_READY);
	assert_string_equal(answer_text, "6 anew");
	assert_non_null(strstr(ask_control(), "forgotten 2"));
	assert_int_equal(ask(MSG_TAKE, NULL), MSG_READY);
	assert_string_equal(answer_text, "6");
}

static unsigned flood_pages;
static bool flood_ended;

static bool
on_flood(void *context, struct channel_message *answer)
{
	struct control_answer said;
	struct message_control page;
	struct fault fault = FAULT_INIT;

	(void)context;
	assert_non_null(answer);
	assert_true(message_control_unpack(answer->bytes, NULL, &page));
	assert_true(control_answer_unpack(page.json, &said, &fault));
	assert_int_equal(page.more, said.more);
	flood_pages += said.ok;
	if (!said.ok) {
		assert_string_equal(said.kind, "busy");
		assert_non_null(strstr(said.error, "cut off"));
		flood_ended = true;
		loop_stop(loop);
	}
	control_answer_fini(&said);
	return flood_ended;
}

/* An answer too long for what may wait ends with an error, and the next one is as ever. */
static void
answer_that_finds_no_room(void **state)
{
	struct message_control control = { SPAN_LITERAL("{\"flood\":1}"), false };
	struct buf content = BUF_INIT(0);

	(void)state;
	start_role();
	message_control_pack(&content, &control);
	assert_true(channel_ask(role, MSG_CONTROL, &content, -1, 0, on_flood, NULL));
	buf_fini(&content);
	run();
	assert_true(flood_ended);
	assert_in_range(flood_pages, 30, COUNTING_ROLE_FLOOD_PAGES - 1);
	assert_non_null(strstr(ask_control(), "mail.example.org"));
}

static void
take_without_check(void **state)
{
	(void)state;
	start_role();
	channel_ask(role, MSG_TAKE, NULL, -1, 0, on_answer, NULL);
	assert_int_equal(end_status(), 0);
}

static void
ends_with_super(void **state)
{
	int status;

	(void)state;
	start_role();
	channel_free(&role);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
ends_before_it_started(void **state)
{
	int status;

	(void)state;
	channel_free(&role);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What super would never send ends the role in order; it does not crash. */
static void
nonsense(void **state)
{
	(void)state;
	start_role();
	channel_send(role, MSG_LINK, NULL, dup(STDERR_FILENO));
	assert_int_equal(end_status(), 0);
}

static void
start_without_settings(void **state)
{
	(void)state;
	channel_ask(role, MSG_START, NULL, -1, 0, on_answer, NULL);
	assert_int_equal(end_status(), 0);
}

static void
started_by_hand(void **state)
{
	int status;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { (char *)(uintptr_t) "sallyport-queue", NULL };

		close(ROLE_SUPER_FD);
		_exit(role_main(&counting_role, 1, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(whole_life),
		CASE(reload_in_two_steps),
		CASE(take_without_check),
		CASE(answer_that_finds_no_room),
		CASE(ends_with_super),
		CASE(ends_before_it_started),
		CASE(nonsense),
		CASE(start_without_settings),
		cmocka_unit_test(started_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
