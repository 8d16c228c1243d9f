/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of the local directory. */
#include "auth/directory_local_group.h"

#include "auth/directory_local_db.h"
#include "base/clock.h"

/* ---- one group ------------------------------------------------------------------------------- */

static bool
find_id(struct directory_local *local, const char *name, int64_t *id_out, struct fault *fault_out)
{
	struct fault fault = FAULT_INIT;

	if (DB_GET(local->db, &fault, id_out, "SELECT id FROM account_group WHERE name = ?",
		    DB_STR(name)))
		return true;
	if (fault.kind == FAULT_MISSING)
		return fault_set(fault_out, FAULT_MISSING, "there is no group %s", name);
	return fault_set(fault_out, fault.kind, "%s", fault.text);
}

static bool
insert_group(struct directory_local *local, const char *name, const char *limits,
	struct fault *fault_out)
{
	struct fault missing = FAULT_INIT;
	int64_t id;

	if (find_id(local, name, &id, &missing))
		return fault_set(fault_out, FAULT_DENIED, "there is a group %s already", name);
	return DB_RUN(local->db, fault_out,
		"INSERT INTO account_group (name, limits, changed_ms) VALUES (?, ?, ?)",
		DB_STR(name), DB_STR(limits), DB_INT(clock_wall_ms()));
}

bool
directory_local_add_group(struct directory_local *local, const char *name, const char *limits,
	struct fault *fault_out)
{
	return db_begin(local, fault_out) &&
		db_end(local, insert_group(local, name, limits, fault_out), fault_out);
}

/* ---- changes for all members ----------------------------------------------------------------- */

/* Who is told of a change, with what; the change is done when it is. */
struct spreading {
	struct directory_local *local;
	directory_member_fn each;
	void *context;
	int64_t id;
	int64_t epoch; /* 0: nothing is taken away */
	bool begun;
};

static bool
open_change(struct spreading *spreading, const char *name, struct fault *fault_out)
{
	struct directory_local *local = spreading->local;

	spreading->begun = db_begin(local, fault_out);
	return spreading->begun && find_id(local, name, &spreading->id, fault_out) &&
		DB_RUN(local->db, fault_out, "UPDATE account_group SET changed_ms = ? WHERE id = ?",
			DB_INT(clock_wall_ms()), DB_INT(spreading->id));
}

/* One epoch for all of them. */
static bool
take_from_members(struct spreading *spreading, struct fault *fault_out)
{
	struct directory_local *local = spreading->local;

	return directory_local_next_epoch(local, &spreading->epoch, fault_out) &&
		DB_RUN(local->db, fault_out,
			"UPDATE account SET epoch = ? WHERE id IN "
			"(SELECT account FROM group_member WHERE account_group = ?)",
			DB_INT(spreading->epoch), DB_INT(spreading->id)) &&
		DB_RUN(local->db, fault_out,
			"INSERT INTO revoked SELECT login, ?, ? FROM account WHERE id IN "
			"(SELECT account FROM group_member WHERE account_group = ?) "
			"ON CONFLICT (login) DO UPDATE SET epoch = excluded.epoch, "
			"since_ms = excluded.since_ms",
			DB_INT(spreading->epoch), DB_INT(clock_wall_ms()), DB_INT(spreading->id));
}

static bool
tell_members(const struct spreading *spreading, struct fault *fault_out)
{
	sqlite3 *db = spreading->local->db;
	sqlite3_stmt *statement = NULL;
	int result = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db,
		    "SELECT login FROM group_member JOIN account ON id = account "
		    "WHERE account_group = ? ORDER BY login",
		    -1, &statement, NULL) == SQLITE_OK &&
		db_bind(statement, &DB_INT(spreading->id), 1)) {
		while ((result = sqlite3_step(statement)) == SQLITE_ROW)
			spreading->each(spreading->context,
				(const char *)sqlite3_column_text(statement, 0),
				(uint64_t)spreading->epoch);
	}
	sqlite3_finalize(statement);
	return result == SQLITE_DONE || db_fault(db, fault_out, "accounts.db");
}

