/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a login is: what each source gives, and that a failure is never an identity. */
#include "lookup_server_fixture.h"

#include "filter/identities.h"

#define LIST(...)                                                                                  \
	((struct settings_texts){ (const char *const[]){ __VA_ARGS__ },                            \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *) })

static bool
reply(struct span login, struct buf *answer)
{
	struct identity_grant grant = { "team@example.org", "directory grant", 0 };
	struct identity identity = { .login = "alice", .mechanism = "", .credential = "",
		.addresses = LIST("alice@example.org", "ali@example.org"), .groups = LIST("staff"),
		.send_as = { &grant, 1 }, .limits = "", .protocols = IDENTITY_SMTP, .epoch = 7 };
	struct lookup_answer said = { .result = LOOKUP_UNKNOWN };
	struct buf packed = BUF_INIT(0);

	identity_pack(&packed, &identity);
	if (span_is(login, "alice"))
		said = (struct lookup_answer){ LOOKUP_FOUND, .identity = buf_span(&packed) };
	else if (span_is(login, "torn"))
		said = (struct lookup_answer){ LOOKUP_FOUND,
			.identity = span_first(buf_span(&packed), buf_length(&packed) - 1) };
	else if (span_is(login, "down"))
		said = (struct lookup_answer){ LOOKUP_UNSURE, .reason = span_text("no idea") };
	lookup_answer_pack(answer, &said);
	buf_fini(&packed);
	return !span_is(login, "gone");
}

static void
the_directory(void **state)
{
	static const struct {
		const char *login;
		enum identities_found found;
		const char *reason;
	} cases[] = {
		{ "alice", IDENTITIES_FOUND, "" },
		{ "bob", IDENTITIES_UNKNOWN, "" },
		{ "", IDENTITIES_UNKNOWN, "" },
		{ "down", IDENTITIES_UNSURE, "no idea" },
		{ "torn", IDENTITIES_UNSURE, "what the directory says is no identity" },
	};
	struct identities_settings settings = { .delimiters = "", .wait_ms = TABLE_WAIT_MS };
	const struct settings_texts candidates = LIST("mallory@example.org");
	struct arena *arena = arena_new(0);
	struct lookup_fixture server;
	struct identities *identities;
	struct fault fault = FAULT_INIT;
	struct identity identity;
	char name[LOOKUP_LOGIN_MAX_BYTES + 2];

	(void)state;
	lookup_fixture_start(&server, reply);
	settings.directory = server.path;
	identities = identities_new(&settings, &fault);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fault = FAULT_INIT;
		assert_int_equal(identities_find(identities, cases[i].login, &candidates, arena,
					 &identity, &fault),
			cases[i].found);
		assert_string_equal(fault.text, cases[i].reason);
	}
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	assert_int_equal(identities_find(identities, name, &candidates, arena, &identity, &fault),
		IDENTITIES_UNKNOWN);
	/* the whole, whatever the candidates */
	assert_string_equal(identity.login, "alice");
	assert_int_equal(identity.addresses.count, 2);
	assert_string_equal(identity_primary(&identity), "alice@example.org");
	assert_string_equal(identity.groups.items[0], "staff");
	assert_string_equal(identity.send_as.items[0].pattern, "team@example.org");
	assert_int_equal(identity.epoch, 7);

	lookup_fixture_stop(&server);
	unlink(server.path);
	identities_free(&identities);
	identities = identities_new(&settings, &fault);
	assert_non_null(identities);
	assert_int_equal(identities_find(identities, "alice", &candidates, arena, &identity, &fault),
		IDENTITIES_UNSURE);
	assert_non_null(strstr(fault.text, "No such file"));
	identities_free(&identities);
	arena_free(&arena);
}

static void
maps(void **state)
{
	static const struct {
		const char *login;
		const char *own; /* of the candidates, with a blank behind each */
	} cases[] = {
		{ "alice", "alice@example.org team@example.org Alice+x@example.org " },
		{ "ALICE", "alice@example.org team@example.org Alice+x@example.org " },
		{ "bob", "team@example.org any@example.net " },
		{ "carol", "" },
		{ "", "" },
	};
	const struct settings_texts candidates = LIST("alice@example.org", "team@example.org",
		"nobody@example.org", "any@example.net", "Alice+x@example.org", "");
	char table[128];
	const char *names[] = { table };
	struct identities_settings settings = { .directory = "",
		.maps = { names, 1 }, .delimiters = "+", .wait_ms = TABLE_WAIT_MS };
	struct arena *arena = arena_new(0);
	struct fault fault = FAULT_INIT;
	struct identities *identities;
	struct identity identity;

	(void)state;
	snprintf(table, sizeof table, "%s",
		table_write("senders", "alice@example.org alice\nteam@example.org alice,Bob\n"
				       "@example.net bob\n"));
	identities = identities_new(&settings, &fault);
	assert_non_null(identities);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf own = BUF_INIT(0);

		assert_int_equal(identities_find(identities, cases[i].login, &candidates, arena,
					 &identity, &fault),
			IDENTITIES_FOUND);
		assert_string_equal(identity.login, cases[i].login);
		for (size_t k = 0; k < identity.addresses.count; k++)
			buf_printf(&own, "%s ", identity.addresses.items[k]);
		assert_span_equal(buf_span(&own), cases[i].own);
		assert_int_equal(identity.groups.count + identity.send_as.count +
				identity.on_behalf.count, 0);
		buf_fini(&own);
	}
	/* A table that cannot be read is no table without owners. */
	table_write("senders", "alice@example.org\n");
	assert_int_equal(identities_find(identities, "alice", &candidates, arena, &identity, &fault),
		IDENTITIES_UNSURE);
	assert_non_null(strstr(fault.text, "/senders:1: "));
	identities_free(&identities);
	arena_free(&arena);
}

static void
sources_that_cannot_be(void **state)
{
	struct identities_settings settings = { .directory = "", .delimiters = "", .wait_ms = 1 };
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_null(identities_new(&settings, &fault));
	assert_non_null(strstr(fault.text, "neither"));
	settings.maps = LIST("hash:/etc/postfix/senders");
	assert_null(identities_new(&settings, &fault));
	assert_non_null(strstr(fault.text, "texthash:/etc/postfix/senders"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(the_directory),
		TABLE_TEST(maps),
		TABLE_TEST(sources_that_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
