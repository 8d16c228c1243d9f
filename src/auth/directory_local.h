/* SPDX-License-Identifier: BSD-2-Clause */
/* The accounts that Sallyport keeps itself: SQLite, stored SCRAM keys, never a password. */
#ifndef AUTH_DIRECTORY_LOCAL_H
#define AUTH_DIRECTORY_LOCAL_H

#include "auth/directory.h"
#include "auth/scram_mix.h"

/*
 * STATE-DIR/auth/accounts.db, mode 0600 in a directory of mode 0700, locked for one process as long
 * as it is open. All logins are canonical (login_name.h). Not for two threads at once.
 */
struct directory_local;

enum {
	DIRECTORY_SECRET_BYTES = 32,
	DIRECTORY_IDENTITY_MAX_BYTES = 28 * 1024, /* of one account: twice fits LOGIN_DONE */
};

/*
 * Makes directory and database where there are none; an older schema is migrated, with a copy of
 * the old file beside it; a newer one is refused. FAULT_BUSY: another process has it, after
 * wait_ms.
 */
struct directory_local *directory_local_open(const char *state_dir, uint64_t wait_ms,
	struct fault *fault_out);
void directory_local_close(struct directory_local **local);
struct directory_source *directory_local_source(struct directory_local *local); /* owns the local */

/* Made with the database, the same ever after: what decoys are made from. */
struct span directory_local_secret(const struct directory_local *local);

enum directory_result directory_local_find(struct directory_local *local, const char *login,
	struct account **account_out, struct fault *fault_out);
/* Logins in order, those after "after" ("" for the first), at most max of them; in the arena. */
bool directory_local_logins(struct directory_local *local, const char *after, size_t max,
	struct arena *arena, struct settings_texts *logins_out, struct fault *fault_out);

/*
 * Several changes as one: end() is true with all of them done, or false with none. What fails within
 * must end in end() with good false.
 */
bool directory_local_begin(struct directory_local *local, struct fault *fault_out);
bool directory_local_end(struct directory_local *local, bool good, struct fault *fault_out);

bool directory_local_mix(struct directory_local *local, struct scram_mix *mix_out,
	struct fault *fault_out);
/* Every login of which something was taken away since then (wall clock), the oldest first. */
bool directory_local_revoked(struct directory_local *local, int64_t since_ms,
	void (*each)(void *context, const char *login, uint64_t epoch), void *context,
	struct fault *fault_out);

/*
 * Changes. FAULT_MISSING: there is no such account, or no such text; FAULT_DENIED: it is there
 * already, or belongs to another. Where something is taken away the account's epoch rises and
 * *epoch_out has it; otherwise *epoch_out is 0. An epoch is never given twice, not even to an
 * account of the same name made later.
 */
struct directory_local_settings {
	bool disabled;
	int64_t expires_ms; /* 0: never */
	uint8_t protocols;  /* enum identity_protocol, or-ed */
	uint8_t app_only;   /* those of them for which only app passwords are good */
	const char *limits; /* "" for the usual ones */
};
/* keys: SCRAM_HASH_COUNT of them, or NULL for an account that has no password (GSSAPI). */
bool directory_local_add(struct directory_local *local, const char *login,
	const struct directory_local_settings *settings, const struct scram_keys *keys,
	struct fault *fault_out);
bool directory_local_delete(struct directory_local *local, const char *login, uint64_t *epoch_out,
	struct fault *fault_out);
bool directory_local_set(struct directory_local *local, const char *login,
	const struct directory_local_settings *settings, uint64_t *epoch_out,
	struct fault *fault_out);
bool directory_local_set_keys(struct directory_local *local, const char *login,
	const struct scram_keys *keys, uint64_t *epoch_out, struct fault *fault_out);

/*
 * The lists of an account; addresses have one owner at most, in any case of their letters. Groups
 * are in directory_local_group.h.
 */
enum directory_list {
	DIRECTORY_ADDRESSES,
	DIRECTORY_SEND_AS = 2, /* the numbers are in the database */
	DIRECTORY_ON_BEHALF,
	DIRECTORY_LIST_COUNT,
};
/* first: in front of the list, as the primary address is; otherwise at its end. */
bool directory_local_add_text(struct directory_local *local, const char *login,
	enum directory_list list, const char *text, bool first, struct fault *fault_out);
/* One that is there already. */
bool directory_local_move_first(struct directory_local *local, const char *login,
	enum directory_list list, const char *text, struct fault *fault_out);
bool directory_local_delete_text(struct directory_local *local, const char *login,
	enum directory_list list, const char *text, uint64_t *epoch_out, struct fault *fault_out);

#endif
