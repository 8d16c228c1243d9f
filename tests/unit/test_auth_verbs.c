/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's verbs about accounts, by table: what they answer, refuse, change and revoke. */
#include "folder_fixture.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

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

static char state_dir[64];
static struct directory_local *local;
static struct verb_call call;
static struct fault fault;

static int
make(void **state)
{
	(void)state;
	snprintf(state_dir, sizeof state_dir, "/tmp/auth-verbs-XXXXXX");
	assert_non_null(mkdtemp(state_dir));
	local = directory_local_open(state_dir, 0, &fault);
	return local ? 0 : -1;
}

static int
unmake(void **state)
{
	(void)state;
	verb_call_fini(&call);
	directory_local_close(&local);
	remove_folder(state_dir);
	return 0;
}

/* args as JSON text. */
static bool
run(const char *verb, const char *args)
{
	json_t *parsed = json_loads(args, JSON_ALLOW_NUL, NULL);
	bool done;

	assert_non_null(parsed);
	verb_call_fini(&call);
	call = (struct verb_call){ .settings = &settings, .local = local, .args = parsed };
	fault = FAULT_INIT;
	done = verbs_run(verb, &call, &fault);
	json_decref(parsed);
	call.args = NULL;
	return done;
}

static void
good(const char *verb, const char *args)
{
	if (!run(verb, args))
		fail_msg("%s %s: %s", verb, args, fault.text);
}

static void
bad(enum fault_kind kind, const char *verb, const char *args)
{
	if (run(verb, args))
		fail_msg("%s %s passed", verb, args);
	assert_int_equal(fault.kind, kind);
	assert_string_not_equal(fault.text, "");
	assert_string_equal(call.login, "");
	assert_int_equal(call.epoch, 0);
}

/* The answer, without what depends on the time. */
static void
assert_data(const char *wanted)
{
	json_t *changed = json_object_get(call.data, "changed_ms");
	char *text;

	if (changed) {
		assert_true(json_integer_value(changed) > 0);
		json_object_del(call.data, "changed_ms");
	}
	text = json_dumps(call.data, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, wanted);
	free(text);
}

static bool
has_password(const char *login, const char *password)
{
	struct account *account = NULL;
	bool right;

	assert_int_equal(directory_local_find(local, login, &account, &fault), DIRECTORY_FOUND);
	right = account->has_keys[SCRAM_SHA_256] && account->has_keys[SCRAM_SHA_1] &&
		scram_keys_verify(&account->keys[SCRAM_SHA_256], span_text(password)) &&
		scram_keys_verify(&account->keys[SCRAM_SHA_1], span_text(password));
	assert_true(memcmp(account->keys[0].salt, account->keys[1].salt, SCRAM_SALT_BYTES) != 0);
	account_drop(&account);
	return right;
}

static void
an_account_is_added_shown_and_deleted(void **state)
{
	(void)state;
	good("account add", "{\"login\":\"Alice\",\"password\":\"p\u00e4ss w\u00f6rd\"}");
	assert_string_equal(call.login, "alice");
	assert_int_equal(call.epoch, 0);
	assert_null(call.data);
	assert_true(has_password("alice", "p\xc3\xa4ss w\xc3\xb6rd"));
	good("account show", "{\"login\":\"ALICE@mail.example.org\"}");
	assert_data("{\"addresses\":[],\"app_only\":[],\"disabled\":false,\"expires_ms\":null,\"groups\":[],"
		    "\"limits\":\"\",\"login\":\"alice\",\"mechanisms\":[\"PLAIN\",\"LOGIN\","
		    "\"SCRAM-SHA-256\",\"SCRAM-SHA-1\"],\"on_behalf\":[],"
		    "\"protocols\":[\"smtp\",\"imap\",\"pop3\"],\"send_as\":[]}");
	assert_string_equal(call.login, "");
	bad(FAULT_DENIED, "account add", "{\"login\":\"alice\",\"password\":\"x\"}");
	good("account delete", "{\"login\":\"alice\"}");
	assert_string_equal(call.login, "alice");
	assert_true(call.epoch > 0);
	bad(FAULT_MISSING, "account show", "{\"login\":\"alice\"}");
	bad(FAULT_MISSING, "account delete", "{\"login\":\"alice\"}");
}

