/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins by app password: by which names and mechanisms, for what, until when, and what shows. */
#include "auth_rig.h"
#include "scram_client.h"

#include "auth/directory_local_app.h"

static const char scanner[] = "abcde-fghjk-mnpqr-stuvw-23456";
static const char phone[] = "zzzzz-yyyyy-xxxxx-wwwww-vvvvv";
static const char other[] = "qqqqq-qqqqq-qqqqq-qqqqq-qqqqq"; /* of the right form, and nobody's */

static struct rig_front *
front_of(void **state)
{
	struct rig *rig = *state;

	return &rig->fronts[0];
}

static void
add(struct rig *rig, const char *login, const char *label, const char *password, uint8_t protocols,
	int64_t expires_ms)
{
	const struct directory_local_app app = {
		.label = label, .protocols = protocols, .expires_ms = expires_ms
	};
	struct fault fault;

	if (!directory_local_add_app(rig->auth->local, login, &app, span_text(password), &fault))
		fail_msg("%s", fault.text);
}

/* The rig, with what these tests need besides; nobody has been asked for yet. */
static int
app_make(void **state)
{
	int result = rig_setup(state);
	struct rig *rig = *state;

	add(rig, "alice", "Scanner", scanner, IDENTITY_SMTP, 0);
	add(rig, "alice", "phone", phone, IDENTITY_IMAP, 0);
	add(rig, "bob", "old", scanner, 7, 1);
	add(rig, "disabled", "tool", scanner, 7, 0);
	add(rig, "nokeys", "tool", scanner, 7, 0);
	return result;
}

static void
assert_in(const struct rig_heard *heard, const char *login, const char *credential)
{
	struct arena *arena = arena_new(0);
	struct identity identity;

	if (heard->id == MSG_LOGIN_FAILED)
		fail_msg("%s", heard->text);
	assert_int_equal(heard->id, MSG_LOGIN_DONE);
	assert_true(identity_unpack(buf_span(&heard->identity), arena, &identity));
	assert_string_equal(identity.login, login);
	assert_string_equal(identity.credential, credential);
	assert_int_equal(identity.credential_id != 0, credential[0] != '\0');
	arena_free(&arena);
}

static void
assert_refused(const struct rig_heard *heard, const char *login, const char *text)
{
	assert_int_equal(heard->id, MSG_LOGIN_FAILED);
	assert_int_equal(heard->failure, LOGIN_BAD_CREDENTIALS);
	assert_string_equal(heard->login, login);
	assert_non_null(strstr(heard->text, text));
}

static void
plain_takes_it_by_the_login_or_by_its_own_name(void **state)
{
	static const struct {
		const char *name;
		const char *typed;
		const char *credential;
	} cases[] = {
		{ "alice", "alicepw", "" },
		{ "alice", "abcde-fghjk-mnpqr-stuvw-23456", "Scanner" },
		{ "alice", "ABCDEFGHJK MNPQRSTUVW23456", "Scanner" },
		{ "alice/scanner", "abcde-fghjk-mnpqr-stuvw-23456", "Scanner" },
		{ "Alice/SCANNER", "abcdefghjkmnpqrstuvw23456", "Scanner" },
		{ "alice/scanner@example.org", "abcde-fghjk-mnpqr-stuvw-23456", "Scanner" },
		{ "alice@example.org/scanner", "abcde-fghjk-mnpqr-stuvw-23456", "Scanner" },
	};

	/* Twice, for what is remembered must give the same. */
	for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		size_t at = i % (sizeof cases / sizeof cases[0]);

		assert_in(rig_plain(front_of(state), "s1", cases[at].name, cases[at].typed), "alice",
			cases[at].credential);
	}
}

static void
an_account_without_a_password_may_have_them(void **state)
{
	assert_in(rig_plain(front_of(state), "s1", "nokeys", scanner), "nokeys", "tool");
}

static void
only_the_right_one_gets_in(void **state)
{
	static const struct {
		const char *name;
		const char *typed;
		const char *logged;
		const char *text;
	} cases[] = {
		{ "alice", other, "alice", "wrong password" },
		{ "alice/scanner", other, "alice", "wrong password" },
		{ "alice/scanner", "alicepw", "alice", "wrong password" },
		{ "alice/phone", scanner, "alice", "wrong password" },
		{ "alice/nothing", scanner, "alice", "wrong password" },
		{ "alice/", scanner, "", "not a possible login" },
		{ "/scanner", scanner, "", "not a possible login" },
		{ "alice/scanner/x", scanner, "alice", "wrong password" },
		{ "alice", phone, "alice", "app password is not for this protocol" },
		{ "alice/phone", phone, "alice", "app password is not for this protocol" },
		{ "bob", scanner, "bob", "app password has expired" },
		{ "disabled", scanner, "disabled", "account is disabled" },
		{ "strict", scanner, "strict", "wrong password" },
		{ "nobody", scanner, "", "unknown login" },
		{ "nobody/scanner", scanner, "", "unknown login" },
	};

	assert_in(rig_plain(front_of(state), "s1", "alice", scanner), "alice", "Scanner");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_refused(rig_plain(front_of(state), "s1", cases[i].name, cases[i].typed),
			cases[i].logged, cases[i].text);
}

