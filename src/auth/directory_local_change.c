/* SPDX-License-Identifier: BSD-2-Clause */
/* The local directory: changes, each one transaction. */
#include <stdio.h>

#include "auth/directory_local_db.h"
#include "base/clock.h"

/* ---- transactions ---------------------------------------------------------------------------- */

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

bool
directory_local_next_epoch(struct directory_local *local, int64_t *epoch_out, struct fault *fault_out)
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

bool
directory_local_raise_epoch(struct directory_local *local, int64_t id, uint64_t *epoch_out,
	struct fault *fault_out)
{
	int64_t epoch;

	if (!directory_local_next_epoch(local, &epoch, fault_out) ||
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
	return directory_local_next_epoch(local, &epoch, fault_out) &&
		DB_GET(local->db, fault_out, &id,
			"INSERT INTO account (login, disabled, expires_ms, protocols, app_only, "
			"limits, epoch, changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
			DB_STR(login), DB_INT(settings->disabled), DB_INT(settings->expires_ms),
			DB_INT(settings->protocols), DB_INT(settings->app_only),
			DB_STR(settings->limits), DB_INT(epoch), DB_INT(clock_wall_ms())) &&
		(!keys || write_keys(local, id, keys, fault_out));
}

bool
directory_local_add(struct directory_local *local, const char *login,
	const struct directory_local_settings *settings, const struct scram_keys *keys,
	struct fault *fault_out)
{
	return db_begin(local, fault_out) &&
		db_end(local, insert_account(local, login, settings, keys, fault_out), fault_out);
}

bool
directory_local_open_change(struct directory_local *local, const char *login, int64_t *id_out,
	struct fault *fault_out)
{
	if (!db_begin(local, fault_out))
		return false;
	if (find_id(local, login, id_out, fault_out) &&
		DB_RUN(local->db, fault_out, "UPDATE account SET changed_ms = ? WHERE id = ?",
			DB_INT(clock_wall_ms()), DB_INT(*id_out)))
		return true;
	return db_end(local, false, fault_out);
}

bool
directory_local_delete(struct directory_local *local, const char *login, uint64_t *epoch_out,
	struct fault *fault_out)
{
	int64_t epoch;
	int64_t id;

	if (!directory_local_open_change(local, login, &id, fault_out))
		return false;
	if (!db_end(local,
		    directory_local_next_epoch(local, &epoch, fault_out) &&
			    note_revoked(local, id, epoch, fault_out) &&
			    DB_RUN(local->db, fault_out, "DELETE FROM login_seen WHERE login = ?",
				    DB_STR(login)) &&
			    DB_RUN(local->db, fault_out, "DELETE FROM account WHERE id = ?",
				    DB_INT(id)),
		    fault_out))
		return false;
	*epoch_out = (uint64_t)epoch;
	return true;
}

static bool
takes_away(const struct account *before, const struct directory_local_settings *after)
{
	bool sooner = after->expires_ms &&
		(!before->expires_ms || after->expires_ms < before->expires_ms);

	return (after->disabled && !before->disabled) || sooner ||
		(before->identity.protocols & ~after->protocols) ||
		(after->app_only & ~before->app_only);
}

bool
directory_local_set(struct directory_local *local, const char *login,
	const struct directory_local_settings *settings, uint64_t *epoch_out,
	struct fault *fault_out)
{
	struct account *before = NULL;
	uint64_t epoch = 0;
	int64_t id;
	bool good;

