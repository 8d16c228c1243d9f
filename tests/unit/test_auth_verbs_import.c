/* SPDX-License-Identifier: BSD-2-Clause */
/* Export and import of accounts: there and back, all or nothing, and what is refused. */
#include "accounts_fixture.h"

#include "auth/verbs.h"

static const struct settings_limits limits[] = {
	{ .title = "default", .where = "" },
	{ .title = "small", .where = "" },
};
static const struct settings settings = {
	.hostname = "mail.example.org",
	.sasl = { .realm = "", .iterations = 4096 },
	.limits = { limits, 2 },
};
static struct fault fault;

/* The answer; NULL if it was refused. Told: who was to hear of it. */
static json_t *
run(struct accounts *accounts, const char *verb, json_t *args, size_t *told_out)
{
	struct verb_call call = { .settings = &settings, .local = accounts->local, .args = args };
	json_t *data = NULL;

	fault = FAULT_INIT;
	*told_out = 0;
	if (verbs_run(verb, &call, &fault))
		data = call.data ? json_incref(call.data) : json_null();
	for (struct verb_change *member = call.members; member; member = member->next)
		++*told_out;
	verb_call_fini(&call);
	json_decref(args);
	return data;
}

static json_t *
import(struct accounts *accounts, json_t *document, bool replace, bool dry, size_t *told_out)
{
	return run(accounts, "account import",
		json_pack("{s:O, s:b, s:b}", "document", document, "replace", replace, "dry_run", dry),
		told_out);
}

static void
assert_imported(json_t *data, int added, int changed, int unchanged)
{
	if (!data)
		fail_msg("%s", fault.text);
	assert_int_equal(json_integer_value(json_object_get(data, "added")), added);
	assert_int_equal(json_integer_value(json_object_get(data, "changed")), changed);
	assert_int_equal(json_integer_value(json_object_get(data, "unchanged")), unchanged);
	json_decref(data);
}

/* What export and group list give, as sallyportctl puts it together. */
static json_t *
export(struct accounts *accounts)
{
	size_t told;
	json_t *data = run(accounts, "account export", json_pack("{s:b}", "secrets", 1), &told);
	json_t *groups = run(accounts, "group list", json_object(), &told);
	json_t *group;
	size_t index;

	json_array_foreach(json_object_get(groups, "groups"), index, group)
		json_object_del(group, "changed_ms");
	json_object_update(data, groups);
	json_object_set_new(data, "version", json_integer(1));
	json_decref(groups);
	return data;
}

static const char document_text[] =
	"{\"version\":1,\"groups\":[{\"group\":\"support\",\"limits\":\"small\","
	"\"send_as\":[\"support@example.org\"],\"on_behalf\":[\"@Example.org\"]}],"
	"\"accounts\":[{\"login\":\"Alice\",\"password\":\"pencil\",\"limits\":\"small\","
	"\"addresses\":[\"alice@EXAMPLE.org\",\"ali@example.org\"],\"groups\":[\"support\"],"
	"\"send_as\":[\".example.net\"],\"protocols\":[\"smtp\"],\"expires_ms\":4000000000000},"
	"{\"login\":\"robot\",\"disabled\":true,\"app_only\":[\"smtp\"]}]}";

