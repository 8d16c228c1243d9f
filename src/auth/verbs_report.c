/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that report who logged in how, and what of it is not secure. */
#include <stdio.h>
#include <string.h>

#include "auth/directory_local_seen.h"
#include "auth/verbs.h"

enum { PAGE_ROWS = 400 };

/* ---- logins ---------------------------------------------------------------------------------- */

static json_t *
json_of_row(const struct login_seen *row)
{
	json_t *data = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "login", row->login, "credential",
		row->label, "listener", row->listener, "mechanism", row->mechanism, "tls", row->tls,
		"address", row->address);

	if (row->credential && !row->label[0])
		json_object_set_new(data, "credential", json_string("(revoked)"));
	json_object_set_new(data, "protocols", verbs_json_protocols((uint8_t)row->protocol));
	json_object_set_new(data, "first_ms", json_integer(row->first_ms));
	json_object_set_new(data, "last_ms", verbs_json_time(row->last_ms));
	json_object_set_new(data, "failed_ms", verbs_json_time(row->failed_ms));
	json_object_set_new(data, "successes", json_integer((json_int_t)row->successes));
	json_object_set_new(data, "failures", json_integer((json_int_t)row->failures));
	return data;
}

/* What is wrong with it; the worst first. */
static const char *
reason_of(const struct login_seen *row)
{
	if (row->tls[0])
		return "TLS below 1.2";
	if (strcmp(row->mechanism, "PLAIN") == 0 || strcmp(row->mechanism, "LOGIN") == 0)
		return "password in clear";
	return "no TLS";
}

struct gathering {
	json_t *list;
	bool with_reason;
	char last[LOGIN_NAME_SIZE];
};

static void
add_row(void *context, const struct login_seen *row)
{
	struct gathering *gathering = context;
	json_t *data = json_of_row(row);

	if (gathering->with_reason)
		json_object_set_new(data, "reason", json_string(reason_of(row)));
	json_array_append_new(gathering->list, data);
	snprintf(gathering->last, sizeof gathering->last, "%s", row->login);
}

/* A page of logins, into data as "name". */
static bool
report_logins(struct verb_call *call, const char *name, bool insecure, struct fault *fault_out)
{
	struct gathering gathering = { .list = json_array(), .with_reason = insecure };
	json_t *since = json_object_get(call->args, "since_ms");
	char login[LOGIN_NAME_SIZE] = "";
	struct login_seen_question question = { .login = login, .after = call->page_after,
		.since_ms = json_integer_value(since), .insecure = insecure, .max = PAGE_ROWS };
	bool more = false;
	bool done;

	if (since && !json_is_integer(since))
		done = fault_set(fault_out, FAULT_CONFIG, "since_ms is not a time");
	else
		done = (!json_object_get(call->args, "login") ||
			       verbs_login(call, login, fault_out)) &&
			directory_local_seen(call->local, &question, add_row, &gathering, &more,
				fault_out);
	call->page_after[0] = '\0';
	if (done && more)
		strcpy(call->page_after, gathering.last);
	if (done)
		call->data = json_pack("{s:O}", name, gathering.list);
	json_decref(gathering.list);
	return done;
}

static bool
run_logins(struct verb_call *call, struct fault *fault_out)
{
	return report_logins(call, "logins", false, fault_out);
}

/* ---- settings that allow it ------------------------------------------------------------------ */

static void
add_setting(json_t *list, const struct settings_listener *listener, const char *setting,
	const char *means)
{
	json_array_append_new(list,
		json_pack("{s:s, s:s, s:s, s:s}", "listener", listener->title, "setting", setting,
			"means", means, "where", listener->where));
}

static void
add_listener(json_t *list, const struct settings_listener *listener)
{
	bool old = listener->tls_minimum == LISTENER_TLS_1_0 ||
		listener->tls_minimum == LISTENER_TLS_1_1;

	if (listener->login == LOGIN_PLAIN && listener->insecure_login == INSECURE_LOGIN_ALLOW)
		add_setting(list, listener, "login = plain",
			"passwords in clear from its insecure-networks");
	if (listener->login == LOGIN_PLAIN && listener->insecure_login == INSECURE_LOGIN_WARN)
		add_setting(list, listener, "login = plain, insecure-login = warn",
			"passwords in clear from its insecure-networks, with a warning in the log");
	if (listener->login == LOGIN_SECURE_OR_CHALLENGE)
		add_setting(list, listener, "login = secure-or-challenge",
			"logins without TLS, the password not shown");
	if (listener->tls != LISTENER_TLS_NONE && old)
		add_setting(list, listener,
			listener->tls_minimum == LISTENER_TLS_1_0 ? "tls-minimum = 1.0"
								  : "tls-minimum = 1.1",
			"TLS versions that are no longer safe");
	if (listener->identity && listener->identity[0])
		add_setting(list, listener, "identity",
			"whoever is in its networks counts as this login, without a password");
}

/* The settings come with the first page. */
static bool
run_insecure(struct verb_call *call, struct fault *fault_out)
{
	bool first = !call->page_after[0];
	json_t *settings;

	if (!report_logins(call, "logins", true, fault_out))
		return false;
	settings = json_array();
	for (size_t i = 0; first && i < call->settings->listener.count; i++)
		add_listener(settings, &call->settings->listener.items[i]);
	json_object_set_new(call->data, "settings", settings);
	return true;
}

const struct verb verbs_report[] = {
	{ "report logins", run_logins },
	{ "report insecure", run_insecure },
	{ NULL, NULL },
};