	if (!directory_local_open_change(local, login, &id, fault_out))
		return false;
	good = directory_local_find(local, login, &before, fault_out) == DIRECTORY_FOUND &&
		DB_RUN(local->db, fault_out,
			"UPDATE account SET disabled = ?, expires_ms = ?, protocols = ?, "
			"app_only = ?, limits = ? WHERE id = ?",
			DB_INT(settings->disabled), DB_INT(settings->expires_ms),
			DB_INT(settings->protocols), DB_INT(settings->app_only),
			DB_STR(settings->limits), DB_INT(id)) &&
		(!takes_away(before, settings) ||
			directory_local_raise_epoch(local, id, &epoch, fault_out));
	account_drop(&before);
	if (!db_end(local, good, fault_out))
		return false;
	*epoch_out = epoch;
	return true;
}

bool
directory_local_set_keys(struct directory_local *local, const char *login,
	const struct scram_keys *keys, uint64_t *epoch_out, struct fault *fault_out)
{
	uint64_t epoch = 0;
	int64_t id;
	bool good;

	if (!directory_local_open_change(local, login, &id, fault_out))
		return false;
	good = DB_RUN(local->db, fault_out, "DELETE FROM scram_key WHERE account = ?",
		       DB_INT(id)) &&
		write_keys(local, id, keys, fault_out) &&
		directory_local_raise_epoch(local, id, &epoch, fault_out);
	if (!db_end(local, good, fault_out))
		return false;
	*epoch_out = epoch;
	return true;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static const char *const list_words[DIRECTORY_LIST_COUNT] = {
	[DIRECTORY_ADDRESSES] = "the address",
	[DIRECTORY_SEND_AS] = "send-as",
	[DIRECTORY_ON_BEHALF] = "on-behalf",
};

const char *
directory_local_list_word(enum directory_list list)
{
	return list_words[list];
}

/* Four bytes are a text's length, two more the group of a grant; groups come with their grants. */
bool
directory_local_check_room(struct directory_local *local, int64_t id, struct fault *fault_out)
{
	static const char of_all[] =
		"SELECT %s FROM ("
		"SELECT text FROM account_text WHERE account = ?1 UNION ALL "
		"SELECT name FROM group_member JOIN account_group ON id = account_group "
		"  WHERE account = ?1 UNION ALL "
		"SELECT text FROM group_member JOIN group_text USING (account_group) "
		"  WHERE account = ?1)";
	char sql[sizeof of_all + 64];
	int64_t bytes;
	int64_t count;

	snprintf(sql, sizeof sql, of_all, "coalesce(sum(length(CAST(text AS BLOB)) + 6), 0)");
	if (!DB_GET(local->db, fault_out, &bytes, sql, DB_INT(id)))
		return false;
	snprintf(sql, sizeof sql, of_all, "count(*)");
	if (!DB_GET(local->db, fault_out, &count, sql, DB_INT(id)))
		return false;
	return (count <= IDENTITY_TEXTS_MAX && bytes <= DIRECTORY_IDENTITY_MAX_BYTES) ||
		fault_set(fault_out, FAULT_LIMIT,
			"the account has too many addresses, groups and grants");
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
	int64_t id;

	return directory_local_open_change(local, login, &id, fault_out) &&
		db_end(local,
			is_free(local, id, list, text, fault_out) &&
				insert_text(local, id, list, text, first, fault_out) &&
				directory_local_check_room(local, id, fault_out),
			fault_out);
}

/* Has the last statement found the text? */
static bool
check_had(struct directory_local *local, enum directory_list list, const char *text,
	struct fault *fault_out)
{
	return sqlite3_changes(local->db) > 0 ||
		fault_set(fault_out, FAULT_MISSING, "the account does not have %s %s",
			list_words[list], text);
}

static bool
move_first(struct directory_local *local, int64_t id, enum directory_list list, const char *text,
	struct fault *fault_out)
{
	if (!DB_RUN(local->db, fault_out,
		    "UPDATE account_text SET position = (SELECT min(position) - 1 "
		    "FROM account_text WHERE account = ?1 AND list = ?2) "
		    "WHERE account = ?1 AND list = ?2 AND text = ?3",
		    DB_INT(id), DB_INT(list), DB_STR(text)))
		return false;
	return check_had(local, list, text, fault_out);
}

bool
directory_local_move_first(struct directory_local *local, const char *login,
	enum directory_list list, const char *text, struct fault *fault_out)
{
	int64_t id;

	return directory_local_open_change(local, login, &id, fault_out) &&
		db_end(local, move_first(local, id, list, text, fault_out), fault_out);
}

static bool
delete_text(struct directory_local *local, int64_t id, enum directory_list list, const char *text,
	struct fault *fault_out)
{
	if (!DB_RUN(local->db, fault_out,
		    "DELETE FROM account_text WHERE account = ? AND list = ? AND text = ?",
		    DB_INT(id), DB_INT(list), DB_STR(text)))
		return false;
	return check_had(local, list, text, fault_out);
}

bool
directory_local_delete_text(struct directory_local *local, const char *login,
	enum directory_list list, const char *text, uint64_t *epoch_out, struct fault *fault_out)
{
	uint64_t epoch = 0;
	int64_t id;

	if (!directory_local_open_change(local, login, &id, fault_out) ||
		!db_end(local,
			delete_text(local, id, list, text, fault_out) &&
				directory_local_raise_epoch(local, id, &epoch, fault_out),
			fault_out))
		return false;
	*epoch_out = epoch;
	return true;
}

bool
directory_local_begin(struct directory_local *local, struct fault *fault_out)
{
	return db_begin(local, fault_out);
}

bool
directory_local_end(struct directory_local *local, bool good, struct fault *fault_out)
{
	return db_end(local, good, fault_out);
}