/* Members are told last within the transaction: what fails behind them makes them ask in vain. */
static bool
close_change(struct spreading *spreading, bool good, struct fault *fault_out)
{
	if (!spreading->begun)
		return false;
	return db_end(spreading->local, good && tell_members(spreading, fault_out), fault_out);
}

static bool
drop_group(struct spreading *spreading, struct fault *fault_out)
{
	return DB_RUN(spreading->local->db, fault_out, "DELETE FROM account_group WHERE id = ?",
		DB_INT(spreading->id));
}

bool
directory_local_delete_group(struct directory_local *local, const char *name,
	directory_member_fn each, void *context, struct fault *fault_out)
{
	struct spreading spreading = { .local = local, .each = each, .context = context };
	bool good = open_change(&spreading, name, fault_out) &&
		take_from_members(&spreading, fault_out) && tell_members(&spreading, fault_out) &&
		drop_group(&spreading, fault_out);

	return spreading.begun && db_end(local, good, fault_out);
}

bool
directory_local_set_group(struct directory_local *local, const char *name, const char *limits,
	directory_member_fn each, void *context, struct fault *fault_out)
{
	struct spreading spreading = { .local = local, .each = each, .context = context };
	bool good = open_change(&spreading, name, fault_out) &&
		DB_RUN(local->db, fault_out, "UPDATE account_group SET limits = ? WHERE id = ?",
			DB_STR(limits), DB_INT(spreading.id));

	return close_change(&spreading, good, fault_out);
}

/* ---- grants ---------------------------------------------------------------------------------- */

static bool
is_free(struct spreading *spreading, enum directory_list list, const char *text,
	struct fault *fault_out)
{
	struct fault fault = FAULT_INIT;
	int64_t found;

	if (DB_GET(spreading->local->db, &fault, &found,
		    "SELECT 1 FROM group_text WHERE account_group = ? AND list = ? AND text = ?",
		    DB_INT(spreading->id), DB_INT(list), DB_STR(text)))
		return fault_set(fault_out, FAULT_DENIED, "the group has %s %s already",
			directory_local_list_word(list), text);
	return fault.kind == FAULT_MISSING || fault_set(fault_out, fault.kind, "%s", fault.text);
}

/* A group alone fits an identity, whoever joins it. */
static bool
check_room(const struct spreading *spreading, struct fault *fault_out)
{
	struct fault fault = FAULT_INIT;
	int64_t found;

	if (DB_GET(spreading->local->db, &fault, &found,
		    "SELECT 1 FROM (SELECT count(*) AS texts, "
		    "sum(length(CAST(text AS BLOB)) + 6) AS bytes FROM group_text "
		    "WHERE account_group = ?) WHERE texts > ? OR bytes > ?",
		    DB_INT(spreading->id), DB_INT(IDENTITY_TEXTS_MAX),
		    DB_INT(DIRECTORY_IDENTITY_MAX_BYTES)))
		return fault_set(fault_out, FAULT_LIMIT, "the group has too many grants");
	return fault.kind == FAULT_MISSING || fault_set(fault_out, fault.kind, "%s", fault.text);
}

/* No member's identity may outgrow its message by what the group is given. */
static bool
check_members(const struct spreading *spreading, struct fault *fault_out)
{
	struct directory_local *local = spreading->local;
	struct fault fault = FAULT_INIT;
	int64_t id = 0;

	while (DB_GET(local->db, &fault, &id,
		"SELECT account FROM group_member WHERE account_group = ? AND account > ? "
		"ORDER BY account LIMIT 1",
		DB_INT(spreading->id), DB_INT(id))) {
		if (!directory_local_check_room(local, id, fault_out))
			return fault_add(fault_out, "a member of the group");
	}
	return fault.kind == FAULT_MISSING || fault_set(fault_out, fault.kind, "%s", fault.text);
}

