/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that change an account, its addresses and its grants. */
#include <string.h>

#include "auth/saslprep.h"
#include "auth/verbs.h"
#include "base/digest.h"
#include "wire/address_pattern.h"

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

static bool
take_protocols(json_t *list, uint8_t *protocols_out, struct fault *fault_out)
{
	enum identity_protocol protocol;
	uint8_t protocols = 0;
	json_t *value;
	size_t index;

	if (!json_is_array(list))
		return fault_set(fault_out, FAULT_CONFIG, "protocols is not a list");
	json_array_foreach(list, index, value)
	{
		if (!account_find_protocol(span_text(json_string_value(value)), &protocol))
			return fault_set(fault_out, FAULT_CONFIG,
				"protocols are \"smtp\", \"imap\" and \"pop3\"");
		protocols |= (uint8_t)protocol;
	}
	*protocols_out = protocols;
	return true;
}

static bool
take_limits(const struct verb_call *call, json_t *value, const char **limits_out,
	struct fault *fault_out)
{
	const char *name = json_string_value(value);

	if (!name)
		return fault_set(fault_out, FAULT_CONFIG, "limits is not a name");
	if (name[0] && !settings_find_limits(call->settings, name))
		return fault_set(fault_out, FAULT_CONFIG,
			"the configuration has no limits section \"%s\"", name);
	*limits_out = name;
	return true;
}

/* Those of the arguments that are there; the others stay as they are in settings. */
static bool
take_settings(const struct verb_call *call, struct directory_local_settings *settings,
	struct fault *fault_out)
{
	json_t *disabled = json_object_get(call->args, "disabled");
	json_t *expires = json_object_get(call->args, "expires_ms");
	json_t *protocols = json_object_get(call->args, "protocols");
	json_t *limits = json_object_get(call->args, "limits");

	if (disabled && !json_is_boolean(disabled))
		return fault_set(fault_out, FAULT_CONFIG, "disabled is neither true nor false");
	if (expires && (!json_is_integer(expires) || json_integer_value(expires) < 0))
		return fault_set(fault_out, FAULT_CONFIG, "expires_ms is not a time");
	if (disabled)
		settings->disabled = json_is_true(disabled);
	if (expires)
		settings->expires_ms = json_integer_value(expires);
	return (!protocols || take_protocols(protocols, &settings->protocols, fault_out)) &&
		(!limits || take_limits(call, limits, &settings->limits, fault_out));
}

static bool
run_add(struct verb_call *call, struct fault *fault_out)
{
	struct directory_local_settings settings = { .protocols = ALL_PROTOCOLS, .limits = "" };
	struct scram_keys keys[SCRAM_HASH_COUNT];
	char login[LOGIN_NAME_SIZE];
	bool has_keys;
	bool done;

	if (!verbs_login(call, login, fault_out) || !take_settings(call, &settings, fault_out) ||
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
		.limits = account->identity.limits,
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

/* ---- lists of an account --------------------------------------------------------------------- */

static bool
add_text(struct verb_call *call, enum directory_list list, const char *text, bool first,
	struct fault *fault_out)
{
	char login[LOGIN_NAME_SIZE];

	if (!verbs_login(call, login, fault_out) ||
		!directory_local_add_text(call->local, login, list, text, first, fault_out))
		return false;
	strcpy(call->login, login);
	return true;
}

static bool
delete_text(struct verb_call *call, enum directory_list list, const char *text,
	struct fault *fault_out)
{
	char login[LOGIN_NAME_SIZE];

	if (!verbs_login(call, login, fault_out) ||
		!directory_local_delete_text(call->local, login, list, text, &call->epoch,
			fault_out))
		return false;
	strcpy(call->login, login);
	return true;
}

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

	return take_address(call, address, fault_out) &&
		add_text(call, DIRECTORY_ADDRESSES, address, primary, fault_out);
}

static bool
run_address_delete(struct verb_call *call, struct fault *fault_out)
{
	char address[ADDRESS_TEXT_SIZE];

	return take_address(call, address, fault_out) &&
		delete_text(call, DIRECTORY_ADDRESSES, address, fault_out);
}

static bool
take_group(struct verb_call *call, const char **group_out, struct fault *fault_out)
{
	return verbs_text(call->args, "group", group_out, fault_out) &&
		((strlen(*group_out) <= LOGIN_NAME_MAX_BYTES &&
			 span_is_printable(span_text(*group_out))) ||
			fault_set(fault_out, FAULT_CONFIG, "not a possible group"));
}

static bool
run_join(struct verb_call *call, struct fault *fault_out)
{
	const char *group;

	return take_group(call, &group, fault_out) &&
		add_text(call, DIRECTORY_GROUPS, group, false, fault_out);
}

static bool
run_leave(struct verb_call *call, struct fault *fault_out)
{
	const char *group;

	return take_group(call, &group, fault_out) &&
		delete_text(call, DIRECTORY_GROUPS, group, fault_out);
}

static bool
take_grant(struct verb_call *call, enum directory_list *list_out,
	char pattern_out[ADDRESS_TEXT_SIZE], struct fault *fault_out)
{
	struct address_pattern pattern;
	const char *right;
	const char *text;

	if (!verbs_text(call->args, "right", &right, fault_out) ||
		!verbs_text(call->args, "pattern", &text, fault_out))
		return false;
	if (strcmp(right, "send-as") != 0 && strcmp(right, "on-behalf") != 0)
		return fault_set(fault_out, FAULT_CONFIG,
			"a grant is of \"send-as\" or \"on-behalf\"");
	if (!address_pattern_parse(span_text(text), &pattern))
		return fault_set(fault_out, FAULT_CONFIG,
			"%s: a pattern is an address, \"@DOMAIN\", \".DOMAIN\" or \"*\"", text);
	*list_out = strcmp(right, "send-as") == 0 ? DIRECTORY_SEND_AS : DIRECTORY_ON_BEHALF;
	address_pattern_format(&pattern, pattern_out);
	return true;
}

static bool
run_grant_add(struct verb_call *call, struct fault *fault_out)
{
	char pattern[ADDRESS_TEXT_SIZE];
	enum directory_list list;

	return take_grant(call, &list, pattern, fault_out) &&
		add_text(call, list, pattern, false, fault_out);
}

static bool
run_grant_delete(struct verb_call *call, struct fault *fault_out)
{
	char pattern[ADDRESS_TEXT_SIZE];
	enum directory_list list;

	return take_grant(call, &list, pattern, fault_out) &&
		delete_text(call, list, pattern, fault_out);
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
	{ "address delete", run_address_delete },
	{ "grant add", run_grant_add },
	{ "grant delete", run_grant_delete },
	{ NULL, NULL },
};
