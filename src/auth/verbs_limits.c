/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about limits: what is used up, whose logins are slowed, and who met which limit when. */
#include <string.h>

#include "auth/login_rule.h"
#include "auth/verbs_page.h"
#include "base/clock.h"

/* Whom a call is about: a login or an address; neither is everybody. */
struct subject {
	char login[LOGIN_NAME_SIZE];
	bool has_address;
	unsigned char address[NETWORK_BYTES];
	char network[USAGE_NAME_SIZE]; /* as addresses count */
};

static bool
take_subject(const struct verbs_page *page, struct subject *subject_out, struct fault *fault_out)
{
	const char *address = json_string_value(json_object_get(page->args, "address"));

	*subject_out = (struct subject){ .has_address = address != NULL };
	if (!verbs_page_login(page, subject_out->login, fault_out))
		return false;
	if (address && subject_out->login[0])
		return fault_set(fault_out, FAULT_CONFIG, "say either a login or an address");
	if (address && !login_rule_address(address, subject_out->address))
		return fault_set(fault_out, FAULT_CONFIG, "\"%s\" is no IP address", address);
	if (address)
		usage_address_name(subject_out->address, subject_out->network);
	return true;
}

static bool
is_meant(const struct subject *subject, enum usage_kind kind, const char *name)
{
	if (subject->has_address)
		return kind == USAGE_ADDRESS && strcmp(name, subject->network) == 0;
	return !subject->login[0] || (kind == USAGE_LOGIN && strcmp(name, subject->login) == 0);
}

static bool
is_everybody(const struct subject *subject)
{
	return !subject->has_address && !subject->login[0];
}

/* ---- show: budgets --------------------------------------------------------------------------- */

static const struct settings_limits *
limits_called(const struct auth *auth, const char *title)
{
	const struct settings_limits *limits = settings_find_limits(auth->settings, title);

	return limits ? limits : settings_find_limits(auth->settings, "default");
}

/* One limit: spent of amount; whole_ms is how long until nothing of it is spent. */
static json_t *
make_row(const char *who, const char *limits, const char *limit, uint64_t spent, uint64_t amount,
	uint64_t whole_ms)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "who", who, "limits", limits, "limit",
		limit, "spent", (json_int_t)spent, "amount", (json_int_t)amount, "whole_ms",
		(json_int_t)whole_ms);
}

static bool
show_budgets(struct verbs_page *page, const struct subject *subject, const struct usage_row *row)
{
	const struct auth *auth = page->auth;
	const struct settings_limits *limits = limits_called(auth, row->limits);
	uint64_t now = usage_now_ms(loop_now_ms(auth->loop));

	for (unsigned kind = 0; kind < BUDGET_COUNT; kind++) {
		uint64_t amount = budget_amount(limits, kind);
		uint64_t spent = budget_spent(&row->budgets, limits, kind, now);
		json_t *made;

		if (amount == 0 || (spent == 0 && is_everybody(subject)))
			continue;
		made = make_row(row->name, limits->title, budget_name(kind), spent, amount,
			budget_whole_in_ms(&row->budgets, limits, kind, now));
		if (row->over_since_ms)
			json_object_set_new(made, "held_since_ms",
				json_integer((json_int_t)row->over_since_ms));
		if (!verbs_page_add(page, made))
			return false;
	}
	return true;
}

static bool
show_usage(struct verbs_page *page, const struct subject *subject)
{
	const struct usage *usage = page->auth->usage;

	for (struct usage_row *row = usage_next(usage, NULL); row; row = usage_next(usage, row)) {
		if (is_meant(subject, row->kind, row->name) && !show_budgets(page, subject, row))
			return false;
	}
	return true;
}

/* ---- show: connections and brakes ------------------------------------------------------------ */

/* The most of one protocol: that is what the limit looks at. */
static bool
show_connections(struct verbs_page *page, const struct subject *subject)
{
	const struct auth *auth = page->auth;

	for (struct login_use *use = sessions_next_login(auth->sessions, NULL); use;
		use = sessions_next_login(auth->sessions, use)) {
		const struct settings_limits *limits = limits_called(auth, use->sessions->limits);
		unsigned most = 0;

		for (size_t i = 0; i < sizeof use->counts / sizeof use->counts[0]; i++)
			most = use->counts[i] > most ? use->counts[i] : most;
		if (is_meant(subject, USAGE_LOGIN, use->login) &&
			!verbs_page_add(page,
				make_row(use->login, limits->title, "connections-per-login", most,
					limits->connections_per_login, 0)))
			return false;
	}
	return true;
}

