/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about who is logged in. */
#include "auth/verbs_session.h"

#include <string.h>

#include "auth/front_link.h"
#include "auth/verbs_page.h"

static const char *
protocol_name(enum identity_protocol protocol)
{
	switch (protocol) {
	case IDENTITY_IMAP:
		return "imap";
	case IDENTITY_POP3:
		return "pop3";
	case IDENTITY_SMTP:
		break;
	}
	return "smtp";
}

/* ---- sessions -------------------------------------------------------------------------------- */

static json_t *
json_of_session(const struct login_session *session)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "session", session->id, "login",
		session->use->login, "protocol", protocol_name(session->protocol), "listener",
		session->listener, "address", session->client_address, "mechanism",
		session->mechanism, "credential", session->credential, "since_ms",
		(json_int_t)session->since_ms);
}

static json_t *
run_list(struct verbs_page *page, struct fault *fault_out)
{
	const struct sessions *sessions = page->auth->sessions;
	char login[LOGIN_NAME_SIZE];

	if (!verbs_page_login(page, login, fault_out))
		return NULL;
	for (struct login_session *session = sessions_next(sessions, NULL); session;
		session = sessions_next(sessions, session)) {
		if (login[0] && strcmp(session->use->login, login) != 0)
			continue;
		if (!verbs_page_add(page, json_of_session(session)))
			break;
	}
	return json_pack("{s:O}", "sessions", page->rows);
}

static size_t
kick_login(struct auth *auth, const char *login, const char *text)
{
	const struct login_use *use = sessions_find_login(auth->sessions, login);
	size_t count = 0;

	for (const struct login_session *session = use ? use->sessions : NULL; session;
		session = session->next) {
		front_link_kick(auth, session, text);
		count++;
	}
	return count;
}

static json_t *
run_kick(struct verbs_page *page, struct fault *fault_out)
{
	struct auth *auth = page->auth;
	const char *id = json_string_value(json_object_get(page->args, "session"));
	const char *text = json_string_value(json_object_get(page->args, "text"));
	const struct login_session *session = id ? sessions_find(auth->sessions, id) : NULL;
	char login[LOGIN_NAME_SIZE];
	size_t count = 0;

	if (!verbs_page_login(page, login, fault_out))
		return NULL;
	if (!id == !login[0]) {
		fault_set(fault_out, FAULT_CONFIG, "say either a login or a session");
		return NULL;
	}
	if (!text)
		text = "Disconnected by the administrator";
	if (login[0]) {
		count = kick_login(auth, login, text);
	} else if (session) {
		front_link_kick(auth, session, text);
		count = 1;
	}
	if (count == 0) {
		fault_set(fault_out, FAULT_MISSING, "there is no such session");
		return NULL;
	}
	return json_pack("{s:I}", "sessions", (json_int_t)count);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct verbs_page_verb verbs[] = {
	{ "sessions list", run_list },
	{ "sessions kick", run_kick },
	{ NULL, NULL },
};

static const struct verbs_page_verb *
find(const char *name)
{
	const struct verbs_page_verb *tables[] = { verbs, verbs_limits };

	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		for (const struct verbs_page_verb *verb = tables[i]; verb->name; verb++) {
			if (strcmp(verb->name, name) == 0)
				return verb;
		}
	}
	return NULL;
}

bool
verbs_session_know(const char *verb)
{
	return find(verb);
}

json_t *
verbs_session_run(struct auth *auth, const char *verb, json_t *args, size_t done, bool *more_out,
	struct fault *fault_out)
{
	struct verbs_page page = { .auth = auth, .args = args, .done = done, .rows = json_array() };
	json_t *data = find(verb)->run(&page, fault_out);

	json_decref(page.rows);
	*more_out = data && page.more;
	return data;
}
