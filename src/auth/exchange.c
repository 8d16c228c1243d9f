/* SPDX-License-Identifier: BSD-2-Clause */
/* One login: from AUTH to who it is. */
#include <stdio.h>
#include <string.h>

#include "auth/exchange_private.h"
#include "auth/login_plain.h"
#include "auth/saslprep.h"
#include "auth/scram_message.h"
#include "base/clock.h"
#include "base/digest.h"
#include "wire/address.h"

/* ---- life ------------------------------------------------------------------------------------ */

static void on_deadline(void *context);
static void on_line(void *context);

static struct span
copy_span(struct arena *arena, struct span from)
{
	return span_of(arena_dup(arena, from.start, from.length), from.length);
}

struct exchange *
exchange_new(const struct exchange_service *service, const struct message_login_start *start,
	const struct exchange_events *events, void *context)
{
	struct arena *arena = arena_new(2048);
	struct exchange *exchange = arena_alloc(arena, sizeof *exchange);

	exchange->arena = arena;
	exchange->service = service;
	exchange->settings = settings_hold(service->settings);
	exchange->events = events;
	exchange->context = context;
	exchange->start = (struct message_login_start){
		.session = arena_strdup(arena, start->session),
		.listener = arena_strdup(arena, start->listener),
		.protocol = arena_strdup(arena, start->protocol),
		.mechanism = arena_strdup(arena, start->mechanism),
		.client_address = arena_strdup(arena, start->client_address),
		.tls = start->tls,
		.certificates = certificate_names_copy(&start->certificates, arena),
		.tls_version = arena_strdup(arena, start->tls_version),
		.bind_exporter = copy_span(arena, start->bind_exporter),
		.bind_endpoint = copy_span(arena, start->bind_endpoint),
		.has_initial = start->has_initial,
	};
	if (start->has_initial)
		exchange->initial = secret_new(start->initial);
	login_rule_address(start->client_address, exchange->address);
	loop_timer_init(&exchange->deadline, service->loop, on_deadline, exchange);
	loop_timer_init(&exchange->line, service->loop, on_line, exchange);
	return exchange;
}

/* Everything but the exchange itself: work under way, secrets, what the directory gave. */
static void
let_go(struct exchange *exchange)
{
	loop_timer_stop(&exchange->line);
	directory_cancel(&exchange->question);
	login_work_cancel(&exchange->work);
	mech_free(&exchange->mech);
	account_drop(&exchange->account);
	secret_free(&exchange->initial);
	secret_free(&exchange->password);
}

void
exchange_free(struct exchange **exchange)
{
	struct arena *arena;

	if (!*exchange)
		return;
	let_go(*exchange);
	loop_timer_stop(&(*exchange)->deadline);
	settings_free(&(*exchange)->settings);
	arena = (*exchange)->arena;
	mem_wipe((void *)(*exchange)->start.bind_exporter.start,
		(*exchange)->start.bind_exporter.length);
	*exchange = NULL;
	arena_free(&arena);
}

const struct message_login_start *
exchange_start(const struct exchange *exchange)
{
	return &exchange->start;
}

enum identity_protocol
exchange_protocol(const struct exchange *exchange)
{
	return exchange->rule.protocol;
}

/* ---- the ends -------------------------------------------------------------------------------- */

static void
fail_with(struct exchange *exchange, const struct exchange_failure *failure)
{
	exchange->phase = EXCHANGE_OVER;
	exchange->events->on_failed(exchange->context, failure);
}

void
exchange_fail(struct exchange *exchange, enum login_failure failure, const char *text)
{
	fail_with(exchange,
		&(const struct exchange_failure){
			.failure = failure,
			.login = exchange->account ? exchange->login : "",
			.text = text,
		});
}

static bool
is_own_address(const struct exchange *exchange)
{
	struct address address;

	return address_parse(span_text(exchange->login), ADDRESS_UTF8, &address) == ADDRESS_OK &&
		settings_is_authoritative(exchange->settings, address_domain(&address));
}

/*
 * What people type as a name is sometimes their password. So a name that nobody has is logged only
 * where it is an address in a domain of ours; any other as a tag, by which tries can be told apart.
 */
static void
describe_unknown(const struct exchange *exchange, char *text, size_t size)
{
	unsigned char bytes[DIGEST_BYTES];
	char tag[9];
	struct digest_mac mac;

	digest_mac_init(&mac, exchange->service->decoy_secret);
	digest_mac_add(&mac, SPAN_LITERAL("unknown login"));
	digest_mac_add(&mac, span_text(exchange->login));
	digest_mac_final(&mac, bytes);
	text_hex(bytes, 4, tag, sizeof tag);
	snprintf(text, size, "unknown login %s", tag);
	mem_wipe(&mac, sizeof mac);
}

