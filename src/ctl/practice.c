/* SPDX-License-Identifier: BSD-2-Clause */
/* Best practice of listeners, rights, routes and the rest; files are in practice_files.c. */
#include "ctl/practice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/practice_files.h"

static void __attribute__((format(printf, 4, 0)))
add(struct practice *practice, const char *weight, const char *where, const char *format,
	va_list args)
{
	char what[FAULT_TEXT_MAX_BYTES];
	char safe[FAULT_TEXT_MAX_BYTES];

	vsnprintf(what, sizeof what, format, args);
	text_escape(span_text(what), safe, sizeof safe);
	json_array_append_new(practice->findings,
		json_pack("{s:s, s:s, s:s}", "weight", weight, "where", where, "what", safe));
}

void
practice_warn(struct practice *practice, const char *where, const char *format, ...)
{
	va_list args;

	practice->warned = true;
	va_start(args, format);
	add(practice, "warn", where, format, args);
	va_end(args);
}

void
practice_note(struct practice *practice, const char *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(practice, "note", where, format, args);
	va_end(args);
}

/* ---- listeners -------------------------------------------------------------------------------- */

/* Of an IPv4 network this is a /8. */
enum { WIDE_BITS = 96 + 8, LARGE_BITS = 96 + 16 };

static void
check_insecurity(struct practice *practice, const struct settings_listener *listener)
{
	if (listener->login == LOGIN_PLAIN)
		practice_warn(practice, listener->where,
			"listener \"%s\" takes passwords without TLS from insecure-networks",
			listener->title);
	if (listener->login == LOGIN_SECURE_OR_CHALLENGE)
		practice_note(practice, listener->where,
			"listener \"%s\" takes SCRAM and GSSAPI logins without TLS",
			listener->title);
	if (listener->tls_priority[0])
		practice_note(practice, listener->where,
			"listener \"%s\" has a tls-priority of its own: it has to be kept up to date",
			listener->title);
	if (listener->bare_newline == BARE_NEWLINE_NORMALIZE)
		practice_note(practice, listener->where,
			"listener \"%s\" corrects line ends: signatures made before may break",
			listener->title);
	for (size_t i = 0; i < listener->proxy_networks.count; i++) {
		if (listener->proxy_networks.items[i].bits < WIDE_BITS)
			practice_warn(practice, listener->where,
				"listener \"%s\" believes PROXY headers from a very large network",
				listener->title);
	}
}

/* What is for devices that know no better, and for them alone. */
static void
check_device(struct practice *practice, const struct settings_listener *listener)
{
	bool old = listener->tls_minimum == LISTENER_TLS_1_0 ||
		listener->tls_minimum == LISTENER_TLS_1_1;

	if (old && listener->tls != LISTENER_TLS_NONE)
		practice_warn(practice, listener->where,
			"listener \"%s\" speaks TLS %s, which can be broken", listener->title,
			listener->tls_minimum == LISTENER_TLS_1_0 ? "1.0" : "1.1");
	if ((old || listener->lenient) && listener->networks.count == 0)
		practice_warn(practice, listener->where,
			"listener \"%s\" is one for old devices, but has no networks: it serves "
			"everybody",
			listener->title);
	for (size_t i = 0; i < listener->networks.count && listener->identity[0]; i++) {
		if (listener->networks.items[i].bits < LARGE_BITS)
			practice_warn(practice, listener->where,
				"a large network may send as \"%s\" without login",
				listener->identity);
	}
	if (listener->identity[0] && listener->recipients_allowed.count == 0)
		practice_note(practice, listener->where,
			"listener \"%s\" sends as \"%s\" without login to any recipient: "
			"recipients-allowed can say to whom",
			listener->title, listener->identity);
}

