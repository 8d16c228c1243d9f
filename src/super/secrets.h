/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that several roles share: made here, kept in memory only, the ticket keys changed in time. */
#ifndef SUPER_SECRETS_H
#define SUPER_SECRETS_H

#include "base/secret.h"
#include "config/settings.h"
#include "io/loop.h"

struct secrets;

/* Of one listener, as io/tls.h wants it. */
enum {
	SECRETS_TICKET_KEY_BYTES = 64,
	SECRETS_ROTATE_MS = 12 * 3600 * 1000,
};

/* on_change: a new ticket key of this listener is to be sent to the front ends. */
typedef void secrets_change_fn(void *context, const char *listener, struct span key);

struct secrets *secrets_new(struct loop *loop, secrets_change_fn *on_change, void *context);
void secrets_free(struct secrets **secrets);
/* Listeners that are new get a key; those gone keep theirs until secrets_set_listeners(). */
void secrets_add_listeners(struct secrets *secrets, const struct settings *settings);
/* Listeners that are new get a key, those gone lose theirs. */
void secrets_set_listeners(struct secrets *secrets, const struct settings *settings);
struct span secrets_grant_key(const struct secrets *secrets);
struct span secrets_ticket_key(const struct secrets *secrets, const char *listener); /* empty: none */
void secrets_rotate(struct secrets *secrets);

#endif
