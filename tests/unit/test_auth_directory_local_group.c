/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups: what their members have of them, and lose with them. */
#include "accounts_fixture.h"

#include "auth/directory_local_group.h"

struct heard {
	char text[256];
};

static void
hear(void *context, const char *login, uint64_t epoch)
{
	struct heard *heard = context;
	size_t length = strlen(heard->text);

	snprintf(heard->text + length, sizeof heard->text - length, "%s:%s ", login,
		epoch ? "less" : "more");
}

static void
add_group(struct accounts *accounts, const char *name, const char *limits)
{
	assert_true(directory_local_add_group(accounts->local, name, limits, &accounts->fault));
}

static void
join(struct accounts *accounts, const char *login, const char *group)
{
	if (!directory_local_join(accounts->local, login, group, &accounts->fault))
		fail_msg("%s", accounts->fault.text);
}

static void
grant(struct accounts *accounts, const char *group, enum directory_list list, const char *text)
{
	struct heard heard = { .text = "" };

	assert_true(directory_local_add_group_text(accounts->local, group, list, text, hear, &heard,
		&accounts->fault));
}

static void
members_have_grants_and_limits(void **state)
{
	struct accounts *accounts = *state;
	struct account *account;

	accounts_add(accounts, "alice");
	add_group(accounts, "staff", "");
	add_group(accounts, "support", "small");
	add_group(accounts, "other", "large");
	grant(accounts, "support", DIRECTORY_SEND_AS, "support@example.org");
	grant(accounts, "support", DIRECTORY_ON_BEHALF, "ceo@example.org");
	grant(accounts, "other", DIRECTORY_SEND_AS, "*");
	join(accounts, "alice", "staff");
	join(accounts, "alice", "Support");
	assert_true(directory_local_add_text(accounts->local, "alice", DIRECTORY_SEND_AS,
		"@example.net", false, &accounts->fault));
	account = accounts_find(accounts, "alice");
	assert_int_equal(account->identity.groups.count, 2);
	assert_string_equal(account->identity.groups.items[1], "support");
	assert_int_equal(account->identity.send_as.count, 2);
	assert_string_equal(account->identity.send_as.items[0].where, "directory grant");
	assert_string_equal(account->identity.send_as.items[1].pattern, "support@example.org");
	assert_string_equal(account->identity.send_as.items[1].where, "grant of group support");
	assert_string_equal(account->identity.on_behalf.items[0].pattern, "ceo@example.org");
	assert_string_equal(account->identity.limits, "small");
	assert_string_equal(account->own_limits, "");
	account_drop(&account);
}

static void
own_limits_come_first(void **state)
{
	const struct directory_local_settings own = { .protocols = 7, .limits = "own" };
	struct accounts *accounts = *state;
	struct account *account;
	uint64_t epoch;

	accounts_add(accounts, "alice");
	add_group(accounts, "support", "small");
	join(accounts, "alice", "support");
	assert_true(directory_local_set(accounts->local, "alice", &own, &epoch, &accounts->fault));
	account = accounts_find(accounts, "alice");
	assert_string_equal(account->identity.limits, "own");
	assert_string_equal(account->own_limits, "own");
	account_drop(&account);
}

