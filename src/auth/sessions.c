/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is logged in where. */
#include "auth/sessions.h"

#include "base/memory.h"

struct sessions {
	struct table by_id;
	struct table by_request;
	struct table by_login;
};

struct sessions *
sessions_new(void)
{
	struct sessions *sessions = mem_alloc(sizeof *sessions);

	table_init(&sessions->by_id);
	table_init(&sessions->by_request);
	table_init(&sessions->by_login);
	return sessions;
}

static struct login_session *
session_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct login_session, by_id);
}

static struct login_use *
use_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct login_use, by_login);
}

static void
forget_use(struct sessions *sessions, struct login_use *use)
{
	table_take(&sessions->by_login, &use->by_login);
	mem_free(&use->login);
	mem_free(&use);
}

void
sessions_free(struct sessions **sessions)
{
	if (!*sessions)
		return;
	while ((*sessions)->by_id.oldest)
		sessions_end(*sessions, session_of((*sessions)->by_id.oldest));
	while ((*sessions)->by_login.oldest)
		forget_use(*sessions, use_of((*sessions)->by_login.oldest));
	table_fini(&(*sessions)->by_id);
	table_fini(&(*sessions)->by_request);
	table_fini(&(*sessions)->by_login);
	mem_free(sessions);
}

/* ---- who is where ---------------------------------------------------------------------------- */

struct login_use *
sessions_find_login(const struct sessions *sessions, const char *login)
{
	return use_of(table_find(&sessions->by_login, span_text(login)));
}

unsigned
sessions_count_of(const struct sessions *sessions, const char *login,
	enum identity_protocol protocol)
{
	const struct login_use *use = sessions_find_login(sessions, login);

	return use ? use->counts[protocol] : 0;
}

static struct login_use *
find_or_add_use(struct sessions *sessions, const char *login)
{
	struct login_use *use = sessions_find_login(sessions, login);

	if (use)
		return use;
	use = mem_alloc(sizeof *use);
	use->login = mem_strdup(login);
	table_add(&sessions->by_login, &use->by_login, span_text(use->login));
	return use;
}

static struct span
request_key(const struct login_request *request)
{
	return span_of(request, sizeof *request);
}

struct login_session *
sessions_find_request(const struct sessions *sessions, const struct login_request *request)
{
	return TABLE_OWNER(table_find(&sessions->by_request, request_key(request)),
		struct login_session, by_request);
}

/* Numbers begin again some day: the newer session then has the number. */
static void
remember_request(struct sessions *sessions, struct login_session *session)
{
	struct login_session *older = sessions_find_request(sessions, &session->request);

	if (session->request.number == 0)
		return;
	if (older) {
		table_take(&sessions->by_request, &older->by_request);
		older->request.number = 0;
	}
	table_add(&sessions->by_request, &session->by_request, request_key(&session->request));
}

struct login_session *
sessions_add(struct sessions *sessions, const struct login_request *request,
	const struct login_session_facts *facts)
{
	struct login_session *session = sessions_find(sessions, facts->id);
	struct login_use *use;

	if (session)
		sessions_end(sessions, session);
	use = find_or_add_use(sessions, facts->login);
	session = mem_alloc(sizeof *session);
	session->request = *request;
	session->use = use;
	session->id = mem_strdup(facts->id);
	session->listener = mem_strdup(facts->listener);
	session->client_address = mem_strdup(facts->client_address);
	session->mechanism = mem_strdup(facts->mechanism);
	session->limits = mem_strdup(facts->limits);
	session->credential = mem_strdup(facts->credential);
	session->credential_id = facts->credential_id;
	session->protocol = facts->protocol;
	session->epoch = facts->epoch;
	session->since_ms = facts->since_ms;
	session->expires_ms = facts->expires_ms;
	session->bypass_limits = facts->bypass_limits;
	session->next = use->sessions;
	if (session->next)
		session->next->previous = session;
	use->sessions = session;
	use->counts[session->protocol]++;
	table_add(&sessions->by_id, &session->by_id, span_text(session->id));
	remember_request(sessions, session);
	return session;
}

struct login_session *
sessions_find(const struct sessions *sessions, const char *id)
{
	return session_of(table_find(&sessions->by_id, span_text(id)));
}

void
sessions_end(struct sessions *sessions, struct login_session *session)
{
	struct login_use *use = session->use;

	table_take(&sessions->by_id, &session->by_id);
	if (session->request.number)
		table_take(&sessions->by_request, &session->by_request);
	if (session->previous)
		session->previous->next = session->next;
	else
		use->sessions = session->next;
	if (session->next)
		session->next->previous = session->previous;
	use->counts[session->protocol]--;
	if (!use->sessions)
		forget_use(sessions, use);
	mem_free(&session->id);
	mem_free(&session->listener);
	mem_free(&session->client_address);
	mem_free(&session->mechanism);
	mem_free(&session->limits);
	mem_free(&session->credential);
	mem_free(&session);
}

void
sessions_set_expiry(struct login_session *session, int64_t expires_ms)
{
	session->expires_ms = expires_ms;
}

void
sessions_drop_front(struct sessions *sessions, const void *front)
{
	struct login_session *session = sessions_next(sessions, NULL);

	while (session) {
		struct login_session *next = sessions_next(sessions, session);

		if (session->request.front == front)
			sessions_end(sessions, session);
		session = next;
	}
}

struct login_session *
sessions_next(const struct sessions *sessions, const struct login_session *after)
{
	return session_of(after ? after->by_id.newer : sessions->by_id.oldest);
}

struct login_use *
sessions_next_login(const struct sessions *sessions, const struct login_use *after)
{
	return use_of(after ? after->by_login.newer : sessions->by_login.oldest);
}

size_t
sessions_count(const struct sessions *sessions)
{
	return sessions->by_id.count;
}
