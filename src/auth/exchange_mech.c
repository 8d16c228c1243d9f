/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins by a mechanism of Cyrus SASL: SCRAM with its channel binding, and GSSAPI. */
#include "auth/exchange_private.h"

#include <string.h>

#include "auth/scram_message.h"

static bool
is_final(const struct exchange *exchange, struct span bytes)
{
	return exchange->rule.kind == LOGIN_KIND_SCRAM && span_starts(bytes, "v=");
}

/* The library knows who it is: what SCRAM proved was asked for before, GSSAPI's name is news. */
static void
on_mech_done(struct exchange *exchange)
{
	struct span name = span_text(mech_login(exchange->mech));

	if (exchange->rule.kind == LOGIN_KIND_SCRAM) {
		if (exchange->account && (exchange->app || !exchange->label[0]))
			exchange_succeed(exchange);
		else
			exchange_refuse(exchange, "unknown login");
		return;
	}
	exchange->proven = true;
	/* Other realms, and principals of services and roles, are nobody here. */
	if (span_has_byte(name, '/') || span_has_byte(name, '@') ||
		!login_name_parse(name, "", exchange->login)) {
		exchange_refuse(exchange, "not a principal of our realm");
		return;
	}
	exchange_look_up(exchange);
}

static void
on_malformed(struct exchange *exchange)
{
	/* A well-formed last message of SCRAM that does not fit is an attack, not a slip. */
	if (exchange->final_read)
		exchange_refuse(exchange, "wrong channel binding or nonce");
	else
		exchange_fail(exchange, LOGIN_BAD_SYNTAX, "malformed message");
}

static void
on_stepped(void *context, const struct login_work_result *result)
{
	struct exchange *exchange = context;

	exchange->work = NULL;
	exchange->mech = result->mech;
	if (result->late) {
		exchange_fail(exchange, LOGIN_TEMPORARY, "the mechanism took too long");
		return;
	}
	switch (result->step) {
	case MECH_CONTINUE:
		exchange->final_sent = is_final(exchange, result->challenge);
		exchange_challenge(exchange, result->challenge);
		break;
	case MECH_DONE:
		on_mech_done(exchange);
		break;
	case MECH_REFUSED:
		exchange_refuse(exchange, mech_reason(exchange->mech));
		break;
	case MECH_MALFORMED:
		on_malformed(exchange);
		break;
	case MECH_UNKNOWN:
		exchange_fail(exchange, LOGIN_NO_MECHANISM, mech_reason(exchange->mech));
		break;
	case MECH_FAULT:
		exchange_fail(exchange, LOGIN_TEMPORARY, mech_reason(exchange->mech));
		break;
	}
}

/* Takes response; NULL: there was none. */
static void
step(struct exchange *exchange, struct secret **response)
{
	const struct exchange_service *service = exchange->service;

	exchange->phase = EXCHANGE_WORK;
	exchange->work = login_work_step(service->pool, exchange->settings->sasl.answer_wait,
		&exchange->mech, response, on_stepped, exchange);
	if (!exchange->work)
		exchange_fail(exchange, LOGIN_TEMPORARY, "too many logins at once");
}

static void
make_mech(struct exchange *exchange)
{
	const struct settings *settings = exchange->settings;
	const char *host = settings->sasl.service_host[0] ? settings->sasl.service_host
							   : settings->hostname;
	/* The GSSAPI service of POP3 is "pop" (RFC 5034 4). */
	const char *service = exchange->rule.protocol == IDENTITY_POP3 ? "pop"
									  : exchange->start.protocol;

	exchange->mech = mech_new(exchange->start.mechanism, service, host);
}

/* The binding that the client chose, if we have it. */
static bool
bind_channel(struct exchange *exchange, struct span name)
{
	struct span data = SPAN_EMPTY;

	if (span_is(name, "tls-exporter"))
		data = exchange->start.bind_exporter;
	else if (span_is(name, "tls-server-end-point"))
		data = exchange->start.bind_endpoint;
	if (data.length == 0)
		return false;
	mech_set_binding(exchange->mech,
		span_is(name, "tls-exporter") ? "tls-exporter" : "tls-server-end-point", data);
	return true;
}

/*
 * RFC 5802 6: what the client says of channel binding must fit what it was offered and has
 * chosen.
 */
static const char *
judge_binding(struct exchange *exchange, const struct scram_first *first)
{
	switch (first->binding) {
	case SCRAM_BINDING_NAMED:
		if (!exchange->rule.plus)
			return "channel binding with a mechanism that has none";
		return bind_channel(exchange, first->binding_name) ? NULL
								   : "unsupported channel binding";
	case SCRAM_BINDING_UNSEEN:
		return exchange->rule.plus || exchange->rule.plus_offered
			? "somebody hid the offer of channel binding"
			: NULL;
	case SCRAM_BINDING_NONE:
		break;
	}
	return exchange->rule.plus ? "no channel binding with a mechanism that needs it" : NULL;
}

void
exchange_start_scram(struct exchange *exchange)
{
	struct scram_first first;
	struct scram_keys keys;
	const char *wrong;

	make_mech(exchange);
	/* It was parsed before the look-up. */
	if (!scram_first_parse(secret_span(exchange->initial), &first)) {
		exchange_fail(exchange, LOGIN_BAD_SYNTAX, "malformed message");
		return;
	}
	wrong = judge_binding(exchange, &first);
	if (wrong) {
		exchange_refuse(exchange, wrong);
		return;
	}
	exchange_choose_keys(exchange, exchange->rule.hash, &keys);
	/*
	 * Who may not log in meets the salt of always, and never hears that the password is
	 * right.
	 */
	if (exchange->refusal)
		scram_keys_lock(&keys);
	mech_set_keys(exchange->mech, &keys);
	mem_wipe(&keys, sizeof keys);
	step(exchange, &exchange->initial);
}

void
exchange_start_gssapi(struct exchange *exchange)
{
	make_mech(exchange);
	step(exchange, &exchange->initial);
}

void
exchange_step(struct exchange *exchange, struct secret **response)
{
	struct span bytes = secret_span(*response);

	if (exchange->rule.kind != LOGIN_KIND_SCRAM) {
		step(exchange, response);
		return;
	}
	if (exchange->final_sent ? bytes.length > 0 : !scram_final_is_valid(bytes)) {
		exchange_fail(exchange, LOGIN_BAD_SYNTAX, "malformed message");
		return;
	}
	exchange->final_read = true;
	step(exchange, response);
}

