/* SPDX-License-Identifier: BSD-2-Clause */
/* One login: from AUTH to who it is, over brake, directory and mechanism; answered exactly once. */
#ifndef AUTH_EXCHANGE_H
#define AUTH_EXCHANGE_H

#include "auth/brake.h"
#include "auth/directory.h"
#include "auth/login_cache.h"
#include "auth/scram_mix.h"
#include "io/worker.h"
#include "ipc/message_login.h"

struct exchange;

/* What exchanges work with; the owner changes settings between turns alone. */
struct exchange_service {
	struct loop *loop;
	const struct settings *settings;
	struct directory *directory;
	struct worker_pool *pool;
	struct brake *brake;
	struct login_cache *cache;
	struct span decoy_secret;
	struct scram_mix mix; /* of the stored keys: what decoys look like */
	bool gssapi; /* is it loaded? */
};

struct exchange_failure {
	enum login_failure failure;
	uint32_t delay_ms;
	const char *login; /* as far as it may be logged: "" for a name that nobody has */
	bool known;        /* somebody has this name */
	const char *text;  /* for the log; for LOGIN_LIMIT for the client too */
};

/* Valid during the callback. */
struct exchange_events {
	void (*on_challenge)(void *context, struct span challenge);
	/* The last thing an exchange does is one of these; the owner may free it there. */
	/* app: the one it was, among those of the account; NULL: the password, or GSSAPI. */
	void (*on_done)(void *context, struct account *account, const struct app_password *app);
	void (*on_failed)(void *context, const struct exchange_failure *failure);
};

/* Copies what it needs of start. */
struct exchange *exchange_new(const struct exchange_service *service,
	const struct message_login_start *start, const struct exchange_events *events,
	void *context);
void exchange_free(struct exchange **exchange); /* cancels; no callback */
/* Both may call back before they return. */
void exchange_begin(struct exchange *exchange);
/* False if it is not the client's turn. */
bool exchange_respond(struct exchange *exchange, struct span response);

/* What was said at the start; the owner needs it for the session. */
const struct message_login_start *exchange_start(const struct exchange *exchange);
/* After exchange_begin(). */
enum identity_protocol exchange_protocol(const struct exchange *exchange);

#endif
