/* SPDX-License-Identifier: BSD-2-Clause */
/* What "status" tells, with children whose other ends are this test. */
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sock.h"
#include "ipc/message_super.h"
#include "super/children.h"
#include "super/status.h"

static struct super super;
static struct loop_timer guard;
static struct child children[4];
static struct channel *roles[4]; /* their ends */
static bool silent[4];           /* takes the question, and ends without an answer */
static json_t *told;

/* ---- what stands around status.c -------------------------------------------------------------- */

struct super *
control_client_super(struct control_client *client)
{
	return (struct super *)(void *)client;
}

void
control_client_answer(struct control_client *client, struct span data, bool more)
{
	(void)client;
	assert_false(more);
	assert_null(told);
	told = json_loadb(data.start, data.length, 0, NULL);
	assert_non_null(told);
	loop_stop(super.loop);
}

struct child *
children_next(struct children *all, struct child *child)
{
	(void)all;
	return child ? child->next : children;
}

/* ---- the roles -------------------------------------------------------------------------------- */

static bool
on_question(void *context, struct channel_message *message)
{
	unsigned i = (unsigned)((struct child *)context - children);
	struct message_control page = { SPAN_LITERAL("{\"ok\":true,\"more\":false,\"data\":{\"sessions\":3}}"), false };
	struct buf content = BUF_INIT(0);

	assert_int_equal(message->id, MSG_CONTROL);
	if (silent[i]) {
		channel_drop(roles[i], "told to");
		return true;
	}
	message_control_pack(&content, &page);
	channel_answer(roles[i], message->request, MSG_ANSWER, &content, -1);
	buf_fini(&content);
	return true;
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
}

static void
on_guard(void *context)
{
	(void)context;
	fail_msg("no status");
}

static void
link_child(unsigned i)
{
	static const struct channel_events of_super = { on_message, on_closed, NULL };
	static const struct channel_events of_role = { on_question, on_closed, NULL };
	int fds[2];

	assert_true(sock_pair(fds, NULL));
	children[i].channel = channel_new(
		super.loop, fds[0], ROLE_SUPER, children[i].role, &of_super, &children[i]);
	roles[i] = channel_new(super.loop, fds[1], children[i].role, ROLE_SUPER, &of_role, &children[i]);
}

static int
set_up(void **state)
{
	static struct settings_listener listener = { .title = "submission", .protocol = LISTENER_SMTP };
	static struct settings settings = { .listener = { &listener, 1 } };
	static const enum role kinds[] = { ROLE_SMTP, ROLE_SMTP, ROLE_AUTH, ROLE_QUEUE };

	(void)state;
	told = NULL;
	super = (struct super){ .loop = loop_new(), .options.config = "/etc/x.conf" };
	super.now = (struct supply){ .generation = 7, .settings = &settings };
	super.started_ms = loop_now_ms(super.loop);
	loop_timer_init(&guard, super.loop, on_guard, NULL);
	loop_timer_start(&guard, 20000);
	for (unsigned i = 0; i < 4; i++) {
		silent[i] = false;
		roles[i] = NULL;
		children[i] = (struct child){ .super = &super,
			.role = kinds[i],
			.instance = i == 1,
			.phase = CHILD_SERVING,
			.pid = (pid_t)(1000 + i),
			.generation = 7,
			.next = i < 3 ? &children[i + 1] : NULL };
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		channel_free(&children[i].channel);
		channel_free(&roles[i]);
	}
	loop_timer_stop(&guard);
	loop_free(&super.loop);
	json_decref(told);
	return 0;
}

static const char *
text_of(unsigned i, const char *name)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(told, "roles"), i), name));
}

static json_int_t
number_of(unsigned i, const char *name)
{
	return json_integer_value(json_object_get(json_array_get(json_object_get(told, "roles"), i), name));
}

static bool
has_details(unsigned i)
{
	json_t *details =
		json_object_get(json_array_get(json_object_get(told, "roles"), i), "details");

	assert_non_null(details);
	assert_true(json_is_null(details) ||
		json_integer_value(json_object_get(details, "sessions")) == 3);
	return json_is_object(details);
}

static void
run(void)
{
	status_run((struct control_client *)(void *)&super);
	if (!told)
		loop_run(super.loop);
}

/* Each says of itself what it can; who cannot answer is told all the same. */
static void
everybody_is_told(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		link_child(i);
	silent[1] = true;
	children[1].retired = true;
	children[3].phase = CHILD_WAITING;
	children[3].pid = 0;
	children[3].restarts = 5;
	run();
	assert_string_equal(json_string_value(json_object_get(told, "config")), "/etc/x.conf");
	assert_int_equal(json_integer_value(json_object_get(told, "generation")), 7);
	assert_int_equal(json_array_size(json_object_get(told, "listeners")), 1);
	assert_int_equal(json_array_size(json_object_get(told, "roles")), 4);
	assert_string_equal(text_of(0, "role"), "smtp");
	assert_string_equal(text_of(2, "phase"), "serving");
	assert_int_equal(number_of(2, "pid"), 1002);
	assert_int_equal(number_of(1, "instance"), 1);
	assert_string_equal(text_of(3, "phase"), "waiting");
	assert_int_equal(number_of(3, "restarts"), 5);
	assert_true(has_details(0));
	assert_false(has_details(1));
	assert_true(has_details(2));
	assert_false(has_details(3));
}

/* Nobody to ask: the answer comes at once. */
static void
nobody_serves(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		children[i].phase = CHILD_STARTING;
	run();
	assert_int_equal(json_array_size(json_object_get(told, "roles")), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_false(has_details(i));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(everybody_is_told),
		CASE(nobody_serves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
