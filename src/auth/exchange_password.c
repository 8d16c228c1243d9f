/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins by PLAIN and LOGIN: which keys the password is checked against, and what is remembered. */
#include <stdio.h>
#include <string.h>

#include "auth/exchange_private.h"
#include "base/clock.h"
#include "base/digest.h"

/* ---- keys ------------------------------------------------------------------------------------ */

/* Decoys are made for everybody, also where there are keys: it takes its time. */

static void
choose_own_keys(const struct exchange *exchange, enum scram_hash hash, struct scram_keys *keys_out)
{
	const struct exchange_service *service = exchange->service;
	const struct account *account = exchange->account;
	struct span name = span_text(exchange->login);

	scram_keys_decoy(keys_out, hash,
		scram_mix_choose(&service->mix, hash, service->decoy_secret, name,
			(uint32_t)exchange->settings->sasl.iterations),
		service->decoy_secret, name);
	if (account && account->has_keys[hash])
		*keys_out = account->keys[hash];
}

/* Salt and iterations are the same whether there are any; nothing verifies against these. */
static void
choose_app_salt(const struct exchange *exchange, enum scram_hash hash, struct scram_keys *keys_out)
{
	const struct account *account = exchange->account;

	scram_keys_app_decoy(keys_out, hash, exchange->service->decoy_secret,
		span_text(exchange->login));
	if (account && account->app_count > 0)
		*keys_out = account->apps[0].keys[hash];
	scram_keys_lock(keys_out);
}

void
exchange_choose_keys(const struct exchange *exchange, enum scram_hash hash,
	struct scram_keys *keys_out)
{
	if (!exchange->label[0]) {
		choose_own_keys(exchange, hash, keys_out);
		return;
	}
	choose_app_salt(exchange, hash, keys_out);
	if (exchange->app)
		*keys_out = exchange->app->keys[hash];
}

/*
 * As many stored keys for everybody, so that the time does not tell how many are real: those that may
 * be meant, at their places, and random ones.
 */
static void
choose_app_keys(const struct exchange *exchange, struct login_check *check)
{
	const struct account *account = exchange->account;

	choose_app_salt(exchange, SCRAM_SHA_256, &check->app_salt);
	digest_random(check->app_stored, sizeof check->app_stored);
	for (size_t i = 0; account && i < account->app_count; i++) {
		const struct app_password *app = &account->apps[i];

		if (!exchange->label[0] || app == exchange->app)
			memcpy(check->app_stored[i], app->keys[SCRAM_SHA_256].stored,
				sizeof check->app_stored[i]);
	}
}

/* ---- what was right a short while ago -------------------------------------------------------- */

enum { CACHE_NAME_SIZE = LOGIN_NAME_SIZE + 16 };

/* An account has one password, and app passwords besides, each in its own place. */
static struct span
cache_name(const struct exchange *exchange, const char *app_password, char name[CACHE_NAME_SIZE])
{
	unsigned char bytes[DIGEST_BYTES];
	struct digest digest;
	char tag[9];

	if (!app_password[0])
		return span_text(exchange->login);
	digest_init(&digest);
	digest_add(&digest, span_text(app_password));
	digest_final(&digest, bytes);
	text_hex(bytes, 4, tag, sizeof tag);
	snprintf(name, CACHE_NAME_SIZE, "%s/%s", exchange->login, tag);
	mem_wipe(bytes, sizeof bytes);
	return span_text(name);
}

/*
 * password: what its keys are of; "" for app_password: it has not the form of one. Without an account
 * a name is looked for that nobody has.
 */
static bool
look_in_cache(const struct exchange *exchange, const struct account *account, struct span password,
	const char *app_password, uint64_t *credential_out)
{
	const struct exchange_service *service = exchange->service;
	char buffer[CACHE_NAME_SIZE];
	struct span name = cache_name(exchange, app_password, buffer);

	return login_cache_has(service->cache, account ? name : SPAN_EMPTY, password,
		account ? account->identity.epoch : 0, loop_now_ms(service->loop),
		credential_out);
}

