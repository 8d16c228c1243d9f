/* SPDX-License-Identifier: BSD-2-Clause */
/* App passwords of the local directory. */
#include "auth/directory_local_app.h"

#include "auth/directory_local_db.h"
#include "base/clock.h"

enum { REVOKED_KEPT_MS = 24 * 3600 * 1000 }; /* longer than any grant lives */

/* ---- reading --------------------------------------------------------------------------------- */

/* The columns before these are those of a key. */
static void
read_app(sqlite3_stmt *statement, struct arena *arena, struct app_password *app)
{
	app->id = (uint64_t)sqlite3_column_int64(statement, 5);
	app->label = directory_local_column(statement, 6, arena);
	app->protocols = (uint8_t)sqlite3_column_int(statement, 7);
	app->expires_ms = sqlite3_column_int64(statement, 8);
	app->created_ms = sqlite3_column_int64(statement, 9);
	app->used_ms = sqlite3_column_int64(statement, 10);
	app->used_protocol = (uint8_t)sqlite3_column_int(statement, 11);
	app->used_address = directory_local_column(statement, 12, arena);
}

/* Which of its keys this row has, as a bit; 0: it has none that is good. */
static unsigned
read_app_key(sqlite3_stmt *statement, struct app_password *app)
{
	struct scram_keys keys;
	unsigned found = 0;

	if (sqlite3_column_type(statement, 0) != SQLITE_NULL &&
		directory_local_read_keys(statement, &keys)) {
		app->keys[keys.hash] = keys;
		found = 1U << keys.hash;
	}
	mem_wipe(&keys, sizeof keys);
	return found;
}

/* A row for each key, those of one app password one behind the other: each must have all of them. */
bool
directory_local_read_apps(struct directory_local *local, int64_t id, struct account *account)
{
	static const unsigned all_keys = (1U << SCRAM_HASH_COUNT) - 1;
	sqlite3_stmt *statement = local->statements[FIND_APPS];
	struct app_password found[APP_PASSWORDS_MAX];
	unsigned keys = all_keys;
	uint64_t last = 0;
	size_t count = 0;
	int result;

	db_bind(statement, &DB_INT(id), 1);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		if ((uint64_t)sqlite3_column_int64(statement, 5) != last) {
			if (keys != all_keys || count == APP_PASSWORDS_MAX)
				break;
			read_app(statement, account->arena, &found[count]);
			last = found[count++].id;
			keys = 0;
		}
		keys |= read_app_key(statement, &found[count - 1]);
	}
	sqlite3_reset(statement);
	account->apps = arena_dup(account->arena, found, count * sizeof found[0]);
	account->app_count = count;
	mem_wipe(found, count * sizeof found[0]);
	return result == SQLITE_DONE && keys == all_keys;
}

/* ---- salts ----------------------------------------------------------------------------------- */

/* Those of the account, or the decoy's where it has none. What is in keys besides is not to be used. */
static void
find_salts(const struct account *account, const struct directory_local *local,
	struct scram_keys keys_out[SCRAM_HASH_COUNT])
{
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (account->app_count > 0)
			keys_out[i] = account->apps[0].keys[i];
		else
			scram_keys_app_decoy(&keys_out[i], (enum scram_hash)i,
				directory_local_secret(local), span_text(account->identity.login));
	}
}

static bool
fits(const struct scram_keys *one, const struct scram_keys *other)
{
	return one->iterations == other->iterations && one->salt_length == other->salt_length &&
		span_equal(span_of(one->salt, one->salt_length),
			span_of(other->salt, other->salt_length));
}

/* The first ones give the salts. */
static bool
put_salts(struct directory_local *local, int64_t id, const struct account *account,
	const struct scram_keys *keys, struct fault *fault_out)
{
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (account->app_count > 0 && !fits(&keys[i], &account->apps[0].keys[i]))
			return fault_set(fault_out, FAULT_DENIED,
				"app passwords of one account have one salt and iterations");
		if (account->app_count == 0 &&
			!DB_RUN(local->db, fault_out,
				"INSERT OR REPLACE INTO app_salt (account, hash, iterations, salt) "
				"VALUES (?, ?, ?, ?)",
				DB_INT(id), DB_STR(scram_hash_name(keys[i].hash)),
				DB_INT(keys[i].iterations),
				DB_BLOB(keys[i].salt, keys[i].salt_length)))
			return false;
	}
	return true;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static bool
put_keys(struct directory_local *local, int64_t app, const struct scram_keys *keys,
	struct fault *fault_out)
{
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		size_t size = scram_hash_bytes(keys[i].hash);

