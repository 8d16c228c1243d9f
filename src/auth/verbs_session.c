/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about who is logged in and what they have used up. */
#include "auth/verbs_session.h"

#include <string.h>

#include "auth/front_link.h"
#include "auth/verbs.h"

/* One call: where the page begins, and what comes of it. */
struct page {
	struct auth *auth;
	json_t *args;
	size_t done;  /* rows of earlier pages */
	size_t seen;
	json_t *rows;
	bool more;
};

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

/* True while the page has room; takes row. */
static bool
add_row(struct page *page, json_t *row)
{
	if (page->seen++ < page->done) {
		json_decref(row);
		return true;
	}
	if (json_array_size(page->rows) == VERBS_SESSION_PAGE) {
		json_decref(row);
		page->more = true;
		return false;
	}
	json_array_append_new(page->rows, row);
	return true;
}

/* The login in the arguments, canonical; "" if there is none. */
static bool
take_login(const struct page *page, char login_out[LOGIN_NAME_SIZE], struct fault *fault_out)
{
	const struct verb_call call = { .settings = page->auth->settings, .args = page->args };

	login_out[0] = '\0';
	return !json_object_get(page->args, "login") ||
		verbs_login(&call, login_out, fault_out);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static json_t *
json_of_session(const struct login_session *session)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "session", session->id, "login",
		session->use->login, "protocol", protocol_name(session->protocol), "listener",
		session->listener, "address", session->client_address, "mechanism",
		session->mechanism, "since_ms", (json_int_t)session->since_ms);
}

static json_t *
run_list(struct page *page, struct fault *fault_out)
{
	const struct sessions *sessions = page->auth->sessions;
	char login[LOGIN_NAME_SIZE];

	if (!take_login(page, login, fault_out))
		return NULL;
	for (struct login_session *session = sessions_next(sessions, NULL); session;
		session = sessions_next(sessions, session)) {
		if (login[0] && strcmp(session->use->login, login) != 0)
			continue;
		if (!add_row(page, json_of_session(session)))
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
run_kick(struct page *page, struct fault *fault_out)
{
	struct auth *auth = page->auth;
	const char *id = json_string_value(json_object_get(page->args, "session"));
	const char *text = json_string_value(json_object_get(page->args, "text"));
	const struct login_session *session = id ? sessions_find(auth->sessions, id) : NULL;
	char login[LOGIN_NAME_SIZE];
	size_t count = 0;

	if (!take_login(page, login, fault_out))
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

/* ---- limits ---------------------------------------------------------------------------------- */

static const struct settings_limits *
limits_of_use(const struct auth *auth, const struct login_use *use)
{
	const struct settings_limits *limits = use->sessions
		? settings_find_limits(auth->settings, use->sessions->limits)
		: NULL;

	return limits ? limits : settings_find_limits(auth->settings, "default");
}

static json_t *
json_of_use(const struct auth *auth, const struct login_use *use)
{
	const struct settings_limits *limits = limits_of_use(auth, use);
	uint64_t now = loop_now_ms(auth->loop);
	unsigned connections = use->counts[IDENTITY_SMTP] + use->counts[IDENTITY_IMAP] +
		use->counts[IDENTITY_POP3];

	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "login", use->login, "limits",
		limits->title, "connections", (json_int_t)connections, "messages",
		(json_int_t)budget_spent(&use->messages, limits->messages_per_hour,
			SESSIONS_WINDOW_MS, now),
		"messages_per_hour", (json_int_t)limits->messages_per_hour, "recipients",
		(json_int_t)budget_spent(&use->recipients, limits->recipients_per_hour,
			SESSIONS_WINDOW_MS, now),
		"recipients_per_hour", (json_int_t)limits->recipients_per_hour, "failures",
		(json_int_t)brake_level(auth->exchanges.brake, span_text(use->login), now));
}

static json_t *
run_limits_show(struct page *page, struct fault *fault_out)
{
	const struct sessions *sessions = page->auth->sessions;
	char login[LOGIN_NAME_SIZE];

	if (!take_login(page, login, fault_out))
		return NULL;
	for (struct login_use *use = sessions_next_login(sessions, NULL); use;
		use = sessions_next_login(sessions, use)) {
		if (login[0] && strcmp(use->login, login) != 0)
			continue;
		if (!add_row(page, json_of_use(page->auth, use)))
			break;
	}
	return json_pack("{s:O}", "limits", page->rows);
}

static json_t *
run_limits_reset(struct page *page, struct fault *fault_out)
{
	struct login_use *use;
	char login[LOGIN_NAME_SIZE];

	if (!take_login(page, login, fault_out))
		return NULL;
	if (!login[0]) {
		fault_set(fault_out, FAULT_CONFIG, "login is missing");
		return NULL;
	}
	use = sessions_find_login(page->auth->sessions, login);
	if (use)
		sessions_forgive(use);
	brake_reset(page->auth->exchanges.brake, span_text(login));
	return json_null();
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	json_t *(*run)(struct page *page, struct fault *fault_out);
} verbs[] = {
	{ "sessions list", run_list },
	{ "sessions kick", run_kick },
	{ "limits show", run_limits_show },
	{ "limits reset", run_limits_reset },
};

enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

bool
verbs_session_know(const char *verb)
{
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(verb, verbs[i].name) == 0)
			return true;
	}
	return false;
}

json_t *
verbs_session_run(struct auth *auth, const char *verb, json_t *args, size_t done, bool *more_out,
	struct fault *fault_out)
{
	struct page page = { .auth = auth, .args = args, .done = done, .rows = json_array() };
	json_t *data = NULL;

	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(verb, verbs[i].name) == 0)
			data = verbs[i].run(&page, fault_out);
	}
	json_decref(page.rows);
	*more_out = data && page.more;
	return data;
}
