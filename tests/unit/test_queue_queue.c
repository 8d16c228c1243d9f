/* SPDX-License-Identifier: BSD-2-Clause */
/* The program sallyport-queue as a whole, confined: we are its super, its smtp and its relay. */
#include "../fake/mail_samples.h"
#include "config/config.h"
#include "config/slice.h"
#include "io/loop.h"
#include "ipc/channel.h"
#include "ipc/control.h"
#include "ipc/message_super.h"
#include "proc/role.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 10000, TEXT_BYTES = 100000 };

static struct loop *loop;
static struct loop_timer deadline;
static bool late;
static char folder[300];
static pid_t child;
static struct channel *super;
static struct channel *smtp;
static struct channel *relay;

/* What came last, and how often. */
static size_t answers;
static enum message_id answer_id;
static uint64_t body_file;
static int body_fd = -1;
static char text[TEXT_BYTES];
static size_t jobs;
static uint64_t job_number;
static char job_id[40];
static size_t kept;
static size_t ends;

static void
on_deadline(void *context)
{
	(void)context;
	late = true;
	loop_stop(loop);
}

static void
wait_for(const size_t *count, size_t wanted)
{
	loop_timer_start(&deadline, WAIT_MS);
	while (*count < wanted && !late)
		loop_run(loop);
	loop_timer_stop(&deadline);
	assert_false(late);
	assert_int_equal(*count, wanted);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct arena *arena = arena_new(0);
	struct message_control control;
	struct message_body body;
	(void)context;
	answers++;
	answer_id = answer ? answer->id : MSG_NONE;
	if (answer && answer->id == MSG_ANSWER &&
		message_control_unpack(answer->bytes, arena, &control))
		snprintf(text, sizeof(text), "%.*s", SPAN_PRINT(control.json));
	struct message_refused refused;
	if (answer && answer->id == MSG_REFUSED &&
		message_refused_unpack(answer->bytes, arena, &refused))
		snprintf(text, sizeof(text), "%u %s", refused.code, refused.text);
	if (answer && answer->id == MSG_BODY_FILE &&
		message_body_unpack(answer->bytes, arena, &body)) {
		body_file = body.file;
		body_fd = answer->fd;
		answer->fd = -1;
	}
	arena_free(&arena);
	loop_stop(loop);
	return true;
}

static bool
on_relay_message(void *context, struct channel_message *message)
{
	struct arena *arena = arena_new(0);
	struct message_job job;
	(void)context;
	if (message->id == MSG_RESULT_KEPT) {
		kept++;
	} else {
		assert_int_equal(message->id, MSG_JOB);
		assert_true(message_job_unpack(message->bytes, arena, &job));
		assert_int_equal(message->fd >= 0, job.content.in_file);
		job_number = job.job;
		snprintf(job_id, sizeof(job_id), "%s", job.id);
		jobs++;
	}
	arena_free(&arena);
	loop_stop(loop);
	return true;
}

static bool
on_other_message(void *context, struct channel_message *message)
{
	(void)context;
	(void)message;
	return true;
}

static void
on_closed(void *context, const struct fault *why)
{
	(void)context;
	(void)why;
	ends++;
	loop_stop(loop);
}

/* ---- super */

static void
ask(struct channel *channel, enum message_id id, struct buf *content)
{
	answers = 0;
	assert_true(channel_ask(channel, id, content, -1, 0, on_answer, NULL) != 0);
	wait_for(&answers, 1);
}

static struct settings *
load_settings(void)
{
	struct fault fault = FAULT_INIT;
	char path[400];
	snprintf(path, sizeof(path), "%s/sallyport.conf", folder);
	FILE *file = fopen(path, "w");
	fprintf(file,
		"hostname = \"mail.example.org\"\n"
		"state-dir = \"%s\"\n"
		"run-dir = \"%s\"\n"
		"queue { retry = { 1s } }\n"
		"listener \"trusted\" { protocol = smtp  address = { \"127.0.0.1:0\" }  tls = "
		"none\n"
		"  login = off\n"
		"  permit \"network:192.0.2.0/24\" { rights = { submit, relay }\n"
		"    send-as = { \"@example.org\" } } }\n"
		"route \"*\" { to = \"smtp:192.0.2.9:25\" }\n",
		folder, folder);
	fclose(file);
	struct settings *settings = config_load(path, &fault);
	if (!settings)
		fail_msg("%s", fault.text);
	return settings;
}

