/* SPDX-License-Identifier: BSD-2-Clause */
/* The local directory: changes, each one transaction. */
#include <string.h>

#include "auth/directory_local_db.h"
#include "base/clock.h"

/* ---- transactions ---------------------------------------------------------------------------- */

static bool
begin(struct directory_local *local, struct fault *fault_out)
{
	return db_execute(local->db, "BEGIN IMMEDIATE", fault_out);
}

/* Commits if all went well so far; false otherwise, with nothing changed. */
static bool
end(struct directory_local *local, bool good, struct fault *fault_out)
{
	if (good && db_execute(local->db, "COMMIT", fault_out))
		return true;
	sqlite3_exec(local->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

/* Which account this is; a fault that names it otherwise. */
static bool
find_id(struct directory_local *local, const char *login, int64_t *id_out, struct fault *fault_out)
{
	struct fault fault = FAULT_INIT;

	if (DB_GET(local->db, &fault, id_out, "SELECT id FROM account WHERE login = ?",
		    DB_STR(login)))
		return true;
	if (fault.kind == FAULT_MISSING)
		return fault_set(fault_out, FAULT_MISSING, "there is no account %s", login);
	return fault_set(fault_out, fault.kind, "%s", fault.text);
}

static bool
next_epoch(struct directory_local *local, int64_t *epoch_out, struct fault *fault_out)
{
	return DB_GET(local->db, fault_out, epoch_out,
		"UPDATE counter SET epoch = epoch + 1 RETURNING epoch");
}

enum { REVOKED_KEPT_MS = 24 * 3600 * 1000 }; /* longer than any grant lives */

/* Whoever forgets it, by dying, learns of it again. */
static bool
note_revoked(struct directory_local *local, int64_t id, int64_t epoch, struct fault *fault_out)
{
	int64_t now = clock_wall_ms();

	return DB_RUN(local->db, fault_out, "DELETE FROM revoked WHERE since_ms < ?",
		       DB_INT(now - REVOKED_KEPT_MS)) &&
		DB_RUN(local->db, fault_out,
			"INSERT INTO revoked SELECT login, ?, ? FROM account WHERE id = ? "
			"ON CONFLICT (login) DO UPDATE SET epoch = excluded.epoch, "
			"since_ms = excluded.since_ms",
			DB_INT(epoch), DB_INT(now), DB_INT(id));
}

/* Something of the account is taken away: what was granted under its last epoch is void. */
static bool
raise_epoch(struct directory_local *local, int64_t id, uint64_t *epoch_out, struct fault *fault_out)
{
	int64_t epoch;

	if (!next_epoch(local, &epoch, fault_out) ||
		!DB_RUN(local->db, fault_out, "UPDATE account SET epoch = ? WHERE id = ?",
			DB_INT(epoch), DB_INT(id)) ||
		!note_revoked(local, id, epoch, fault_out))
		return false;
	*epoch_out = (uint64_t)epoch;
	return true;
}

/* ---- accounts -------------------------------------------------------------------------------- */

static bool
write_keys(struct directory_local *local, int64_t id, const struct scram_keys *keys,
	struct fault *fault_out)
{
	for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
		size_t size = scram_hash_bytes(keys[i].hash);

		if (!DB_RUN(local->db, fault_out,
			    "INSERT INTO scram_key (account, hash, iterations, salt, stored, "
			    "server) VALUES (?, ?, ?, ?, ?, ?)",
			    DB_INT(id), DB_STR(scram_hash_name(keys[i].hash)),
			    DB_INT(keys[i].iterations), DB_BLOB(keys[i].salt, keys[i].salt_length),
			    DB_BLOB(keys[i].stored, size), DB_BLOB(keys[i].server, size)))
			return false;
	}
	return true;
}

static bool
insert_account(struct directory_local *local, const char *login,
	const struct directory_local_settings *settings, const struct scram_keys *keys,
	struct fault *fault_out)
{
	struct fault missing = FAULT_INIT;
	int64_t epoch;
	int64_t id;

	if (find_id(local, login, &id, &missing))
		return fault_set(fault_out, FAULT_DENIED, "there is an account %s already", login);
	return next_epoch(local, &epoch, fault_out) &&
		DB_GET(local->db, fault_out, &id,
			"INSERT INTO account (login, disabled, expires_ms, protocols, limits, "
			"epoch, changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
			DB_STR(login), DB_INT(settings->disabled), DB_INT(settings->expires_ms),
			DB_INT(settings->protocols), DB_STR(settings->limits), DB_INT(epoch),
			DB_INT(clock_wall_ms())) &&
		(!keys || write_keys(local, id, keys, fault_out));
}

bool
directory_local_add(struct directory_local *local, const char *login,
	const struct directory_local_settings *settings, const struct scram_keys *keys,
	struct fault *fault_out)
{
	return begin(local, fault_out) &&
		end(local, insert_account(local, login, settings, keys, fault_out), fault_out);
}

/* What the setters have in common: an account that is there, and a result for its epoch. */
struct change {
	int64_t id;
	int64_t epoch;
};

static bool
open_change(struct directory_local *local, const char *login, struct change *change,
	struct fault *fault_out)
{
	if (!begin(local, fault_out))
		return false;
	if (find_id(local, login, &change->id, fault_out) &&
		DB_RUN(local->db, fault_out, "UPDATE account SET changed_ms = ? WHERE id = ?",
			DB_INT(clock_wall_ms()), DB_INT(change->id)))
		return true;
	return end(local, false, fault_out);
}

bool
directory_local_delete(struct directory_local *local, const char *login, uint64_t *epoch_out,
	struct fault *fault_out)
{
	struct change change;

	if (!open_change(local, login, &change, fault_out))
		return false;
	if (!end(local,
		    next_epoch(local, &change.epoch, fault_out) &&
			    note_revoked(local, change.id, change.epoch, fault_out) &&
			    DB_RUN(local->db, fault_out, "DELETE FROM account WHERE id = ?",
				    DB_INT(change.id)),
		    fault_out))
		return false;
	*epoch_out = (uint64_t)change.epoch;
	return true;
}

static bool
takes_away(const struct account *before, const struct directory_local_settings *after)
{
	bool sooner = after->expires_ms &&
		(!before->expires_ms || after->expires_ms < before->expires_ms);

	return (after->disabled && !before->disabled) || sooner ||
		(before->identity.protocols & ~after->protocols);
}

bool
directory_local_set(struct directory_local *local, const char *login,
	const struct directory_local_settings *settings, uint64_t *epoch_out,
	struct fault *fault_out)
{
	struct account *before = NULL;
	struct change change;
	uint64_t epoch = 0;
	bool good;

	if (!open_change(local, login, &change, fault_out))
		return false;
	good = directory_local_find(local, login, &before, fault_out) == DIRECTORY_FOUND &&
		DB_RUN(local->db, fault_out,
			"UPDATE account SET disabled = ?, expires_ms = ?, protocols = ?, "
			"limits = ? WHERE id = ?",
			DB_INT(settings->disabled), DB_INT(settings->expires_ms),
			DB_INT(settings->protocols), DB_STR(settings->limits), DB_INT(change.id)) &&
		(!takes_away(before, settings) ||
			raise_epoch(local, change.id, &epoch, fault_out));
	account_drop(&before);
	if (!end(local, good, fault_out))
		return false;
	*epoch_out = epoch;
	return true;
}

bool
directory_local_set_keys(struct directory_local *local, const char *login,
	const struct scram_keys *keys, uint64_t *epoch_out, struct fault *fault_out)
{
	struct change change;
	uint64_t epoch = 0;
	bool good;

	if (!open_change(local, login, &change, fault_out))
		return false;
	good = DB_RUN(local->db, fault_out, "DELETE FROM scram_key WHERE account = ?",
		       DB_INT(change.id)) &&
		write_keys(local, change.id, keys, fault_out) &&
		raise_epoch(local, change.id, &epoch, fault_out);
	if (!end(local, good, fault_out))
		return false;
	*epoch_out = epoch;
	return true;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static const char *const list_words[DIRECTORY_LIST_COUNT] = {
	[DIRECTORY_ADDRESSES] = "the address",
	[DIRECTORY_GROUPS] = "the group",
	[DIRECTORY_SEND_AS] = "send-as",
	[DIRECTORY_ON_BEHALF] = "on-behalf",
};

/* Everything an identity holds must fit the message that carries it. */
static bool
has_room(struct directory_local *local, int64_t id, const char *text, struct fault *fault_out)
{
	int64_t bytes;
	int64_t count;

	if (!DB_GET(local->db, fault_out, &bytes,
		    "SELECT coalesce(sum(length(CAST(text AS BLOB)) + 4), 0) FROM account_text "
		    "WHERE account = ?",
		    DB_INT(id)) ||
		!DB_GET(local->db, fault_out, &count,
			"SELECT count(*) FROM account_text WHERE account = ?", DB_INT(id)))
		return false;
	if (count >= IDENTITY_TEXTS_MAX ||
		bytes + 4 + (int64_t)strlen(text) > DIRECTORY_IDENTITY_MAX_BYTES)
		return fault_set(fault_out, FAULT_LIMIT,
			"the account has too many addresses, groups and grants");
	return true;
}

static bool
is_free(struct directory_local *local, int64_t id, enum directory_list list, const char *text,
	struct fault *fault_out)
{
	struct fault fault = FAULT_INIT;
	int64_t owner;

	if (!DB_GET(local->db, &fault, &owner,
		    "SELECT account FROM account_text WHERE list = ?1 AND text = ?2 "
		    "AND (account = ?3 OR ?1 = 0)",
		    DB_INT(list), DB_STR(text), DB_INT(id)))
		return fault.kind == FAULT_MISSING ||
			fault_set(fault_out, fault.kind, "%s", fault.text);
	if (owner == id)
		return fault_set(fault_out, FAULT_DENIED, "the account has %s %s already",
			list_words[list], text);
	return fault_set(fault_out, FAULT_DENIED,
		"%s %s belongs to another account; to let this one use it, grant send-as",
		list_words[list], text);
}

static bool
insert_text(struct directory_local *local, int64_t id, enum directory_list list, const char *text,
	bool first, struct fault *fault_out)
{
	const char *sql = first
		? "INSERT INTO account_text (account, list, text, position) SELECT ?1, ?2, ?3, "
		  "coalesce(min(position), 0) - 1 FROM account_text "
		  "WHERE account = ?1 AND list = ?2"
		: "INSERT INTO account_text (account, list, text, position) SELECT ?1, ?2, ?3, "
		  "coalesce(max(position), 0) + 1 FROM account_text "
		  "WHERE account = ?1 AND list = ?2";

	return DB_RUN(local->db, fault_out, sql, DB_INT(id), DB_INT(list), DB_STR(text));
}

bool
directory_local_add_text(struct directory_local *local, const char *login,
	enum directory_list list, const char *text, bool first, struct fault *fault_out)
{
	struct change change;

	return open_change(local, login, &change, fault_out) &&
		end(local,
			is_free(local, change.id, list, text, fault_out) &&
				has_room(local, change.id, text, fault_out) &&
				insert_text(local, change.id, list, text, first, fault_out),
			fault_out);
}

static bool
delete_text(struct directory_local *local, int64_t id, enum directory_list list, const char *text,
	struct fault *fault_out)
{
	if (!DB_RUN(local->db, fault_out,
		    "DELETE FROM account_text WHERE account = ? AND list = ? AND text = ?",
		    DB_INT(id), DB_INT(list), DB_STR(text)))
		return false;
	if (sqlite3_changes(local->db) > 0)
		return true;
	return fault_set(fault_out, FAULT_MISSING, "the account does not have %s %s",
		list_words[list], text);
}

bool
directory_local_delete_text(struct directory_local *local, const char *login,
	enum directory_list list, const char *text, uint64_t *epoch_out, struct fault *fault_out)
{
	struct change change;
	uint64_t epoch = 0;

	if (!open_change(local, login, &change, fault_out) ||
		!end(local,
			delete_text(local, change.id, list, text, fault_out) &&
				raise_epoch(local, change.id, &epoch, fault_out),
			fault_out))
		return false;
	*epoch_out = epoch;
	return true;
}
