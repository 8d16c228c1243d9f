/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions at the look-up socket: answers, deadlines, restarts, and servers that are none. */
#include "lookup_server_fixture.h"

#include <sys/stat.h>

#include "filter/lookup_pool.h"

static struct lookup_fixture server;

/* "found" for alice, "unsure" for down; bob is not there. */
static bool
reply_well(struct span login, struct buf *answer)
{
	struct lookup_answer said = { .result = LOOKUP_UNKNOWN };

	if (span_is(login, "alice"))
		said = (struct lookup_answer){ LOOKUP_FOUND, .identity = span_text("somebody") };
	else if (span_is(login, "down"))
		said = (struct lookup_answer){ LOOKUP_UNSURE, .reason = span_text("no idea") };
	lookup_answer_pack(answer, &said);
	return true;
}

static bool
ask_within(struct lookup_pool *pool, const char *login, uint64_t wait_ms,
	enum lookup_result *result_out, struct fault *fault)
{
	struct buf content = BUF_INIT(0);
	struct lookup_answer answer;
	bool done = lookup_pool_ask(pool, span_text(login), wait_ms, &content, &answer, fault);

	if (done) {
		*result_out = answer.result;
		assert_span_equal(answer.identity, answer.result == LOOKUP_FOUND ? "somebody" : "");
		assert_span_equal(answer.reason, answer.result == LOOKUP_UNSURE ? "no idea" : "");
	}
	buf_fini(&content);
	return done;
}

static enum lookup_result
ask(struct lookup_pool *pool, const char *login)
{
	enum lookup_result result = LOOKUP_RESULT_COUNT;
	struct fault fault = FAULT_INIT;

	if (!ask_within(pool, login, TABLE_WAIT_MS, &result, &fault))
		fail_msg("%s: %s", login, fault.text);
	return result;
}

static void
questions_are_answered(void **state)
{
	struct lookup_pool *pool;

	(void)state;
	lookup_fixture_start(&server, reply_well);
	server.connections = 0;
	pool = lookup_pool_new(server.path);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(ask(pool, "alice"), LOOKUP_FOUND);
		assert_int_equal(ask(pool, "bob"), LOOKUP_UNKNOWN);
		assert_int_equal(ask(pool, "down"), LOOKUP_UNSURE);
	}
	assert_int_equal(server.connections, 1);
	lookup_pool_free(&pool);
	lookup_fixture_stop(&server);
}

static bool
reply_once(struct span login, struct buf *answer)
{
	reply_well(login, answer);
	return false; /* and then it goes */
}

/* As after a restart of the daemon: the connection is there, and nobody at its other end. */
static void
a_stale_connection_is_replaced(void **state)
{
	struct lookup_pool *pool;

	(void)state;
	lookup_fixture_start(&server, reply_once);
	pool = lookup_pool_new(server.path);
	assert_int_equal(ask(pool, "alice"), LOOKUP_FOUND);
	lookup_fixture_stop(&server);
	lookup_fixture_start(&server, reply_well);
	assert_int_equal(ask(pool, "alice"), LOOKUP_FOUND);
	lookup_fixture_stop(&server);
	lookup_pool_free(&pool);
}

static void
a_server_that_goes_after_each_answer(void **state)
{
	struct lookup_pool *pool;

	(void)state;
	lookup_fixture_start(&server, reply_once);
	pool = lookup_pool_new(server.path);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(pool, "alice"), LOOKUP_FOUND);
	lookup_pool_free(&pool);
	lookup_fixture_stop(&server);
}

static bool
reply_nothing(struct span login, struct buf *answer)
{
	(void)login;
	(void)answer;
	return true;
}

static bool
reply_goodbye(struct span login, struct buf *answer)
{
	(void)login;
	(void)answer;
	return false;
}

static bool
reply_half(struct span login, struct buf *answer)
{
	reply_well(login, answer);
	buf_truncate(answer, buf_length(answer) - 1);
	return false;
}

static bool
reply_twice(struct span login, struct buf *answer)
{
	reply_well(login, answer);
	reply_well(login, answer);
	return true;
}

static bool
reply_too_long(struct span login, struct buf *answer)
{
	(void)login;
	buf_add(answer, "\xff\xff\xff\xff", 4);
	return true;
}

static bool
reply_http(struct span login, struct buf *answer)
{
	(void)login;
	buf_add_text(answer, "HTTP/1.0 400 Bad Request\r\n\r\n");
	return true;
}

static bool
reply_another_word(struct span login, struct buf *answer)
{
	(void)login;
	buf_add(answer, "\0\0\0\1\7", 5);
	return true;
}

