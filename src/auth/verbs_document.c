/* SPDX-License-Identifier: BSD-2-Clause */
/* What a document of accounts says, member by member. */
#include "auth/verbs_document.h"

#include <string.h>

#include "auth/verbs_import.h"
#include "wire/base64.h"

enum { ALL_PROTOCOLS = IDENTITY_SMTP | IDENTITY_IMAP | IDENTITY_POP3 };

/* ---- members --------------------------------------------------------------------------------- */

/* names ends in NULL. */
static bool
check_members(json_t *object, const char *const *names, struct fault *fault_out)
{
	const char *key;
	json_t *value;
	size_t at;

	if (!json_is_object(object))
		return fault_set(fault_out, FAULT_CONFIG, "not an object");
	json_object_foreach(object, key, value)
	{
		for (at = 0; names[at] && strcmp(names[at], key) != 0; at++)
			continue;
		if (!names[at])
			return fault_set(fault_out, FAULT_CONFIG, "unknown member");
	}
	return true;
}

static bool
check_texts(json_t *object, const char *name, struct fault *fault_out)
{
	json_t *list = json_object_get(object, name);
	json_t *value;
	size_t index;

	if (list && !json_is_array(list))
		return fault_set(fault_out, FAULT_CONFIG, "%s is not a list", name);
	json_array_foreach(list, index, value)
	{
		const char *text = json_string_value(value);

		if (!text || !text[0] || strlen(text) != json_string_length(value))
			return fault_set(fault_out, FAULT_CONFIG, "%s[%zu] is not a text", name,
				index);
	}
	return true;
}

bool
document_check(json_t *document, struct fault *fault_out)
{
	static const char *const names[] = { "version", "groups", "accounts", NULL };
	json_t *version = json_object_get(document, "version");

	if (!check_members(document, names, fault_out))
		return false;
	return (json_is_integer(version) && json_integer_value(version) == DOCUMENT_VERSION) ||
		fault_set(fault_out, FAULT_CONFIG, "version is not %d", DOCUMENT_VERSION);
}

bool
document_check_group(json_t *item, struct fault *fault_out)
{
	static const char *const names[] = { "group", "limits", "send_as", "on_behalf", NULL };

	return check_members(item, names, fault_out) && check_texts(item, "send_as", fault_out) &&
		check_texts(item, "on_behalf", fault_out);
}

bool
document_address(json_t *value, char address_out[ADDRESS_TEXT_SIZE], struct fault *fault_out)
{
	const char *text = json_string_value(value);
	struct address address;

	if (address_parse(span_text(text), ADDRESS_UTF8, &address) != ADDRESS_OK ||
		address.kind != ADDRESS_MAILBOX)
		return fault_set(fault_out, FAULT_CONFIG, "not an address with a domain");
	address_format(&address, address_out);
	return true;
}

bool
document_pattern(json_t *value, char pattern_out[ADDRESS_TEXT_SIZE], struct fault *fault_out)
{
	struct address_pattern pattern;

	if (!address_pattern_parse(span_text(json_string_value(value)), &pattern))
		return fault_set(fault_out, FAULT_CONFIG,
			"not an address, \"@DOMAIN\", \".DOMAIN\" or \"*\"");
	address_pattern_format(&pattern, pattern_out);
	return true;
}

/* 0 where it is null or not there. */
static bool
take_time(json_t *object, const char *name, int64_t *ms_out, struct fault *fault_out)
{
	json_t *value = json_object_get(object, name);

	if (value && !json_is_null(value) &&
		(!json_is_integer(value) || json_integer_value(value) <= 0))
		return fault_set(fault_out, FAULT_CONFIG, "%s is not a time", name);
	*ms_out = json_integer_value(value);
	return true;
}

static bool
take_protocols(json_t *object, const char *name, uint8_t *protocols_out, struct fault *fault_out)
{
	json_t *list = json_object_get(object, name);

	return !list || verbs_take_protocols(list, name, protocols_out, fault_out);
}

/* ---- an account ------------------------------------------------------------------------------ */

static bool
take_settings(const struct verb_call *call, json_t *item, struct directory_local_settings *settings,
	struct fault *fault_out)
{
	json_t *disabled = json_object_get(item, "disabled");
	json_t *limits = json_object_get(item, "limits");

	*settings = (struct directory_local_settings){ .protocols = ALL_PROTOCOLS, .limits = "" };
	if (disabled && !json_is_boolean(disabled))
		return fault_set(fault_out, FAULT_CONFIG, "disabled is neither true nor false");
	settings->disabled = json_is_true(disabled);
	return take_time(item, "expires_ms", &settings->expires_ms, fault_out) &&
		take_protocols(item, "protocols", &settings->protocols, fault_out) &&
		take_protocols(item, "app_only", &settings->app_only, fault_out) &&
		(!limits || verbs_take_limits(call, limits, &settings->limits, fault_out));
}

bool
document_account(const struct verb_call *call, json_t *item,
	struct document_account *document_out, struct fault *fault_out)
{
	static const char *const names[] = { "login", "disabled", "expires_ms", "protocols",
		"app_only", "limits", "addresses", "groups", "send_as", "on_behalf", "password",
		"keys", "app_passwords", NULL };
	struct verb_call named = { .settings = call->settings, .args = item };
	json_t *apps = json_object_get(item, "app_passwords");

