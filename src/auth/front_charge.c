/* SPDX-License-Identifier: BSD-2-Clause */
/* A front end charges a message to a login, or to a stranger's address; and gives back what came to nothing. */
#include <string.h>

#include "auth/admission.h"
#include "auth/front_link_private.h"
#include "auth/login_rule.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	CHARGES_MAX = 8192, /* that may still be given back, by front end */
};

/* What was spent for one CHARGE. */
struct charge {
	struct table_entry by_request;
	uint32_t request;
	char *session;
	enum usage_kind kind;
	char *name;   /* the usage row's */
	char *limits; /* section */
	struct budget_cost cost;
};

static struct charge *
charge_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct charge, by_request);
}

static void
forget(struct front_link *link, struct charge *charge)
{
	table_take(&link->charges, &charge->by_request);
	mem_free(&charge->session);
	mem_free(&charge->name);
	mem_free(&charge->limits);
	mem_free(&charge);
}

void
front_link_forget_charges(struct front_link *link)
{
	while (link->charges.oldest)
		forget(link, charge_of(link->charges.oldest));
	table_fini(&link->charges);
}

static struct charge *
find(struct front_link *link, uint32_t request)
{
	return charge_of(table_find(&link->charges, span_of(&request, sizeof request)));
}

/* So that it can be given back. */
static void
remember(struct front_link *link, uint32_t request, const char *session,
	const struct usage_row *row, const struct settings_limits *limits,
	const struct budget_cost *cost)
{
	struct charge *charge = find(link, request);

	if (charge) /* numbers begin again some day */
		forget(link, charge);
	if (link->charges.count >= CHARGES_MAX)
		forget(link, charge_of(link->charges.oldest));
	charge = mem_alloc(sizeof *charge);
	charge->request = request;
	charge->session = mem_strdup(session);
	charge->kind = row->kind;
	charge->name = mem_strdup(row->name);
	charge->limits = mem_strdup(limits->title);
	charge->cost = *cost;
	table_add(&link->charges, &charge->by_request,
		span_of(&charge->request, sizeof charge->request));
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void
answer(struct front_link *link, uint32_t request, enum charge_verdict verdict, const char *text,
	uint64_t over_since_ms)
{
	struct message_charged charged = { .verdict = verdict, .text = text,
		.over_since_ms = over_since_ms };
	struct buf content = BUF_INIT(0);

	message_charged_pack(&content, &charged);
	channel_answer(link->channel, request, MSG_CHARGED, &content, -1);
	buf_fini(&content);
}

static void
report(struct auth *auth, const struct usage_row *row, const struct usage_charged *charged,
	const char *client_address)
{
	static const char *const outcomes[CHARGE_VERDICT_COUNT] = { [CHARGE_PASS] = "passed",
		[CHARGE_HOLD] = "held", [CHARGE_TEMPFAIL] = "put off", [CHARGE_REFUSE] = "refused" };

	limit_report_add(auth->report,
		&(const struct limit_met){
			.who = row->name,
			.limit = budget_name(charged->met),
			.outcome = outcomes[charged->verdict],
			.text = charged->text,
			.client_address = client_address,
		},
		(uint64_t)clock_wall_ms());
	if (charged->began)
		log_event(EV_LOGIN_HELD, kv_str("login", row->name),
			kv_str("client", client_address), kv_str("limit", charged->text),
			kv_str("limits", row->limits));
}

static void
charge_row(struct front_link *link, uint32_t request, const struct message_charge *message,
	struct usage_row *row, const struct settings_limits *limits)
{
	struct auth *auth = link->auth;
	const struct budget_cost cost = { .messages = 1, .recipients = message->recipients };
	struct usage_charged charged;

	usage_charge(auth->usage, row, limits, &cost, usage_now_ms(loop_now_ms(auth->loop)),
		(uint64_t)clock_wall_ms(), &charged);
	if (charged.verdict != CHARGE_PASS)
		report(auth, row, &charged, message->client_address);
	if (charged.verdict == CHARGE_PASS || charged.verdict == CHARGE_HOLD)
		remember(link, request, message->session, row, limits, &cost);
	answer(link, request, charged.verdict, charged.text,
		charged.verdict == CHARGE_HOLD ? row->over_since_ms : 0);
}

/* ---- who is charged -------------------------------------------------------------------------- */

static void
charge_login(struct front_link *link, uint32_t request, const struct message_charge *message)
{
	struct auth *auth = link->auth;
	struct login_session *session = sessions_find(auth->sessions, message->session);
	const struct settings_limits *limits;

	if (!session || session->request.front != link ||
		strcmp(session->use->login, message->login) != 0) {
		answer(link, request, CHARGE_TEMPFAIL, "Login is not known here", 0);
		return;
	}
	limits = settings_find_limits(auth->settings, session->limits);
	if (!limits)
		limits = settings_find_limits(auth->settings, "default");
	if (session->bypass_limits || !budget_is_any(limits))
		answer(link, request, CHARGE_PASS, "", 0);
	else
		charge_row(link, request, message,
			usage_find_or_add(auth->usage, USAGE_LOGIN, message->login), limits);
}

static void
charge_stranger(struct front_link *link, uint32_t request, const struct message_charge *message)
{
	struct auth *auth = link->auth;
	const struct admission admission = { .session = message->session,
		.listener = message->listener,
		.client_address = message->client_address };
	const struct settings_limits *limits = admission_limits_of_stranger(auth, &admission);
	unsigned char address[NETWORK_BYTES];
	char name[USAGE_NAME_SIZE];

	if (!limits || !budget_is_any(limits)) {
		answer(link, request, CHARGE_PASS, "", 0);
		return;
	}
	login_rule_address(message->client_address, address);
	usage_address_name(address, name);
	charge_row(link, request, message, usage_find_or_add(auth->usage, USAGE_ADDRESS, name),
		limits);
}

bool
front_link_on_charge(struct front_link *link, const struct channel_message *message)
{
	struct message_charge charge;

	if (message->request == 0 ||
		!message_charge_unpack(message->bytes, link->arena, &charge))
		return false;
	if (charge.login[0])
		charge_login(link, message->request, &charge);
	else
		charge_stranger(link, message->request, &charge);
	return true;
}

/* Once: nothing is given back that was not spent. */
bool
front_link_on_refund(struct front_link *link, struct span bytes)
{
	struct auth *auth = link->auth;
	const struct settings_limits *limits;
	struct message_refund refund;
	struct usage_row *row;
	struct charge *charge;

	if (!message_refund_unpack(bytes, link->arena, &refund))
		return false;
	charge = find(link, refund.charge);
	/* One that was put off was not spent; one of an auth before this one is another's number. */
	if (!charge || strcmp(charge->session, refund.session) != 0)
		return true;
	row = usage_find(auth->usage, charge->kind, charge->name);
	limits = settings_find_limits(auth->settings, charge->limits);
	if (row && limits)
		usage_refund(row, limits, &charge->cost, usage_now_ms(loop_now_ms(auth->loop)));
	forget(link, charge);
	return true;
}
