/* SPDX-License-Identifier: BSD-2-Clause */
/* The directory over sources that a test plays: order, memory, outage, lateness, cancelling. */
#include "io_fixture.h"

#include <stdatomic.h>
#include <unistd.h>

#include "auth/directory.h"

enum { FRESH = 300, ANSWER = 2000 };

/* Knows one login; counts how often it is asked. */
struct fake {
	struct directory_source source;
	const char *login;
	atomic_uint asked;
	atomic_bool down;
	atomic_bool slow;
	atomic_uint epoch;
};

static struct loop *loop;
static struct directory *directory;
static struct fake fakes[2];
static enum directory_result result;
static uint64_t epoch;
static unsigned found;

static enum directory_result
fake_find(struct directory_source *source, const char *login, struct account **account_out,
	struct fault *fault_out)
{
	struct fake *fake = (struct fake *)source;

	fake->asked++;
	while (fake->slow)
		usleep(1000);
	if (fake->down) {
		fault_set(fault_out, FAULT_SYSTEM, "down");
		return DIRECTORY_DOWN;
	}
	if (!span_is(span_text(login), fake->login))
		return DIRECTORY_UNKNOWN;
	*account_out = account_new();
	(*account_out)->identity.login = arena_strdup((*account_out)->arena, login);
	(*account_out)->identity.epoch = fake->epoch;
	return DIRECTORY_FOUND;
}

static void
fake_close(struct directory_source **source)
{
	*source = NULL;
}

static enum directory_result
fake_has_address(struct directory_source *source, const char *address, struct fault *fault_out)
{
	struct fake *fake = (struct fake *)source;

	if (fake->down) {
		fault_set(fault_out, FAULT_SYSTEM, "down");
		return DIRECTORY_DOWN;
	}
	return span_is(span_text(address), fake->login) ? DIRECTORY_FOUND : DIRECTORY_UNKNOWN;
}

static const struct directory_source_type fake_type = { "fake", fake_find, fake_has_address,
	fake_close };

static void
on_found(void *context, enum directory_result what, struct account *account)
{
	(void)context;
	result = what;
	epoch = account ? account->identity.epoch : 0;
	found++;
	loop_stop(loop);
}

static int
make(void **state)
{
	static const char *const logins[] = { "alice", "bob" };
	struct fault fault;

	(void)state;
	loop = loop_new();
	directory = directory_new(loop, FRESH, ANSWER, &fault);
	assert_non_null(directory);
	for (int i = 0; i < 2; i++) {
		fakes[i] = (struct fake){ .source.type = &fake_type, .login = logins[i],
			.epoch = 1 };
		directory_add(directory, &fakes[i].source);
	}
	found = 0;
	return 0;
}

static int
unmake(void **state)
{
	(void)state;
	directory_free(&directory);
	loop_free(&loop);
	return 0;
}

static enum directory_result
find(const char *login, bool fresh)
{
	unsigned before = found;

	directory_find(directory, login, fresh, on_found, NULL);
	while (found == before)
		fixture_run(loop);
	assert_int_equal(found, before + 1);
	return result;
}

static void
asks_in_order_until_somebody_knows(void **state)
{
	(void)state;
	assert_int_equal(find("alice", false), DIRECTORY_FOUND);
	assert_int_equal(fakes[1].asked, 0);
	assert_int_equal(find("bob", false), DIRECTORY_FOUND);
	assert_int_equal(fakes[0].asked, 2);
	assert_int_equal(find("carol", false), DIRECTORY_UNKNOWN);
	assert_int_equal(fakes[1].asked, 2);
}

/* A source that is down might know the name: the next one must not be taken for it. */
static void
one_that_is_down_ends_the_search(void **state)
{
	(void)state;
	fakes[0].down = true;
	assert_int_equal(find("bob", false), DIRECTORY_DOWN);
	assert_int_equal(fakes[1].asked, 0);
}

static void
remembers_for_a_while(void **state)
{
	(void)state;
	find("alice", false);
	assert_null(directory_find(directory, "alice", false, on_found, NULL));
	assert_int_equal(fakes[0].asked, 1);
	find("alice", true);
	assert_int_equal(fakes[0].asked, 2);
	fakes[0].epoch = 2;
	find("alice", false);
	assert_int_equal(epoch, 1);
	directory_forget(directory, "alice");
	find("alice", false);
	assert_int_equal(epoch, 2);
	fakes[0].epoch = 3;
	fixture_run_for(loop, FRESH + 50);
	find("alice", false);
	assert_int_equal(epoch, 3);
}

static void
does_not_remember_who_is_not_there(void **state)
{
	(void)state;
	fakes[0].login = "other";
	assert_int_equal(find("alice", false), DIRECTORY_UNKNOWN);
	fakes[0].login = "alice";
	assert_int_equal(find("alice", false), DIRECTORY_FOUND);
	/* Nor who was there once. */
	fakes[0].login = "other";
	assert_int_equal(find("alice", true), DIRECTORY_UNKNOWN);
	fakes[0].down = true;
	assert_int_equal(find("alice", true), DIRECTORY_DOWN);
}

static void
goes_by_the_last_good_answer_in_an_outage(void **state)
{
	(void)state;
	find("alice", false);
	fakes[0].down = true;
	assert_int_equal(find("alice", true), DIRECTORY_FOUND);
	assert_int_equal(find("bob", true), DIRECTORY_DOWN);
	/* What was changed since is not good any more. */
	directory_forget(directory, "alice");
	assert_int_equal(find("alice", true), DIRECTORY_DOWN);
}

static void
does_not_wait_for_ever(void **state)
{
	(void)state;
	find("alice", false);
	directory_set_wait(directory, 50);
	fakes[0].slow = true;
	assert_int_equal(find("alice", true), DIRECTORY_FOUND);
	assert_int_equal(find("bob", false), DIRECTORY_DOWN);
	fakes[0].slow = false;
	directory_set_wait(directory, ANSWER);
	assert_int_equal(find("bob", false), DIRECTORY_FOUND);
}

static void
a_cancelled_question_is_not_answered(void **state)
{
	struct directory_question *question;

	(void)state;
	fakes[0].slow = true;
	question = directory_find(directory, "alice", false, on_found, NULL);
	directory_cancel(&question);
	assert_null(question);
	directory_cancel(&question);
	fakes[0].slow = false;
	assert_int_equal(find("bob", false), DIRECTORY_FOUND);
	assert_int_equal(found, 1);
}

static void
ends_with_questions_under_way(void **state)
{
	(void)state;
	fakes[0].slow = true;
	directory_find(directory, "alice", false, on_found, NULL);
	directory_find(directory, "bob", false, on_found, NULL);
	fakes[0].slow = false;
	directory_free(&directory);
	assert_int_equal(found, 0);
}

#define DIRECTORY_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECTORY_TEST(asks_in_order_until_somebody_knows),
		DIRECTORY_TEST(one_that_is_down_ends_the_search),
		DIRECTORY_TEST(remembers_for_a_while),
		DIRECTORY_TEST(does_not_remember_who_is_not_there),
		DIRECTORY_TEST(goes_by_the_last_good_answer_in_an_outage),
		DIRECTORY_TEST(does_not_wait_for_ever),
		DIRECTORY_TEST(a_cancelled_question_is_not_answered),
		DIRECTORY_TEST(ends_with_questions_under_way),
	};

	return cmocka_run_group_tests_name("auth/directory", tests, NULL, NULL);
}