static void
settings_can_come_with_the_account_or_later(void **state)
{
	(void)state;
	good("account add",
		"{\"login\":\"robot\",\"disabled\":true,\"expires_ms\":1000,\"limits\":\"small\","
		"\"protocols\":[\"smtp\"]}");
	good("account show", "{\"login\":\"robot\"}");
	assert_data("{\"addresses\":[],\"app_only\":[],\"disabled\":true,\"expires_ms\":1000,\"groups\":[],"
		    "\"limits\":\"small\",\"login\":\"robot\",\"mechanisms\":[],\"on_behalf\":[],"
		    "\"protocols\":[\"smtp\"],\"send_as\":[]}");
	good("account set", "{\"login\":\"robot\",\"expires_ms\":0,\"limits\":\"\"}");
	assert_int_equal(call.epoch, 0);
	good("account enable", "{\"login\":\"robot\"}");
	assert_int_equal(call.epoch, 0);
	good("account set", "{\"login\":\"robot\",\"protocols\":[\"imap\",\"pop3\"]}");
	assert_true(call.epoch > 0);
	good("account show", "{\"login\":\"robot\"}");
	assert_data("{\"addresses\":[],\"app_only\":[],\"disabled\":false,\"expires_ms\":null,\"groups\":[],"
		    "\"limits\":\"\",\"login\":\"robot\",\"mechanisms\":[],\"on_behalf\":[],"
		    "\"protocols\":[\"imap\",\"pop3\"],\"send_as\":[]}");
	good("account disable", "{\"login\":\"robot\"}");
	assert_true(call.epoch > 0);
	good("account disable", "{\"login\":\"robot\"}");
	assert_int_equal(call.epoch, 0);
}

static void
a_password_is_changed(void **state)
{
	(void)state;
	good("account add", "{\"login\":\"alice\",\"password\":\"one\"}");
	good("account passwd", "{\"login\":\"alice\",\"password\":\"two\"}");
	assert_true(call.epoch > 0);
	assert_string_equal(call.login, "alice");
	assert_true(has_password("alice", "two"));
	assert_false(has_password("alice", "one"));
	bad(FAULT_MISSING, "account passwd", "{\"login\":\"bob\",\"password\":\"two\"}");
	bad(FAULT_CONFIG, "account passwd", "{\"login\":\"alice\"}");
	assert_true(has_password("alice", "two"));
}

static const char *const bad_accounts[] = {
	"{}",
	"{\"login\":7}",
	"{\"login\":\"\"}",
	"{\"login\":\" alice\"}",
	"{\"login\":\"al\\u0000ice\"}",
	"{\"login\":\"al\\nice\"}",
	"{\"login\":\"al\\u200bice\"}",
	"{\"login\":\"x\",\"password\":\"\"}",
	"{\"login\":\"x\",\"password\":\"a\\nb\"}",
	"{\"login\":\"x\",\"password\":\"a\\u0000b\"}",
	"{\"login\":\"x\",\"password\":7}",
	"{\"login\":\"x\",\"password\":\"p\",\"disabled\":1}",
	"{\"login\":\"x\",\"password\":\"p\",\"expires_ms\":\"soon\"}",
	"{\"login\":\"x\",\"password\":\"p\",\"expires_ms\":-1}",
	"{\"login\":\"x\",\"password\":\"p\",\"protocols\":\"smtp\"}",
	"{\"login\":\"x\",\"password\":\"p\",\"protocols\":[\"http\"]}",
	"{\"login\":\"x\",\"password\":\"p\",\"protocols\":[7]}",
	"{\"login\":\"x\",\"password\":\"p\",\"limits\":\"nosuch\"}",
	"{\"login\":\"x\",\"password\":\"p\",\"limits\":null}",
};

static void
arguments_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_accounts / sizeof bad_accounts[0]; i++)
		bad(FAULT_CONFIG, "account add", bad_accounts[i]);
	good("account list", "{}");
	assert_data("{\"accounts\":[]}");
	bad(FAULT_CONFIG, "no such verb", "{}");
	assert_false(verbs_know("no such verb"));
	assert_true(verbs_know("grant list"));
}

static void
addresses_have_one_form_and_one_owner(void **state)
{
	(void)state;
	good("account add", "{\"login\":\"alice\"}");
	good("account add", "{\"login\":\"bob\"}");
	good("address add", "{\"login\":\"alice\",\"address\":\"Alice@EXAMPLE.org\"}");
	assert_string_equal(call.login, "alice");
	good("address add", "{\"login\":\"alice\",\"address\":\"\\\"a.b\\\"@ex\\u00e4mple.org\"}");
	good("address add",
		"{\"login\":\"alice\",\"address\":\"boss@example.org\",\"primary\":true}");
	good("address add", "{\"login\":\"bob\",\"address\":\"bob@example.org\"}");
	bad(FAULT_DENIED, "address add", "{\"login\":\"bob\",\"address\":\"ALICE@example.org\"}");
	bad(FAULT_DENIED, "address add", "{\"login\":\"alice\",\"address\":\"alice@example.org\"}");
	bad(FAULT_CONFIG, "address add", "{\"login\":\"alice\",\"address\":\"alice\"}");
	bad(FAULT_CONFIG, "address add", "{\"login\":\"alice\",\"address\":\"<a@b.org>\"}");
	bad(FAULT_CONFIG, "address add", "{\"login\":\"alice\",\"address\":\"a@[127.0.0.1]\"}");
	bad(FAULT_CONFIG, "address add", "{\"login\":\"alice\"}");
	bad(FAULT_MISSING, "address add", "{\"login\":\"carol\",\"address\":\"c@example.org\"}");
	good("address list", "{}");
	assert_data("{\"addresses\":["
		    "{\"address\":\"boss@example.org\",\"login\":\"alice\",\"primary\":true},"
		    "{\"address\":\"Alice@example.org\",\"login\":\"alice\",\"primary\":false},"
		    "{\"address\":\"a.b@xn--exmple-cua.org\",\"login\":\"alice\",\"primary\":false},"
		    "{\"address\":\"bob@example.org\",\"login\":\"bob\",\"primary\":true}]}");
	good("address delete", "{\"login\":\"alice\",\"address\":\"alice@example.ORG\"}");
	assert_true(call.epoch > 0);
	bad(FAULT_MISSING, "address delete", "{\"login\":\"alice\",\"address\":\"bob@example.org\"}");
	good("address list", "{\"login\":\"bob\"}");
	assert_data("{\"addresses\":["
		    "{\"address\":\"bob@example.org\",\"login\":\"bob\",\"primary\":true}]}");
	bad(FAULT_MISSING, "address list", "{\"login\":\"carol\"}");
}

