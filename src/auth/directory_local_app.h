/* SPDX-License-Identifier: BSD-2-Clause */
/* App passwords of the local directory. */
#ifndef AUTH_DIRECTORY_LOCAL_APP_H
#define AUTH_DIRECTORY_LOCAL_APP_H

#include "auth/directory_local.h"

struct directory_local_app {
	const char *label;
	uint8_t protocols;
	int64_t expires_ms; /* 0: never */
	int64_t created_ms; /* 0: now */
};

/*
 * All app passwords of an account have one salt and one number of iterations for each hash, so that
 * one derivation checks what was typed against all of them. The salt is the one that a name without
 * any shows as a decoy: that there are some now is not to be seen. Faults as in directory_local.h;
 * FAULT_LIMIT: there are APP_PASSWORDS_MAX already.
 */
bool directory_local_add_app(struct directory_local *local, const char *login,
	const struct directory_local_app *app, struct span password, struct fault *fault_out);
/*
 * keys: SCRAM_HASH_COUNT of them, with salts and iterations that fit those of its siblings;
 * otherwise FAULT_DENIED.
 */
bool directory_local_put_app(struct directory_local *local, const char *login,
	const struct directory_local_app *app, const struct scram_keys *keys,
	struct fault *fault_out);
/* *id_out: whose grants are void, and whose sessions end. */
bool directory_local_revoke_app(struct directory_local *local, const char *login,
	const char *label, uint64_t *id_out, struct fault *fault_out);
/* Every app password revoked since then (wall clock). */
bool directory_local_revoked_apps(struct directory_local *local, int64_t since_ms,
	void (*each)(void *context, const char *login, uint64_t id), void *context,
	struct fault *fault_out);

#endif
