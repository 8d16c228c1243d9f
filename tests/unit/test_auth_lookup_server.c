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

static struct sockaddr_un address = { .sun_family = AF_UNIX };

/* Listens beside the accounts; auth has the socket. */
static struct lookup_server *
serve(struct rig *rig)
{
	static const struct settings_texts nobody;
	struct lookup_server *server = lookup_server_new(rig->auth, &nobody);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/lookup.sock", rig->state_dir);
	unlink(address.sun_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 200), 0);
	lookup_server_set_socket(server, fd);
	return server;
}

static int
open_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
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

/* The next answer; LOOKUP_RESULT_COUNT: it was cut off instead. The texts live as long as the arena. */
static struct lookup_answer
hear(struct rig *rig, int fd, struct arena *arena)
{
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
		content = span_of(arena_dup(arena, content.start, content.length), content.length);
		assert_true(lookup_answer_unpack(content, &answer));
		assert_int_equal(size, buf_length(&hearing.bytes));
	}
	buf_fini(&hearing.bytes);
	return answer;
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
	struct rig *rig = *state;
	struct lookup_server *server = serve(rig);
	struct arena *arena = arena_new(0);
	int fd = open_client();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct lookup_answer answer;
		struct identity identity;

		send_question(fd, cases[i].login);
		answer = hear(rig, fd, arena);
		if (answer.result != cases[i].result)
			fail_msg("%s: %d", cases[i].login, (int)answer.result);
		if (answer.result != LOOKUP_FOUND)
			continue;
		assert_true(identity_unpack(answer.identity, arena, &identity));
		assert_string_equal(identity.login, cases[i].name);
		assert_string_equal(identity.mechanism, "");
		assert_int_equal(identity.addresses.count, cases[i].addresses);
	}
	close(fd);
	arena_free(&arena);
	lookup_server_free(&server);
}

static void
changes_are_told_at_once(void **state)
{
	struct rig *rig = *state;
	struct lookup_server *server = serve(rig);
	struct arena *arena = arena_new(0);
	int fd = open_client();

	send_question(fd, "alice");
	assert_int_equal(hear(rig, fd, arena).result, LOOKUP_FOUND);
	rig_verb(rig, "account disable", json_pack("{s:s}", "login", "alice"));
	send_question(fd, "alice");
	assert_int_equal(hear(rig, fd, arena).result, LOOKUP_UNKNOWN);
	close(fd);
	arena_free(&arena);
	lookup_server_free(&server);
}

/* In order, however they come: all at once, byte by byte. */
static void
questions_in_one_go_and_in_pieces(void **state)
{
	struct rig *rig = *state;
	struct lookup_server *server = serve(rig);
	struct arena *arena = arena_new(0);
	struct buf bytes = BUF_INIT(0);
	int fd = open_client();

	for (int i = 0; i < 20; i++)
		lookup_question_pack(&bytes, span_text(i % 3 ? "carol" : "alice"));
	send_bytes(fd, buf_span(&bytes));
	for (int i = 0; i < 20; i++) {
		char head[LOOKUP_HEAD_BYTES];
		unsigned char content[1024];
		size_t length;

		/* hear() takes one at a time: these are read by length. */
		while (recv(fd, head, sizeof head, MSG_PEEK) != sizeof head)
			fixture_run_for(rig->loop, 1);
		assert_int_equal(recv(fd, head, sizeof head, 0), sizeof head);
		length = ((size_t)(unsigned char)head[2] << 8) + (unsigned char)head[3];
		assert_int_equal(recv(fd, content, length, 0), (ssize_t)length);
		assert_int_equal(content[0], i % 3 ? LOOKUP_UNKNOWN : LOOKUP_FOUND);
	}
	buf_clear(&bytes);
	lookup_question_pack(&bytes, span_text("alice"));
	for (size_t i = 0; i < buf_length(&bytes); i++) {
		send_bytes(fd, span_first(span_from(buf_span(&bytes), i), 1));
		fixture_run_for(rig->loop, 1);
	}
	assert_int_equal(hear(rig, fd, arena).result, LOOKUP_FOUND);
	buf_fini(&bytes);
	close(fd);
	arena_free(&arena);
	lookup_server_free(&server);
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
	struct rig *rig = *state;
	struct lookup_server *server = serve(rig);
	struct arena *arena = arena_new(0);
	int good = open_client();

	for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
		int bad = open_client();

		send_bytes(bad, attacks[i]);
		assert_int_equal(hear(rig, bad, arena).result, LOOKUP_RESULT_COUNT);
		close(bad);
		send_question(good, "alice");
		assert_int_equal(hear(rig, good, arena).result, LOOKUP_FOUND);
	}
	close(good);
	arena_free(&arena);
	lookup_server_free(&server);
}