	document_out->item = item;
	if (!check_members(item, names, fault_out))
		return false;
	if (apps && !json_is_array(apps))
		return fault_set(fault_out, FAULT_CONFIG, "app_passwords is not a list");
	return verbs_new_login(&named, document_out->login, fault_out) &&
		take_settings(call, item, &document_out->settings, fault_out) &&
		check_texts(item, "addresses", fault_out) &&
		check_texts(item, "groups", fault_out) && check_texts(item, "send_as", fault_out) &&
		check_texts(item, "on_behalf", fault_out);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static bool
take_bytes(json_t *item, const char *name, unsigned char *to, size_t least, size_t most,
	size_t *size_out)
{
	struct secret *bytes =
		base64_parse_secret(span_text(json_string_value(json_object_get(item, name))));
	struct span span = secret_span(bytes);
	bool good = bytes && span.length >= least && span.length <= most;

	if (good)
		memcpy(to, span.start, span.length);
	*size_out = span.length;
	secret_free(&bytes);
	return good;
}

static bool
take_key(json_t *item, struct scram_keys *keys, struct fault *fault_out)
{
	static const char *const names[] = { "hash", "iterations", "salt", "stored", "server", NULL };
	json_int_t iterations = json_integer_value(json_object_get(item, "iterations"));
	size_t size;
	bool good;

	*keys = (struct scram_keys){ .iterations = (uint32_t)iterations };
	if (!check_members(item, names, fault_out))
		return false;
	good = scram_hash_find(span_text(json_string_value(json_object_get(item, "hash"))),
		       &keys->hash) &&
		iterations >= SCRAM_ITERATIONS_MIN && iterations <= SCRAM_ITERATIONS_MAX;
	size = good ? scram_hash_bytes(keys->hash) : 0;
	good = good &&
		take_bytes(item, "salt", keys->salt, 1, sizeof keys->salt, &keys->salt_length) &&
		take_bytes(item, "stored", keys->stored, size, size, &size) &&
		take_bytes(item, "server", keys->server, size, size, &size);
	return good || fault_set(fault_out, FAULT_CONFIG, "not a stored key");
}

/* One of each hash. */
static bool
take_keys(json_t *list, struct scram_keys keys_out[SCRAM_HASH_COUNT], struct fault *fault_out)
{
	struct scram_keys keys;
	unsigned found = 0;
	bool good = json_is_array(list) && json_array_size(list) == SCRAM_HASH_COUNT;

	for (size_t i = 0; good && i < SCRAM_HASH_COUNT; i++) {
		if (!take_key(json_array_get(list, i), &keys, fault_out))
			return fault_add(fault_out, "keys[%zu]", i);
		found |= 1U << keys.hash;
		keys_out[keys.hash] = keys;
	}
	mem_wipe(&keys, sizeof keys);
	return (good && found == (1U << SCRAM_HASH_COUNT) - 1) ||
		fault_set(fault_out, FAULT_CONFIG, "keys is not a list with one key of each hash");
}

bool
document_keys(const struct verb_call *call, const struct document_account *document,
	const struct account *old, struct scram_keys keys_out[SCRAM_HASH_COUNT], bool *has_keys_out,
	struct fault *fault_out)
{
	json_t *keys = json_object_get(document->item, "keys");
	json_t *password = json_object_get(document->item, "password");

	*has_keys_out = true;
	if (keys && password)
		return fault_set(fault_out, FAULT_CONFIG, "keys and password exclude each other");
	if (password)
		return verbs_password_keys(call, password, old, keys_out, fault_out);
	*has_keys_out = keys ? json_array_size(keys) > 0 : old && old->has_keys[SCRAM_SHA_256];
	if (keys && (!json_is_array(keys) || *has_keys_out))
		return take_keys(keys, keys_out, fault_out);
	if (*has_keys_out)
		memcpy(keys_out, old->keys, sizeof old->keys);
	return true;
}

bool
document_app(json_t *item, struct directory_local_app *app_out,
	struct scram_keys keys_out[SCRAM_HASH_COUNT], struct fault *fault_out)
{
	static const char *const names[] = { "label", "protocols", "expires_ms", "created_ms",
		"keys", NULL };

	*app_out = (struct directory_local_app){ .protocols = ALL_PROTOCOLS };
	if (!check_members(item, names, fault_out) ||
		!verbs_text(item, "label", &app_out->label, fault_out) ||
		!take_protocols(item, "protocols", &app_out->protocols, fault_out) ||
		!take_time(item, "expires_ms", &app_out->expires_ms, fault_out) ||
		!take_time(item, "created_ms", &app_out->created_ms, fault_out) ||
		!take_keys(json_object_get(item, "keys"), keys_out, fault_out))
		return false;
	if (!app_label_is_valid(span_text(app_out->label)))
		return fault_set(fault_out, FAULT_CONFIG, "not a label");
	return keys_out[0].iterations == SCRAM_ITERATIONS_MIN &&
			keys_out[1].iterations == SCRAM_ITERATIONS_MIN
		? true
		: fault_set(fault_out, FAULT_CONFIG, "app passwords have %d iterations",
			  SCRAM_ITERATIONS_MIN);
}