bool
directory_local_add_group_text(struct directory_local *local, const char *name,
	enum directory_list list, const char *text, directory_member_fn each, void *context,
	struct fault *fault_out)
{
	struct spreading spreading = { .local = local, .each = each, .context = context };
	bool good = open_change(&spreading, name, fault_out) &&
		is_free(&spreading, list, text, fault_out) &&
		DB_RUN(local->db, fault_out,
			"INSERT INTO group_text (account_group, list, text, position) "
			"SELECT ?1, ?2, ?3, coalesce(max(position), 0) + 1 FROM group_text "
			"WHERE account_group = ?1 AND list = ?2",
			DB_INT(spreading.id), DB_INT(list), DB_STR(text)) &&
		check_room(&spreading, fault_out) && check_members(&spreading, fault_out);

	return close_change(&spreading, good, fault_out);
}

static bool
delete_text(struct spreading *spreading, enum directory_list list, const char *text,
	struct fault *fault_out)
{
	sqlite3 *db = spreading->local->db;

	if (!DB_RUN(db, fault_out,
		    "DELETE FROM group_text WHERE account_group = ? AND list = ? AND text = ?",
		    DB_INT(spreading->id), DB_INT(list), DB_STR(text)))
		return false;
	return sqlite3_changes(db) > 0 ||
		fault_set(fault_out, FAULT_MISSING, "the group does not have %s %s",
			directory_local_list_word(list), text);
}

bool
directory_local_delete_group_text(struct directory_local *local, const char *name,
	enum directory_list list, const char *text, directory_member_fn each, void *context,
	struct fault *fault_out)
{
	struct spreading spreading = { .local = local, .each = each, .context = context };
	bool good = open_change(&spreading, name, fault_out) &&
		delete_text(&spreading, list, text, fault_out) &&
		take_from_members(&spreading, fault_out);

	return close_change(&spreading, good, fault_out);
}

/* ---- members --------------------------------------------------------------------------------- */

static bool
insert_member(struct directory_local *local, int64_t account, const char *group,
	struct fault *fault_out)
{
	struct fault fault = FAULT_INIT;
	int64_t found;
	int64_t id;

	if (!find_id(local, group, &id, fault_out))
		return false;
	if (DB_GET(local->db, &fault, &found,
		    "SELECT 1 FROM group_member WHERE account_group = ? AND account = ?",
		    DB_INT(id), DB_INT(account)))
		return fault_set(fault_out, FAULT_DENIED, "the account is in the group %s already",
			group);
	return DB_RUN(local->db, fault_out,
		       "INSERT INTO group_member (account, account_group, position) SELECT ?1, ?2, "
		       "coalesce(max(position), 0) + 1 FROM group_member WHERE account = ?1",
		       DB_INT(account), DB_INT(id)) &&
		directory_local_check_room(local, account, fault_out);
}

bool
directory_local_join(struct directory_local *local, const char *login, const char *group,
	struct fault *fault_out)
{
	int64_t account;

	return directory_local_open_change(local, login, &account, fault_out) &&
		db_end(local, insert_member(local, account, group, fault_out), fault_out);
}

static bool
delete_member(struct directory_local *local, int64_t account, const char *group,
	struct fault *fault_out)
{
	int64_t id;

	if (!find_id(local, group, &id, fault_out) ||
		!DB_RUN(local->db, fault_out,
			"DELETE FROM group_member WHERE account_group = ? AND account = ?",
			DB_INT(id), DB_INT(account)))
		return false;
	return sqlite3_changes(local->db) > 0 ||
		fault_set(fault_out, FAULT_MISSING, "the account is not in the group %s", group);
}

bool
directory_local_leave(struct directory_local *local, const char *login, const char *group,
	uint64_t *epoch_out, struct fault *fault_out)
{
	uint64_t epoch = 0;
	int64_t account;

	if (!directory_local_open_change(local, login, &account, fault_out) ||
		!db_end(local,
			delete_member(local, account, group, fault_out) &&
				directory_local_raise_epoch(local, account, &epoch, fault_out),
			fault_out))
		return false;
	*epoch_out = epoch;
	return true;
}