static void
a_client_that_goes_while_it_is_answered(void **state)
{
	struct rig *rig = *state;
	struct lookup_server *server = serve(rig);
	struct arena *arena = arena_new(0);
	int fd;

	for (int i = 0; i < 20; i++) {
		fd = open_client();
		send_question(fd, "alice");
		if (i % 2)
			fixture_run_for(rig->loop, 1);
		close(fd);
		directory_forget(rig->auth->directory, "alice");
	}
	fd = open_client();
	send_question(fd, "alice");
	assert_int_equal(hear(rig, fd, arena).result, LOOKUP_FOUND);
	close(fd);
	arena_free(&arena);
	lookup_server_free(&server);
}

static void
one_user_has_so_many_connections(void **state)
{
	struct rig *rig = *state;
	struct lookup_server *server = serve(rig);
	struct arena *arena = arena_new(0);
	int fds[LOOKUP_CLIENTS_PER_USER_MAX];
	int more;

	for (size_t i = 0; i < LOOKUP_CLIENTS_PER_USER_MAX; i++) {
		fds[i] = open_client();
		send_question(fds[i], "alice");
		assert_int_equal(hear(rig, fds[i], arena).result, LOOKUP_FOUND);
	}
	more = open_client();
	assert_int_equal(hear(rig, more, arena).result, LOOKUP_RESULT_COUNT);
	close(more);
	/* The others are served on, and who goes makes room. */
	send_question(fds[5], "alice");
	assert_int_equal(hear(rig, fds[5], arena).result, LOOKUP_FOUND);
	close(fds[0]);
	fixture_run_for(rig->loop, 20);
	fds[0] = open_client();
	send_question(fds[0], "alice");
	assert_int_equal(hear(rig, fds[0], arena).result, LOOKUP_FOUND);
	for (size_t i = 0; i < LOOKUP_CLIENTS_PER_USER_MAX; i++)
		close(fds[i]);
	arena_free(&arena);
	lookup_server_free(&server);
}

/* Questions without end whose answers nobody reads: they are left in the socket. */
static void
who_does_not_read_is_not_answered_further(void **state)
{
	struct rig *rig = *state;
	struct lookup_server *server = serve(rig);
	struct arena *arena = arena_new(0);
	struct buf bytes = BUF_INIT(0);
	int greedy = open_client();
	int fd = open_client();
	unsigned stuck = 0;

	lookup_question_pack(&bytes, span_text("alice"));
	/* Nothing is taken for a while: both directions are full. */
	while (stuck < 50) {
		ssize_t size = send(greedy, buf_span(&bytes).start, buf_length(&bytes), MSG_NOSIGNAL);

		if (size < 0) {
			assert_int_equal(errno, EAGAIN);
			stuck++;
			fixture_run_for(rig->loop, 1);
		} else {
			assert_int_equal(size, buf_length(&bytes));
			stuck = 0;
		}
	}
	send_question(fd, "alice");
	assert_int_equal(hear(rig, fd, arena).result, LOOKUP_FOUND);
	buf_fini(&bytes);
	close(greedy);
	close(fd);
	arena_free(&arena);
	lookup_server_free(&server);
}

static void
without_a_socket_all_are_cut_off(void **state)
{
	struct rig *rig = *state;
	struct lookup_server *server = serve(rig);
	struct arena *arena = arena_new(0);
	int fd = open_client();

	send_question(fd, "alice");
	assert_int_equal(hear(rig, fd, arena).result, LOOKUP_FOUND);
	lookup_server_set_socket(server, -1);
	assert_int_equal(hear(rig, fd, arena).result, LOOKUP_RESULT_COUNT);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), -1);
	close(fd);
	arena_free(&arena);
	lookup_server_free(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(logins_are_told),
		RIG_TEST(changes_are_told_at_once),
		RIG_TEST(questions_in_one_go_and_in_pieces),
		RIG_TEST(what_is_no_question_is_cut_off_alone),
		RIG_TEST(a_client_that_goes_while_it_is_answered),
		RIG_TEST(one_user_has_so_many_connections),
		RIG_TEST(who_does_not_read_is_not_answered_further),
		RIG_TEST(without_a_socket_all_are_cut_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