static void
provide(void)
{
	struct settings *settings = load_settings();
	struct buf slice = BUF_INIT(SLICE_MAX_BYTES);
	struct buf content = BUF_INIT(0);
	assert_true(settings_pack(settings, ROLE_QUEUE, &slice));
	struct message_settings message = { .generation = 1, .user = "",
		.slice = buf_span(&slice) };
	message_settings_pack(&content, &message);
	assert_true(channel_send(super, MSG_SETTINGS, &content, -1));
	struct message_secret secret = { .kind = SECRET_GRANT_KEY, .name = "",
		.bytes = SPAN_LITERAL("0123456789abcdef0123456789abcdef") };
	buf_clear(&content);
	message_secret_pack(&content, &secret);
	assert_true(channel_send(super, MSG_SECRET, &content, -1));
	buf_fini(&content);
	buf_fini(&slice);
	settings_free(&settings);
}

static struct channel *
link_peer(enum role peer, const struct channel_events *events)
{
	struct message_link link = { .peer = peer, .kind = LINK_CHANNEL };
	struct buf content = BUF_INIT(0);
	int fds[2];
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	message_link_pack(&content, &link);
	assert_true(channel_send(super, MSG_LINK, &content, fds[1]));
	buf_fini(&content);
	return channel_new(loop, fds[0], peer, ROLE_QUEUE, events, NULL);
}

