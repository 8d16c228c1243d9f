/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins seen: added up in memory, written in batches on the directory's thread, and bounded. */
#include "accounts_fixture.h"
#include "io_fixture.h"

#include <semaphore.h>
#include <unistd.h>

#include "auth/seen.h"
#include "base/clock.h"
#include "base/log.h"

enum { RUN_WAIT_MS = 30 * 1000 };

/* What the tests have; accounts come first, for their fixture. */
struct place {
	struct accounts *accounts;
	struct loop *loop;
	struct directory *directory;
	struct seen *seen;
};

static int
make(void **state)
{
	struct place *place = mem_alloc(sizeof *place);
	struct fault fault;

	accounts_make((void **)&place->accounts);
	place->loop = loop_new();
	place->directory = directory_new(place->loop, 1000, 1000, &fault);
	assert_non_null(place->directory);
	place->seen = seen_new(place->loop, place->directory, place->accounts->local);
	*state = place;
	return 0;
}

static int
unmake(void **state)
{
	struct place *place = *state;

	seen_free(&place->seen);
	directory_free(&place->directory);
	loop_free(&place->loop);
	accounts_unmake((void **)&place->accounts);
	mem_free(&place);
	return 0;
}

/* ---- on the directory's thread --------------------------------------------------------------- */

struct count {
	struct place *place;
	const char *sql;
	int64_t number;
};

static void
count_rows(void *context)
{
	struct count *count = context;
	struct accounts *accounts = count->place->accounts;

	if (!db_number(accounts->local->db, count->sql, NULL, 0, &count->number, &accounts->fault))
		count->number = -1;
}

static void
on_counted(enum worker_result result, void *context)
{
	struct count *count = context;

	assert_int_equal(result, WORKER_DONE);
	loop_stop(count->place->loop);
}

/* What the database says when all that was given to the thread before is done. */
static int64_t
number(struct place *place, const char *sql)
{
	static const struct worker_task task = { .run = count_rows, .done = on_counted };
	struct count count = { .place = place, .sql = sql };

	assert_non_null(directory_run(place->directory, &task, &count, RUN_WAIT_MS));
	fixture_run(place->loop);
	return count.number;
}

static int64_t
rows(struct place *place)
{
	return number(place, "SELECT count(*) FROM login_seen");
}

/* ---- noting ---------------------------------------------------------------------------------- */

static struct login_seen
login_of(const char *login)
{
	return (struct login_seen){ .login = login, .credential = 3, .protocol = IDENTITY_SMTP,
		.listener = "submission", .mechanism = "PLAIN", .tls = "TLS1.3",
		.address = "192.0.2.7", .first_ms = 5, .last_ms = 5, .successes = 1 };
}

/* The n-th of many. */
static struct login_seen
numbered(char name[16], int n)
{
	snprintf(name, 16, "login%d", n);
	return login_of(name);
}

static void
the_same_is_one_row(void **state)
{
	struct place *place = *state;
	char name[] = "alice";
	struct login_seen login = login_of(name);

	seen_note(place->seen, &login);
	login.last_ms = 9;
	seen_note(place->seen, &login);
	login.last_ms = 7;
	seen_note(place->seen, &login);
	login.last_ms = 0;
	login.successes = 0;
	login.failures = 2;
	login.failed_ms = 8;
	seen_note(place->seen, &login);
	/* It was copied. */
	memset(name, 'x', strlen(name));
	seen_write(place->seen);
	assert_int_equal(rows(place), 1);
	assert_int_equal(number(place, "SELECT count(*) FROM login_seen WHERE login = 'alice' AND "
		"first_ms = 5 AND last_ms = 9 AND failed_ms = 8 AND successes = 3 AND "
		"failures = 2 AND credential = 3 AND listener = 'submission' AND "
		"mechanism = 'PLAIN' AND tls = 'TLS1.3' AND address = '192.0.2.7'"), 1);
}

static void
what_differs_is_another(void **state)
{
	struct place *place = *state;
	struct login_seen logins[8];

	for (size_t i = 0; i < 8; i++)
		logins[i] = login_of("alice");
	logins[1].login = "bob";
	logins[2].credential = 4;
	logins[3].protocol = IDENTITY_IMAP;
	logins[4].listener = "submissions";
	logins[5].mechanism = "LOGIN";
	logins[6].tls = "";
	logins[7].address = "192.0.2.8";
	for (size_t i = 0; i < 16; i++)
		seen_note(place->seen, &logins[i % 8]);
	seen_write(place->seen);
	assert_int_equal(rows(place), 8);
	assert_int_equal(number(place, "SELECT count(*) FROM login_seen WHERE successes = 2"), 8);
}