static void
grants_are_patterns(void **state)
{
	(void)state;
	good("account add", "{\"login\":\"alice\"}");
	good("grant add", "{\"login\":\"alice\",\"right\":\"send-as\",\"pattern\":\"@Example.org\"}");
	good("grant add", "{\"login\":\"alice\",\"right\":\"on-behalf\",\"pattern\":\"ceo@example.org\"}");
	assert_int_equal(call.epoch, 0);
	bad(FAULT_DENIED, "grant add",
		"{\"login\":\"alice\",\"right\":\"send-as\",\"pattern\":\"@example.ORG\"}");
	bad(FAULT_CONFIG, "grant add", "{\"login\":\"alice\",\"right\":\"relay\",\"pattern\":\"*\"}");
	bad(FAULT_CONFIG, "grant add", "{\"login\":\"alice\",\"right\":\"send-as\",\"pattern\":\"a b\"}");
	bad(FAULT_CONFIG, "grant add", "{\"login\":\"alice\",\"right\":\"send-as\"}");
	good("grant list", "{}");
	assert_data("{\"grants\":["
		    "{\"group\":null,\"login\":\"alice\",\"pattern\":\"@example.org\",\"right\":\"send-as\"},"
		    "{\"group\":null,\"login\":\"alice\",\"pattern\":\"ceo@example.org\",\"right\":\"on-behalf\"}]}");
	bad(FAULT_MISSING, "grant delete",
		"{\"login\":\"alice\",\"right\":\"on-behalf\",\"pattern\":\"@example.org\"}");
	good("grant delete",
		"{\"login\":\"alice\",\"right\":\"send-as\",\"pattern\":\"@example.org\"}");
	assert_true(call.epoch > 0);
}

static void
groups_are_joined_and_left(void **state)
{
	(void)state;
	good("account add", "{\"login\":\"alice\"}");
	bad(FAULT_MISSING, "account join", "{\"login\":\"alice\",\"group\":\"support\"}");
	good("group add", "{\"group\":\"support\"}");
	good("account join", "{\"login\":\"alice\",\"group\":\"support\"}");
	bad(FAULT_DENIED, "account join", "{\"login\":\"alice\",\"group\":\"Support\"}");
	bad(FAULT_CONFIG, "account join", "{\"login\":\"alice\",\"group\":\"a\\nb\"}");
	bad(FAULT_CONFIG, "account join", "{\"login\":\"alice\"}");
	good("account leave", "{\"login\":\"alice\",\"group\":\"support\"}");
	assert_true(call.epoch > 0);
	bad(FAULT_MISSING, "account leave", "{\"login\":\"alice\",\"group\":\"support\"}");
}

static void
long_lists_come_in_pages(void **state)
{
	size_t pages = 0;
	size_t rows = 0;
	char args[64];

	(void)state;
	for (int i = 0; i < 60; i++) {
		snprintf(args, sizeof args, "{\"login\":\"user%02d\"}", i);
		good("account add", args);
	}
	good("account list", "{}");
	for (;;) {
		json_t *list = json_object_get(call.data, "accounts");
		char wanted[16];

		for (size_t i = 0; i < json_array_size(list); i++) {
			snprintf(wanted, sizeof wanted, "user%02zu", rows++);
			assert_string_equal(json_string_value(json_object_get(
						    json_array_get(list, i), "login")),
				wanted);
		}
		pages++;
		if (!call.page_after[0])
			break;
		verb_call_fini(&call);
		assert_true(verbs_run("account list", &call, &fault));
	}
	assert_int_equal(rows, 60);
	assert_true(pages > 1);
}

#define VERB_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		VERB_TEST(an_account_is_added_shown_and_deleted),
		VERB_TEST(settings_can_come_with_the_account_or_later),
		VERB_TEST(a_password_is_changed),
		VERB_TEST(arguments_that_make_no_sense_are_refused),
		VERB_TEST(addresses_have_one_form_and_one_owner),
		VERB_TEST(grants_are_patterns),
		VERB_TEST(groups_are_joined_and_left),
		VERB_TEST(long_lists_come_in_pages),
	};

	return cmocka_run_group_tests_name("auth/verbs", tests, NULL, NULL);
}
