/* SPDX-License-Identifier: BSD-2-Clause */
/* What the requests of spool.h do to the tables, one after the other, on the spool's thread. */
#ifndef QUEUE_SPOOL_STORE_H
#define QUEUE_SPOOL_STORE_H

#include "queue/spool.h"

struct spool_store;

/* Opens, recovers, brings up to date, sweeps. */
struct spool_store *spool_store_open(const char *path, bool sync, struct fault *fault);
void spool_store_close(struct spool_store **store);
const struct folder *spool_store_folder(const struct spool_store *store);
/* As they stand after the last committed transaction. */
const struct spool_counts *spool_store_counts(const struct spool_store *store);
/* Numbers that no restart gives out again. Limits are durable only after a transaction. */
uint64_t spool_store_first_file(const struct spool_store *store);
uint64_t spool_store_file_limit(const struct spool_store *store);
uint64_t spool_store_first_job(const struct spool_store *store);

/*
 * A transaction: what was done in it is durable when commit is true; after false nothing of it
 * happened, and failure says why: FULL or BROKEN.
 */
bool spool_store_begin(struct spool_store *store);
bool spool_store_commit(struct spool_store *store);
void spool_store_rollback(struct spool_store *store);
bool spool_store_is_sound(const struct spool_store *store); /* no error since begin, or in read */
enum spool_result spool_store_failure(const struct spool_store *store);
const struct fault *spool_store_fault(const struct spool_store *store);

/* Has SQLite said since the last call that the file is not what was written? Or that it could not read. */
bool spool_store_take_damage(struct spool_store *store);

/* Inside a transaction, a request that writes; results in the request. */
void spool_store_write(struct spool_store *store, struct spool_request *request);
/* Outside of one, a request that reads: what it gives is durable. BROKEN: the fault tells why. */
void spool_store_read(struct spool_store *store, struct spool_request *request);
bool spool_store_is_reading(const struct spool_request *request);

/* Outside of one, when the disk is full: gives the reserve back, empties the log. */
void spool_store_make_room(struct spool_store *store);
/* Outside of one: after an error, writes and syncs everything anew. False: still broken. */
bool spool_store_probe(struct spool_store *store);

#endif
