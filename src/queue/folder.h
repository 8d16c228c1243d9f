/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool's folder: its owner and mode, body files, the reserve, what is set aside. */
#ifndef QUEUE_FOLDER_H
#define QUEUE_FOLDER_H

#include "base/digest.h"
#include "base/fault.h"

#include <sys/types.h>

struct folder;

/*
 * Makes what is missing below path (which itself is made if its parent is there). False if it is
 * another's or open to others. Foreign entries of the folder itself are set aside in corrupt/.
 */
struct folder *folder_open(const char *path, struct fault *fault);
void folder_free(struct folder **folder);
const char *folder_database(const struct folder *folder); /* its path */
/* What was made, removed or renamed in it is on disk. */
bool folder_sync(const struct folder *folder, struct fault *fault);
/* A folder in it, ours and closed to others, made if it is not there; -1 and a fault. */
int folder_open_part(const struct folder *folder, const char *name, struct fault *fault);

/*
 * Body files. All calls below are safe from any thread, and may block. Numbers are from 1.
 * A file that is not a plain one of ours with one link counts as missing.
 */
enum folder_result {
	FOLDER_DONE,
	FOLDER_WRONG,  /* another length or hash, or still open for writing */
	FOLDER_FAILED, /* the disk, or no such file; fault says which */
};
/* Empty, for reading and writing, 0600; -1 and errno in the fault. */
int folder_make_body(const struct folder *folder, uint64_t number, struct fault *fault);
/*
 * Checks that nobody can write it any more (where the file system has leases), length and SHA-256,
 * and syncs it; its name is safe only after folder_sync_bodies().
 */
enum folder_result folder_seal_body(const struct folder *folder, uint64_t number, uint64_t length,
	const unsigned char hash[DIGEST_BYTES], bool sync, struct fault *fault);
bool folder_sync_bodies(const struct folder *folder, struct fault *fault);
#define FOLDER_ANY_LENGTH UINT64_MAX
/*
 * For reading; -1 and FAULT_MISSING if it is not there with this length, FAULT_SYSTEM if that cannot
 * be told just now.
 */
int folder_open_body(const struct folder *folder, uint64_t number, uint64_t length,
	struct fault *fault);
/* Reads it whole, by offset. */
enum folder_result folder_check_body(int fd, const unsigned char hash[DIGEST_BYTES]);
/* What cannot be removed is swept at the next start. */
void folder_remove_body(const struct folder *folder, uint64_t number);

/*
 * At start: of the body files that nobody wants, removes those below limit, and sets aside the others
 * and whatever else is there. Gives how many were removed.
 */
size_t folder_sweep_bodies(const struct folder *folder, uint64_t limit,
	bool (*is_wanted)(void *context, uint64_t number), void *context);

/*
 * Room that is given back when the disk is full: enough to write SQLite's whole log into the
 * tables, after which the log's own room is free. False if the disk has no room for it.
 */
enum { FOLDER_RESERVE_BYTES = 20 * 1024 * 1024 };
bool folder_has_reserve(const struct folder *folder);
bool folder_fill_reserve(const struct folder *folder);
void folder_release_reserve(const struct folder *folder);

struct folder_space {
	uint64_t bytes; /* free for us, beyond what the reserve still lacks */
	uint64_t files; /* inodes; UINT64_MAX where the file system does not count them */
};
bool folder_space(const struct folder *folder, struct folder_space *space_out);

#endif
