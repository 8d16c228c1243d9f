/* SPDX-License-Identifier: BSD-2-Clause */
/* Body files and commits: an intake, and a front end of our own on the other end of its channel. */
#include "queue_rig.h"

#include "proc/needs.h"
#include "queue/intake.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct settings_permit permits[] = { { .title = "anonymous", .where = "f:1",
	.rights = RIGHT_SUBMIT | RIGHT_RELAY | RIGHT_ANY_SENDER,
	.principal = { .kind = PRINCIPAL_ANONYMOUS, .text = "anonymous", .name = "" } } };
static const struct settings_listener listeners[] = { { .title = "trusted",
	.permit = { permits, 1 } } };
static const struct settings all_settings = { .hostname = "mail.example.org",
	.listener = { listeners, 1 } };

static struct intake_means means;
static struct intake *intake;
static struct channel *smtp;
static struct revoked *revoked;

/* What came to the front end, and to the dispatcher. */
static size_t answers;
static enum message_id answer_id;
static unsigned answer_code;
static char answer_text[200];
static uint64_t file_number;
static int file_fd = -1;
static size_t pressures;
static bool is_short;
static size_t closed;
static size_t dispatched;
static char dispatched_id[40];

static bool
on_smtp_message(void *context, struct channel_message *message)
{
	struct arena *arena = arena_new(0);
	struct message_pressure pressure;
	(void)context;
	assert_int_equal(message->id, MSG_PRESSURE);
	assert_true(message_pressure_unpack(message->bytes, arena, &pressure));
	is_short = pressure.short_of_space;
	pressures++;
	arena_free(&arena);
	loop_stop(loop);
	return true;
}

static void
on_smtp_closed(void *context, const struct fault *why)
{
	(void)context;
	(void)why;
	closed++;
	loop_stop(loop);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct arena *arena = arena_new(0);
	(void)context;
	answers++;
	answer_id = MSG_NONE;
	answer_code = 0;
	answer_text[0] = '\0';
	if (answer) {
		struct message_refused refused;
		struct message_body body;
		struct message_committed committed;
		answer_id = answer->id;
		if (answer->id == MSG_REFUSED) {
			assert_true(message_refused_unpack(answer->bytes, arena, &refused));
			answer_code = refused.code;
		} else if (answer->id == MSG_BODY_FILE) {
			assert_true(message_body_unpack(answer->bytes, arena, &body));
			file_number = body.file;
			file_fd = answer->fd;
			answer->fd = -1;
		} else {
			assert_true(message_committed_unpack(answer->bytes, arena, &committed));
			snprintf(answer_text, sizeof(answer_text), "%s", committed.id);
			answer_code = 250;
		}
	}
	arena_free(&arena);
	loop_stop(loop);
	return true;
}

static void
on_intake_closed(void *context, struct intake *gone)
{
	(void)context;
	assert_ptr_equal(gone, intake);
	intake_free(&intake);
}

static void
link_smtp(void)
{
	static const struct channel_events events = { .on_message = on_smtp_message,
		.on_closed = on_smtp_closed };
	int fds[2];
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	smtp = channel_new(loop, fds[0], ROLE_SMTP, ROLE_QUEUE, &events, NULL);
	intake = intake_new(&means, fds[1], 3, on_intake_closed, NULL);
	assert_int_equal(intake_instance(intake), 3);
}

static int64_t
now(void *context)
{
	(void)context;
	return SAMPLE_RECEIVED_MS;
}

static void
on_message_in(void *context, struct parcel *parcel)
{
	(void)context;
	dispatched++;
	snprintf(dispatched_id, sizeof(dispatched_id), "%s", parcel->record.id);
}

static void
open_queue(void)
{
	struct fault fault = FAULT_INIT;
	means = (struct intake_means){ .loop = loop, .now = now,
		.on_message = on_message_in, .pressure = { false, "" },
		.admission = { .settings = &all_settings, .revoked = revoked,
			.grant_key = SPAN_LITERAL("0123456789abcdef0123456789abcdef") } };
	rig_open_spool(true);
	means.spool = spool;
	means.bodies = bodies_new(loop, spool_folder(means.spool), true, &fault);
	if (!means.bodies)
		fail_msg("%s", fault.text);
	link_smtp();
}

static void
close_queue(void)
{
	channel_free(&smtp);
	intake_free(&intake);
	bodies_free(&means.bodies);
	spool_close(&spool);
}

static int
set_up(void **state)
{
	(void)state;
	rig_begin();
	revoked = revoked_new();
	revoked_know(revoked);
	answers = pressures = closed = dispatched = 0;
	open_queue();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (file_fd >= 0)
		close(file_fd);
	file_fd = -1;
	close_queue();
	revoked_free(&revoked);
	rig_end();
	return 0;
}

