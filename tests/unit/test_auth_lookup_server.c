/* SPDX-License-Identifier: BSD-2-Clause */
/* The look-up socket of auth: who is told what, and clients that do as they should not. */
#include "auth_rig.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth/lookup_server.h"
#include "ipc/lookup.h"

/* auth listens beside the accounts, and one client has connected. */
struct served {
	struct rig *rig;
	struct lookup_server *server;
	struct sockaddr_un address;
	int fd;
	struct arena *arena; /* of the answers */
};

static int
open_client(const struct served *served)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&served->address,
				 sizeof served->address), 0);
	return fd;
}

static int
open_served(void **state)
{
	static const struct settings_texts nobody;
	struct served *served = mem_alloc(sizeof *served);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	rig_setup(state);
	served->rig = *state;
	served->server = lookup_server_new(served->rig->auth, &nobody);
	served->address.sun_family = AF_UNIX;
	snprintf(served->address.sun_path, sizeof served->address.sun_path, "%s/lookup.sock",
		served->rig->state_dir);
	assert_int_equal(bind(fd, (const struct sockaddr *)&served->address,
				 sizeof served->address), 0);
	assert_int_equal(listen(fd, 200), 0);
	lookup_server_set_socket(served->server, fd);
	served->fd = open_client(served);
	served->arena = arena_new(0);
	*state = served;
	return 0;
}

static int
close_served(void **state)
{
	struct served *served = *state;

	close(served->fd);
	arena_free(&served->arena);
	lookup_server_free(&served->server);
	*state = served->rig;
	mem_free(&served);
	return rig_teardown(state);
}

static void
send_bytes(int fd, struct span bytes)
{
	assert_int_equal(send(fd, bytes.start, bytes.length, MSG_NOSIGNAL), (ssize_t)bytes.length);
}

static void
send_question(int fd, const char *login)
{
	struct buf bytes = BUF_INIT(0);

	lookup_question_pack(&bytes, span_text(login));
	send_bytes(fd, buf_span(&bytes));
	buf_fini(&bytes);
}

struct hearing {
	struct rig *rig;
	int fd;
	struct buf bytes;
	bool over;
};

static void
on_heard(unsigned events, void *context)
{
	struct hearing *hearing = context;
	char bytes[4096];
	ssize_t size = read(hearing->fd, bytes, sizeof bytes);

	(void)events;
	if (size > 0)
		buf_add(&hearing->bytes, bytes, (size_t)size);
	else if (size == 0 || errno != EAGAIN)
		hearing->over = true;
	loop_stop(hearing->rig->loop);
}

/* The next answer; LOOKUP_RESULT_COUNT: it was cut off instead. */
static struct lookup_answer
hear(struct served *served, int fd)
{
	struct rig *rig = served->rig;
	struct hearing hearing = { .rig = rig, .fd = fd };
	struct loop_watch *watch = loop_watch_new(rig->loop, fd, on_heard, &hearing);
	struct lookup_answer answer = { .result = LOOKUP_RESULT_COUNT };
	struct span content;
	size_t size;

	loop_watch_set(watch, LOOP_READABLE);
	while (!hearing.over &&
		lookup_frame_next(buf_span(&hearing.bytes), LOOKUP_ANSWER_MAX_BYTES, &content, &size) !=
			LOOKUP_FRAME_DONE)
		fixture_run(rig->loop);
	loop_watch_free(&watch);
	if (!hearing.over) {
		content = span_of(arena_dup(served->arena, content.start, content.length),
			content.length);
		assert_true(lookup_answer_unpack(content, &answer));
		assert_int_equal(size, buf_length(&hearing.bytes));
	}
	buf_fini(&hearing.bytes);
	return answer;
}

static enum lookup_result
ask(struct served *served, int fd, const char *login)
{
	send_question(fd, login);
	return hear(served, fd).result;
}

