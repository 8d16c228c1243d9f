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
	struct budget_taken taken;
};

/* What a CHARGE says, but for whom it charges. */
struct charging {
	uint32_t request;
	const char *session;
	const char *client_address;
	uint32_t recipients;
};

static struct charging
charging_of(uint32_t request, const struct message_charge *message)
{
	return (struct charging){ request, message->session, message->client_address,
		message->recipients };
}

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

static void cancel_asking(struct asking *asking);

void
front_link_forget_charges(struct front_link *link)
{
	while (link->askings)
		cancel_asking(link->askings);
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
	const struct budget_taken *taken)
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
	charge->taken = *taken;
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

/* True if it passed. */
static bool
charge_row(struct front_link *link, const struct charging *charging, struct usage_row *row,
	const struct settings_limits *limits, size_t new_recipients)
{
	struct auth *auth = link->auth;
	struct budget_cost cost = { .messages = 1, .recipients = charging->recipients,
		.new_recipients = new_recipients };
	struct usage_charged charged;
	bool passed;

	usage_charge(auth->usage, row, limits, &cost, usage_now_ms(loop_now_ms(auth->loop)),
		(uint64_t)clock_wall_ms(), &charged);
	passed = charged.verdict == CHARGE_PASS;
	if (!passed)
		report(auth, row, &charged, charging->client_address);
	if (passed) /* from now on they are known, and cost nothing when they come again */
		charged.taken.of[BUDGET_NEW_RECIPIENTS_DAY] = 0;
	if (passed || charged.verdict == CHARGE_HOLD) {
		remember(link, charging->request, charging->session, row, limits, &charged.taken);
		keeper_note(auth->keeper, charged.began);
	}
	answer(link, charging->request, charged.verdict, charged.text,
		charged.verdict == CHARGE_HOLD ? row->over_since_ms : 0);
	return passed;
}

/* ---- first-time recipients ------------------------------------------------------------------- */

/* A charge that waits; its texts are in its arena. */
struct asking {
	struct asking *next;
	struct front_link *link;
	struct arena *arena;
	struct charging charging;
	const char *login;
	const char *limits;
	struct span marks;
	struct known_question *question; /* NULL: not in the link's list */
};

static void
free_asking(struct asking *asking)
{
	struct asking **at = &asking->link->askings;

	if (asking->question) {
		while (*at != asking)
			at = &(*at)->next;
		*at = asking->next;
	}
	arena_free(&asking->arena);
	mem_free(&asking);
}

static void
cancel_asking(struct asking *asking)
{
	struct known_question *question = asking->question;

	known_cancel(&question);
	free_asking(asking);
}

static void
on_known(void *context, bool sure, size_t new_count)
{
	struct asking *asking = context;
	struct auth *auth = asking->link->auth;
	const struct settings_limits *limits = settings_find_limits(auth->settings, asking->limits);

	if (!sure || !limits)
		answer(asking->link, asking->charging.request, CHARGE_TEMPFAIL,
			"Who is a new recipient cannot be told; try again later", 0);
	else if (charge_row(asking->link, &asking->charging,
			 usage_find_or_add(auth->usage, USAGE_LOGIN, asking->login), limits,
			 new_count))
		known_learn(auth->known, asking->login, asking->marks);
	free_asking(asking);
}

static void
ask_known(struct front_link *link, const struct message_charge *message,
	const struct charging *charging, const struct settings_limits *limits)
{
	struct auth *auth = link->auth;
	struct asking *asking = mem_alloc(sizeof *asking);
	struct known_question *question;

	asking->link = link;
	asking->arena = arena_new(0);
	asking->charging = *charging;
	asking->charging.session = arena_strdup(asking->arena, charging->session);
	asking->charging.client_address =
		arena_strdup(asking->arena, charging->client_address);
	asking->login = arena_strdup(asking->arena, message->login);
	asking->limits = arena_strdup(asking->arena, limits->title);
	asking->marks = span_of(
		arena_dup(asking->arena, message->marks.start, message->marks.length),
		message->marks.length);
	question = known_ask(auth->known, message->login, message->marks,
		auth->settings->sasl.answer_wait, on_known, asking);
	if (!question)
		return; /* answered, and freed */
	asking->question = question;
	asking->next = link->askings;
	link->askings = asking;
}

/* ---- who is charged -------------------------------------------------------------------------- */

static void
charge_login(struct front_link *link, uint32_t request, const struct message_charge *message)
{
	struct auth *auth = link->auth;
	struct login_session *session = sessions_find(auth->sessions, message->session);
	const struct charging charging = charging_of(request, message);
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
	else if (limits->new_recipients_per_day && message->marks.length)
		ask_known(link, message, &charging, limits);
	else /* one that does not say who they are has new ones alone */
		charge_row(link, &charging,
			usage_find_or_add(auth->usage, USAGE_LOGIN, message->login), limits,
			message->recipients);
}

static void
charge_stranger(struct front_link *link, uint32_t request, const struct message_charge *message)
{
	struct auth *auth = link->auth;
	const struct admission admission = { .session = message->session,
		.listener = message->listener,
		.client_address = message->client_address,
		.certificates = message->certificates };
	const struct charging charging = charging_of(request, message);
	const struct settings_limits *limits = admission_limits_of_stranger(auth, &admission);
	unsigned char address[NETWORK_BYTES];
	char name[USAGE_NAME_SIZE];

	if (!limits || !budget_is_any(limits)) {
		answer(link, request, CHARGE_PASS, "", 0);
		return;
	}
	login_rule_address(message->client_address, address);
	usage_address_name(address, name);
	charge_row(link, &charging, usage_find_or_add(auth->usage, USAGE_ADDRESS, name), limits, 0);
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
	for (struct asking *asking = link->askings; asking; asking = asking->next) {
		if (asking->charging.request == refund.charge) {
			cancel_asking(asking); /* nobody waits for it any more */
			return true;
		}
	}
	charge = find(link, refund.charge);
	/* One that was put off was not spent; one of an auth before this one is another's number. */
	if (!charge || strcmp(charge->session, refund.session) != 0)
		return true;
	row = usage_find(auth->usage, charge->kind, charge->name);
	limits = settings_find_limits(auth->settings, charge->limits);
	if (row && limits)
		usage_refund(row, limits, &charge->taken, usage_now_ms(loop_now_ms(auth->loop)));
	keeper_note(auth->keeper, false);
	forget(link, charge);
	return true;
}