static void
what_is_taken_from_a_group_is_taken_from_its_members(void **state)
{
	struct accounts *accounts = *state;
	struct heard heard = { .text = "" };
	uint64_t before;
	uint64_t epoch;

	accounts_add(accounts, "alice");
	accounts_add(accounts, "bob");
	accounts_add(accounts, "carol");
	add_group(accounts, "support", "");
	join(accounts, "bob", "support");
	join(accounts, "alice", "support");
	before = accounts_epoch(accounts, "alice");
	assert_true(directory_local_add_group_text(accounts->local, "support", DIRECTORY_SEND_AS,
		"@x.org", hear, &heard, &accounts->fault));
	assert_true(directory_local_set_group(accounts->local, "support", "small", hear, &heard,
		&accounts->fault));
	assert_string_equal(heard.text, "alice:more bob:more alice:more bob:more ");
	assert_int_equal(accounts_epoch(accounts, "alice"), before);
	heard.text[0] = '\0';
	assert_true(directory_local_delete_group_text(accounts->local, "support", DIRECTORY_SEND_AS,
		"@X.org", hear, &heard, &accounts->fault));
	assert_string_equal(heard.text, "alice:less bob:less ");
	assert_true(accounts_epoch(accounts, "alice") > before);
	assert_int_equal(accounts_epoch(accounts, "bob"), accounts_epoch(accounts, "alice"));
	before = accounts_epoch(accounts, "alice");
	assert_true(directory_local_leave(accounts->local, "bob", "support", &epoch,
		&accounts->fault));
	assert_true(epoch > before);
	heard.text[0] = '\0';
	assert_true(directory_local_delete_group(accounts->local, "SUPPORT", hear, &heard,
		&accounts->fault));
	assert_string_equal(heard.text, "alice:less ");
	assert_true(accounts_epoch(accounts, "alice") > epoch);
	assert_false(directory_local_delete_group(accounts->local, "support", hear, &heard,
		&accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
}

static void
what_makes_no_sense_is_refused(void **state)
{
	struct accounts *accounts = *state;
	struct heard heard = { .text = "" };
	uint64_t epoch;

	accounts_add(accounts, "alice");
	add_group(accounts, "support", "");
	assert_false(directory_local_add_group(accounts->local, "Support", "", &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_DENIED);
	assert_false(directory_local_join(accounts->local, "alice", "suport", &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	assert_false(directory_local_join(accounts->local, "bob", "support", &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	join(accounts, "alice", "support");
	assert_false(directory_local_join(accounts->local, "alice", "SUPPORT", &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_DENIED);
	grant(accounts, "support", DIRECTORY_SEND_AS, "@x.org");
	assert_false(directory_local_add_group_text(accounts->local, "support", DIRECTORY_SEND_AS,
		"@X.ORG", hear, &heard, &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_DENIED);
	assert_false(directory_local_delete_group_text(accounts->local, "support",
		DIRECTORY_ON_BEHALF, "@x.org", hear, &heard, &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	assert_string_equal(heard.text, "");
	assert_true(directory_local_leave(accounts->local, "alice", "support", &epoch,
		&accounts->fault));
	assert_false(directory_local_leave(accounts->local, "alice", "support", &epoch,
		&accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
}

/* Neither a group nor several together may make an identity that no message carries. */
static void
no_identity_outgrows_its_message(void **state)
{
	struct accounts *accounts = *state;
	struct heard heard = { .text = "" };
	struct account *account;
	char text[320];
	int patterns = 0;
	bool added = true;

	accounts_add(accounts, "alice");
	add_group(accounts, "first", "");
	join(accounts, "alice", "first");
	while (added) {
		snprintf(text, sizeof text, "@%0200d.example.org", patterns++);
		added = directory_local_add_group_text(accounts->local, "first", DIRECTORY_SEND_AS,
			text, hear, &heard, &accounts->fault);
	}
	assert_int_equal(accounts->fault.kind, FAULT_LIMIT);
	assert_in_range(patterns, 100, 200);
	/* Nobody is in this one, and it has its bound all the same. */
	add_group(accounts, "second", "");
	added = true;
	for (int i = 0; added; i++) {
		snprintf(text, sizeof text, "@%0200d.example.org", i);
		added = directory_local_add_group_text(accounts->local, "second", DIRECTORY_SEND_AS,
			text, hear, &heard, &accounts->fault);
	}
	assert_int_equal(accounts->fault.kind, FAULT_LIMIT);
	assert_false(directory_local_join(accounts->local, "alice", "second", &accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_LIMIT);
	account = accounts_find(accounts, "alice");
	assert_int_equal(account->identity.groups.count, 1);
	assert_int_equal(account->identity.send_as.count, patterns - 1);
	account_drop(&account);
}

static void
groups_and_members_are_listed_by_pages(void **state)
{
	struct accounts *accounts = *state;
	struct directory_local_group group;
	struct arena *arena = arena_new(0);
	struct settings_texts texts;

	add_group(accounts, "b", "small");
	add_group(accounts, "A", "");
	add_group(accounts, "c", "");
	accounts_add(accounts, "bob");
	accounts_add(accounts, "alice");
	join(accounts, "bob", "b");
	join(accounts, "alice", "b");
	grant(accounts, "b", DIRECTORY_SEND_AS, "*");
	assert_true(directory_local_groups(accounts->local, "", 2, arena, &texts, &accounts->fault));
	assert_int_equal(texts.count, 2);
	assert_string_equal(texts.items[0], "A");
	assert_true(directory_local_groups(accounts->local, "b", 2, arena, &texts,
		&accounts->fault));
	assert_int_equal(texts.count, 1);
	assert_string_equal(texts.items[0], "c");
	assert_true(directory_local_members(accounts->local, "B", "alice", 5, arena, &texts,
		&accounts->fault));
	assert_int_equal(texts.count, 1);
	assert_string_equal(texts.items[0], "bob");
	assert_true(directory_local_find_group(accounts->local, "B", arena, &group,
		&accounts->fault));
	assert_string_equal(group.name, "b");
	assert_string_equal(group.limits, "small");
	assert_int_equal(group.send_as.count, 1);
	assert_int_equal(group.on_behalf.count, 0);
	assert_false(directory_local_find_group(accounts->local, "x", arena, &group,
		&accounts->fault));
	assert_int_equal(accounts->fault.kind, FAULT_MISSING);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ACCOUNTS_TEST(members_have_grants_and_limits),
		ACCOUNTS_TEST(own_limits_come_first),
		ACCOUNTS_TEST(what_is_taken_from_a_group_is_taken_from_its_members),
		ACCOUNTS_TEST(what_makes_no_sense_is_refused),
		ACCOUNTS_TEST(no_identity_outgrows_its_message),
		ACCOUNTS_TEST(groups_and_members_are_listed_by_pages),
	};

	return cmocka_run_group_tests_name("auth/directory_local_group", tests, NULL, NULL);
}