		if (!DB_RUN(local->db, fault_out,
			    "INSERT INTO app_key (app_password, hash, stored, server) "
			    "VALUES (?, ?, ?, ?)",
			    DB_INT(app), DB_STR(scram_hash_name(keys[i].hash)),
			    DB_BLOB(keys[i].stored, size), DB_BLOB(keys[i].server, size)))
			return false;
	}
	return true;
}

static bool
is_free(const struct account *account, const char *label, struct fault *fault_out)
{
	if (account_find_app(account, span_text(label)))
		return fault_set(fault_out, FAULT_DENIED,
			"the account has an app password %s already", label);
	return account->app_count < APP_PASSWORDS_MAX ||
		fault_set(fault_out, FAULT_LIMIT, "the account has %d app passwords, as many as it may",
			APP_PASSWORDS_MAX);
}

static bool
insert_app(struct directory_local *local, int64_t id, const struct account *account,
	const struct directory_local_app *app, const struct scram_keys *keys,
	struct fault *fault_out)
{
	int64_t made;

	return is_free(account, app->label, fault_out) &&
		put_salts(local, id, account, keys, fault_out) &&
		DB_GET(local->db, fault_out, &made,
			"INSERT INTO app_password (account, label, protocols, expires_ms, "
			"created_ms, used_ms, used_protocol, used_address) "
			"VALUES (?, ?, ?, ?, ?, 0, 0, '') RETURNING id",
			DB_INT(id), DB_STR(app->label), DB_INT(app->protocols),
			DB_INT(app->expires_ms),
			DB_INT(app->created_ms ? app->created_ms : clock_wall_ms())) &&
		put_keys(local, made, keys, fault_out);
}

/* keys, or else made of the password. */
static bool
add_app(struct directory_local *local, const char *login, const struct directory_local_app *app,
	const struct scram_keys *keys, struct span password, struct fault *fault_out)
{
	struct scram_keys made[SCRAM_HASH_COUNT];
	struct account *account = NULL;
	int64_t id;
	bool good;

	if (!directory_local_open_change(local, login, &id, fault_out))
		return false;
	good = directory_local_find(local, login, &account, fault_out) == DIRECTORY_FOUND;
	if (good && !keys) {
		find_salts(account, local, made);
		for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
			scram_keys_derive(&made[i], (enum scram_hash)i, made[i].iterations,
				span_of(made[i].salt, made[i].salt_length), password);
		keys = made;
	}
	good = good && insert_app(local, id, account, app, keys, fault_out);
	account_drop(&account);
	mem_wipe(made, sizeof made);
	return db_end(local, good, fault_out);
}

bool
directory_local_add_app(struct directory_local *local, const char *login,
	const struct directory_local_app *app, struct span password, struct fault *fault_out)
{
	return add_app(local, login, app, NULL, password, fault_out);
}

bool
directory_local_put_app(struct directory_local *local, const char *login,
	const struct directory_local_app *app, const struct scram_keys *keys,
	struct fault *fault_out)
{
	return add_app(local, login, app, keys, SPAN_EMPTY, fault_out);
}

/* ---- revoking -------------------------------------------------------------------------------- */

static bool
delete_app(struct directory_local *local, int64_t account, const char *login, const char *label,
	int64_t *id_out, struct fault *fault_out)
{
	struct fault fault = FAULT_INIT;
	int64_t now = clock_wall_ms();

	if (!DB_GET(local->db, &fault, id_out,
		    "DELETE FROM app_password WHERE account = ? AND label = ? RETURNING id",
		    DB_INT(account), DB_STR(label)))
		return fault_set(fault_out, fault.kind,
			fault.kind == FAULT_MISSING ? "the account has no app password %s" : "%s",
			fault.kind == FAULT_MISSING ? label : fault.text);
	return DB_RUN(local->db, fault_out, "DELETE FROM revoked_credential WHERE since_ms < ?",
		       DB_INT(now - REVOKED_KEPT_MS)) &&
		DB_RUN(local->db, fault_out, "INSERT INTO revoked_credential VALUES (?, ?, ?)",
			DB_INT(*id_out), DB_STR(login), DB_INT(now));
}

bool
directory_local_revoke_app(struct directory_local *local, const char *login, const char *label,
	uint64_t *id_out, struct fault *fault_out)
{
	int64_t account;
	int64_t id;

	if (!directory_local_open_change(local, login, &account, fault_out) ||
		!db_end(local, delete_app(local, account, login, label, &id, fault_out), fault_out))
		return false;
	*id_out = (uint64_t)id;
	return true;
}

bool
directory_local_revoked_apps(struct directory_local *local, int64_t since_ms,
	void (*each)(void *context, const char *login, uint64_t id), void *context,
	struct fault *fault_out)
{
	return db_each_since(local->db,
		"SELECT login, credential FROM revoked_credential WHERE since_ms >= ?", since_ms, each,
		context, fault_out);
}
