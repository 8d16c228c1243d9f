/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that change an account, its addresses and its grants. */
#include <string.h>

#include "auth/directory_local_group.h"
#include "auth/saslprep.h"
#include "auth/verbs.h"
#include "base/digest.h"
#include "wire/address.h"

enum { ALL_PROTOCOLS = IDENTITY_SMTP | IDENTITY_IMAP | IDENTITY_POP3 };

/* ---- passwords ------------------------------------------------------------------------------- */

static bool
derive(const struct verb_call *call, struct span password,
	struct scram_keys keys_out[SCRAM_HASH_COUNT], struct fault *fault_out)
{
	struct secret *prepared = saslprep(password);
	unsigned char salt[SCRAM_SALT_BYTES];

	if (!prepared)
		return fault_set(fault_out, FAULT_CONFIG,
			"the password is empty, longer than %d bytes, or has control characters "
			"in it",
			PASSWORD_MAX_BYTES);
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		digest_random(salt, sizeof salt);
		scram_keys_derive(&keys_out[i], (enum scram_hash)i,
			(uint32_t)call->settings->sasl.iterations, span_of(salt, sizeof salt),
			secret_span(prepared));
	}
	secret_free(&prepared);
	return true;
}

/* The keys of the argument "password"; it may be missing only if may_miss. */
static bool
take_password(struct verb_call *call, bool may_miss, struct scram_keys keys_out[SCRAM_HASH_COUNT],
	bool *has_keys_out, struct fault *fault_out)
{
	json_t *value = json_object_get(call->args, "password");
	bool taken;

	*has_keys_out = false;
	if (!value && may_miss)
		return true;
	if (!json_is_string(value))
		return fault_set(fault_out, FAULT_CONFIG, "password is missing");
	taken = derive(call, span_of(json_string_value(value), json_string_length(value)), keys_out,
		fault_out);
	*has_keys_out = taken;
	return taken;
}

bool
verbs_password_keys(const struct verb_call *call, json_t *password, const struct account *old,
	struct scram_keys keys_out[SCRAM_HASH_COUNT], struct fault *fault_out)
{
	struct span text = span_of(json_string_value(password), json_string_length(password));
	struct secret *prepared;
	bool same;

	if (!json_is_string(password))
		return fault_set(fault_out, FAULT_CONFIG, "password is not a text");
	prepared = old && old->has_keys[SCRAM_SHA_256] ? saslprep(text) : NULL;
	same = prepared &&
		scram_keys_verify(&old->keys[SCRAM_SHA_256], secret_span(prepared));
	secret_free(&prepared);
	if (same)
		memcpy(keys_out, old->keys, sizeof old->keys);
	return same || derive(call, text, keys_out, fault_out);
}

static bool
run_passwd(struct verb_call *call, struct fault *fault_out)
{
	struct scram_keys keys[SCRAM_HASH_COUNT];
	char login[LOGIN_NAME_SIZE];
	bool has_keys;
	bool done;

	if (!verbs_login(call, login, fault_out) ||
		!take_password(call, false, keys, &has_keys, fault_out))
		return false;
	done = directory_local_set_keys(call->local, login, keys, &call->epoch, fault_out);
	mem_wipe(keys, sizeof keys);
	if (done)
		strcpy(call->login, login);
	return done;
}

/* ---- settings of an account ------------------------------------------------------------------ */

/* Those of the arguments that are there; the others stay as they are in settings. */
static bool
take_settings(const struct verb_call *call, struct directory_local_settings *settings,
	struct fault *fault_out)
{
	json_t *disabled = json_object_get(call->args, "disabled");
	json_t *expires = json_object_get(call->args, "expires_ms");
	json_t *protocols = json_object_get(call->args, "protocols");
	json_t *app_only = json_object_get(call->args, "app_only");
	json_t *limits = json_object_get(call->args, "limits");

	if (disabled && !json_is_boolean(disabled))
		return fault_set(fault_out, FAULT_CONFIG, "disabled is neither true nor false");
	if (expires && (!json_is_integer(expires) || json_integer_value(expires) < 0))
		return fault_set(fault_out, FAULT_CONFIG, "expires_ms is not a time");
	if (disabled)
		settings->disabled = json_is_true(disabled);
	if (expires)
		settings->expires_ms = json_integer_value(expires);
	return (!protocols ||
		       verbs_take_protocols(protocols, "protocols", &settings->protocols, fault_out)) &&
		(!app_only ||
			verbs_take_protocols(app_only, "app_only", &settings->app_only, fault_out)) &&
		(!limits || verbs_take_limits(call, limits, &settings->limits, fault_out));
}

static bool
run_add(struct verb_call *call, struct fault *fault_out)
{
	struct directory_local_settings settings = { .protocols = ALL_PROTOCOLS, .limits = "" };
	struct scram_keys keys[SCRAM_HASH_COUNT];
	char login[LOGIN_NAME_SIZE];
	bool has_keys;
	bool done;

	if (!verbs_new_login(call, login, fault_out) ||
		!take_settings(call, &settings, fault_out) ||
		!take_password(call, true, keys, &has_keys, fault_out))
		return false;
	done = directory_local_add(call->local, login, &settings, has_keys ? keys : NULL,
		fault_out);
	mem_wipe(keys, sizeof keys);
	if (done)
		strcpy(call->login, login);
	return done;
}

