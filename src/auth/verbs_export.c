/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts as a document: what export writes, and import reads. */
#include "auth/verbs_document.h"

#include <string.h>

#include "wire/base64.h"

enum { PAGE_LOGINS = 10 };

static json_t *
json_of_bytes(const unsigned char *bytes, size_t size)
{
	struct buf text = BUF_INIT(0);
	json_t *value;

	base64_format(span_of(bytes, size), &text);
	value = json_string(buf_text(&text));
	buf_wipe(&text);
	buf_fini(&text);
	return value;
}

static json_t *
json_of_keys(const struct scram_keys *keys)
{
	size_t size = scram_hash_bytes(keys->hash);
	json_t *data = json_object();

	json_object_set_new(data, "hash", json_string(scram_hash_name(keys->hash)));
	json_object_set_new(data, "iterations", json_integer(keys->iterations));
	json_object_set_new(data, "salt", json_of_bytes(keys->salt, keys->salt_length));
	json_object_set_new(data, "stored", json_of_bytes(keys->stored, size));
	json_object_set_new(data, "server", json_of_bytes(keys->server, size));
	return data;
}

static json_t *
json_of_app(const struct app_password *app)
{
	json_t *data = json_object();
	json_t *keys = json_array();

	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
		json_array_append_new(keys, json_of_keys(&app->keys[i]));
	json_object_set_new(data, "label", json_string(app->label));
	json_object_set_new(data, "protocols", verbs_json_protocols(app->protocols));
	json_object_set_new(data, "expires_ms", verbs_json_time(app->expires_ms));
	json_object_set_new(data, "created_ms", verbs_json_time(app->created_ms));
	json_object_set_new(data, "keys", keys);
	return data;
}

static void
add_secrets(json_t *data, const struct account *account)
{
	json_t *keys = json_array();
	json_t *apps = json_array();

	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (account->has_keys[i])
			json_array_append_new(keys, json_of_keys(&account->keys[i]));
	}
	for (size_t i = 0; i < account->app_count; i++)
		json_array_append_new(apps, json_of_app(&account->apps[i]));
	json_object_set_new(data, "keys", keys);
	json_object_set_new(data, "app_passwords", apps);
}

json_t *
document_of_account(const struct account *account, bool secrets)
{
	const struct identity *identity = &account->identity;
	json_t *data = json_object();

	json_object_set_new(data, "login", json_string(identity->login));
	json_object_set_new(data, "disabled", json_boolean(account->disabled));
	json_object_set_new(data, "expires_ms", verbs_json_time(account->expires_ms));
	json_object_set_new(data, "protocols", verbs_json_protocols(identity->protocols));
	json_object_set_new(data, "app_only", verbs_json_protocols(account->app_only));
	json_object_set_new(data, "limits", json_string(account->own_limits));
	json_object_set_new(data, "addresses", verbs_json_texts(&identity->addresses));
	json_object_set_new(data, "groups", verbs_json_texts(&identity->groups));
	json_object_set_new(data, "send_as", verbs_json_grants(&identity->send_as));
	json_object_set_new(data, "on_behalf", verbs_json_grants(&identity->on_behalf));
	if (secrets)
		add_secrets(data, account);
	return data;
}

json_t *
document_of_group(const struct directory_local_group *group)
{
	json_t *data = json_object();

	json_object_set_new(data, "group", json_string(group->name));
	json_object_set_new(data, "limits", json_string(group->limits));
	json_object_set_new(data, "send_as", verbs_json_texts(&group->send_as));
	json_object_set_new(data, "on_behalf", verbs_json_texts(&group->on_behalf));
	return data;
}

static bool
run_export(struct verb_call *call, struct fault *fault_out)
{
	bool secrets = json_is_true(json_object_get(call->args, "secrets"));
	struct arena *arena = arena_new(0);
	json_t *list = json_array();
	struct account *account = NULL;
	struct settings_texts logins;
	bool done = directory_local_logins(call->local, call->page_after, PAGE_LOGINS, arena, &logins,
		fault_out);

	call->page_after[0] = '\0';
	for (size_t i = 0; done && i < logins.count; i++) {
		done = verbs_find_account(call, logins.items[i], &account, fault_out);
		if (done)
			json_array_append_new(list, document_of_account(account, secrets));
		account_drop(&account);
	}
	if (done && logins.count == PAGE_LOGINS)
		strcpy(call->page_after, logins.items[PAGE_LOGINS - 1]);
	if (done)
		call->data = json_pack("{s:O}", "accounts", list);
	json_decref(list);
	arena_free(&arena);
	return done;
}

const struct verb verbs_export[] = {
	{ "account export", run_export },
	{ NULL, NULL },
};