void
exchange_refuse(struct exchange *exchange, const char *text)
{
	bool known = exchange->account || exchange->proven || is_own_address(exchange);
	struct exchange_failure failure = {
		.failure = LOGIN_BAD_CREDENTIALS,
		.login = known ? exchange->login : "",
		.known = exchange->account,
		.text = text,
	};
	char described[64];

	/* Also where it is not used: all refusals take the same time. */
	describe_unknown(exchange, described, sizeof described);
	if (exchange->looked_up && !exchange->account && !exchange->proven)
		failure.text = described;
	failure.delay_ms = brake_failed(exchange->service->brake, exchange->address,
		span_text(exchange->login), secret_span(exchange->password),
		loop_now_ms(exchange->service->loop));
	fail_with(exchange, &failure);
}

void
exchange_succeed(struct exchange *exchange)
{
	const struct exchange_service *service = exchange->service;

	if (exchange->refusal) {
		exchange_refuse(exchange, exchange->refusal);
		return;
	}
	brake_passed(service->brake, exchange->address, span_text(exchange->login));
	exchange->phase = EXCHANGE_OVER;
	exchange->events->on_done(exchange->context, exchange->account, exchange->app);
}

void
exchange_challenge(struct exchange *exchange, struct span bytes)
{
	exchange->phase = EXCHANGE_CLIENT;
	exchange->events->on_challenge(exchange->context, bytes);
}

/*
 * The front end awaits an answer only when it is our turn. In the client's turn everything held for
 * the exchange is let go, and the client is told when it comes back.
 */
static void
on_deadline(void *context)
{
	struct exchange *exchange = context;

	if (exchange->phase == EXCHANGE_CLIENT) {
		let_go(exchange);
		exchange->phase = EXCHANGE_LATE;
	} else if (exchange->phase != EXCHANGE_LATE) {
		exchange_fail(exchange, LOGIN_TEMPORARY, "the login took too long");
	}
}

/* ---- who is it? ------------------------------------------------------------------------------ */

/* What is refused for want of an app password is known now, but for PLAIN, where one may be typed. */
static void
take_account(struct exchange *exchange, struct account *account)
{
	enum identity_protocol protocol = exchange->rule.protocol;
	int64_t now = clock_wall_ms();

	exchange->account = account_use(account);
	exchange->refusal = account_refusal(account, protocol, now);
	if (exchange->label[0])
		exchange->app = account_find_app(account, span_text(exchange->label));
	if (!exchange->refusal && exchange->app)
		exchange->refusal = app_password_refusal(exchange->app, protocol, now);
	if (!exchange->refusal && !exchange->label[0] && exchange->rule.kind == LOGIN_KIND_SCRAM)
		exchange->refusal = account_password_refusal(account, protocol);
}

static void
on_found(void *context, enum directory_result result, struct account *account)
{
	struct exchange *exchange = context;

	exchange->question = NULL;
	exchange->looked_up = true;
	if (result == DIRECTORY_DOWN) {
		exchange_fail(exchange, LOGIN_TEMPORARY, "the directory cannot be asked");
		return;
	}
	if (account)
		take_account(exchange, account);
	switch (exchange->rule.kind) {
	case LOGIN_KIND_PASSWORD:
		exchange_verify(exchange);
		break;
	case LOGIN_KIND_SCRAM:
		exchange_start_scram(exchange);
		break;
	case LOGIN_KIND_GSSAPI:
		if (exchange->account)
			exchange_succeed(exchange);
		else
			exchange_refuse(exchange, "no account");
		break;
	case LOGIN_KIND_NETWORK:
		exchange_judge_network(exchange);
		break;
	}
}

/*
 * What the directory said before is for those alone who have the right password, or whose name is not
 * a guess: to all others a quicker answer would tell that somebody has it.
 */
void
exchange_look_up(struct exchange *exchange)
{
	struct directory *directory = exchange->service->directory;
	struct account *known = directory_known(directory, exchange->login);
	bool guess = exchange->rule.kind == LOGIN_KIND_PASSWORD ||
		exchange->rule.kind == LOGIN_KIND_SCRAM;
	struct directory_question *question;

	exchange->phase = EXCHANGE_LOOKUP;
	if (exchange->password && exchange_is_remembered(exchange, known)) {
		on_found(exchange, DIRECTORY_FOUND, known);
		return;
	}
	/* If it answers at once the exchange may be gone: NULL then, and nothing is touched. */
	question = directory_find(directory, exchange->login, guess, on_found, exchange);
	if (question)
		exchange->question = question;
}

/* Through the line, if there is one; then what comes next by the kind of mechanism. */
static void
go_on(struct exchange *exchange)
{
	if (exchange->rule.kind == LOGIN_KIND_GSSAPI)
		exchange_start_gssapi(exchange);
	else
		exchange_look_up(exchange);
}

static void
on_line(void *context)
{
	go_on(context);
}

static void
stand_in_line(struct exchange *exchange)
{
	uint32_t wait = brake_wait(exchange->service->brake, exchange->address,
		span_text(exchange->login), loop_now_ms(exchange->service->loop));

	if (wait == BRAKE_TURN_AWAY) {
		exchange_fail(exchange, LOGIN_LIMIT, "Too many failed logins, try again later");
	} else if (wait == BRAKE_PASS) {
		go_on(exchange);
	} else {
		exchange->phase = EXCHANGE_BRAKED;
		loop_timer_start(&exchange->line, wait);
	}
}

