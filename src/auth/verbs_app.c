/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about app passwords: made and shown once, listed, revoked. */
#include <string.h>

#include "auth/directory_local_app.h"
#include "auth/verbs.h"

enum { ALL_PROTOCOLS = IDENTITY_SMTP | IDENTITY_IMAP | IDENTITY_POP3 };

static bool
take_label(const struct verb_call *call, const char **label_out, struct fault *fault_out)
{
	return verbs_text(call->args, "label", label_out, fault_out) &&
		(app_label_is_valid(span_text(*label_out)) ||
			fault_set(fault_out, FAULT_CONFIG,
				"a label has at most %d letters and digits of ASCII, \".\", \"_\", "
				"\"-\" and blanks between",
				APP_LABEL_MAX_BYTES));
}

static bool
take_app(const struct verb_call *call, struct directory_local_app *app, struct fault *fault_out)
{
	json_t *protocols = json_object_get(call->args, "protocols");
	json_t *expires = json_object_get(call->args, "expires_ms");

	if (!take_label(call, &app->label, fault_out))
		return false;
	if (expires && (!json_is_integer(expires) || json_integer_value(expires) < 0))
		return fault_set(fault_out, FAULT_CONFIG, "expires_ms is not a time");
	app->expires_ms = json_integer_value(expires);
	return !protocols ||
		verbs_take_protocols(protocols, "protocols", &app->protocols, fault_out);
}

/* name: what to log in with where the mechanism is SCRAM, which has one password for a name. */
static json_t *
json_of_made(const char *login, const char *label, const char *password)
{
	json_t *data = json_pack("{s:s, s:s, s:s}", "login", login, "label", label, "password",
		password);

	json_object_set_new(data, "name", json_sprintf("%s/%s", login, label));
	return data;
}

static bool
run_add(struct verb_call *call, struct fault *fault_out)
{
	struct directory_local_app app = { .protocols = ALL_PROTOCOLS };
	char password[APP_PASSWORD_SIZE];
	char login[LOGIN_NAME_SIZE];
	bool done;

	if (!verbs_login(call, login, fault_out) || !take_app(call, &app, fault_out))
		return false;
	app_password_make(password);
	done = directory_local_add_app(call->local, login, &app, span_text(password), fault_out);
	if (done) {
		call->data = json_of_made(login, app.label, password);
		strcpy(call->login, login);
	}
	mem_wipe(password, sizeof password);
	return done;
}

static json_t *
json_of_app(const struct app_password *app)
{
	json_t *row = json_object();

	json_object_set_new(row, "label", json_string(app->label));
	json_object_set_new(row, "protocols", verbs_json_protocols(app->protocols));
	json_object_set_new(row, "expires_ms", verbs_json_time(app->expires_ms));
	json_object_set_new(row, "created_ms", verbs_json_time(app->created_ms));
	json_object_set_new(row, "used_ms", verbs_json_time(app->used_ms));
	json_object_set_new(row, "used_protocol", verbs_json_protocols(app->used_protocol));
	json_object_set_new(row, "used_address", json_string(app->used_address));
	return row;
}

static bool
run_list(struct verb_call *call, struct fault *fault_out)
{
	struct account *account = NULL;
	char login[LOGIN_NAME_SIZE];
	json_t *list;

	if (!verbs_login(call, login, fault_out) ||
		!verbs_find_account(call, login, &account, fault_out))
		return false;
	list = json_array();
	for (size_t i = 0; i < account->app_count; i++)
		json_array_append_new(list, json_of_app(&account->apps[i]));
	account_drop(&account);
	call->data = json_pack("{s:o}", "app_passwords", list);
	return true;
}

static bool
run_revoke(struct verb_call *call, struct fault *fault_out)
{
	char login[LOGIN_NAME_SIZE];
	const char *label;

	if (!verbs_login(call, login, fault_out) || !take_label(call, &label, fault_out) ||
		!directory_local_revoke_app(call->local, login, label, &call->credential,
			fault_out))
		return false;
	strcpy(call->login, login);
	return true;
}

const struct verb verbs_app[] = {
	{ "account app-password add", run_add },
	{ "account app-password list", run_list },
	{ "account app-password revoke", run_revoke },
	{ NULL, NULL },
};