/* The account as it is, with what the arguments and the verb change. */
static bool
change_settings(struct verb_call *call, const bool *disabled, struct fault *fault_out)
{
	struct directory_local_settings settings;
	struct account *account = NULL;
	char login[LOGIN_NAME_SIZE];
	enum directory_result result;
	bool done = false;

	if (!verbs_login(call, login, fault_out))
		return false;
	result = directory_local_find(call->local, login, &account, fault_out);
	if (result == DIRECTORY_UNKNOWN)
		return fault_set(fault_out, FAULT_MISSING, "there is no account %s", login);
	if (result == DIRECTORY_DOWN)
		return false;
	settings = (struct directory_local_settings){
		.disabled = account->disabled,
		.expires_ms = account->expires_ms,
		.protocols = account->identity.protocols,
		.app_only = account->app_only,
		.limits = account->own_limits,
	};
	if (disabled)
		settings.disabled = *disabled;
	if (disabled || take_settings(call, &settings, fault_out))
		done = directory_local_set(call->local, login, &settings, &call->epoch, fault_out);
	account_drop(&account);
	if (done)
		strcpy(call->login, login);
	return done;
}

static bool
run_set(struct verb_call *call, struct fault *fault_out)
{
	return change_settings(call, NULL, fault_out);
}

static bool
run_disable(struct verb_call *call, struct fault *fault_out)
{
	return change_settings(call, &(const bool){ true }, fault_out);
}

static bool
run_enable(struct verb_call *call, struct fault *fault_out)
{
	return change_settings(call, &(const bool){ false }, fault_out);
}

static bool
run_delete(struct verb_call *call, struct fault *fault_out)
{
	char login[LOGIN_NAME_SIZE];

	if (!verbs_login(call, login, fault_out) ||
		!directory_local_delete(call->local, login, &call->epoch, fault_out))
		return false;
	strcpy(call->login, login);
	return true;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* As the rights compare it: domain in lower case and A-labels, quotes only where they must be. */
static bool
take_address(struct verb_call *call, char address_out[ADDRESS_TEXT_SIZE], struct fault *fault_out)
{
	enum address_fault wrong;
	struct address address;
	const char *text;

	if (!verbs_text(call->args, "address", &text, fault_out))
		return false;
	wrong = address_parse(span_text(text), ADDRESS_UTF8, &address);
	if (wrong != ADDRESS_OK)
		return fault_set(fault_out, FAULT_CONFIG, "%s: %s", text,
			address_fault_text(wrong));
	if (address.kind != ADDRESS_MAILBOX)
		return fault_set(fault_out, FAULT_CONFIG, "%s: an address has a domain name", text);
	address_format(&address, address_out);
	return true;
}

static bool
run_address_add(struct verb_call *call, struct fault *fault_out)
{
	bool primary = json_is_true(json_object_get(call->args, "primary"));
	char address[ADDRESS_TEXT_SIZE];
	char login[LOGIN_NAME_SIZE];

	if (!take_address(call, address, fault_out) || !verbs_login(call, login, fault_out) ||
		!directory_local_add_text(call->local, login, DIRECTORY_ADDRESSES, address, primary,
			fault_out))
		return false;
	strcpy(call->login, login);
	return true;
}

static bool
run_address_delete(struct verb_call *call, struct fault *fault_out)
{
	char address[ADDRESS_TEXT_SIZE];
	char login[LOGIN_NAME_SIZE];

	if (!take_address(call, address, fault_out) || !verbs_login(call, login, fault_out) ||
		!directory_local_delete_text(call->local, login, DIRECTORY_ADDRESSES, address,
			&call->epoch, fault_out))
		return false;
	strcpy(call->login, login);
	return true;
}

static bool
run_address_primary(struct verb_call *call, struct fault *fault_out)
{
	char address[ADDRESS_TEXT_SIZE];
	char login[LOGIN_NAME_SIZE];

	if (!take_address(call, address, fault_out) || !verbs_login(call, login, fault_out) ||
		!directory_local_move_first(call->local, login, DIRECTORY_ADDRESSES, address,
			fault_out))
		return false;
	strcpy(call->login, login);
	return true;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static bool
run_join(struct verb_call *call, struct fault *fault_out)
{
	char login[LOGIN_NAME_SIZE];
	const char *group;

	if (!verbs_take_group(call, &group, fault_out) || !verbs_login(call, login, fault_out) ||
		!directory_local_join(call->local, login, group, fault_out))
		return false;
	strcpy(call->login, login);
	return true;
}

static bool
run_leave(struct verb_call *call, struct fault *fault_out)
{
	char login[LOGIN_NAME_SIZE];
	const char *group;

	if (!verbs_take_group(call, &group, fault_out) || !verbs_login(call, login, fault_out) ||
		!directory_local_leave(call->local, login, group, &call->epoch, fault_out))
		return false;
	strcpy(call->login, login);
	return true;
}

const struct verb verbs_account[] = {
	{ "account add", run_add },
	{ "account passwd", run_passwd },
	{ "account set", run_set },
	{ "account delete", run_delete },
	{ "account enable", run_enable },
	{ "account disable", run_disable },
	{ "account join", run_join },
	{ "account leave", run_leave },
	{ "address add", run_address_add },
	{ "address primary", run_address_primary },
	{ "address delete", run_address_delete },
	{ NULL, NULL },
};