static void
logins_are_told(void **state)
{
	static const struct {
		const char *login;
		enum lookup_result result;
		const char *name;
		size_t addresses;
	} cases[] = {
		{ "alice", LOOKUP_FOUND, "alice", 1 },
		{ "ALICE", LOOKUP_FOUND, "alice", 1 },
		{ "alice@example.org", LOOKUP_FOUND, "alice", 1 },
		{ "bob", LOOKUP_FOUND, "bob", 0 },
		{ "alice@example.net", LOOKUP_UNKNOWN, NULL, 0 },
		{ "carol", LOOKUP_UNKNOWN, NULL, 0 },
		{ " alice", LOOKUP_UNKNOWN, NULL, 0 },
		{ "alice\n", LOOKUP_UNKNOWN, NULL, 0 },
		{ "\xff", LOOKUP_UNKNOWN, NULL, 0 },
		/* who may not send */
		{ "disabled", LOOKUP_UNKNOWN, NULL, 0 },
		{ "expired", LOOKUP_UNKNOWN, NULL, 0 },
		{ "reader", LOOKUP_UNKNOWN, NULL, 0 },
	};
	struct served *served = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct lookup_answer answer;
		struct identity identity;

		send_question(served->fd, cases[i].login);
		answer = hear(served, served->fd);
		if (answer.result != cases[i].result)
			fail_msg("%s: %d", cases[i].login, (int)answer.result);
		if (answer.result != LOOKUP_FOUND)
			continue;
		assert_true(identity_unpack(answer.identity, served->arena, &identity));
		assert_string_equal(identity.login, cases[i].name);
		assert_string_equal(identity.mechanism, "");
		assert_int_equal(identity.addresses.count, cases[i].addresses);
	}
}

static void
changes_are_told_at_once(void **state)
{
	struct served *served = *state;

	assert_int_equal(ask(served, served->fd, "alice"), LOOKUP_FOUND);
	rig_verb(served->rig, "account disable", json_pack("{s:s}", "login", "alice"));
	assert_int_equal(ask(served, served->fd, "alice"), LOOKUP_UNKNOWN);
}

/* In order, however they come: all at once, byte by byte. */
static void
questions_in_one_go_and_in_pieces(void **state)
{
	struct served *served = *state;
	struct buf bytes = BUF_INIT(0);

	for (int i = 0; i < 20; i++)
		lookup_question_pack(&bytes, span_text(i % 3 ? "carol" : "alice"));
	send_bytes(served->fd, buf_span(&bytes));
	for (int i = 0; i < 20; i++) {
		char head[LOOKUP_HEAD_BYTES];
		unsigned char content[1024];
		size_t length;

		/* hear() takes one at a time: these are read by length. */
		while (recv(served->fd, head, sizeof head, MSG_PEEK) != sizeof head)
			fixture_run_for(served->rig->loop, 1);
		assert_int_equal(recv(served->fd, head, sizeof head, 0), sizeof head);
		length = ((size_t)(unsigned char)head[2] << 8) + (unsigned char)head[3];
		assert_int_equal(recv(served->fd, content, length, 0), (ssize_t)length);
		assert_int_equal(content[0], i % 3 ? LOOKUP_UNKNOWN : LOOKUP_FOUND);
	}
	buf_clear(&bytes);
	lookup_question_pack(&bytes, span_text("alice"));
	for (size_t i = 0; i < buf_length(&bytes); i++) {
		send_bytes(served->fd, span_first(span_from(buf_span(&bytes), i), 1));
		fixture_run_for(served->rig->loop, 1);
	}
	assert_int_equal(hear(served, served->fd).result, LOOKUP_FOUND);
	buf_fini(&bytes);
}

