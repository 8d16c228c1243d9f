/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's verbs: which there are, and their arguments. */
#include "auth/verbs.h"

#include <stdio.h>
#include <string.h>

static const struct verb *
find(const char *name)
{
	static const struct verb *const tables[] = { verbs_account, verbs_app,
		verbs_grant, verbs_group, verbs_list, verbs_report, verbs_export, verbs_import };

	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		for (const struct verb *verb = tables[i]; verb->name; verb++) {
			if (strcmp(verb->name, name) == 0)
				return verb;
		}
	}
	return NULL;
}

bool
verbs_know(const char *verb)
{
	return find(verb) != NULL;
}

bool
verbs_run(const char *name, struct verb_call *call, struct fault *fault_out)
{
	const struct verb *verb = find(name);

	if (!verb)
		return fault_set(fault_out, FAULT_CONFIG, "there is no verb \"%s\"", name);
	return verb->run(call, fault_out);
}

void
verb_call_fini(struct verb_call *call)
{
	json_decref(call->data);
	call->data = NULL;
	while (call->members) {
		struct verb_change *member = call->members;

		call->members = member->next;
		mem_free(&member);
	}
}

void
verbs_add_member(void *context, const char *login, uint64_t epoch)
{
	struct verb_change *member = mem_alloc(sizeof *member);
	struct verb_call *call = context;

	snprintf(member->login, sizeof member->login, "%s", login);
	member->epoch = epoch;
	member->next = call->members;
	call->members = member;
}

bool
verbs_text(json_t *args, const char *name, const char **text_out, struct fault *fault_out)
{
	json_t *value = json_object_get(args, name);
	const char *text = json_string_value(value);

	if (!text)
		return fault_set(fault_out, FAULT_CONFIG, "%s is missing", name);
	if (strlen(text) != json_string_length(value) || !text[0])
		return fault_set(fault_out, FAULT_CONFIG, "%s is empty or has a NUL in it", name);
	*text_out = text;
	return true;
}

bool
verbs_check_group(const char *name, struct fault *fault_out)
{
	return (name[0] && strlen(name) <= LOGIN_NAME_MAX_BYTES &&
		       span_is_printable(span_text(name))) ||
		fault_set(fault_out, FAULT_CONFIG, "not a possible group");
}

bool
verbs_take_group(const struct verb_call *call, const char **group_out, struct fault *fault_out)
{
	return verbs_text(call->args, "group", group_out, fault_out) &&
		verbs_check_group(*group_out, fault_out);
}

json_t *
verbs_json_texts(const struct settings_texts *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(list, json_string(texts->items[i]));
	return list;
}

bool
verbs_take_limits(const struct verb_call *call, json_t *value, const char **limits_out,
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

bool
verbs_login(const struct verb_call *call, char login_out[LOGIN_NAME_SIZE], struct fault *fault_out)
{
	const struct settings *settings = call->settings;
	const char *realm = settings_realm(settings);
	const char *text;

	if (!verbs_text(call->args, "login", &text, fault_out))
		return false;
	if (!login_name_parse(span_text(text), realm, login_out))
		return fault_set(fault_out, FAULT_CONFIG,
			"not a possible login: it is too long, has control characters, outer "
			"blanks, or letters that deceive the eye");
	return true;
}

bool
verbs_new_login(const struct verb_call *call, char login_out[LOGIN_NAME_SIZE],
	struct fault *fault_out)
{
	if (!verbs_login(call, login_out, fault_out))
		return false;
	return (!strchr(login_out, '/') &&
		       !span_starts(span_text(login_out), VERBS_GROUP_PREFIX)) ||
		fault_set(fault_out, FAULT_CONFIG,
			"not a possible login: it has a \"/\", or begins like the name of a group");
}

json_t *
verbs_json_protocols(uint8_t protocols)
{
	json_t *list = json_array();

	if (protocols & IDENTITY_SMTP)
		json_array_append_new(list, json_string("smtp"));
	if (protocols & IDENTITY_IMAP)
		json_array_append_new(list, json_string("imap"));
	if (protocols & IDENTITY_POP3)
		json_array_append_new(list, json_string("pop3"));
	return list;
}

json_t *
verbs_json_grants(const struct identity_grants *grants)
{
	json_t *list = json_array();

	for (size_t i = 0; i < grants->count; i++)
		if (grants->items[i].group == 0)
			json_array_append_new(list, json_string(grants->items[i].pattern));
	return list;
}

json_t *
verbs_json_time(int64_t ms)
{
	return ms ? json_integer(ms) : json_null();
}

bool
verbs_take_protocols(json_t *list, const char *name, uint8_t *protocols_out,
	struct fault *fault_out)
{
	enum identity_protocol protocol;
	uint8_t protocols = 0;
	json_t *value;
	size_t index;

	if (!json_is_array(list))
		return fault_set(fault_out, FAULT_CONFIG, "%s is not a list", name);
	json_array_foreach(list, index, value)
	{
		if (!account_find_protocol(span_text(json_string_value(value)), &protocol))
			return fault_set(fault_out, FAULT_CONFIG,
				"%s are \"smtp\", \"imap\" and \"pop3\"", name);
		protocols |= (uint8_t)protocol;
	}
	*protocols_out = protocols;
	return true;
}

bool
verbs_find_account(struct verb_call *call, const char *login, struct account **account_out,
	struct fault *fault_out)
{
	switch (directory_local_find(call->local, login, account_out, fault_out)) {
	case DIRECTORY_FOUND:
		return true;
	case DIRECTORY_UNKNOWN:
		return fault_set(fault_out, FAULT_MISSING, "there is no account %s", login);
	case DIRECTORY_DOWN:
		break;
	}
	return false;
}