static void
nobody_acts_for_another(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		bool good;
	} cases[] = {
#define CASE(text, good) { text, sizeof(text) - 1, good }
		CASE("alice\0alice/scanner\0abcde-fghjk-mnpqr-stuvw-23456", true),
		CASE("alice/scanner\0alice/scanner\0abcde-fghjk-mnpqr-stuvw-23456", true),
		CASE("alice/phone\0alice/scanner\0abcde-fghjk-mnpqr-stuvw-23456", false),
		CASE("bob\0alice/scanner\0abcde-fghjk-mnpqr-stuvw-23456", false),
		CASE("alice/scanner\0alice\0abcde-fghjk-mnpqr-stuvw-23456", false),
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rig_heard *heard = rig_login(front_of(state), rig_start("s1", "PLAIN"),
			span_of(cases[i].bytes, cases[i].length));

		if (cases[i].good)
			assert_in(heard, "alice", "Scanner");
		else
			assert_refused(heard, "", "wants to act as another");
	}
}

static struct rig_heard *
scram(struct rig_front *front, const char *mechanism, bool sha1, const char *login,
	const char *password)
{
	struct scram_client client = { .gs2 = "n,,", .sha1 = sha1, .password = password };
	struct rig_heard *heard =
		rig_login(front, rig_start("s1", mechanism), scram_client_first(&client, login));

	if (heard->id == MSG_LOGIN_CHALLENGE)
		heard = rig_step(front, scram_client_final(&client, buf_span(&heard->bytes)));
	return heard->id == MSG_LOGIN_CHALLENGE ? rig_step(front, SPAN_EMPTY) : heard;
}

/* SCRAM has one salt for a name, and no way to try several passwords: each has its own name. */
static void
scram_takes_it_by_its_own_name(void **state)
{
	struct rig_front *front = front_of(state);

	assert_in(scram(front, "SCRAM-SHA-256", false, "alice/scanner", scanner), "alice", "Scanner");
	assert_in(scram(front, "SCRAM-SHA-1", true, "alice/Scanner", scanner), "alice", "Scanner");
	assert_in(scram(front, "SCRAM-SHA-256", false, "alice", "alicepw"), "alice", "");
	assert_int_equal(scram(front, "SCRAM-SHA-256", false, "alice", scanner)->id, MSG_LOGIN_FAILED);
	assert_int_equal(scram(front, "SCRAM-SHA-256", false, "alice/scanner", "alicepw")->id,
		MSG_LOGIN_FAILED);
	assert_int_equal(scram(front, "SCRAM-SHA-256", false, "alice/phone", phone)->id,
		MSG_LOGIN_FAILED);
	assert_int_equal(scram(front, "SCRAM-SHA-256", false, "bob/old", scanner)->id,
		MSG_LOGIN_FAILED);
	assert_int_equal(scram(front, "SCRAM-SHA-256", false, "disabled/tool", scanner)->id,
		MSG_LOGIN_FAILED);
}

static void
server_first(struct rig_front *front, const char *login, char *salt, char *rounds)
{
	struct scram_client client = { .gs2 = "n,,", .password = "x" };
	struct rig_heard *heard = rig_login(front, rig_start("s1", "SCRAM-SHA-256"),
		scram_client_first(&client, login));

	assert_int_equal(heard->id, MSG_LOGIN_CHALLENGE);
	assert_true(scram_client_attribute(buf_span(&heard->bytes), 's', salt, 64));
	assert_true(scram_client_attribute(buf_span(&heard->bytes), 'i', rounds, 16));
	rig_cancel(front);
}

/* C10: neither which labels there are, nor whether there is one, nor whether there is an account. */
static void
c10_salts_do_not_tell_of_app_passwords(void **state)
{
	struct rig *rig = *state;
	char salts[4][64];
	char rounds[4][16];
	char before[64];

	server_first(front_of(state), "alice/scanner", salts[0], rounds[0]);
	server_first(front_of(state), "alice/phone", salts[1], rounds[1]);
	server_first(front_of(state), "alice/nothing", salts[2], rounds[2]);
	assert_string_equal(salts[0], salts[1]);
	assert_string_equal(salts[0], salts[2]);
	server_first(front_of(state), "nobody/one", salts[0], rounds[3]);
	server_first(front_of(state), "nobody/two", salts[1], rounds[3]);
	assert_string_equal(salts[0], salts[1]);
	assert_string_equal(rounds[0], rounds[3]);
	assert_string_equal(rounds[1], rounds[3]);
	assert_string_equal(rounds[2], rounds[3]);
	server_first(front_of(state), "alice", salts[3], rounds[3]);
	assert_string_not_equal(salts[2], salts[3]);
	/* The first one that is made changes nothing that is seen. */
	server_first(front_of(state), "robot/new", before, rounds[0]);
	add(rig, "robot", "new", scanner, 7, 0);
	auth_renew(rig->auth, "robot");
	server_first(front_of(state), "robot/new", salts[0], rounds[0]);
	assert_string_equal(before, salts[0]);
	assert_in(scram(front_of(state), "SCRAM-SHA-256", false, "robot/new", scanner), "robot", "new");
}