static void
ask(enum message_id id, struct buf *content)
{
	assert_true(channel_ask(smtp, id, content, -1, 0, on_answer, NULL) != 0);
	wait_for(&answers, 1);
	answers = 0;
}

static const struct message_recipient bob = { .path = "bob@example.net", .orcpt = "" };

static struct message_commit
commit_of(const char *id)
{
	return (struct message_commit){ .id = id, .session = "s1", .listener = "trusted",
		.protocol = "ESMTP", .client_address = "192.0.2.1", .login = "",
		.hold_reason = "",
		.envelope = { .sender = "alice@example.org", .envid = "", .recipient_count = 1,
			.recipients = &bob },
		.content = { .header = SPAN_LITERAL("Subject: x\r\n\r\n"),
			.body = SPAN_LITERAL("hi\r\n"), .body_length = 4 } };
}

static struct message_commit
commit_with_file(const char *id, const char *body)
{
	struct message_commit commit = commit_of(id);
	struct digest digest;
	commit.content.in_file = true;
	commit.content.file = file_number;
	commit.content.body = SPAN_EMPTY;
	commit.content.body_length = strlen(body);
	digest_init(&digest);
	digest_add(&digest, span_text(body));
	digest_final(&digest, commit.content.body_hash);
	return commit;
}

static unsigned
send_commit(const struct message_commit *commit)
{
	struct buf content = BUF_INIT(0);
	message_commit_pack(&content, commit);
	ask(MSG_COMMIT, &content);
	buf_fini(&content);
	return answer_code;
}

static void
open_body(const char *text)
{
	ask(MSG_BODY_OPEN, NULL);
	assert_int_equal(answer_id, MSG_BODY_FILE);
	assert_int_equal(write(file_fd, text, strlen(text)), strlen(text));
	close(file_fd);
	file_fd = -1;
}

static bool
has_body(uint64_t number)
{
	char name[400];
	struct stat stat;
	snprintf(name, sizeof(name), "%s/body/%llu", path, (unsigned long long)number);
	return lstat(name, &stat) == 0;
}

static void
on_look(void *context)
{
	(void)context;
	loop_stop(loop);
}

/* Lets the loop run for a moment; false when the deadline has passed. */
static bool
look(void)
{
	struct loop_timer timer;
	loop_timer_init(&timer, loop, on_look, NULL);
	loop_timer_start(&timer, 1);
	loop_run(loop);
	loop_timer_stop(&timer);
	return !late;
}

/* Removal is a job of the pool. */
static void
wait_until_removed(uint64_t number)
{
	loop_timer_start(&deadline, QUEUE_RIG_WAIT_MS);
	while (has_body(number) && look())
		continue;
	loop_timer_stop(&deadline);
	assert_false(has_body(number));
}

static void
test_commit(void **state)
{
	(void)state;
	struct message_commit commit = commit_of("0001");
	assert_int_equal(send_commit(&commit), 250);
	assert_string_equal(answer_text, "0001");
	assert_int_equal(dispatched, 1);
	assert_string_equal(dispatched_id, "0001");
	/* again, as by a front end that heard no answer: well, and no second message */
	assert_int_equal(send_commit(&commit), 250);
	assert_int_equal(dispatched, 1);
	/* another one under its id */
	commit.content.body = SPAN_LITERAL("ho\r\n");
	assert_int_equal(send_commit(&commit), 451);
	assert_int_equal(spool_counts(means.spool)->messages, 1);
	assert_int_equal(intake_busy(intake), 0);
}

static void
test_hold(void **state)
{
	(void)state;
	struct message_commit commit = commit_of("0001");
	commit.hold = true;
	commit.hold_reason = "over the limit";
	assert_int_equal(send_commit(&commit), 250);
	assert_int_equal(dispatched, 0);
	assert_int_equal(spool_counts(means.spool)->held, 1);
}

static void
test_body_file(void **state)
{
	(void)state;
	open_body("large body");
	struct message_commit commit = commit_with_file("0001", "large body");
	assert_int_equal(send_commit(&commit), 250);
	assert_int_equal(dispatched, 1);
	assert_true(has_body(file_number));
	/* after a new start of queue: the file is nobody's any more, but the message is known */
	close_queue();
	open_queue();
	assert_int_equal(send_commit(&commit), 250);
	assert_int_equal(dispatched, 1);
	assert_true(has_body(file_number));
	commit.id = "0002";
	assert_int_equal(send_commit(&commit), 451);
	assert_int_equal(spool_counts(means.spool)->messages, 1);
}

static void
test_body_that_is_not_what_was_said(void **state)
{
	(void)state;
	open_body("large body");
	struct message_commit commit = commit_with_file("0001", "large bodY");
	assert_int_equal(send_commit(&commit), 451);
	wait_until_removed(file_number);
	open_body("large body, and more");
	commit = commit_with_file("0001", "large body");
	assert_int_equal(send_commit(&commit), 451);
	/* N4: somebody else's file, or none */
	commit = commit_with_file("0001", "large body");
	commit.content.file = 4711;
	assert_int_equal(send_commit(&commit), 451);
	assert_int_equal(spool_counts(means.spool)->messages, 0);
	assert_int_equal(dispatched, 0);
}