static void
start_queue(void)
{
	static const struct channel_events other_events = { .on_message = on_other_message,
		.on_closed = on_closed };
	static const struct channel_events relay_events = { .on_message = on_relay_message,
		.on_closed = on_closed };
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		dup2(fds[1], ROLE_SUPER_FD);
		if (fds[1] == ROLE_SUPER_FD)
			fcntl(ROLE_SUPER_FD, F_SETFD, 0);
		execl("src/sallyport-queue", "sallyport-queue", (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	ends = 0;
	super = channel_new(loop, fds[0], ROLE_SUPER, ROLE_QUEUE, &other_events, NULL);
	provide();
	smtp = link_peer(ROLE_SMTP, &other_events);
	relay = link_peer(ROLE_RELAY, &relay_events);
	ask(super, MSG_START, NULL);
	assert_int_equal(answer_id, MSG_READY);
}

static int
reap(void)
{
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	channel_free(&super);
	channel_free(&smtp);
	channel_free(&relay);
	return status;
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "%s", sample_folder_make());
	loop = loop_new();
	loop_timer_init(&deadline, loop, on_deadline, NULL);
	late = false;
	jobs = kept = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (child > 0) {
		kill(child, SIGKILL);
		reap();
	}
	if (body_fd >= 0)
		close(body_fd);
	body_fd = -1;
	loop_free(&loop);
	sample_folder_remove();
	return 0;
}

/* ---- smtp and relay */

static enum message_id
commit(const char *id, const char *body, bool in_file)
{
	static const struct message_recipient bob = { .path = "bob@example.net", .orcpt = "" };
	struct message_commit message = { .id = id, .session = "s1", .listener = "trusted",
		.protocol = "ESMTP", .client_address = "192.0.2.1", .login = "",
		.hold_reason = "",
		.envelope = { .sender = "alice@example.org", .envid = "", .recipient_count = 1,
			.recipients = &bob },
		.content = { .header = SPAN_LITERAL("Subject: x\r\n\r\n"), .in_file = in_file,
			.file = body_file, .body_length = strlen(body) } };
	struct buf content = BUF_INIT(0);
	struct digest digest;
	if (!in_file)
		message.content.body = span_text(body);
	digest_init(&digest);
	digest_add(&digest, span_text(body));
	digest_final(&digest, message.content.body_hash);
	message_commit_pack(&content, &message);
	ask(smtp, MSG_COMMIT, &content);
	buf_fini(&content);
	return answer_id;
}

static void
say_ready(void)
{
	struct message_relay_ready ready = { .slots = 5 };
	struct buf content = BUF_INIT(0);
	message_relay_ready_pack(&content, &ready);
	assert_true(channel_send(relay, MSG_RELAY_READY, &content, -1));
	buf_fini(&content);
}

static void
say_delivered(void)
{
	struct message_recipient_result one = { .outcome = OUTCOME_DELIVERED, .code = 250,
		.enhanced = "", .text = "ok" };
	struct message_result result = { .job = job_number, .id = job_id, .hop = "mx",
		.hop_address = "", .tls = "", .count = 1, .results = &one };
	struct buf content = BUF_INIT(0);
	message_result_pack(&content, &result);
	assert_true(channel_send(relay, MSG_RESULT, &content, -1));
	buf_fini(&content);
}

static void
control(const char *json)
{
	struct message_control message = { .json = span_text(json) };
	struct buf content = BUF_INIT(0);
	message_control_pack(&content, &message);
	ask(super, MSG_CONTROL, &content);
	buf_fini(&content);
	assert_int_equal(answer_id, MSG_ANSWER);
}

/* ---- tests */

static void
test_a_message_and_its_end(void **state)
{
	(void)state;
	start_queue();
	commit("0001", "hi\r\n", false);
	if (answer_id != MSG_COMMITTED)
		fail_msg("%s", text);
	control("{\"verb\":\"status\",\"args\":{}}");
	assert_non_null(strstr(text, "\"messages\":1"));
	assert_non_null(strstr(text, "\"relay\":false"));
	control("{\"verb\":\"queue list\",\"args\":{}}");
	assert_non_null(strstr(text, "\"id\":\"0001\""));
	say_ready();
	wait_for(&jobs, 1);
	assert_string_equal(job_id, "0001");
	say_delivered();
	wait_for(&kept, 1);
	control("{\"verb\":\"track\",\"args\":{\"text\":\"bob@example.net\"}}");
	assert_non_null(strstr(text, "\"state\":\"delivered\""));
	/* a body in a file; the same way */
	ask(smtp, MSG_BODY_OPEN, NULL);
	assert_int_equal(answer_id, MSG_BODY_FILE);
	assert_int_equal(write(body_fd, "large", 5), 5);
	/* not while it can still be changed */
	assert_int_equal(commit("0002", "large", true), MSG_REFUSED);
	ask(smtp, MSG_BODY_OPEN, NULL);
	assert_int_equal(answer_id, MSG_BODY_FILE);
	assert_int_equal(write(body_fd, "large", 5), 5);
	close(body_fd);
	body_fd = -1;
	assert_int_equal(commit("0002", "large", true), MSG_COMMITTED);
	wait_for(&jobs, 2);
	say_delivered();
	wait_for(&kept, 2);
	/* what no permit allows */
	assert_int_equal(commit("0003.F0", "x", false), MSG_REFUSED);
}

static void
test_kill_and_repeat(void **state)
{
	(void)state;
	start_queue();
	assert_int_equal(commit("0001", "hi\r\n", false), MSG_COMMITTED);
	say_ready();
	wait_for(&jobs, 1);
	kill(child, SIGKILL);
	reap();
	start_queue();
	/* the answer may have been lost: the same again is the same message */
	assert_int_equal(commit("0001", "hi\r\n", false), MSG_COMMITTED);
	say_delivered(); /* of the job that the other queue gave */
	wait_for(&kept, 1);
	say_ready();
	assert_int_equal(commit("0002", "hi\r\n", false), MSG_COMMITTED);
	wait_for(&jobs, 2);
	assert_string_equal(job_id, "0002");
}

static void
test_orderly_end(void **state)
{
	(void)state;
	struct message_stop stop = { .grace_ms = 5000 };
	struct buf content = BUF_INIT(0);
	start_queue();
	say_ready();
	assert_int_equal(commit("0001", "hi\r\n", false), MSG_COMMITTED);
	wait_for(&jobs, 1);
	message_stop_pack(&content, &stop);
	assert_true(channel_send(super, MSG_STOP, &content, -1));
	buf_fini(&content);
	say_delivered(); /* what is under way is waited for */
	wait_for(&kept, 1);
	int status = reap();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* What the spool has begun by itself is in nobody's way. */
static void
test_end_at_once(void **state)
{
	(void)state;
	struct message_stop stop = { .grace_ms = 5000 };
	for (unsigned i = 0; i < 10; i++) {
		struct buf content = BUF_INIT(0);
		start_queue();
		message_stop_pack(&content, &stop);
		assert_true(channel_send(super, MSG_STOP, &content, -1));
		buf_fini(&content);
		wait_for(&ends, 1);
		int status = reap();
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void
test_end_of_super(void **state)
{
	(void)state;
	start_queue();
	channel_free(&super);
	int status = reap();
	assert_true(WIFEXITED(status));
}

static void
test_two_queues(void **state)
{
	(void)state;
	start_queue();
	pid_t first = child;
	struct channel *channels[] = { super, smtp, relay };
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	child = fork();
	if (child == 0) {
		dup2(fds[1], ROLE_SUPER_FD);
		execl("src/sallyport-queue", "sallyport-queue", (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	static const struct channel_events events = { .on_message = on_other_message,
		.on_closed = on_closed };
	super = channel_new(loop, fds[0], ROLE_SUPER, ROLE_QUEUE, &events, NULL);
	smtp = relay = NULL;
	provide();
	ask(super, MSG_START, NULL);
	assert_int_equal(answer_id, MSG_NONE); /* it ended instead */
	int status = reap();
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	child = first;
	super = channels[0];
	smtp = channels[1];
	relay = channels[2];
	assert_int_equal(commit("0001", "hi\r\n", false), MSG_COMMITTED);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_message_and_its_end),
		TEST(test_kill_and_repeat),
		TEST(test_orderly_end),
		TEST(test_end_at_once),
		TEST(test_end_of_super),
		TEST(test_two_queues),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
