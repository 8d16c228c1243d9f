/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins through the whole role: who gets in, who does not, and what each of them is told. */
#include "auth_exchange_fixture.h"

#include "auth/directory_local_db.h"
#include "scram_client.h"

/* ---- PLAIN and LOGIN ------------------------------------------------------------------------- */

static void
plain_gives_identity_and_grant(void **state)
{
	struct rig_front *front = front_of(state);
	struct rig_heard *heard = rig_plain(front, "s1", "alice", "alicepw");
	struct arena *arena = arena_new(0);
	struct fault fault = FAULT_INIT;
	struct identity identity;
	struct grant grant;

	assert_in(heard, "alice");
	assert_true(identity_unpack(buf_span(&heard->identity), arena, &identity));
	assert_string_equal(identity.mechanism, "PLAIN");
	assert_string_equal(identity_primary(&identity), "alice@example.org");
	assert_true(grant_check(buf_span(&heard->grant), RIG_KEY, clock_wall_ms(), &grant, &fault));
	assert_span_equal(grant.session, "s1");
	assert_span_equal(grant.login, "alice");
	assert_span_equal(grant.listener, "submission");
	assert_true(span_equal(grant.identity, buf_span(&heard->identity)));
	assert_int_equal(grant.epoch, identity.epoch);
	assert_true(grant.expires_ms > clock_wall_ms() + 29 * 60 * 1000);
	assert_true(grant.expires_ms < clock_wall_ms() + 31 * 60 * 1000);
	arena_free(&arena);
}

static void
login_is_plain_by_another_name(void **state)
{
	struct rig_heard *heard = rig_login(front_of(state), rig_start("s1", "LOGIN"),
		SPAN_LITERAL("\0bob\0bobpw"));

	assert_in(heard, "bob");
}

static void
names_have_one_form(void **state)
{
	static const char *const names[] = { "alice", "Alice", "ALICE@example.org" };

	for (size_t i = 0; i < 3; i++)
		assert_in(rig_plain(front_of(state), "s1", names[i], "alicepw"), "alice");
}

struct message_case {
	const char *bytes;
	size_t length;
	enum login_failure wanted; /* LOGIN_FAILURE_COUNT: gets in */
};

#define MESSAGE(text, wanted) { text, sizeof(text) - 1, wanted }

/* C5, C7 and C8 of the attack catalogue. */
static const struct message_case messages[] = {
	MESSAGE("alice\0alice\0alicepw", LOGIN_FAILURE_COUNT),
	MESSAGE("Alice@example.org\0alice\0alicepw", LOGIN_FAILURE_COUNT),
	MESSAGE("bob\0alice\0alicepw", LOGIN_BAD_CREDENTIALS),
	MESSAGE("", LOGIN_BAD_SYNTAX),
	MESSAGE("alice", LOGIN_BAD_SYNTAX),
	MESSAGE("\0alice", LOGIN_BAD_SYNTAX),
	MESSAGE("\0\0\0", LOGIN_BAD_SYNTAX),
	MESSAGE("\0alice\0alicepw\0evil", LOGIN_BAD_SYNTAX),
	MESSAGE("\0alice\0x\0alicepw", LOGIN_BAD_SYNTAX),
	MESSAGE("\0alice\n\0alicepw", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0alice\r\0alicepw", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0alice\r\nX\0alicepw", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0 alice\0alicepw", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0alice\t\0alicepw", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0alice\0alicepw\n", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0alice\0\xff\xfe", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0al\xffice\0alicepw", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0alice\0alicepW", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0*\0alicepw", LOGIN_BAD_CREDENTIALS),
	MESSAGE("\0a' OR '1'='1\0alicepw", LOGIN_BAD_CREDENTIALS),
};

static void
c5_c7_c8_only_the_exact_pair_gets_in(void **state)
{
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
		struct rig_heard *heard = rig_login(front_of(state), rig_start("s1", "PLAIN"),
			span_of(messages[i].bytes, messages[i].length));

		if (messages[i].wanted == LOGIN_FAILURE_COUNT)
			assert_in(heard, "alice");
		else
			assert_failed(heard, messages[i].wanted);
	}
}