/* ---- what is there --------------------------------------------------------------------------- */

/* The first column of all rows, at most max of them. */
static bool
read_texts(struct directory_local *local, const char *sql, const struct db_value *values,
	size_t count, size_t max, struct arena *arena, struct settings_texts *texts_out,
	struct fault *fault_out)
{
	const char **texts = arena_alloc(arena, max * sizeof *texts);
	sqlite3_stmt *statement = NULL;
	int result = SQLITE_ERROR;
	size_t found = 0;

	if (sqlite3_prepare_v2(local->db, sql, -1, &statement, NULL) == SQLITE_OK &&
		db_bind(statement, values, count)) {
		while ((result = sqlite3_step(statement)) == SQLITE_ROW && found < max)
			texts[found++] = directory_local_column(statement, 0, arena);
	}
	sqlite3_finalize(statement);
	if (result != SQLITE_DONE)
		return db_fault(local->db, fault_out, "accounts.db");
	*texts_out = (struct settings_texts){ .items = texts, .count = found };
	return true;
}

static bool
read_patterns(struct directory_local *local, int64_t id, enum directory_list list,
	struct arena *arena, struct settings_texts *texts_out, struct fault *fault_out)
{
	const struct db_value values[] = { DB_INT(id), DB_INT(list), DB_INT(IDENTITY_TEXTS_MAX) };

	return read_texts(local,
		"SELECT text FROM group_text WHERE account_group = ? AND list = ? "
		"ORDER BY position LIMIT ?",
		values, 3, IDENTITY_TEXTS_MAX, arena, texts_out, fault_out);
}

bool
directory_local_find_group(struct directory_local *local, const char *name, struct arena *arena,
	struct directory_local_group *group_out, struct fault *fault_out)
{
	struct directory_local_group group = { .name = NULL };
	sqlite3_stmt *statement = NULL;
	int64_t id;

	if (!find_id(local, name, &id, fault_out))
		return false;
	if (sqlite3_prepare_v2(local->db,
		    "SELECT name, limits, changed_ms FROM account_group WHERE id = ?", -1,
		    &statement, NULL) == SQLITE_OK &&
		db_bind(statement, &DB_INT(id), 1) && sqlite3_step(statement) == SQLITE_ROW) {
		group.name = directory_local_column(statement, 0, arena);
		group.limits = directory_local_column(statement, 1, arena);
		group.changed_ms = sqlite3_column_int64(statement, 2);
	}
	sqlite3_finalize(statement);
	if (!group.name)
		return db_fault(local->db, fault_out, "accounts.db");
	if (!read_patterns(local, id, DIRECTORY_SEND_AS, arena, &group.send_as, fault_out) ||
		!read_patterns(local, id, DIRECTORY_ON_BEHALF, arena, &group.on_behalf, fault_out))
		return false;
	*group_out = group;
	return true;
}

bool
directory_local_groups(struct directory_local *local, const char *after, size_t max,
	struct arena *arena, struct settings_texts *names_out, struct fault *fault_out)
{
	const struct db_value values[] = { DB_STR(after), DB_INT(max) };

	return read_texts(local,
		"SELECT name FROM account_group WHERE name > ? ORDER BY name LIMIT ?", values, 2,
		max, arena, names_out, fault_out);
}

bool
directory_local_members(struct directory_local *local, const char *name, const char *after,
	size_t max, struct arena *arena, struct settings_texts *logins_out,
	struct fault *fault_out)
{
	const struct db_value values[] = { DB_STR(name), DB_STR(after), DB_INT(max) };

	return read_texts(local,
		"SELECT login FROM account_group JOIN group_member "
		"ON account_group = account_group.id JOIN account ON account.id = account "
		"WHERE name = ? AND login > ? ORDER BY login LIMIT ?",
		values, 3, max, arena, logins_out, fault_out);
}
