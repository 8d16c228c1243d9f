/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that show accounts, addresses and grants, by pages of logins. */
#include <string.h>

#include "auth/directory_local_group.h"
#include "auth/verbs.h"

/* At most 28 KiB of texts an account, and 300 bytes around each row: a page fits its frame. */
enum { PAGE_LOGINS = 25, PAGE_ROWS = 500 };

/* ---- JSON of an account ---------------------------------------------------------------------- */

/* What its stored keys are good for. */
static json_t *
json_of_mechanisms(const struct account *account)
{
	json_t *list = json_array();

	if (account->has_keys[SCRAM_SHA_256]) {
		json_array_append_new(list, json_string("PLAIN"));
		json_array_append_new(list, json_string("LOGIN"));
	}
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (account->has_keys[i])
			json_array_append_new(list,
				json_string(scram_hash_name((enum scram_hash)i)));
	}
	return list;
}

static json_t *
json_of_account(const struct account *account)
{
	const struct identity *identity = &account->identity;
	json_t *data = json_object();

	json_object_set_new(data, "login", json_string(identity->login));
	json_object_set_new(data, "disabled", json_boolean(account->disabled));
	json_object_set_new(data, "addresses", verbs_json_texts(&identity->addresses));
	json_object_set_new(data, "groups", verbs_json_texts(&identity->groups));
	json_object_set_new(data, "send_as", verbs_json_grants(&identity->send_as));
	json_object_set_new(data, "on_behalf", verbs_json_grants(&identity->on_behalf));
	json_object_set_new(data, "limits", json_string(account->own_limits));
	json_object_set_new(data, "protocols", verbs_json_protocols(identity->protocols));
	json_object_set_new(data, "app_only", verbs_json_protocols(account->app_only));
	json_object_set_new(data, "mechanisms", json_of_mechanisms(account));
	json_object_set_new(data, "expires_ms",
		verbs_json_time(account->expires_ms));
	json_object_set_new(data, "changed_ms", json_integer(account->changed_ms));
	return data;
}

static bool
run_show(struct verb_call *call, struct fault *fault_out)
{
	struct account *account = NULL;
	char login[LOGIN_NAME_SIZE];

	if (!verbs_login(call, login, fault_out) ||
		!verbs_find_account(call, login, &account, fault_out))
		return false;
	call->data = json_of_account(account);
	account_drop(&account);
	return true;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Adds what one account has to show to the list. */
typedef void add_fn(json_t *list, const struct account *account);

static bool
add_login(struct verb_call *call, const char *login, add_fn *add, json_t *list,
	struct fault *fault_out)
{
	struct account *account = NULL;

	if (!verbs_find_account(call, login, &account, fault_out))
		return false;
	add(list, account);
	account_drop(&account);
	return true;
}

static bool
add_page(struct verb_call *call, add_fn *add, json_t *list, struct fault *fault_out)
{
	struct arena *arena = arena_new(0);
	struct settings_texts logins;
	bool done = directory_local_logins(call->local, call->page_after, PAGE_LOGINS, arena,
		&logins, fault_out);
	bool last = done && logins.count < PAGE_LOGINS;
	size_t next = 0;

	while (done && next < logins.count && json_array_size(list) < PAGE_ROWS)
		done = add_login(call, logins.items[next++], add, list, fault_out);
	call->page_after[0] = '\0';
	if (done && (!last || next < logins.count))
		strcpy(call->page_after, logins.items[next - 1]);
	arena_free(&arena);
	return done;
}

/* Of one login if the arguments name one, else of all. */
static bool
run_list(struct verb_call *call, const char *name, add_fn *add, struct fault *fault_out)
{
	json_t *list = json_array();
	char login[LOGIN_NAME_SIZE];
	bool done;

	if (json_object_get(call->args, "login"))
		done = verbs_login(call, login, fault_out) &&
			add_login(call, login, add, list, fault_out);
	else
		done = add_page(call, add, list, fault_out);
	if (done)
		call->data = json_pack("{s:O}", name, list);
	json_decref(list);
	return done;
}

static void
add_account(json_t *list, const struct account *account)
{
	json_array_append_new(list, json_of_account(account));
}

static bool
run_account_list(struct verb_call *call, struct fault *fault_out)
{
	return run_list(call, "accounts", add_account, fault_out);
}

static void
add_addresses(json_t *list, const struct account *account)
{
	const struct identity *identity = &account->identity;

	for (size_t i = 0; i < identity->addresses.count; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:b}", "address", identity->addresses.items[i],
				"login", identity->login, "primary", i == 0));
}

static bool
run_address_list(struct verb_call *call, struct fault *fault_out)
{
	return run_list(call, "addresses", add_addresses, fault_out);
}

/* Those of its groups too, as such: what it may do is the question. */
static void
add_patterns(json_t *list, const struct identity *identity, const char *right,
	const struct identity_grants *grants)
{
	for (size_t i = 0; i < grants->count; i++) {
		uint16_t group = grants->items[i].group;
		json_t *row = json_pack("{s:s, s:s, s:s}", "login", identity->login, "right", right,
			"pattern", grants->items[i].pattern);

		json_object_set_new(row, "group",
			group ? json_string(identity->groups.items[group - 1]) : json_null());
		json_array_append_new(list, row);
	}
}

static void
add_grants(json_t *list, const struct account *account)
{
	const struct identity *identity = &account->identity;

	add_patterns(list, identity, "send-as", &identity->send_as);
	add_patterns(list, identity, "on-behalf", &identity->on_behalf);
}

static void
add_group_patterns(json_t *list, const struct directory_local_group *group, const char *right,
	const struct settings_texts *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		json_array_append_new(list,
			json_pack("{s:n, s:s, s:s, s:s}", "login", "group", group->name, "right",
				right, "pattern", patterns->items[i]));
}

static bool
list_group_grants(struct verb_call *call, const char *name, struct fault *fault_out)
{
	struct arena *arena = arena_new(0);
	struct directory_local_group group;
	json_t *list = json_array();
	bool done = verbs_check_group(name, fault_out) &&
		directory_local_find_group(call->local, name, arena, &group, fault_out);

	if (done) {
		add_group_patterns(list, &group, "send-as", &group.send_as);
		add_group_patterns(list, &group, "on-behalf", &group.on_behalf);
		call->data = json_pack("{s:O}", "grants", list);
	}
	json_decref(list);
	arena_free(&arena);
	return done;
}

static bool
run_grant_list(struct verb_call *call, struct fault *fault_out)
{
	const char *whose = json_string_value(json_object_get(call->args, "login"));

	if (span_starts(span_text(whose), VERBS_GROUP_PREFIX))
		return list_group_grants(call, whose + strlen(VERBS_GROUP_PREFIX), fault_out);
	return run_list(call, "grants", add_grants, fault_out);
}

const struct verb verbs_list[] = {
	{ "account show", run_show },
	{ "account list", run_account_list },
	{ "address list", run_address_list },
	{ "grant list", run_grant_list },
	{ NULL, NULL },
};