/* How often the directory's thread ran what reads an account. */
struct effort {
	int accounts;
	int keys;
	int groups;
	int texts;
	int apps;
	int compiled; /* statements, anew */
};

static struct effort
effort_of(const struct rig *rig)
{
	sqlite3_stmt *const *statements = rig->auth->local->statements;
	int compiled = 0;

	for (int i = 0; i < STATEMENT_COUNT; i++)
		compiled += sqlite3_stmt_status(statements[i], SQLITE_STMTSTATUS_REPREPARE, 1);
	return (struct effort){
		.compiled = compiled,
		.accounts = sqlite3_stmt_status(statements[FIND_ACCOUNT], SQLITE_STMTSTATUS_RUN, 1),
		.keys = sqlite3_stmt_status(statements[FIND_KEYS], SQLITE_STMTSTATUS_RUN, 1),
		.groups = sqlite3_stmt_status(statements[FIND_GROUPS], SQLITE_STMTSTATUS_RUN, 1),
		.texts = sqlite3_stmt_status(statements[FIND_TEXTS], SQLITE_STMTSTATUS_RUN, 1),
		.apps = sqlite3_stmt_status(statements[FIND_APPS], SQLITE_STMTSTATUS_RUN, 1),
	};
}

/* C10: also of a name that was looked up a moment ago, or has a password that is remembered. */
static void
c10_the_directory_works_the_same_for_everybody(void **state)
{
	static const char *const logins[] = { "alice", "alice", "nobody", "nobody", "disabled", "nokeys" };
	struct rig_front *front = front_of(state);

	assert_in(rig_plain(front, "s0", "alice", "alicepw"), "alice");
	effort_of(front->rig);
	/* The right password is known without asking; whoever has it learns nothing by that. */
	assert_in(rig_plain(front, "s1", "alice", "alicepw"), "alice");
	assert_int_equal(effort_of(front->rig).accounts, 0);
	for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++) {
		struct effort effort;

		assert_failed(rig_plain(front, "s2", logins[i], "wrong"), LOGIN_BAD_CREDENTIALS);
		effort = effort_of(front->rig);
		/* Once somebody, once nobody. */
		assert_int_equal(effort.accounts, 2);
		assert_int_equal(effort.keys, 1);
		assert_int_equal(effort.groups, 1);
		assert_int_equal(effort.texts, 1);
		assert_int_equal(effort.apps, 1);
		assert_int_equal(effort.compiled, 0);
	}
}