static void
what_is_no_answer_is_a_failure(void **state)
{
	static const struct {
		lookup_reply_fn *reply;
		enum fault_kind kind;
	} cases[] = {
		{ reply_nothing, FAULT_LIMIT },
		{ reply_goodbye, FAULT_MISSING },
		{ reply_half, FAULT_MISSING },
		{ reply_twice, FAULT_PEER },
		{ reply_too_long, FAULT_PEER },
		{ reply_http, FAULT_PEER },
		{ reply_another_word, FAULT_PEER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum lookup_result result = LOOKUP_RESULT_COUNT;
		struct lookup_pool *pool;

		lookup_fixture_start(&server, cases[i].reply);
		pool = lookup_pool_new(server.path);
		for (int again = 0; again < 2; again++) {
			struct fault fault = FAULT_INIT;

			assert_false(ask_within(pool, "alice",
				cases[i].kind == FAULT_LIMIT ? 20 : TABLE_WAIT_MS, &result, &fault));
			/* Whoever is gone may be found out by sending or by reading. */
			if (cases[i].kind != FAULT_MISSING)
				assert_int_equal(fault.kind, cases[i].kind);
			assert_non_null(strstr(fault.text, server.path));
		}
		lookup_pool_free(&pool);
		lookup_fixture_stop(&server);
	}
}

static void
nobody_there(void **state)
{
	enum lookup_result result;
	struct fault fault = FAULT_INIT;
	struct lookup_pool *pool = lookup_pool_new(table_path("nobody"));
	char name[LOOKUP_LOGIN_MAX_BYTES + 2];

	(void)state;
	assert_false(ask_within(pool, "alice", TABLE_WAIT_MS, &result, &fault));
	assert_non_null(strstr(fault.text, "nobody: No such file"));
	/* nor is there a login of such a length */
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	assert_false(ask_within(pool, name, TABLE_WAIT_MS, &result, &fault));
	lookup_pool_free(&pool);
}

/* Who listens there is neither root nor the folder's owner: somebody was there first. */
static void
a_server_of_somebody_else(void **state)
{
	enum lookup_result result;
	struct fault fault = FAULT_INIT;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct lookup_pool *pool;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	/* Whose a listening socket is, the kernel notes when it begins to listen. */
	snprintf(address.sun_path, sizeof address.sun_path, "%s", table_path("lookup.sock"));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(seteuid(12345), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(seteuid(0), 0);
	pool = lookup_pool_new(address.sun_path);
	assert_false(ask_within(pool, "alice", TABLE_WAIT_MS, &result, &fault));
	assert_int_equal(fault.kind, FAULT_DENIED);
	assert_int_equal(chown(table_folder, 12345, 0), 0);
	/* the owner of the folder is believed, and is silent here */
	assert_false(ask_within(pool, "alice", 20, &result, &fault));
	assert_int_equal(fault.kind, FAULT_LIMIT);
	lookup_pool_free(&pool);
	close(fd);
}

static bool
reply_slowly(struct span login, struct buf *answer)
{
	usleep(2000);
	return reply_well(login, answer);
}

static void *
ask_often(void *context)
{
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ask(context, "alice"), LOOKUP_FOUND);
		assert_int_equal(ask(context, "bob"), LOOKUP_UNKNOWN);
	}
	return NULL;
}

static void
many_threads_share_few_connections(void **state)
{
	enum { THREADS = 24 };
	struct lookup_pool *pool;
	pthread_t threads[THREADS];

	(void)state;
	lookup_fixture_start(&server, reply_slowly);
	server.connections = 0;
	server.most = 0;
	pool = lookup_pool_new(server.path);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, pool), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_in_range(server.connections, 1, LOOKUP_POOL_CONNECTIONS_MAX);
	assert_in_range(server.most, 1, LOOKUP_POOL_CONNECTIONS_MAX);
	lookup_pool_free(&pool);
	lookup_fixture_stop(&server);
}

static void *
ask_in_vain(void *context)
{
	enum lookup_result result;
	struct fault fault = FAULT_INIT;

	assert_false(ask_within(context, "alice", 50, &result, &fault));
	assert_int_equal(fault.kind, FAULT_LIMIT);
	return NULL;
}

/* More than there are connections, at a server that is silent: all come back in time. */
static void
who_finds_none_free_has_a_deadline(void **state)
{
	enum { THREADS = 3 * LOOKUP_POOL_CONNECTIONS_MAX };
	struct lookup_pool *pool;
	pthread_t threads[THREADS];

	(void)state;
	lookup_fixture_start(&server, reply_nothing);
	pool = lookup_pool_new(server.path);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_in_vain, pool), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	lookup_pool_free(&pool);
	lookup_fixture_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(questions_are_answered),
		TABLE_TEST(a_stale_connection_is_replaced),
		TABLE_TEST(a_server_that_goes_after_each_answer),
		TABLE_TEST(what_is_no_answer_is_a_failure),
		TABLE_TEST(nobody_there),
		TABLE_TEST(a_server_of_somebody_else),
		TABLE_TEST(many_threads_share_few_connections),
		TABLE_TEST(who_finds_none_free_has_a_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
