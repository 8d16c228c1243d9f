/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that change who may use which addresses: grants to logins and to groups. */
#include <string.h>

#include "auth/directory_local_group.h"
#include "auth/verbs.h"
#include "wire/address_pattern.h"

/* What the arguments say. */
struct grant_words {
	enum directory_list list;
	char pattern[ADDRESS_TEXT_SIZE];
	const char *group; /* NULL: to the login */
	char login[LOGIN_NAME_SIZE];
};

static bool
take_pattern(json_t *args, struct grant_words *words, struct fault *fault_out)
{
	struct address_pattern pattern;
	const char *right;
	const char *text;

	if (!verbs_text(args, "right", &right, fault_out) ||
		!verbs_text(args, "pattern", &text, fault_out))
		return false;
	if (strcmp(right, "send-as") != 0 && strcmp(right, "on-behalf") != 0)
		return fault_set(fault_out, FAULT_CONFIG,
			"a grant is of \"send-as\" or \"on-behalf\"");
	if (!address_pattern_parse(span_text(text), &pattern))
		return fault_set(fault_out, FAULT_CONFIG,
			"%s: a pattern is an address, \"@DOMAIN\", \".DOMAIN\" or \"*\"", text);
	words->list = strcmp(right, "send-as") == 0 ? DIRECTORY_SEND_AS : DIRECTORY_ON_BEHALF;
	address_pattern_format(&pattern, words->pattern);
	return true;
}

static bool
take_words(const struct verb_call *call, struct grant_words *words, struct fault *fault_out)
{
	const char *to;

	words->group = NULL;
	if (!take_pattern(call->args, words, fault_out) ||
		!verbs_text(call->args, "login", &to, fault_out))
		return false;
	if (!span_starts(span_text(to), VERBS_GROUP_PREFIX))
		return verbs_login(call, words->login, fault_out);
	words->group = to + strlen(VERBS_GROUP_PREFIX);
	return verbs_check_group(words->group, fault_out);
}

static bool
run_grant_add(struct verb_call *call, struct fault *fault_out)
{
	struct grant_words words;

	if (!take_words(call, &words, fault_out))
		return false;
	if (words.group) {
		if (!directory_local_add_group_text(call->local, words.group, words.list,
			    words.pattern, verbs_add_member, call, fault_out))
			return false;
		strcpy(call->group, words.group);
		return true;
	}
	if (!directory_local_add_text(call->local, words.login, words.list, words.pattern, false,
		    fault_out))
		return false;
	strcpy(call->login, words.login);
	return true;
}

static bool
run_grant_delete(struct verb_call *call, struct fault *fault_out)
{
	struct grant_words words;

	if (!take_words(call, &words, fault_out))
		return false;
	if (words.group) {
		if (!directory_local_delete_group_text(call->local, words.group, words.list,
			    words.pattern, verbs_add_member, call, fault_out))
			return false;
		strcpy(call->group, words.group);
		return true;
	}
	if (!directory_local_delete_text(call->local, words.login, words.list, words.pattern,
		    &call->epoch, fault_out))
		return false;
	strcpy(call->login, words.login);
	return true;
}

const struct verb verbs_grant[] = {
	{ "grant add", run_grant_add },
	{ "grant delete", run_grant_delete },
	{ NULL, NULL },
};
