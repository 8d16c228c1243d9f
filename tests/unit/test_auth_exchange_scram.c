/* SPDX-License-Identifier: BSD-2-Clause */
/* SCRAM: proofs on both sides, decoys, channel bindings, and what is malformed. */
#include "auth_exchange_fixture.h"

#include "auth/directory_local_db.h"
#include "scram_client.h"

/* ---- what is offered ------------------------------------------------------------------------- */

static void
scram_may_go_in_clear_where_the_listener_says_so(void **state)
{
	struct message_login_start start = rig_start("s1", "SCRAM-SHA-256");
	struct scram_client client = { .gs2 = "n,,", .password = "alicepw" };

	start.listener = "challenge";
	start.tls = false;
	start.bind_exporter = start.bind_endpoint = SPAN_EMPTY;
	assert_int_equal(rig_login(front_of(state), start, scram_client_first(&client, "alice"))->id,
		MSG_LOGIN_CHALLENGE);
}

/* ---- SCRAM ----------------------------------------------------------------------------------- */

/* Up to the answer to the client's last message but one. */
static struct rig_heard *
scram(struct rig_front *front, const char *mechanism, struct scram_client *client,
	const char *login)
{
	struct rig_heard *heard =
		rig_login(front, rig_start("s1", mechanism), scram_client_first(client, login));

	if (heard->id != MSG_LOGIN_CHALLENGE)
		return heard;
	return rig_step(front, scram_client_final(client, buf_span(&heard->bytes)));
}

static void
scram_lets_in_and_proves_itself(void **state)
{
	static const struct {
		const char *mechanism;
		bool sha1;
		const char *gs2;
		struct span binding;
	} cases[] = {
		{ "SCRAM-SHA-256", false, "n,,", { NULL, 0 } },
		{ "SCRAM-SHA-1", true, "n,,", { NULL, 0 } },
		{ "SCRAM-SHA-256", false, "n,a=alice,", { NULL, 0 } },
		{ "SCRAM-SHA-256-PLUS", false, "p=tls-exporter,,", RIG_EXPORTER },
		{ "SCRAM-SHA-256-PLUS", false, "p=tls-server-end-point,,", RIG_ENDPOINT },
		{ "SCRAM-SHA-1-PLUS", true, "p=tls-exporter,,", RIG_EXPORTER },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scram_client client = { .sha1 = cases[i].sha1, .gs2 = cases[i].gs2,
			.binding = cases[i].binding, .password = "alicepw" };
		struct rig_front *front = front_of(state);
		struct rig_heard *heard = scram(front, cases[i].mechanism, &client, "alice");
		char signature[80];

		assert_int_equal(heard->id, MSG_LOGIN_CHALLENGE);
		snprintf(signature, sizeof signature, "v=%s", client.signature);
		assert_span_equal(buf_span(&heard->bytes), signature);
		assert_in(rig_step(front, SPAN_EMPTY), "alice");
	}
}

static void
scram_asks_for_the_first_message(void **state)
{
	struct scram_client client = { .gs2 = "n,,", .password = "alicepw" };
	struct message_login_start start = rig_start("s1", "SCRAM-SHA-256");
	struct rig_front *front = front_of(state);

	rig_begin(front, &start);
	assert_int_equal(rig_hear(front)->id, MSG_LOGIN_CHALLENGE);
	assert_int_equal(buf_length(&front->heard.bytes), 0);
	rig_step(front, scram_client_first(&client, "alice"));
	assert_int_equal(front->heard.id, MSG_LOGIN_CHALLENGE);
	rig_step(front, scram_client_final(&client, buf_span(&front->heard.bytes)));
	assert_int_equal(front->heard.id, MSG_LOGIN_CHALLENGE);
	assert_in(rig_step(front, SPAN_EMPTY), "alice");
}

/* Nobody of these hears the server's signature, which would say that the password is right. */
static void
scram_refuses_all_alike(void **state)
{
	static const char *const logins[][2] = {
		{ "alice", "wrong" }, { "disabled", "disabledpw" }, { "expired", "expiredpw" },
		{ "reader", "readerpw" }, { "nobody", "x" }, { "nokeys", "x" },
	};

	for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++) {
		struct scram_client client = { .gs2 = "n,,", .password = logins[i][1] };
		struct rig_heard *heard =
			scram(front_of(state), "SCRAM-SHA-256", &client, logins[i][0]);

		assert_failed(heard, LOGIN_BAD_CREDENTIALS);
		assert_int_equal(heard->delay_ms, 1000);
	}
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

/* C10: a name that nobody has shows a salt like any other, the same each time. */
static void
c10_a_decoy_looks_like_an_account(void **state)
{
	char salts[5][64];
	char rounds[5][16];

	server_first(front_of(state), "nobody", salts[0], rounds[0]);
	server_first(front_of(state), "nobody", salts[1], rounds[1]);
	server_first(front_of(state), "somebody", salts[2], rounds[2]);
	server_first(front_of(state), "Nobody@example.org", salts[3], rounds[3]);
	server_first(front_of(state), "bob", salts[4], rounds[4]);
	assert_string_equal(salts[0], salts[1]);
	assert_string_not_equal(salts[0], salts[2]);
	assert_string_equal(salts[0], salts[3]);
	for (int i = 0; i < 4; i++)
		assert_string_equal(rounds[i], rounds[4]);
	/* Disabled accounts keep their salt, or switching one off would show. */
	server_first(front_of(state), "disabled", salts[0], rounds[0]);
	server_first(front_of(state), "disabled", salts[1], rounds[1]);
	assert_string_equal(salts[0], salts[1]);
	assert_string_equal(salts[0], salts[4]);
}

