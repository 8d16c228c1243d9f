/* SPDX-License-Identifier: BSD-2-Clause */
/* Import of accounts: all that the document says is tried first, and then done, in one transaction each. */
#include <stdio.h>
#include <string.h>

#include "auth/directory_local_app.h"
#include "auth/verbs_document.h"
#include "auth/verbs_import.h"

/* What is made of the document, one run of two. */
struct import {
	struct verb_call *call;
	bool replace;
	bool trial;       /* nothing stays; finds out what is to be done */
	json_t *same;     /* "accounts[3]": true for what is there already just so */
	json_t *named;    /* logins and "group:…" that the document named */
	json_int_t added;
	json_int_t changed;
	json_int_t unchanged;
};

/* Each stands in the document once; the names of groups are the same in any case of their letters. */
static bool
name_once(struct import *import, const char *prefix, const char *name, struct fault *fault_out)
{
	char whole[LOGIN_NAME_SIZE + 8];

	snprintf(whole, sizeof whole, "%s%s", prefix, name);
	for (char *at = whole; *at; at++)
		*at = text_lower(*at);
	if (import->trial && json_object_get(import->named, whole))
		return fault_set(fault_out, FAULT_CONFIG, "%s stands in the document twice", whole);
	return !import->trial || json_object_set_new(import->named, whole, json_true()) == 0;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static bool
put_patterns(struct import *import, const char *name, enum directory_list list, json_t *texts,
	const struct settings_texts *old, struct fault *fault_out)
{
	char pattern[ADDRESS_TEXT_SIZE];
	json_t *value;
	size_t index;

	for (size_t i = 0; old && i < old->count; i++) {
		if (!directory_local_delete_group_text(import->call->local, name, list,
			    old->items[i], verbs_add_member, import->call, fault_out))
			return false;
	}
	json_array_foreach(texts, index, value)
	{
		if (!document_pattern(value, pattern, fault_out) ||
			!directory_local_add_group_text(import->call->local, name, list, pattern,
				verbs_add_member, import->call, fault_out))
			return fault_add(fault_out, "%s[%zu]",
				list == DIRECTORY_SEND_AS ? "send_as" : "on_behalf", index);
	}
	return true;
}

static bool
make_group(struct import *import, json_t *item, const char *name,
	const struct directory_local_group *old, struct fault *fault_out)
{
	struct directory_local *local = import->call->local;
	json_t *value = json_object_get(item, "limits");
	const char *limits = "";

	if (value && !verbs_take_limits(import->call, value, &limits, fault_out))
		return false;
	return (old ? directory_local_set_group(local, name, limits, verbs_add_member, import->call,
			      fault_out)
		    : directory_local_add_group(local, name, limits, fault_out)) &&
		put_patterns(import, name, DIRECTORY_SEND_AS, json_object_get(item, "send_as"),
			old ? &old->send_as : NULL, fault_out) &&
		put_patterns(import, name, DIRECTORY_ON_BEHALF, json_object_get(item, "on_behalf"),
			old ? &old->on_behalf : NULL, fault_out);
}

/* NULL with a fault of kind MISSING: there is none. */
static json_t *
read_group(struct import *import, const char *name, struct arena *arena,
	struct directory_local_group *group_out, struct fault *fault_out)
{
	return directory_local_find_group(import->call->local, name, arena, group_out, fault_out)
		? document_of_group(group_out)
		: NULL;
}

/* What was there before, what is there now, and whether that may be. Takes both. */
static bool
settle(struct import *import, const char *path, json_t *before, json_t *after,
	struct fault *fault_out)
{
	bool same = before && json_equal(before, after);
	bool good = !before || same || import->replace ||
		fault_set(fault_out, FAULT_DENIED, "it is there already, and not the same");

	if (import->trial && same)
		json_object_set_new(import->same, path, json_true());
	import->added += !before;
	import->unchanged += same;
	import->changed += before && !same;
	json_decref(before);
	json_decref(after);
	return good;
}

static bool
import_group(struct import *import, const char *path, json_t *item, struct fault *fault_out)
{
	struct arena *arena = arena_new(0);
	struct directory_local_group group;
	struct fault fault = FAULT_INIT;
	const char *name;
	json_t *before = NULL;
	bool good = document_check_group(item, fault_out) &&
		verbs_text(item, "group", &name, fault_out) &&
		verbs_check_group(name, fault_out) &&
		name_once(import, VERBS_GROUP_PREFIX, name, fault_out);

	if (good) {
		before = read_group(import, name, arena, &group, &fault);
		good = make_group(import, item, name, before ? &group : NULL, fault_out);
	}
	if (good)
		good = settle(import, path, before,
			read_group(import, name, arena, &group, fault_out), fault_out);
	else
		json_decref(before);
	arena_free(&arena);
	return good;
}

/* ---- accounts -------------------------------------------------------------------------------- */

static bool
put_texts(struct import *import, const struct document_account *document, const char *name,
	enum directory_list list, struct fault *fault_out)
{
	json_t *texts = json_object_get(document->item, name);
	char text[ADDRESS_TEXT_SIZE];
	json_t *value;
	size_t index;

	json_array_foreach(texts, index, value)
	{
		if (!(list == DIRECTORY_ADDRESSES ? document_address(value, text, fault_out)
						  : document_pattern(value, text, fault_out)) ||
			!directory_local_add_text(import->call->local, document->login, list, text,
				false, fault_out))
			return fault_add(fault_out, "%s[%zu]", name, index);
	}
	return true;
}

static bool
put_groups(struct import *import, const struct document_account *document,
	struct fault *fault_out)
{
	json_t *value;
	size_t index;

	json_array_foreach(json_object_get(document->item, "groups"), index, value)
	{
		if (!directory_local_join(import->call->local, document->login,
			    json_string_value(value), fault_out))
			return fault_add(fault_out, "groups[%zu]", index);
	}
	return true;
}

/* One of the document. Without a time of its own it keeps that of the one it replaces. */
static bool
take_app(json_t *item, const struct account *old, struct directory_local_app *app_out,
	struct scram_keys keys_out[SCRAM_HASH_COUNT], struct fault *fault_out)
{
	const struct app_password *before;

	if (!document_app(item, app_out, keys_out, fault_out))
		return false;
	before = old && !app_out->created_ms ? account_find_app(old, span_text(app_out->label))
					     : NULL;
	if (before)
		app_out->created_ms = before->created_ms;
	return true;
}

/* Those of the document, or else those that were there. */
static bool
put_apps(struct import *import, const struct document_account *document, const struct account *old,
	struct fault *fault_out)
{
	json_t *list = json_object_get(document->item, "app_passwords");
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct directory_local_app app;
	size_t count = list ? json_array_size(list) : old ? old->app_count : 0;
	bool good = true;

	for (size_t i = 0; i < count && good; i++) {
		if (list) {
			good = take_app(json_array_get(list, i), old, &app, keys, fault_out);
		} else {
			app = (struct directory_local_app){ .label = old->apps[i].label,
				.protocols = old->apps[i].protocols,
				.expires_ms = old->apps[i].expires_ms,
				.created_ms = old->apps[i].created_ms };
			memcpy(keys, old->apps[i].keys, sizeof keys);
		}
		good = good &&
			directory_local_put_app(import->call->local, document->login, &app, keys,
				fault_out);
		if (!good)
			fault_add(fault_out, "app_passwords[%zu]", i);
	}
	mem_wipe(keys, sizeof keys);
	return good;
}

static bool
make_account(struct import *import, const struct document_account *document,
	const struct account *old, struct fault *fault_out)
{
	struct directory_local *local = import->call->local;
	struct scram_keys keys[SCRAM_HASH_COUNT];
	uint64_t epoch = 0;
	bool has_keys = false;
	bool good = document_keys(import->call, document, old, keys, &has_keys, fault_out) &&
		(!old || directory_local_delete(local, document->login, &epoch, fault_out)) &&
		directory_local_add(local, document->login, &document->settings,
			has_keys ? keys : NULL, fault_out) &&
		put_texts(import, document, "addresses", DIRECTORY_ADDRESSES, fault_out) &&
		put_texts(import, document, "send_as", DIRECTORY_SEND_AS, fault_out) &&
		put_texts(import, document, "on_behalf", DIRECTORY_ON_BEHALF, fault_out) &&
		put_groups(import, document, fault_out) &&
		put_apps(import, document, old, fault_out);

	mem_wipe(keys, sizeof keys);
	if (good)
		verbs_add_member(import->call, document->login, epoch);
	return good;
}

static bool
compare_account(struct import *import, const char *path, const char *login,
	const struct account *old, struct fault *fault_out)
{
	struct account *made = NULL;
	json_t *after;

	if (!verbs_find_account(import->call, login, &made, fault_out))
		return false;
	after = document_of_account(made, true);
	account_drop(&made);
	return settle(import, path, old ? document_of_account(old, true) : NULL, after, fault_out);
}

static bool
import_account(struct import *import, const char *path, json_t *item, struct fault *fault_out)
{
	struct document_account document;
	struct account *old = NULL;
	bool good = document_account(import->call, item, &document, fault_out) &&
		name_once(import, "", document.login, fault_out) &&
		directory_local_find(import->call->local, document.login, &old, fault_out) !=
		DIRECTORY_DOWN;

	good = good && make_account(import, &document, old, fault_out) &&
		compare_account(import, path, document.login, old, fault_out);
	account_drop(&old);
	return good;
}

/* ---- the whole ------------------------------------------------------------------------------- */

typedef bool import_fn(struct import *import, const char *path, json_t *item,
	struct fault *fault_out);

static bool
import_list(struct import *import, json_t *document, const char *name, import_fn *put,
	struct fault *fault_out)
{
	json_t *list = json_object_get(document, name);
	char path[48];
	json_t *item;
	size_t index;

	if (list && !json_is_array(list))
		return fault_set(fault_out, FAULT_CONFIG, "%s is not a list", name);
	json_array_foreach(list, index, item)
	{
		snprintf(path, sizeof path, "%s[%zu]", name, index);
		if (!import->trial && json_object_get(import->same, path))
			continue;
		if (!put(import, path, item, fault_out))
			return fault_add(fault_out, "%s", path);
	}
	return true;
}

static bool
run_once(struct import *import, json_t *document, struct fault *fault_out)
{
	struct directory_local *local = import->call->local;
	bool good;

	if (!directory_local_begin(local, fault_out))
		return false;
	good = import_list(import, document, "groups", import_group, fault_out) &&
		import_list(import, document, "accounts", import_account, fault_out);
	if (!import->trial)
		return directory_local_end(local, good, fault_out);
	directory_local_end(local, false, fault_out);
	return good;
}

static bool
run_import(struct verb_call *call, struct fault *fault_out)
{
	json_t *document = json_object_get(call->args, "document");
	struct import trial = { .call = call, .trial = true, .same = json_object(),
		.named = json_object(),
		.replace = json_is_true(json_object_get(call->args, "replace")) };
	struct import import = trial;
	bool dry = json_is_true(json_object_get(call->args, "dry_run"));
	bool done = document_check(document, fault_out) && run_once(&trial, document, fault_out);

	verb_call_fini(call); /* who would have been told */
	import.trial = false;
	if (done && !dry)
		done = run_once(&import, document, fault_out);
	if (!done)
		verb_call_fini(call);
	else
		call->data = json_pack("{s:I, s:I, s:I, s:b}", "added", trial.added, "changed",
			trial.changed, "unchanged", trial.unchanged, "dry_run", dry);
	json_decref(trial.same);
	json_decref(trial.named);
	return done;
}

const struct verb verbs_import[] = {
	{ "account import", run_import },
	{ NULL, NULL },
};