/* C9: the client cannot tell these apart; C15: what nobody is called is not logged as it is. */
static void
c9_c15_all_refusals_are_alike(void **state)
{
	static const struct {
		const char *login;
		const char *password;
		const char *logged;
	} cases[] = {
		{ "alice", "wrong", "alice" },
		{ "disabled", "disabledpw", "disabled" },
		{ "expired", "expiredpw", "expired" },
		{ "reader", "readerpw", "reader" }, /* may use IMAP alone */
		{ "nokeys", "anything", "nokeys" },
		{ "nobody", "nobodypw", "" },
		{ "my-secret-password", "x", "" },
		{ "nobody@example.org", "x", "" },   /* the realm is cut off */
		{ "nobody@sub.example.org", "x", "" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rig_heard *heard =
			rig_plain(front_of(state), "s1", cases[i].login, cases[i].password);

		assert_failed(heard, LOGIN_BAD_CREDENTIALS);
		assert_int_equal(heard->delay_ms, 1000);
		assert_string_equal(heard->login, cases[i].logged);
		assert_null(strstr(heard->text, "secret"));
	}
}

static void
the_protocol_decides_too(void **state)
{
	struct message_login_start start = rig_start("s1", "PLAIN");

	start.listener = "imaps";
	start.protocol = "imap";
	assert_in(rig_login(front_of(state), start, SPAN_LITERAL("\0reader\0readerpw")), "reader");
}

/* ---- what is offered ------------------------------------------------------------------------- */

struct offer_case {
	const char *listener;
	const char *mechanism;
	const char *client;
	bool tls;
	enum login_failure wanted; /* LOGIN_FAILURE_COUNT: goes on */
};

static const struct offer_case offers[] = {
	{ "submission", "PLAIN", RIG_ADDRESS, true, LOGIN_FAILURE_COUNT },
	{ "submission", "PLAIN", RIG_ADDRESS, false, LOGIN_TOO_WEAK },
	{ "submission", "SCRAM-SHA-256", RIG_ADDRESS, false, LOGIN_TOO_WEAK },
	{ "off", "PLAIN", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "nowhere", "PLAIN", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "imaps", "PLAIN", RIG_ADDRESS, true, LOGIN_NO_MECHANISM }, /* it speaks smtp here */
	{ "challenge", "PLAIN", RIG_ADDRESS, false, LOGIN_TOO_WEAK },
	{ "challenge", "LOGIN", RIG_ADDRESS, false, LOGIN_TOO_WEAK },
	{ "challenge", "SCRAM-SHA-1-PLUS", RIG_ADDRESS, false, LOGIN_NO_MECHANISM },
	{ "devices", "PLAIN", "10.1.2.3", false, LOGIN_FAILURE_COUNT },
	{ "devices", "PLAIN", RIG_ADDRESS, false, LOGIN_TOO_WEAK },
	{ "devices", "PLAIN", "/run/socket", false, LOGIN_TOO_WEAK },
	{ "devices", "SCRAM-SHA-256", RIG_ADDRESS, false, LOGIN_TOO_WEAK },
	{ "few", "PLAIN", RIG_ADDRESS, true, LOGIN_FAILURE_COUNT },
	{ "few", "LOGIN", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "few", "SCRAM-SHA-256-PLUS", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	/* C17 */
	{ "submission", "GSSAPI", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "submission", "ANONYMOUS", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "submission", "EXTERNAL", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "submission", "NTLM", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "submission", "DIGEST-MD5", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "submission", "PLAIN-PLUS", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "submission", "plain", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "submission", "", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "submission", "-PLUS", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
	{ "submission", "../x", RIG_ADDRESS, true, LOGIN_NO_MECHANISM },
};

static void
c17_only_what_is_offered_is_served(void **state)
{
	for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
		struct message_login_start start = rig_start("s1", offers[i].mechanism);
		struct rig_heard *heard;

		start.listener = offers[i].listener;
		start.client_address = offers[i].client;
		start.tls = offers[i].tls;
		if (!start.tls)
			start.bind_exporter = start.bind_endpoint = SPAN_EMPTY;
		heard = rig_login(front_of(state), start, SPAN_LITERAL("\0alice\0alicepw"));
		if (offers[i].wanted == LOGIN_FAILURE_COUNT)
			assert_in(heard, "alice");
		else
			assert_failed(heard, offers[i].wanted);
	}
}

/* ---- cache, brake, back end ------------------------------------------------------------------ */

/* Another password behind the role's back, which it is not told of. */
static void
change_keys(struct rig *rig, const char *login, const char *password)
{
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct fault fault;
	uint64_t epoch;

	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
		scram_keys_derive(&keys[i], (enum scram_hash)i, RIG_ITERATIONS,
			span_text("a new salt"), span_text(password));
	assert_true(directory_local_set_keys(rig->auth->local, login, keys, &epoch, &fault));
}

static void
a_verified_login_is_remembered_until_it_is_revoked(void **state)
{
	struct rig_front *front = front_of(state);
	struct rig *rig = *state;

	assert_int_equal(login_cache_count(rig->auth->exchanges.cache), 0);
	assert_in(rig_plain(front, "s1", "alice", "alicepw"), "alice");
	assert_int_equal(login_cache_count(rig->auth->exchanges.cache), 1);
	/* No thread could verify this any more: it is the memory that does. */
	worker_pool_free(&rig->auth->exchanges.pool, 1000);
	assert_in(rig_plain(front, "s2", "alice", "alicepw"), "alice");
	rig->auth->exchanges.pool = worker_pool_new(rig->loop, "again", 1, 10, &(struct fault){ 0 });
	/* A wrong password neither profits from it nor spoils it. */
	assert_failed(rig_plain(front, "s3", "alice", "wrong"), LOGIN_BAD_CREDENTIALS);
	assert_int_equal(login_cache_count(rig->auth->exchanges.cache), 1);
	change_keys(rig, "alice", "new");
	assert_in(rig_plain(front, "s3", "alice", "alicepw"), "alice");
	auth_revoke(rig->auth, "alice", 1000);
	assert_int_equal(login_cache_count(rig->auth->exchanges.cache), 0);
	assert_failed(rig_plain(front, "s4", "alice", "alicepw"), LOGIN_BAD_CREDENTIALS);
	for (int i = 1; i <= 3; i++)
		rig_end_session(front, (const char *[]){ "", "s1", "s2", "s3" }[i], "alice");
	assert_in(rig_plain(front, "s5", "alice", "new"), "alice");
}

static void
refused_logins_are_not_remembered(void **state)
{
	struct rig *rig = *state;

	rig_plain(front_of(state), "s1", "disabled", "disabledpw");
	rig_plain(front_of(state), "s1", "nobody", "x");
	assert_int_equal(login_cache_count(rig->auth->exchanges.cache), 0);
}

static void
set_brake(struct rig *rig, uint64_t base_ms, uint64_t per_login)
{
	rig->settings.sasl.failure_delay = base_ms;
	rig->settings.sasl.failures_per_login = per_login;
	auth_set_settings(rig->auth, &rig->settings);
}

/* C11 and C12, end to end: tries wait in line, then are turned away; other names are not. */
static void
c11_c12_guessing_gets_slow(void **state)
{
	struct rig_front *front = front_of(state);
	struct rig *rig = *state;
	uint64_t before;
	char password[24];

	set_brake(rig, 100, 2);
	for (int i = 0; i < 4; i++) {
		snprintf(password, sizeof password, "guess%d", i);
		assert_failed(rig_plain(front, "s1", "alice", password), LOGIN_BAD_CREDENTIALS);
	}
	assert_int_equal(front->heard.delay_ms, 200);
	/* The right password waits too: 200 ms in line. */
	before = clock_steady_ms();
	assert_in(rig_plain(front, "s1", "alice", "alicepw"), "alice");
	assert_true(clock_steady_ms() - before >= 190);
	/* It has cleared the line. */
	before = clock_steady_ms();
	assert_in(rig_plain(front, "s2", "alice", "alicepw"), "alice");
	assert_true(clock_steady_ms() - before < 150);
	set_brake(rig, 5000, 1);
	rig_plain(front, "s1", "bob", "x");
	rig_plain(front, "s1", "bob", "y");
	assert_failed(rig_plain(front, "s1", "bob", "bobpw"), LOGIN_LIMIT);
	assert_string_equal(front->heard.text, "Too many failed logins, try again later");
	assert_in(rig_plain(front, "s3", "robot", "robotpw"), "robot");
}

static void
the_same_wrong_password_does_not_brake(void **state)
{
	struct rig_front *front = front_of(state);

	set_brake(*state, 100, 2);
	for (int i = 0; i < 10; i++) {
		assert_failed(rig_plain(front, "s1", "alice", "old"), LOGIN_BAD_CREDENTIALS);
		assert_int_equal(front->heard.delay_ms, 100);
	}
	assert_in(rig_plain(front, "s1", "alice", "alicepw"), "alice");
}

static void
run_sql(struct rig *rig, const char *sql)
{
	struct fault fault = FAULT_INIT;

	assert_true(db_execute(rig->auth->local->db, sql, &fault));
}

/* A fault of ours is never said to be the client's (RFC 4954 6: 454, not 535). */
static void
a_back_end_fault_is_temporary(void **state)
{
	struct scram_client client = { .gs2 = "n,,", .password = "bobpw" };
	struct rig_front *front = front_of(state);
	struct rig *rig = *state;

	assert_in(rig_plain(front, "s1", "alice", "alicepw"), "alice");
	run_sql(rig, "ALTER TABLE scram_key RENAME TO lost");
	assert_failed(rig_plain(front, "s2", "bob", "bobpw"), LOGIN_TEMPORARY);
	assert_failed(rig_plain(front, "s2", "bob", "wrong"), LOGIN_TEMPORARY);
	assert_failed(rig_login(front, rig_start("s2", "SCRAM-SHA-256"),
			      scram_client_first(&client, "bob")),
		LOGIN_TEMPORARY);
	assert_int_equal(front->heard.delay_ms, 0);
	/* Who was known a short while ago still gets in. */
	assert_in(rig_plain(front, "s2", "alice", "alicepw"), "alice");
	run_sql(rig, "ALTER TABLE lost RENAME TO scram_key");
	assert_in(rig_plain(front, "s3", "bob", "bobpw"), "bob");
}

/* ---- turns and time -------------------------------------------------------------------------- */

static void
a_client_that_is_too_slow_hears_it_when_it_speaks(void **state)
{
	struct scram_client client = { .gs2 = "n,,", .password = "alicepw" };
	struct rig_front *front = front_of(state);
	struct rig *rig = *state;
	struct rig_heard *heard;

	rig->settings.sasl.exchange_wait = 50;
	auth_set_settings(rig->auth, &rig->settings);
	heard = rig_login(front, rig_start("s1", "SCRAM-SHA-256"),
		scram_client_first(&client, "alice"));
	assert_int_equal(heard->id, MSG_LOGIN_CHALLENGE);
	/* An answer now would be out of turn, and end the channel. */
	heard->id = MSG_NONE;
	fixture_run_for(rig->loop, 120);
	assert_int_equal(heard->id, MSG_NONE);
	assert_false(front->closed);
	rig_step(front, scram_client_final(&client, buf_span(&heard->bytes)));
	assert_failed(heard, LOGIN_TEMPORARY);
}

static void
speaking_out_of_turn_ends_the_channel(void **state)
{
	struct message_login_step step = { .exchange = 4711, .response = SPAN_LITERAL("x") };
	struct rig_front *front = front_of(state);
	struct rig *rig = *state;
	struct buf content = BUF_INIT(0);

	message_login_step_pack(&content, &step);
	rig_send(front, MSG_LOGIN_STEP, &content);
	while (!front->closed)
		fixture_run(rig->loop);
	/* Nobody else is harmed. */
	assert_in(rig_plain(&rig->fronts[1], "s1", "alice", "alicepw"), "alice");
}

static void
many_logins_at_once_all_end(void **state)
{
	enum { MANY = 200 };
	struct rig *rig = *state;
	struct rig_front *many = mem_alloc_array(MANY, sizeof *many);
	char message[] = "\0robot\0robotpw";
	unsigned in = 0;

	rig->limits[0].connections_per_login = 0;
	for (int i = 0; i < MANY; i++) {
		struct message_login_start start = rig_start("", "PLAIN");
		char session[16];

		snprintf(session, sizeof session, "m%d", i);
		start.session = session;
		start.has_initial = true;
		start.initial = span_of(message, sizeof message - 1);
		many[i] = (struct rig_front){ .rig = rig, .channel = rig->fronts[0].channel };
		rig_begin(&many[i], &start);
	}
	for (int i = 0; i < MANY; i++) {
		in += rig_hear(&many[i])->id == MSG_LOGIN_DONE;
		many[i].channel = NULL;
		rig_fini_front(&many[i]);
	}
	assert_int_equal(in, MANY);
	mem_free(&many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(plain_gives_identity_and_grant),
		RIG_TEST(login_is_plain_by_another_name),
		RIG_TEST(names_have_one_form),
		RIG_TEST(c5_c7_c8_only_the_exact_pair_gets_in),
		RIG_TEST(c9_c15_all_refusals_are_alike),
		RIG_TEST(c10_the_directory_works_the_same_for_everybody),
		RIG_TEST(the_protocol_decides_too),
		RIG_TEST(c17_only_what_is_offered_is_served),
		RIG_TEST(a_verified_login_is_remembered_until_it_is_revoked),
		RIG_TEST(refused_logins_are_not_remembered),
		RIG_TEST(c11_c12_guessing_gets_slow),
		RIG_TEST(the_same_wrong_password_does_not_brake),
		RIG_TEST(a_back_end_fault_is_temporary),
		RIG_TEST(a_client_that_is_too_slow_hears_it_when_it_speaks),
		RIG_TEST(speaking_out_of_turn_ends_the_channel),
		RIG_TEST(many_logins_at_once_all_end),
	};

	return cmocka_run_group_tests_name("auth/exchange", tests, NULL, NULL);
}