static void
there_and_back(void **state)
{
	struct accounts *accounts = *state;
	json_t *document = json_loads(document_text, 0, NULL);
	struct account *account;
	json_t *first;
	json_t *second;
	uint64_t epoch;
	size_t told;

	assert_imported(import(accounts, document, false, true, &told), 3, 0, 0);
	assert_int_equal(told, 0);
	assert_imported(import(accounts, document, false, false, &told), 3, 0, 0);
	assert_int_equal(told, 2);
	account = accounts_find(accounts, "alice");
	assert_true(scram_keys_verify(&account->keys[SCRAM_SHA_256], span_text("pencil")));
	assert_string_equal(identity_primary(&account->identity), "alice@example.org");
	assert_int_equal(account->identity.send_as.count, 2);
	account_drop(&account);
	json_decref(run(accounts, "account app-password add",
		json_pack("{s:s, s:s}", "login", "alice", "label", "scanner"), &told));
	/* The same again changes nothing, also with the password in it. */
	epoch = accounts_epoch(accounts, "alice");
	assert_imported(import(accounts, document, true, false, &told), 0, 0, 3);
	assert_int_equal(told, 0);
	assert_int_equal(accounts_epoch(accounts, "alice"), epoch);
	/* Into another database, and out of it. */
	first = export(accounts);
	directory_local_close(&accounts->local);
	remove_folder(accounts->state_dir);
	assert_int_equal(mkdir(accounts->state_dir, 0700), 0);
	accounts_reopen(accounts);
	assert_imported(import(accounts, first, false, false, &told), 3, 0, 0);
	second = export(accounts);
	assert_true(json_equal(first, second));
	assert_non_null(strstr(json_string_value(json_object_get(json_array_get(json_object_get(
		json_array_get(json_object_get(second, "accounts"), 0), "app_passwords"), 0), "label")),
		"scanner"));
	json_decref(document);
	json_decref(first);
	json_decref(second);
}

static void
what_is_there_otherwise_is_replaced_or_an_error(void **state)
{
	struct accounts *accounts = *state;
	json_t *document = json_loads(document_text, 0, NULL);
	struct account *account;
	json_t *alice;
	size_t told;

	assert_imported(import(accounts, document, false, false, &told), 3, 0, 0);
	alice = json_array_get(json_object_get(document, "accounts"), 0);
	json_object_del(alice, "password");
	json_object_del(alice, "limits");
	assert_null(import(accounts, document, false, false, &told));
	assert_int_equal(fault.kind, FAULT_DENIED);
	assert_non_null(strstr(fault.text, "accounts[0]"));
	assert_imported(import(accounts, document, true, false, &told), 0, 1, 2);
	assert_int_equal(told, 1);
	/* Keys that the document does not mention stay. */
	account = accounts_find(accounts, "alice");
	assert_string_equal(account->own_limits, "");
	assert_true(scram_keys_verify(&account->keys[SCRAM_SHA_256], span_text("pencil")));
	account_drop(&account);
	json_decref(document);
}

#define APP_KEY(hash, salt, key)                                                                   \
	"{\"hash\":\"" hash "\",\"iterations\":4096,\"salt\":\"" salt "\",\"stored\":\"" key          \
	"\",\"server\":\"" key "\"}"