/* "alice", or "alice/scanner": an app password by its label. No login has a "/" in it. */
static bool
parse_name(const struct exchange *exchange, struct span name, char login_out[LOGIN_NAME_SIZE],
	char label_out[LOGIN_NAME_SIZE])
{
	const struct settings *settings = exchange->settings;
	const char *realm = settings_realm(settings);
	char whole[LOGIN_NAME_SIZE];
	struct span label;
	struct span login;

	label_out[0] = '\0';
	if (!login_name_parse(name, realm, whole))
		return false;
	login = span_cut(span_text(whole), '/', &label);
	if (label.length > 0)
		memcpy(label_out, label.start, label.length + 1);
	/* The realm may stand before the label, too. */
	return login.length == strlen(whole) || label.length > 0
		? login_name_parse(login, realm, login_out)
		: false;
}

/* The name that the client gave, and the one it wants to act as: nobody acts for another. */
static bool
take_name(struct exchange *exchange, struct span name, struct span authzid)
{
	char wanted[LOGIN_NAME_SIZE];
	char label[LOGIN_NAME_SIZE];

	if (!parse_name(exchange, name, exchange->login, exchange->label)) {
		exchange->login[0] = '\0';
		exchange_refuse(exchange, "not a possible login");
		return false;
	}
	if (authzid.length == 0)
		return true;
	if (parse_name(exchange, authzid, wanted, label) && strcmp(wanted, exchange->login) == 0 &&
		(!label[0] || strcmp(label, exchange->label) == 0))
		return true;
	exchange_refuse(exchange, "wants to act as another");
	return false;
}

static void
take_password(struct exchange *exchange)
{
	struct login_plain plain;

	switch (login_plain_parse(secret_span(exchange->initial), &plain)) {
	case LOGIN_PLAIN_SYNTAX:
		exchange_fail(exchange, LOGIN_BAD_SYNTAX, "malformed message");
		return;
	case LOGIN_PLAIN_REFUSED:
		exchange_refuse(exchange, "control byte or outer blank");
		return;
	case LOGIN_PLAIN_GOOD:
		break;
	}
	if (!take_name(exchange, plain.login, plain.authzid))
		return;
	exchange->password = saslprep(plain.password);
	if (!exchange->password) {
		exchange_refuse(exchange, "not a possible password");
		return;
	}
	secret_free(&exchange->initial);
	stand_in_line(exchange);
}

static void
take_scram(struct exchange *exchange)
{
	struct scram_first first;

	if (!scram_first_parse(secret_span(exchange->initial), &first))
		exchange_fail(exchange, LOGIN_BAD_SYNTAX, "malformed message");
	else if (take_name(exchange, span_of(first.login.bytes, first.login.length),
			 span_of(first.authzid.bytes, first.authzid.length)))
		stand_in_line(exchange);
}

static void
take_initial(struct exchange *exchange)
{
	switch (exchange->rule.kind) {
	case LOGIN_KIND_PASSWORD:
		take_password(exchange);
		break;
	case LOGIN_KIND_SCRAM:
		take_scram(exchange);
		break;
	case LOGIN_KIND_GSSAPI:
		stand_in_line(exchange);
		break;
	case LOGIN_KIND_NETWORK:
		exchange_fail(exchange, LOGIN_BAD_SYNTAX, "nothing is to be said");
		break;
	}
}

/* ---- what the front end says ----------------------------------------------------------------- */

void
exchange_begin(struct exchange *exchange)
{
	const struct exchange_service *service = exchange->service;
	enum login_failure failure;

	if (!login_rule_check(exchange->settings, &exchange->start, service->gssapi,
		    &exchange->rule, &failure)) {
		exchange_fail(exchange, failure, "not offered here");
		return;
	}
	loop_timer_start(&exchange->deadline, exchange->settings->sasl.exchange_wait);
	/* Only the client begins, in all of these: an empty challenge asks it to. */
	if (exchange->initial)
		take_initial(exchange);
	else if (exchange->rule.kind == LOGIN_KIND_NETWORK)
		exchange_start_network(exchange);
	else
		exchange_challenge(exchange, SPAN_EMPTY);
}

static void
take_response(struct exchange *exchange, struct secret **response)
{
	if (exchange->mech) {
		exchange_step(exchange, response);
		return;
	}
	exchange->initial = *response;
	*response = NULL;
	take_initial(exchange);
}

bool
exchange_respond(struct exchange *exchange, struct span response)
{
	struct secret *copy;

	if (exchange->phase == EXCHANGE_LATE) {
		exchange_fail(exchange, LOGIN_TEMPORARY, "the login took too long");
		return true;
	}
	if (exchange->phase != EXCHANGE_CLIENT)
		return false;
	copy = secret_new(response);
	take_response(exchange, &copy);
	secret_free(&copy);
	return true;
}
