/* SPDX-License-Identifier: BSD-2-Clause */
/* A copy of the spool in the making, below backup/: NAME.partial, and NAME once it is whole. */
#ifndef QUEUE_FOLDER_BACKUP_H
#define QUEUE_FOLDER_BACKUP_H

#include "queue/folder.h"

struct folder_backup;

enum { FOLDER_BACKUP_NAME_MAX = 64 };

/* Letters, digits, '-', '_' and '.', not first; not what an unfinished one is called. */
bool folder_backup_is_name(const char *name);
/* NULL and FAULT_BUSY if there is one of this name. */
struct folder_backup *folder_backup_new(
	const struct folder *folder, const char *name, struct fault *fault);
/* What was not finished is removed. */
void folder_backup_free(struct folder_backup **backup);
/* Where the copy of the database goes: the caller writes it, without syncing. */
const char *folder_backup_database(const struct folder_backup *backup);
bool folder_backup_sync_database(const struct folder_backup *backup, struct fault *fault);

/*
 * The files in it, one after the other: begun, then piece by piece until LAST; each is on disk
 * then, and stands in SHA256SUMS. A body is copied, the database is only read. All of it may block,
 * a piece as long as reading and writing PIECE_BYTES takes.
 */
enum { FOLDER_BACKUP_PIECE_BYTES = 2 * 1024 * 1024 };
enum folder_backup_piece {
	FOLDER_BACKUP_MORE,
	FOLDER_BACKUP_LAST,
	FOLDER_BACKUP_FAILED,
};
bool folder_backup_begin_body(
	struct folder_backup *backup, uint64_t number, bool *missing_out, struct fault *fault);
bool folder_backup_begin_database(struct folder_backup *backup, struct fault *fault);
enum folder_backup_piece folder_backup_piece(struct folder_backup *backup, struct fault *fault);
uint64_t folder_backup_bytes(const struct folder_backup *backup); /* in it so far */

/* All of it is on disk, under its name. */
bool folder_backup_finish(struct folder_backup *backup, struct fault *fault);

/* At start: what was never finished. */
void folder_backup_sweep(const struct folder *folder);

#endif
