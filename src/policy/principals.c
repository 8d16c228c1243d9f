/* SPDX-License-Identifier: BSD-2-Clause */
/* Which permit and deny sections speak of a session. */
#include "policy/principals.h"

static bool
has_text(const struct settings_texts *texts, const char *wanted)
{
	for (size_t i = 0; i < texts->count; i++)
		if (span_is_nocase(span_text(texts->items[i]), wanted))
			return true;
	return false;
}

static bool
is_principal(const struct mail_session *session, const struct principal *principal)
{
	const struct identity *identity = session->identity;

	switch (principal->kind) {
	case PRINCIPAL_ANONYMOUS:
		return !identity;
	case PRINCIPAL_AUTHENTICATED:
		return identity;
	case PRINCIPAL_LOGIN:
		return identity && span_is_nocase(span_text(identity->login), principal->name);
	case PRINCIPAL_GROUP:
		return identity && has_text(&identity->groups, principal->name);
	case PRINCIPAL_NETWORK:
		return network_has(&principal->network, session->client_network);
	case PRINCIPAL_CERTIFICATE:
		return session->listener->client_certificate != CLIENT_CERTIFICATE_OFF &&
			has_text(&session->certificates, principal->name);
	}
	return false;
}

static bool
visit_list(const struct mail_session *session, const struct settings_permits *list,
	principals_visit *visit, void *context)
{
	for (size_t i = 0; i < list->count; i++)
		if (is_principal(session, &list->items[i].principal) &&
			visit(&list->items[i], context))
			return true;
	return false;
}

bool
principals_visit_permits(const struct mail_session *session, principals_visit *visit, void *context)
{
	return visit_list(session, &session->listener->permit, visit, context) ||
		(session->listener->inherit &&
			visit_list(session, &session->settings->permit, visit, context));
}

bool
principals_visit_denies(const struct mail_session *session, principals_visit *visit, void *context)
{
	return visit_list(session, &session->listener->deny, visit, context) ||
		(session->listener->inherit &&
			visit_list(session, &session->settings->deny, visit, context));
}

struct wanted {
	uint32_t right;
	const char *where;
};

static bool
has_right(const struct settings_permit *section, void *context)
{
	struct wanted *wanted = context;

	if (!(section->rights & wanted->right))
		return false;
	wanted->where = section->where;
	return true;
}

bool
principals_have_right(const struct mail_session *session, uint32_t right, const char **where_out)
{
	struct wanted wanted = { .right = right, .where = *where_out };
	bool denied = principals_visit_denies(session, has_right, &wanted);
	bool permitted = !denied && principals_visit_permits(session, has_right, &wanted);

	*where_out = wanted.where;
	return permitted;
}