static bool
is_cached(struct exchange *exchange, struct span password, const char *app_password)
{
	const struct account *account = exchange->account;
	uint64_t credential;

	if (!account || exchange->refusal ||
		!look_in_cache(exchange, account, password, app_password, &credential))
		return false;
	if (credential == 0)
		return !exchange->label[0];
	/* Revoked ones are no longer there. */
	if (exchange->label[0])
		return exchange->app && exchange->app->id == credential;
	exchange->app = account_find_app_id(account, credential);
	return exchange->app;
}

static void
cache(const struct exchange *exchange, struct span password, const char *app_password)
{
	const struct exchange_service *service = exchange->service;
	char name[CACHE_NAME_SIZE];

	login_cache_add(service->cache, cache_name(exchange, app_password, name), password,
		exchange->account->identity.epoch, exchange->app ? exchange->app->id : 0,
		loop_now_ms(service->loop));
}

/* ---- verification ---------------------------------------------------------------------------- */

/* It was right; but is what it was good here and now? */
static void
settle(struct exchange *exchange)
{
	enum identity_protocol protocol = exchange->rule.protocol;

	if (!exchange->refusal)
		exchange->refusal = exchange->app
			? app_password_refusal(exchange->app, protocol, clock_wall_ms())
			: account_password_refusal(exchange->account, protocol);
	exchange_succeed(exchange);
}

/* An app password is remembered as such, whatever name it came by. */
static void
remember(const struct exchange *exchange)
{
	struct span typed = secret_span(exchange->password);
	char app_password[APP_PASSWORD_SIZE];

	if (exchange->app && app_password_read(typed, app_password))
		cache(exchange, span_text(app_password), app_password);
	else if (!exchange->app)
		cache(exchange, typed, "");
	mem_wipe(app_password, sizeof app_password);
}

static void
on_verified(void *context, const struct login_work_result *result)
{
	struct exchange *exchange = context;
	bool is_app = result->app < APP_PASSWORDS_MAX;

	exchange->work = NULL;
	if (result->late) {
		exchange_fail(exchange, LOGIN_TEMPORARY, "no thread was free in time");
		return;
	}
	if (!exchange->account || !(is_app || result->verified)) {
		exchange_refuse(exchange, "wrong password");
		return;
	}
	exchange->app = is_app ? &exchange->account->apps[result->app] : NULL;
	if (!exchange->refusal)
		remember(exchange);
	settle(exchange);
}

/* app_password: "" if what was typed has not the form of one. */
static void
verify(struct exchange *exchange, const char *app_password)
{
	const struct exchange_service *service = exchange->service;
	struct span typed = secret_span(exchange->password);
	struct login_check check = { .with_own = !exchange->label[0] };

	check.with_app = app_password[0] || exchange->label[0];
	if (check.with_own)
		choose_own_keys(exchange, SCRAM_SHA_256, &check.own);
	if (check.with_app)
		choose_app_keys(exchange, &check);
	exchange->phase = EXCHANGE_WORK;
	exchange->work = login_work_verify(service->pool, exchange->settings->sasl.answer_wait, &check,
		typed, app_password[0] ? span_text(app_password) : typed, on_verified, exchange);
	mem_wipe(&check, sizeof check);
	if (!exchange->work)
		exchange_fail(exchange, LOGIN_TEMPORARY, "too many logins at once");
}

void
exchange_verify(struct exchange *exchange)
{
	struct span typed = secret_span(exchange->password);
	char app_password[APP_PASSWORD_SIZE];

	if (!app_password_read(typed, app_password))
		app_password[0] = '\0';
	if ((app_password[0] && is_cached(exchange, span_text(app_password), app_password)) ||
		is_cached(exchange, typed, ""))
		settle(exchange);
	else
		verify(exchange, app_password);
	mem_wipe(app_password, sizeof app_password);
}

bool
exchange_is_remembered(const struct exchange *exchange, const struct account *known)
{
	struct span typed = secret_span(exchange->password);
	char app_password[APP_PASSWORD_SIZE];
	uint64_t credential;
	bool found = look_in_cache(exchange, known, typed, "", &credential);

	if (app_password_read(typed, app_password))
		found |= look_in_cache(exchange, known, span_text(app_password), app_password,
			&credential);
	mem_wipe(app_password, sizeof app_password);
	return known && found;
}
