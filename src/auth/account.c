/* SPDX-License-Identifier: BSD-2-Clause */
/* What a directory says of one account. */
#include "auth/account.h"

#include <assert.h>

struct account *
account_new(void)
{
	struct arena *arena = arena_new(sizeof(struct account) + 512);
	struct account *account = arena_alloc(arena, sizeof *account);

	account->arena = arena;
	account->uses = 1;
	account->identity = (struct identity){
		.login = "", .mechanism = "", .credential = "", .limits = ""
	};
	account->own_limits = "";
	return account;
}

struct account *
account_use(struct account *account)
{
	account->uses++;
	return account;
}

void
account_drop(struct account **account)
{
	struct account *dropped = *account;
	struct arena *arena;

	*account = NULL;
	if (!dropped)
		return;
	assert(dropped->uses > 0);
	if (--dropped->uses > 0)
		return;
	arena = dropped->arena;
	mem_wipe(dropped->keys, sizeof dropped->keys);
	mem_wipe(dropped->apps, dropped->app_count * sizeof *dropped->apps);
	arena_free(&arena);
}

const char *
account_refusal(const struct account *account, enum identity_protocol protocol, int64_t now_ms)
{
	if (account->disabled)
		return "account is disabled";
	if (account->expires_ms && now_ms >= account->expires_ms)
		return "account has expired";
	if (!(account->identity.protocols & protocol))
		return "account may not use this protocol";
	return NULL;
}

const char *
account_password_refusal(const struct account *account, enum identity_protocol protocol)
{
	return account->app_only & protocol ? "only app passwords are good for this protocol"
					    : NULL;
}

const struct app_password *
account_find_app(const struct account *account, struct span label)
{
	for (size_t i = 0; i < account->app_count; i++) {
		if (span_is_nocase(label, account->apps[i].label))
			return &account->apps[i];
	}
	return NULL;
}

const struct app_password *
account_find_app_id(const struct account *account, uint64_t id)
{
	for (size_t i = 0; i < account->app_count; i++) {
		if (account->apps[i].id == id)
			return &account->apps[i];
	}
	return NULL;
}

bool
account_find_protocol(struct span name, enum identity_protocol *protocol_out)
{
	static const struct {
		const char *name;
		enum identity_protocol protocol;
	} protocols[] = {
		{ "smtp", IDENTITY_SMTP },
		{ "imap", IDENTITY_IMAP },
		{ "pop3", IDENTITY_POP3 },
	};

	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
		if (span_is(name, protocols[i].name)) {
			*protocol_out = protocols[i].protocol;
			return true;
		}
	}
	return false;
}
