/* SPDX-License-Identifier: BSD-2-Clause */
/* A backup of the spool, a step at a time between transactions. */
#include "queue/folder_backup.h"
#include "queue/spool_table.h"

enum { STEP_PAGES = 256 }; /* of the database: as much as a piece of a body, or less */

struct numbers {
	uint64_t *items;
	size_t count;
	size_t room;
};

struct spool_copying {
	const struct spool_backup *request;
	struct folder_backup *files;
	sqlite3 *copy;            /* NULL once the database is copied */
	sqlite3_backup *pages;
	struct numbers bodies;    /* that the copy of the database names */
	size_t next_body;
	bool in_file;             /* one is begun */
	bool database_begun;      /* the last of them */
	struct numbers unwanted;  /* body files of messages that left the queue meanwhile */
};

static void
numbers_add(struct numbers *numbers, uint64_t number)
{
	if (numbers->count == numbers->room) {
		numbers->room = numbers->room ? 2 * numbers->room : 64;
		numbers->items = mem_grow_array(
			numbers->items, numbers->room, sizeof(*numbers->items));
	}
	numbers->items[numbers->count++] = number;
}

bool
spool_backup_takes(struct spool_store *store, uint64_t file)
{
	if (!store->copying)
		return false;
	numbers_add(&store->copying->unwanted, file);
	return true;
}

void
spool_backup_drop(struct spool_store *store)
{
	struct spool_copying *copying = store->copying;
	store->copying = NULL;
	if (!copying)
		return;
	sqlite3_backup_finish(copying->pages);
	sqlite3_close(copying->copy);
	folder_backup_free(&copying->files);
	for (size_t i = 0; i < copying->unwanted.count; i++)
		folder_remove_body(store->folder, copying->unwanted.items[i]);
	mem_free(&copying->unwanted.items);
	mem_free(&copying->bodies.items);
	mem_free(&copying);
}

static bool
database_failed(struct spool_copying *copying, struct fault *fault)
{
	return fault_set(fault,
		sqlite3_errcode(copying->copy) == SQLITE_FULL ? FAULT_LIMIT : FAULT_SYSTEM,
		"the copy of the database: %s", sqlite3_errmsg(copying->copy));
}

static bool
begin(struct spool_store *store, struct spool_backup *backup)
{
	/* It becomes what it is by its syncs and its last name, not by a journal. */
	static const char set_up[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
				     "PRAGMA cache_size = -2048";
	struct spool_copying *copying = mem_alloc(sizeof(*copying));
	copying->request = backup;
	store->copying = copying;
	copying->files = folder_backup_new(store->folder, backup->name, &backup->fault);
	if (!copying->files)
		return false;
	if (sqlite3_open_v2(folder_backup_database(copying->files), &copying->copy,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		    NULL) == SQLITE_OK &&
		sqlite3_exec(copying->copy, set_up, NULL, NULL, NULL) == SQLITE_OK)
		copying->pages = sqlite3_backup_init(
			copying->copy, "main", store->db.sqlite, "main");
	return copying->pages || database_failed(copying, &backup->fault);
}

/* The copy is of this moment: which bodies are in it is read before anything changes. */
static bool
end_database(struct spool_store *store, struct spool_backup *backup)
{
	struct spool_copying *copying = store->copying;
	struct spool_db *db = &store->db;
	backup->messages = store->counts.messages;
	while (spool_db_row(db, SQL_FILE_ALL))
		numbers_add(&copying->bodies, (uint64_t)spool_db_number(db, SQL_FILE_ALL, 0));
	spool_db_done(db, SQL_FILE_ALL);
	if (!spool_store_is_sound(store)) {
		backup->fault = db->fault;
		return false;
	}
	int code = sqlite3_backup_finish(copying->pages);
	copying->pages = NULL;
	if (code == SQLITE_OK)
		code = sqlite3_close(copying->copy);
	if (code != SQLITE_OK)
		return database_failed(copying, &backup->fault);
	copying->copy = NULL;
	return true;
}

/* What commits change while this is under way, SQLite changes in the copy too. */
static bool
copy_pages(struct spool_store *store, struct spool_backup *backup)
{
	struct spool_copying *copying = store->copying;
	int code = sqlite3_backup_step(copying->pages, STEP_PAGES);
	if (code == SQLITE_DONE) {
		if (!end_database(store, backup))
			return false;
	} else if (code != SQLITE_OK) {
		return fault_set(&backup->fault, code == SQLITE_FULL ? FAULT_LIMIT : FAULT_SYSTEM,
			"the copy of the database: %s", sqlite3_errstr(code));
	}
	return folder_backup_sync_database(copying->files, &backup->fault);
}

/* Skips bodies that are missing. False: there is none left, or it failed. */
static bool
begin_body(struct spool_copying *copying, struct spool_backup *backup)
{
	bool missing = true;
	while (missing && copying->next_body < copying->bodies.count) {
		if (!folder_backup_begin_body(copying->files,
			    copying->bodies.items[copying->next_body++], &missing, &backup->fault))
			return false;
		backup->bodies += !missing;
		backup->missing += missing;
	}
	return !missing;
}

static enum spool_result
copy_files(struct spool_copying *copying, struct spool_backup *backup)
{
	if (!copying->in_file && begin_body(copying, backup)) {
		copying->in_file = true;
	} else if (!copying->in_file) {
		if (backup->fault.kind != FAULT_NONE)
			return SPOOL_BROKEN;
		if (copying->database_begun)
			return folder_backup_finish(copying->files, &backup->fault) ?
				SPOOL_DONE :
				SPOOL_BROKEN;
		copying->database_begun = true;
		if (!folder_backup_begin_database(copying->files, &backup->fault))
			return SPOOL_BROKEN;
		copying->in_file = true;
	}
	switch (folder_backup_piece(copying->files, &backup->fault)) {
	case FOLDER_BACKUP_FAILED:
		return SPOOL_BROKEN;
	case FOLDER_BACKUP_LAST:
		copying->in_file = false;
		break;
	case FOLDER_BACKUP_MORE:
		break;
	}
	backup->bytes = folder_backup_bytes(copying->files);
	return SPOOL_UNDONE;
}

static bool
has_room(const struct spool_store *store, struct spool_backup *backup)
{
	struct folder_space space;
	if (!folder_space(store->folder, &space) ||
		space.bytes >= backup->keep_free + FOLDER_BACKUP_PIECE_BYTES)
		return true;
	return fault_set(&backup->fault, FAULT_LIMIT, "the disk has no room for a backup");
}

static enum spool_result
step(struct spool_store *store, struct spool_backup *backup)
{
	if (!has_room(store, backup) || (!store->copying && !begin(store, backup)))
		return SPOOL_BROKEN;
	if (store->copying->copy)
		return copy_pages(store, backup) ? SPOOL_UNDONE : SPOOL_BROKEN;
	return copy_files(store->copying, backup);
}

void
spool_backup_step(struct spool_store *store, struct spool_backup *backup)
{
	if (store->copying && store->copying->request != backup) {
		backup->request.result = SPOOL_CROWDED;
		return;
	}
	backup->request.result = step(store, backup);
	if (backup->request.result == SPOOL_UNDONE)
		return;
	if (backup->request.result == SPOOL_BROKEN && backup->fault.kind == FAULT_BUSY)
		backup->request.result = SPOOL_CLASH;
	else if (backup->request.result == SPOOL_BROKEN && backup->fault.kind == FAULT_LIMIT)
		backup->request.result = SPOOL_FULL;
	spool_backup_drop(store);
}