static void
texts_do_not_run_into_each_other(void **state)
{
	struct place *place = *state;
	struct login_seen login = login_of("alice");

	login.listener = "ab";
	login.mechanism = "c";
	seen_note(place->seen, &login);
	login.listener = "a";
	login.mechanism = "bc";
	seen_note(place->seen, &login);
	seen_write(place->seen);
	assert_int_equal(rows(place), 2);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Nobody asks for it: it is written all the same, but not for each login. */
static void
it_is_written_after_a_while(void **state)
{
	struct place *place = *state;
	struct login_seen login = login_of("alice");
	uint64_t begin = clock_steady_ms();

	seen_note(place->seen, &login);
	assert_int_equal(rows(place), 0);
	while (rows(place) == 0) {
		assert_true(clock_steady_ms() - begin < 6 * SEEN_WRITE_MS);
		fixture_run_for(place->loop, 20);
	}
}

static void
what_was_written_is_not_written_again(void **state)
{
	struct place *place = *state;
	struct login_seen login = login_of("alice");

	seen_write(place->seen);
	seen_note(place->seen, &login);
	seen_write(place->seen);
	seen_write(place->seen);
	assert_int_equal(number(place, "SELECT sum(successes) FROM login_seen"), 1);
	seen_note(place->seen, &login);
	seen_write(place->seen);
	assert_int_equal(number(place, "SELECT sum(successes) FROM login_seen"), 2);
}

static void
at_the_end_it_is_written_here(void **state)
{
	struct place *place = *state;
	struct login_seen login = login_of("alice");
	struct count count = { .place = place, .sql = "SELECT count(*) FROM login_seen" };

	seen_note(place->seen, &login);
	directory_stop(place->directory);
	seen_write_now(place->seen);
	seen_write_now(place->seen);
	count_rows(&count);
	assert_int_equal(count.number, 1);
}

static void
so_many_are_written_at_once(void **state)
{
	struct place *place = *state;
	char name[16];

	for (int i = 0; i < SEEN_ROWS_MAX; i++) {
		struct login_seen login = numbered(name, i);

		seen_note(place->seen, &login);
	}
	assert_int_equal(rows(place), SEEN_ROWS_MAX);
}

static void
it_says_what_could_not_be_written(void **state)
{
	struct place *place = *state;
	struct login_seen login = login_of("alice");
	FILE *log = tmpfile();
	char line[512] = "";

	assert_non_null(log);
	assert_true(db_execute(place->accounts->local->db, "PRAGMA query_only = 1",
		&place->accounts->fault));
	log_start("auth", fileno(log), LOG_FORMAT_JSON, LOG_LEVEL_DEBUG);
	seen_note(place->seen, &login);
	directory_stop(place->directory);
	seen_write_now(place->seen);
	log_start("auth", STDERR_FILENO, LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
	rewind(log);
	assert_non_null(fgets(line, sizeof line, log));
	assert_non_null(strstr(line, "logins.unseen"));
	assert_non_null(strstr(line, "\"rows\":1"));
	assert_null(strstr(line, "alice"));
	fclose(log);
}

/* ---- a thread that has too much to do -------------------------------------------------------- */

struct gate {
	sem_t entered;
	sem_t open;
};

static void
wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		continue;
}

static void
wait_for_gate(void *context)
{
	struct gate *gate = context;

	sem_post(&gate->entered);
	wait_for(&gate->open);
	sem_post(&gate->open);
}

static void
on_passed(enum worker_result result, void *context)
{
	(void)result;
	(void)context;
}

/* What was seen waits meanwhile, up to a bound, and nothing of it is lost. */
static void
a_busy_thread_gets_it_later(void **state)
{
	static const struct worker_task task = { .run = wait_for_gate, .done = on_passed };
	struct login_seen again = login_of("login0");
	struct place *place = *state;
	struct gate gate;
	char name[16];

	assert_int_equal(sem_init(&gate.entered, 0, 0), 0);
	assert_int_equal(sem_init(&gate.open, 0, 0), 0);
	assert_non_null(directory_run(place->directory, &task, &gate, RUN_WAIT_MS));
	wait_for(&gate.entered);
	while (directory_run(place->directory, &task, &gate, RUN_WAIT_MS))
		continue;
	for (int i = 0; i < SEEN_ROWS_MAX + 1; i++) {
		struct login_seen login = numbered(name, i);

		seen_note(place->seen, &login);
	}
	seen_note(place->seen, &again);
	seen_write(place->seen);
	sem_post(&gate.open);
	/* Until there is room again. */
	while (!directory_run(place->directory, &task, &gate, RUN_WAIT_MS))
		fixture_run_for(place->loop, 5);
	seen_write(place->seen);
	assert_int_equal(rows(place), SEEN_ROWS_MAX);
	assert_int_equal(number(place, "SELECT successes FROM login_seen WHERE login = 'login0'"), 2);
	sem_destroy(&gate.entered);
	sem_destroy(&gate.open);
}

#define SEEN_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SEEN_TEST(the_same_is_one_row),
		SEEN_TEST(what_differs_is_another),
		SEEN_TEST(texts_do_not_run_into_each_other),
		SEEN_TEST(it_is_written_after_a_while),
		SEEN_TEST(what_was_written_is_not_written_again),
		SEEN_TEST(at_the_end_it_is_written_here),
		SEEN_TEST(so_many_are_written_at_once),
		SEEN_TEST(it_says_what_could_not_be_written),
		SEEN_TEST(a_busy_thread_gets_it_later),
	};

	return cmocka_run_group_tests_name("auth/seen", tests, NULL, NULL);
}