static void
the_password_may_be_off(void **state)
{
	const struct directory_local_settings off = { .protocols = 7, .app_only = IDENTITY_SMTP,
		.limits = "" };
	struct rig *rig = *state;
	struct rig_front *front = front_of(state);
	struct message_login_start start = rig_start("s1", "PLAIN");
	struct fault fault;
	uint64_t epoch;

	assert_in(rig_plain(front, "s1", "alice", "alicepw"), "alice", "");
	assert_true(directory_local_set(rig->auth->local, "alice", &off, &epoch, &fault));
	assert_int_not_equal(epoch, 0);
	auth_revoke(rig->auth, "alice", epoch);
	assert_refused(rig_plain(front, "s1", "alice", "alicepw"), "alice", "only app passwords");
	assert_int_equal(scram(front, "SCRAM-SHA-256", false, "alice", "alicepw")->id,
		MSG_LOGIN_FAILED);
	assert_in(rig_plain(front, "s1", "alice", scanner), "alice", "Scanner");
	start.listener = "imaps";
	start.protocol = "imap";
	assert_in(rig_login(front, start, SPAN_LITERAL("\0alice\0alicepw")), "alice", "");
}

/* The level of a name from anywhere; others are as low or lower. */
static bool
see_level(void *context, const struct brake_level_seen *seen)
{
	uint64_t *level = context;

	if (strcmp(seen->login, "strict") == 0 && seen->failures > *level)
		*level = seen->failures;
	return true;
}

/* C13: whichever password is guessed, it is the account that is slowed down. */
static void
failures_count_against_the_account(void **state)
{
	struct rig *rig = *state;
	uint64_t level = 0;
	char guess[40];

	for (int i = 0; i < 4; i++) {
		snprintf(guess, sizeof guess, "qqqqq-qqqqq-qqqqq-qqqqq-%05d", 22222 + i);
		rig_plain(front_of(state), "s1", i % 2 ? "strict" : "strict/x", guess);
	}
	brake_each(rig->auth->exchanges.brake, loop_now_ms(rig->loop), see_level, &level);
	assert_int_equal(level, 4);
}

static void
a_revoked_one_ends_its_own_sessions(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = front_of(state);
	struct fault fault;
	uint64_t id;

	assert_in(rig_plain(front, "s1", "alice", "alicepw"), "alice", "");
	assert_in(rig_plain(front, "s2", "alice", scanner), "alice", "Scanner");
	assert_true(directory_local_revoke_app(rig->auth->local, "alice", "scanner", &id, &fault));
	auth_revoke_credential(rig->auth, "alice", id);
	while (front->kicks == 0)
		fixture_run(rig->loop);
	assert_int_equal(front->kicks, 1);
	assert_string_equal(front->about, "s2");
	/* What was remembered of it is good for nothing. */
	assert_refused(rig_plain(front, "s3", "alice", scanner), "alice", "wrong password");
	assert_in(rig_plain(front, "s4", "alice", "alicepw"), "alice", "");
	assert_int_equal(front->kicks, 1);
	assert_int_equal(front->revokes, 0);
}

static void
a_session_ends_with_its_credential(void **state)
{
	struct rig *rig = *state;
	struct rig_front *front = front_of(state);
	struct grant grant;
	struct fault fault;
	int64_t end = clock_wall_ms() + 1500;

	add(rig, "alice", "short", phone, 7, end);
	auth_renew(rig->auth, "alice");
	assert_in(rig_plain(front, "s1", "alice", "alicepw"), "alice", "");
	assert_in(rig_plain(front, "s2", "alice/short", phone), "alice", "short");
	assert_true(grant_check(buf_span(&front->heard.grant), RIG_KEY, clock_wall_ms(), &grant,
		&fault));
	assert_int_equal(grant.expires_ms, end);
	while (front->kicks == 0)
		fixture_run(rig->loop);
	assert_true(clock_wall_ms() >= end);
	assert_int_equal(front->kicks, 1);
	assert_string_equal(front->about, "s2");
	assert_refused(rig_plain(front, "s3", "alice/short", phone), "alice", "expired");
}

#define APP_TEST(name) cmocka_unit_test_setup_teardown(name, app_make, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		APP_TEST(plain_takes_it_by_the_login_or_by_its_own_name),
		APP_TEST(an_account_without_a_password_may_have_them),
		APP_TEST(only_the_right_one_gets_in),
		APP_TEST(nobody_acts_for_another),
		APP_TEST(scram_takes_it_by_its_own_name),
		APP_TEST(c10_salts_do_not_tell_of_app_passwords),
		APP_TEST(the_password_may_be_off),
		APP_TEST(failures_count_against_the_account),
		APP_TEST(a_revoked_one_ends_its_own_sessions),
		APP_TEST(a_session_ends_with_its_credential),
	};

	return cmocka_run_group_tests_name("auth/exchange_app", tests, NULL, NULL);
}
