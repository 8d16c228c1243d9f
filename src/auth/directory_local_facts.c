/* SPDX-License-Identifier: BSD-2-Clause */
/* The local directory: what is to be known of all accounts together. */
#include "auth/directory_local_db.h"

bool
directory_local_mix(struct directory_local *local, struct scram_mix *mix_out,
	struct fault *fault_out)
{
	struct scram_mix mix = { .counts = { 0 } };
	sqlite3_stmt *statement = NULL;
	int result = SQLITE_ERROR;
	enum scram_hash hash;

	if (sqlite3_prepare_v2(local->db,
		    "SELECT hash, iterations, keys FROM scram_count ORDER BY iterations", -1,
		    &statement, NULL) == SQLITE_OK) {
		while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
			const char *name = (const char *)sqlite3_column_text(statement, 0);

			if (scram_hash_find(span_text(name), &hash))
				scram_mix_add(&mix, hash, (uint32_t)sqlite3_column_int64(statement, 1),
					(uint64_t)sqlite3_column_int64(statement, 2));
		}
	}
	sqlite3_finalize(statement);
	if (result != SQLITE_DONE)
		return db_fault(local->db, fault_out, "accounts.db");
	*mix_out = mix;
	return true;
}

bool
directory_local_revoked(struct directory_local *local, int64_t since_ms,
	void (*each)(void *context, const char *login, uint64_t epoch), void *context,
	struct fault *fault_out)
{
	return db_each_since(local->db,
		"SELECT login, epoch FROM revoked WHERE since_ms >= ? ORDER BY since_ms", since_ms, each,
		context, fault_out);
}
