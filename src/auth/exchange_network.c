/* SPDX-License-Identifier: BSD-2-Clause */
/* Who comes from the networks of a listener counts as the account that it names: no proof but that. */
#include "auth/exchange_private.h"

void
exchange_start_network(struct exchange *exchange)
{
	const struct settings *settings = exchange->settings;
	const char *realm = settings_realm(settings);

	if (login_name_parse(span_text(exchange->rule.listener->identity), realm, exchange->login))
		exchange_look_up(exchange);
	else
		exchange_fail(exchange, LOGIN_REFUSED, "not a possible login");
}

/* The brake is for passwords: nothing was tried here, and nothing that was is forgiven. */
void
exchange_judge_network(struct exchange *exchange)
{
	if (!exchange->account) {
		exchange_fail(exchange, LOGIN_REFUSED, "no account");
	} else if (exchange->refusal) {
		exchange_fail(exchange, LOGIN_REFUSED, exchange->refusal);
	} else {
		exchange->phase = EXCHANGE_OVER;
		exchange->events->on_done(exchange->context, exchange->account, NULL);
	}
}