static void
what_is_no_question_is_cut_off_alone(void **state)
{
	static const struct span attacks[] = {
		SPAN_LITERAL("\0\0\0\0"),
		SPAN_LITERAL("\xff\xff\xff\xff"),
		SPAN_LITERAL("GET / HTTP/1.0\r\n\r\n"),
		SPAN_LITERAL("\0\0\0\6\2\0\0\0\1a"),
		SPAN_LITERAL("\0\0\0\6\1\0\0\0\2a"),
		SPAN_LITERAL("\0\0\0\5\1\0\0\0\0"),
	};
	struct served *served = *state;

	for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
		int bad = open_client(served);

		send_bytes(bad, attacks[i]);
		assert_int_equal(hear(served, bad).result, LOOKUP_RESULT_COUNT);
		close(bad);
		assert_int_equal(ask(served, served->fd, "alice"), LOOKUP_FOUND);
	}
}

static void
a_client_that_goes_while_it_is_answered(void **state)
{
	struct served *served = *state;

	for (int i = 0; i < 20; i++) {
		int fd = open_client(served);

		send_question(fd, "alice");
		if (i % 2)
			fixture_run_for(served->rig->loop, 1);
		close(fd);
		directory_forget(served->rig->auth->directory, "alice");
	}
	assert_int_equal(ask(served, served->fd, "alice"), LOOKUP_FOUND);
}

static void
one_user_has_so_many_connections(void **state)
{
	struct served *served = *state;
	int fds[LOOKUP_CLIENTS_PER_USER_MAX - 1]; /* beside the one that is there */
	int more;

	assert_int_equal(ask(served, served->fd, "alice"), LOOKUP_FOUND);
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
		fds[i] = open_client(served);
		assert_int_equal(ask(served, fds[i], "alice"), LOOKUP_FOUND);
	}
	more = open_client(served);
	assert_int_equal(hear(served, more).result, LOOKUP_RESULT_COUNT);
	close(more);
	/* The others are served on, and who goes makes room. */
	assert_int_equal(ask(served, fds[5], "alice"), LOOKUP_FOUND);
	close(fds[0]);
	fixture_run_for(served->rig->loop, 20);
	fds[0] = open_client(served);
	assert_int_equal(ask(served, fds[0], "alice"), LOOKUP_FOUND);
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		close(fds[i]);
}

/* Questions without end whose answers nobody reads: they are left in the socket. */
static void
who_does_not_read_is_not_answered_further(void **state)
{
	struct served *served = *state;
	struct buf bytes = BUF_INIT(0);
	int greedy = open_client(served);
	unsigned stuck = 0;

	lookup_question_pack(&bytes, span_text("alice"));
	/* Nothing is taken for a while: both directions are full. */
	while (stuck < 50) {
		ssize_t size = send(greedy, buf_span(&bytes).start, buf_length(&bytes), MSG_NOSIGNAL);

		if (size < 0) {
			assert_int_equal(errno, EAGAIN);
			stuck++;
			fixture_run_for(served->rig->loop, 1);
		} else {
			assert_int_equal(size, buf_length(&bytes));
			stuck = 0;
		}
	}
	assert_int_equal(ask(served, served->fd, "alice"), LOOKUP_FOUND);
	buf_fini(&bytes);
	close(greedy);
}

static void
without_a_socket_all_are_cut_off(void **state)
{
	struct served *served = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(ask(served, served->fd, "alice"), LOOKUP_FOUND);
	lookup_server_set_socket(served->server, -1);
	assert_int_equal(hear(served, served->fd).result, LOOKUP_RESULT_COUNT);
	assert_int_equal(connect(fd, (const struct sockaddr *)&served->address,
				 sizeof served->address), -1);
	close(fd);
}

#define SERVED_TEST(name) cmocka_unit_test_setup_teardown(name, open_served, close_served)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED_TEST(logins_are_told),
		SERVED_TEST(changes_are_told_at_once),
		SERVED_TEST(questions_in_one_go_and_in_pieces),
		SERVED_TEST(what_is_no_question_is_cut_off_alone),
		SERVED_TEST(a_client_that_goes_while_it_is_answered),
		SERVED_TEST(one_user_has_so_many_connections),
		SERVED_TEST(who_does_not_read_is_not_answered_further),
		SERVED_TEST(without_a_socket_all_are_cut_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