struct brake_show {
	struct verbs_page *page;
	const struct subject *subject;
	bool more;
};

static bool
on_braked(void *context, const struct brake_level_seen *seen)
{
	struct brake_show *show = context;
	char network[USAGE_NAME_SIZE] = "";
	bool meant;
	json_t *row;

	if (seen->network)
		usage_address_name(seen->network, network);
	if (show->subject->has_address)
		meant = strcmp(network, show->subject->network) == 0;
	else if (show->subject->login[0])
		meant = strcmp(seen->login, show->subject->login) == 0;
	else /* what strangers type may be a password: names that nobody has are not listed */
		meant = !seen->login[0] || seen->has_owner;
	if (!meant)
		return true;
	row = make_row(seen->login[0] ? seen->login : network, "",
		seen->login[0] ? "failures-per-login" : "failures-per-address", seen->failures,
		seen->limit, seen->whole_ms);
	if (seen->login[0] && network[0])
		json_object_set_new(row, "address", json_string(network));
	show->more = verbs_page_add(show->page, row);
	return show->more;
}

static json_t *
run_show(struct verbs_page *page, struct fault *fault_out)
{
	struct brake_show brakes = { .page = page };
	struct subject subject;

	if (!take_subject(page, &subject, fault_out))
		return NULL;
	brakes.subject = &subject;
	if (show_usage(page, &subject) && show_connections(page, &subject))
		brake_each(page->auth->exchanges.brake, loop_now_ms(page->auth->loop), on_braked,
			&brakes);
	return json_pack("{s:O}", "limits", page->rows);
}

/* ---- reset ----------------------------------------------------------------------------------- */

static json_t *
run_reset(struct verbs_page *page, struct fault *fault_out)
{
	struct auth *auth = page->auth;
	struct subject subject;
	struct usage_row *row;

	if (!take_subject(page, &subject, fault_out))
		return NULL;
	if (is_everybody(&subject)) {
		fault_set(fault_out, FAULT_CONFIG, "say a login or an address");
		return NULL;
	}
	row = subject.has_address ? usage_find(auth->usage, USAGE_ADDRESS, subject.network)
				  : usage_find(auth->usage, USAGE_LOGIN, subject.login);
	if (row) {
		usage_forgive(row);
		keeper_note(auth->keeper, false);
	}
	if (subject.has_address)
		brake_reset_address(auth->exchanges.brake, subject.address);
	else
		brake_reset(auth->exchanges.brake, span_text(subject.login));
	return json_null();
}

/* ---- report ---------------------------------------------------------------------------------- */

static json_t *
run_report(struct verbs_page *page, struct fault *fault_out)
{
	const struct limit_report *report = page->auth->report;
	json_t *since = json_object_get(page->args, "since_ms");
	uint64_t since_ms = (uint64_t)json_integer_value(since);

	if (since && (!json_is_integer(since) || json_integer_value(since) < 0)) {
		fault_set(fault_out, FAULT_CONFIG, "since_ms is no time");
		return NULL;
	}
	for (const struct limit_report_row *row = limit_report_next(report, NULL);
		row && row->last_ms >= since_ms; row = limit_report_next(report, row)) {
		if (!verbs_page_add(page,
			    json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "who", row->who,
				    "limit", row->limit, "outcome", row->outcome, "text", row->text,
				    "address", row->client_address, "count", (json_int_t)row->count,
				    "first_ms", (json_int_t)row->first_ms, "last_ms",
				    (json_int_t)row->last_ms)))
			break;
	}
	return json_pack("{s:O}", "limits", page->rows);
}

const struct verbs_page_verb verbs_limits[] = {
	{ "limits show", run_show },
	{ "limits reset", run_reset },
	{ "report limits", run_report },
	{ NULL, NULL },
};
