/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a filter is asked about a session, and about a message of this size. */
#include "policy/milter_condition.h"

#include "policy/principals.h"

static bool
has_listener(const struct settings_texts *names, const char *title)
{
	for (size_t i = 0; i < names->count; i++)
		if (span_is(span_text(names->items[i]), title))
			return true;
	return names->count == 0;
}

static bool
has_login(enum milter_logins logins, const struct identity *identity)
{
	switch (logins) {
	case MILTER_LOGINS_ANY:
		return true;
	case MILTER_LOGINS_ONLY:
		return identity;
	case MILTER_LOGINS_NONE:
		return !identity;
	}
	return true;
}

/* Names of groups are one in any case of their letters, as they are for permits. */
static bool
has_group(const struct settings_texts *wanted, const struct identity *identity)
{
	size_t count = identity ? identity->groups.count : 0;

	for (size_t i = 0; i < wanted->count; i++)
		for (size_t n = 0; n < count; n++)
			if (span_is_nocase(
				    span_text(identity->groups.items[n]), wanted->items[i]))
				return true;
	return wanted->count == 0;
}

static bool
has_client(const struct settings_networks *networks, const unsigned char client[NETWORK_BYTES])
{
	for (size_t i = 0; i < networks->count; i++)
		if (network_has(&networks->items[i], client))
			return true;
	return networks->count == 0;
}

const char *
milter_condition_missed(const struct settings_milter *settings,
	const struct mail_session *session, const char **where_out)
{
	const char *where = settings->where;
	const char *missed = NULL;

	if (!has_listener(&settings->listeners, session->listener->title))
		missed = "listeners";
	else if (!has_login(settings->logins, session->identity))
		missed = "logins";
	else if (!has_group(&settings->groups, session->identity))
		missed = "groups";
	else if (!has_client(&settings->networks, session->client_network))
		missed = "networks";
	else if (principals_have_right(session, RIGHT_BYPASS_MILTERS, &where))
		missed = "bypass-milters";
	if (missed)
		*where_out = where;
	return missed;
}

bool
milter_condition_session(const struct settings_milter *settings, const struct mail_session *session)
{
	const char *where;

	return !milter_condition_missed(settings, session, &where);
}

bool
milter_condition_size(const struct settings_milter *settings, uint64_t bytes)
{
	return bytes >= settings->smallest && (!settings->largest || bytes <= settings->largest);
}