static void
check_listeners(struct practice *practice)
{
	const struct settings_listeners *all = &practice->settings->listener;
	const struct settings_listener *starttls = NULL;
	bool implicit = false;

	for (size_t i = 0; i < all->count; i++) {
		const struct settings_listener *listener = &all->items[i];

		check_insecurity(practice, listener);
		check_device(practice, listener);
		if (listener->login == LOGIN_OFF)
			continue;
		implicit |= listener->tls == LISTENER_TLS_IMPLICIT;
		if (listener->tls == LISTENER_TLS_STARTTLS && !starttls)
			starttls = listener;
	}
	if (starttls && !implicit)
		practice_note(practice, starttls->where,
			"logins are served with STARTTLS alone; RFC 8314 wants port 465 with tls = "
			"implicit as well");
}

/* ---- rights ----------------------------------------------------------------------------------- */

static bool
has_text(const struct settings_texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++) {
		if (strcmp(texts->items[i], text) == 0)
			return true;
	}
	return false;
}

static void
check_permits(struct practice *practice, const struct settings_permits *permits, uint32_t *all)
{
	for (size_t i = 0; i < permits->count; i++) {
		const struct settings_permit *permit = &permits->items[i];
		enum principal_kind kind = permit->principal.kind;

		*all |= permit->rights;
		if (kind == PRINCIPAL_ANONYMOUS && (permit->rights & RIGHT_OWN_DOMAIN_SENDER))
			practice_warn(practice, permit->where,
				"anybody may use every address of our own domains as sender");
		if (kind <= PRINCIPAL_AUTHENTICATED && has_text(&permit->send_as, "*"))
			practice_warn(practice, permit->where, "\"%s\" may use any address as sender",
				permit->title);
		if (kind <= PRINCIPAL_AUTHENTICATED && (permit->rights & RIGHT_BYPASS_MILTERS))
			practice_note(practice, permit->where,
				"no filter sees or signs the mail of \"%s\": bypass-milters",
				permit->title);
		if (kind == PRINCIPAL_NETWORK && (permit->rights & RIGHT_RELAY) &&
			permit->principal.network.bits < LARGE_BITS)
			practice_warn(practice, permit->where,
				"a large network may relay without login: \"%s\"", permit->title);
	}
}

static void
check_rights(struct practice *practice)
{
	const struct settings *settings = practice->settings;
	uint32_t all = 0;

	check_permits(practice, &settings->permit, &all);
	for (size_t i = 0; i < settings->listener.count; i++)
		check_permits(practice, &settings->listener.items[i].permit, &all);
	if (!(all & RIGHT_SUBMIT))
		practice_warn(practice, settings->file,
			"nobody may send: no permit section gives the right submit");
}

/* ---- filters ---------------------------------------------------------------------------------- */

/* A policy is not taken by the listener of the same name; it has to be named there. */
static bool
is_named(const struct settings *settings, const struct settings_policy *policy)
{
	for (size_t i = 0; i < settings->listener.count; i++) {
		if (settings_find_policy(settings, &settings->listener.items[i]) == policy)
			return true;
	}
	return false;
}

static void
check_policies(struct practice *practice)
{
	const struct settings_policies *policies = &practice->settings->policy;

	for (size_t i = 0; i < policies->count; i++) {
		const struct settings_policy *policy = &policies->items[i];

		if (policy->milters.count > 0 && !is_named(practice->settings, policy))
			practice_note(practice, policy->where,
				"policy \"%s\" is named by no listener, so no mail passes it",
				policy->title);
	}
}

static bool
is_in_policy(const struct settings *settings, const struct settings_milter *milter, bool named)
{
	for (size_t i = 0; i < settings->policy.count; i++) {
		const struct settings_policy *policy = &settings->policy.items[i];

		if (has_text(&policy->milters, milter->title) &&
			(!named || is_named(settings, policy)))
			return true;
	}
	return false;
}

/* Of the listeners whose policy names it, is there one that its own condition lets through? */
static bool
has_listener(const struct settings *settings, const struct settings_milter *milter)
{
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];
		const struct settings_policy *policy =
			settings_find_policy(settings, listener);

		if (policy && has_text(&policy->milters, milter->title) &&
			(milter->listeners.count == 0 ||
				has_text(&milter->listeners, listener->title)))
			return true;
	}
	return false;
}