static void
drop_body(uint64_t number)
{
	struct message_body body = { .file = number };
	struct buf content = BUF_INIT(0);
	message_body_pack(&content, &body);
	assert_true(channel_send(smtp, MSG_BODY_DROP, &content, -1));
	buf_fini(&content);
}

static void
test_bodies_go(void **state)
{
	(void)state;
	open_body("one");
	assert_true(has_body(file_number));
	drop_body(file_number);
	wait_until_removed(file_number);
	open_body("two");
	uint64_t two = file_number;
	open_body("three");
	struct message_commit commit = commit_with_file("0001", "three");
	assert_int_equal(send_commit(&commit), 250);
	channel_free(&smtp); /* the front end dies: what it did not commit goes */
	wait_until_removed(two);
	assert_true(has_body(file_number));
	assert_null(intake);
}

/* The client went away while its COMMIT was under way: the file is that of the message, or goes. */
static void
test_body_dropped_during_commit(void **state)
{
	(void)state;
	struct buf content = BUF_INIT(0);
	open_body("one");
	uint64_t one = file_number;
	struct message_commit commit = commit_with_file("0001", "one");
	message_commit_pack(&content, &commit);
	assert_true(channel_ask(smtp, MSG_COMMIT, &content, -1, 0, on_answer, NULL) != 0);
	drop_body(one);
	wait_for(&answers, 1);
	assert_int_equal(answer_code, 250);
	answers = 0;
	open_body("two");
	commit = commit_with_file("0001", "two");
	buf_clear(&content);
	message_commit_pack(&content, &commit);
	assert_true(channel_ask(smtp, MSG_COMMIT, &content, -1, 0, on_answer, NULL) != 0);
	drop_body(file_number);
	wait_for(&answers, 1);
	assert_int_equal(answer_code, 451); /* it is the id of another one */
	wait_until_removed(file_number);
	assert_true(has_body(one));
	buf_fini(&content);
}

static void
test_pressure(void **state)
{
	(void)state;
	struct message_commit commit = commit_of("0001");
	assert_int_equal(send_commit(&commit), 250);
	means.pressure = (struct pressure){ true, "no room" };
	intake_tell_pressure(intake);
	wait_for(&pressures, 1);
	assert_true(is_short);
	assert_int_equal(send_commit(&commit), 250); /* a repetition takes no room */
	commit.id = "0002";
	assert_int_equal(send_commit(&commit), 452);
	ask(MSG_BODY_OPEN, NULL);
	assert_int_equal(answer_code, 452);
	/* a new front end hears of it at once */
	channel_free(&smtp);
	intake_free(&intake);
	link_smtp();
	wait_for(&pressures, 2);
	means.pressure = (struct pressure){ false, "" };
	intake_tell_pressure(intake);
	wait_for(&pressures, 3);
	assert_false(is_short);
	assert_int_equal(send_commit(&commit), 250);
}

static void
test_not_admitted(void **state)
{
	(void)state;
	struct message_commit commit = commit_of("0001");
	commit.login = "alice"; /* without a grant */
	assert_int_equal(send_commit(&commit), 451);
	commit = commit_of("0001.F0");
	assert_int_equal(send_commit(&commit), 554);
	assert_int_equal(spool_counts(means.spool)->messages, 0);
}

/* N4: what cannot be read ends that front end's channel, and nothing else. */
static void
test_malformed(void **state)
{
	(void)state;
	struct buf content = BUF_INIT(0);
	buf_add_text(&content, "nonsense");
	assert_true(channel_ask(smtp, MSG_COMMIT, &content, -1, 0, on_answer, NULL) != 0);
	buf_fini(&content);
	wait_for(&closed, 1);
	loop_timer_start(&deadline, QUEUE_RIG_WAIT_MS);
	while (intake && look())
		continue;
	loop_timer_stop(&deadline);
	assert_null(intake);
	channel_free(&smtp);
	link_smtp();
	struct message_commit commit = commit_of("0001");
	answers = 0;
	assert_int_equal(send_commit(&commit), 250);
}

/* A front end has descriptors for so many: see needs_descriptors(). */
static void
test_body_files_have_a_limit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NEEDS_BODY_FILES_MOST; i++)
		open_body("");
	ask(MSG_BODY_OPEN, NULL);
	assert_int_equal(answer_code, 452);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_commit),
		TEST(test_hold),
		TEST(test_body_file),
		TEST(test_body_that_is_not_what_was_said),
		TEST(test_bodies_go),
		TEST(test_body_dropped_during_commit),
		TEST(test_pressure),
		TEST(test_not_admitted),
		TEST(test_malformed),
		TEST(test_body_files_have_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