/* A document need not say when an app password was made: it was made when it came the first time. */
static void
an_app_password_without_a_time_is_the_same_again(void **state)
{
	struct accounts *accounts = *state;
	json_t *document = json_loads(
		"{\"version\":1,\"accounts\":[{\"login\":\"dora\",\"app_passwords\":[{\"label\":"
		"\"Scanner\",\"keys\":["
		APP_KEY("SCRAM-SHA-1", "c2FsdA==", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=") ","
		APP_KEY("SCRAM-SHA-256", "c2FsdA==", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
		"]}]}]}", 0, NULL);
	struct account *account;
	size_t told;

	assert_imported(import(accounts, document, false, false, &told), 1, 0, 0);
	/* As if it had come long ago. */
	assert_true(db_execute(accounts->local->db, "UPDATE app_password SET created_ms = 1000",
		&accounts->fault));
	assert_imported(import(accounts, document, false, false, &told), 0, 0, 1);
	assert_int_equal(told, 0);
	account = accounts_find(accounts, "dora");
	assert_int_equal(account->app_count, 1);
	assert_int_equal(account->apps[0].created_ms, 1000);
	account_drop(&account);
	json_decref(document);
}

/* Members of an account, or of the document; the place that the fault names. */
static const struct {
	const char *document;
	const char *place;
} hostile[] = {
	{ "[]", "" },
	{ "{}", "version" },
	{ "{\"version\":2}", "version" },
	{ "{\"version\":\"1\"}", "version" },
	{ "{\"version\":1,\"more\":1}", "unknown" },
	{ "{\"version\":1,\"accounts\":{}}", "accounts" },
	{ "{\"version\":1,\"accounts\":[1]}", "accounts[0]" },
	{ "{\"version\":1,\"accounts\":[{}]}", "login" },
	{ "{\"version\":1,\"accounts\":[{\"login\":1}]}", "login" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a/b\"}]}", "accounts[0]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"group:a\"}]}", "accounts[0]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\"},{\"login\":\"A\"}]}", "accounts[1]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"x\":1}]}", "unknown" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"disabled\":1}]}", "disabled" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"expires_ms\":-1}]}", "expires_ms" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"expires_ms\":\"x\"}]}", "expires_ms" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"protocols\":[\"x\"]}]}", "protocols" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"app_only\":\"smtp\"}]}", "app_only" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"limits\":\"none\"}]}", "limits" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"addresses\":\"a@b.org\"}]}", "addresses" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"addresses\":[1]}]}", "addresses[0]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"addresses\":[\"a\"]}]}", "addresses[0]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"addresses\":[\"a@b.org\",\"A@b.org\"]}]}",
		"addresses[1]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"addresses\":[\"a@b.org\"]},"
	  "{\"login\":\"b\",\"addresses\":[\"a@b.org\"]}]}", "accounts[1]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"groups\":[\"nosuch\"]}]}", "groups[0]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"send_as\":[\"a b\"]}]}", "send_as[0]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"password\":1}]}", "password" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"password\":\"\"}]}", "password" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"password\":\"x\",\"keys\":[]}]}", "keys" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"keys\":{}}]}", "keys" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"keys\":[1,2]}]}", "keys[0]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"keys\":[{\"hash\":\"SCRAM-SHA-256\","
	  "\"iterations\":1,\"salt\":\"AAAA\",\"stored\":\"AAAA\",\"server\":\"AAAA\"},{}]}]}", "keys[0]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"app_passwords\":{}}]}", "app_passwords" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"app_passwords\":[{}]}]}", "app_passwords[0]" },
	{ "{\"version\":1,\"accounts\":[{\"login\":\"a\",\"app_passwords\":[{\"label\":\"x\","
	  "\"password\":\"y\"}]}]}", "app_passwords[0]" },
	{ "{\"version\":1,\"groups\":[{\"group\":\"g\"},{\"group\":\"g\"}]}", "groups[1]" },
	{ "{\"version\":1,\"groups\":[{\"group\":\"g\"},{\"group\":\"G\",\"send_as\":[\"*\"]}]}",
		"groups[1]" },
	{ "{\"version\":1,\"groups\":[{\"group\":\"g\",\"members\":[]}]}", "groups[0]" },
	{ "{\"version\":1,\"groups\":[{\"group\":\"g\",\"send_as\":[\"x y\"]}]}", "send_as[0]" },
	{ "{\"version\":1,\"groups\":[{\"group\":\"\"}]}", "groups[0]" },
};

static void
what_is_wrong_is_refused_with_its_place(void **state)
{
	struct accounts *accounts = *state;
	int64_t count;
	size_t told;

	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		json_t *document = json_loads(hostile[i].document, 0, NULL);

		assert_non_null(document);
		if (import(accounts, document, true, false, &told))
			fail_msg("passed: %s", hostile[i].document);
		if (!strstr(fault.text, hostile[i].place))
			fail_msg("%s: %s", hostile[i].document, fault.text);
		assert_int_equal(told, 0);
		json_decref(document);
	}
	assert_true(db_number(accounts->local->db,
		"SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM account_group)", NULL, 0,
		&count, &accounts->fault));
	assert_int_equal(count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNTS_TEST(there_and_back),
		ACCOUNTS_TEST(what_is_there_otherwise_is_replaced_or_an_error),
		ACCOUNTS_TEST(an_app_password_without_a_time_is_the_same_again),
		ACCOUNTS_TEST(what_is_wrong_is_refused_with_its_place),
	};

	return cmocka_run_group_tests_name("auth/verbs_import", tests, NULL, NULL);
}