static void
check_milters(struct practice *practice)
{
	const struct settings *settings = practice->settings;

	for (size_t i = 0; i < settings->milter.count; i++) {
		const struct settings_milter *milter = &settings->milter.items[i];

		if (!is_in_policy(settings, milter, false))
			practice_note(practice, milter->where,
				"milter \"%s\" is in no policy, so it is never asked",
				milter->title);
		else if (is_in_policy(settings, milter, true) && !has_listener(settings, milter))
			practice_note(practice, milter->where,
				"milter \"%s\" is for listeners whose policy does not name it, so it "
				"is never asked",
				milter->title);
		if (milter->on_failure == MILTER_FAILURE_ACCEPT)
			practice_note(practice, milter->where,
				"mail passes without milter \"%s\" while it does not answer",
				milter->title);
		if (!endpoint_is_local(&milter->address))
			practice_warn(practice, milter->where,
				"mail crosses the network in clear on its way to milter \"%s\"",
				milter->title);
	}
}

/* ---- the way out ------------------------------------------------------------------------------ */

static bool
has_route(const struct settings *settings, const char *title)
{
	for (size_t i = 0; i < settings->route.count; i++) {
		if (strcmp(settings->route.items[i].title, title) == 0)
			return true;
	}
	return false;
}

static void
check_routes(struct practice *practice)
{
	const struct settings *settings = practice->settings;

	if (!has_route(settings, "*"))
		practice_warn(practice, settings->file,
			"mail to other domains has no next hop: there is no route \"*\"");
	for (size_t i = 0; i < settings->route.count; i++) {
		const struct settings_route *route = &settings->route.items[i];

		if (route->tls == ROUTE_TLS_NONE && !endpoint_is_local(&route->to.endpoint))
			practice_warn(practice, route->where,
				"mail to \"%s\" crosses the network in clear: tls is none",
				route->title);
		if (route->secret_file[0])
			practice_file_private(practice, route->where, route->secret_file);
	}
}

/* ---- the rest --------------------------------------------------------------------------------- */

static void
check_budgets(struct practice *practice)
{
	const struct settings *settings = practice->settings;

	if (!settings->queue.sync)
		practice_warn(practice, settings->file,
			"queue sync is no: a power failure loses mail that was accepted");
	if (settings->sasl.failure_delay == 0)
		practice_warn(practice, settings->file,
			"sasl failure-delay is 0: passwords can be guessed at full speed");
	if (has_text(&settings->sasl.mechanisms, "SCRAM-SHA-1"))
		practice_note(practice, settings->file,
			"SCRAM-SHA-1 is offered, which only old clients need");
	for (size_t i = 0; i < settings->limits.count; i++) {
		const struct settings_limits *limits = &settings->limits.items[i];
		if (limits->messages_per_hour == 0 && limits->recipients_per_hour == 0 &&
			limits->messages_per_day == 0 && limits->recipients_per_day == 0)
			practice_note(practice, limits->where,
				"limits \"%s\" has no budget: a stolen password can send without "
				"end",
				limits->title);
	}
}

static void
check_users(struct practice *practice)
{
	const struct settings_users *users = &practice->settings->users;
	const char *const names[] = { users->smtp, users->mailbox, users->auth, users->keys,
		users->dial, users->queue, users->relay };
	enum { COUNT = sizeof names / sizeof names[0] };

	for (size_t i = 0; i < COUNT; i++) {
		for (size_t n = 0; n < i; n++) {
			if (strcmp(names[i], names[n]) == 0)
				practice_warn(practice, practice->settings->file,
					"two roles share the user %s, so neither is kept from the "
					"other's files",
					names[i]);
		}
	}
}

json_t *
practice_check(const struct settings *settings, bool *good_out)
{
	static void (*const checks[])(struct practice *practice) = { check_listeners, check_rights,
		check_policies, check_milters, check_routes, check_budgets, check_users, practice_check_files };
	struct practice practice = { .settings = settings, .findings = json_array() };

	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		checks[i](&practice);
	*good_out = !practice.warned;
	return practice.findings;
}