struct binding_case {
	const char *listener;
	const char *mechanism;
	const char *gs2;
	const char *bound_to;
	enum login_failure wanted; /* LOGIN_FAILURE_COUNT: gets in */
};

static const struct binding_case bindings[] = {
	{ "submission", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,",
		"another channel another channel", LOGIN_BAD_CREDENTIALS },
	{ "submission", "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", "", LOGIN_BAD_CREDENTIALS },
	/* The data of one kind under the name of the other. */
	{ "submission", "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,",
		"exporter exporter exporter expor", LOGIN_BAD_CREDENTIALS },
	{ "submission", "SCRAM-SHA-256-PLUS", "p=tls-unique,,", "x", LOGIN_BAD_CREDENTIALS },
	{ "submission", "SCRAM-SHA-256-PLUS", "n,,", "", LOGIN_BAD_CREDENTIALS },
	{ "submission", "SCRAM-SHA-256-PLUS", "y,,", "", LOGIN_BAD_CREDENTIALS },
	{ "submission", "SCRAM-SHA-256", "p=tls-exporter,,",
		"exporter exporter exporter expor", LOGIN_BAD_CREDENTIALS },
	/* The client could bind, but somebody between us hid the offer. */
	{ "submission", "SCRAM-SHA-256", "y,,", "", LOGIN_BAD_CREDENTIALS },
	/* Here nothing was offered that could be hidden. */
	{ "few", "SCRAM-SHA-256", "y,,", "", LOGIN_FAILURE_COUNT },
	{ "few", "SCRAM-SHA-256", "n,,", "", LOGIN_FAILURE_COUNT },
};

static void
channel_binding_is_enforced(void **state)
{
	for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++) {
		const struct binding_case *row = &bindings[i];
		struct scram_client client = { .gs2 = row->gs2, .password = "alicepw",
			.binding = span_text(row->bound_to) };
		struct message_login_start start = rig_start("s1", row->mechanism);
		struct rig_front *front = front_of(state);
		struct rig_heard *heard;

		start.listener = row->listener;
		heard = rig_login(front, start, scram_client_first(&client, "alice"));
		if (heard->id == MSG_LOGIN_CHALLENGE)
			rig_step(front, scram_client_final(&client, buf_span(&heard->bytes)));
		if (row->wanted != LOGIN_FAILURE_COUNT)
			assert_failed(heard, row->wanted);
		else
			assert_in(rig_step(front, SPAN_EMPTY), "alice");
	}
}

static void
malformed_scram_is_a_matter_of_syntax(void **state)
{
	struct scram_client client = { .gs2 = "n,,", .password = "alicepw" };
	struct rig_front *front = front_of(state);

	assert_failed(rig_login(front, rig_start("s1", "SCRAM-SHA-256"), span_text("rubbish")),
		LOGIN_BAD_SYNTAX);
	assert_failed(rig_login(front, rig_start("s1", "SCRAM-SHA-256"),
			      span_text("n,a=bob,n=alice,r=x")),
		LOGIN_BAD_CREDENTIALS);
	rig_login(front, rig_start("s1", "SCRAM-SHA-256"), scram_client_first(&client, "alice"));
	assert_failed(rig_step(front, span_text("rubbish")), LOGIN_BAD_SYNTAX);
	/* After the last words of the server only an empty message may come. */
	scram(front, "SCRAM-SHA-256", &client, "alice");
	assert_failed(rig_step(front, span_text("more")), LOGIN_BAD_SYNTAX);
}

/* ---- turns and time -------------------------------------------------------------------------- */

static void
c4_c16_exchanges_can_be_cancelled_anywhere(void **state)
{
	struct scram_client client = { .gs2 = "n,,", .password = "alicepw" };
	struct message_login_start start = rig_start("s1", "SCRAM-SHA-256");
	struct message_login_start plain = rig_start("s1", "PLAIN");
	struct rig_front *front = front_of(state);
	struct rig *rig = *state;

	plain.has_initial = true;
	plain.initial = SPAN_LITERAL("\0alice\0alicepw");
	for (int i = 0; i < 50; i++) {
		rig_begin(front, &plain); /* at once, while a thread may be at it */
		rig_cancel(front);
		rig_begin(front, &start);
		rig_hear(front);
		rig_cancel(front);
		rig_login(front, start, scram_client_first(&client, "alice"));
		rig_cancel(front);
		scram(front, "SCRAM-SHA-256", &client, "alice");
		rig_cancel(front);
	}
	assert_in(rig_plain(front, "s2", "alice", "alicepw"), "alice");
	/* A login that was cancelled when it was just done left no session behind. */
	assert_int_equal(sessions_count(rig->auth->sessions), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(scram_may_go_in_clear_where_the_listener_says_so),
		RIG_TEST(scram_lets_in_and_proves_itself),
		RIG_TEST(scram_asks_for_the_first_message),
		RIG_TEST(scram_refuses_all_alike),
		RIG_TEST(c10_a_decoy_looks_like_an_account),
		RIG_TEST(channel_binding_is_enforced),
		RIG_TEST(malformed_scram_is_a_matter_of_syntax),
		RIG_TEST(c4_c16_exchanges_can_be_cancelled_anywhere),
	};

	return cmocka_run_group_tests_name("auth/exchange", tests, NULL, NULL);
}
