/* SPDX-License-Identifier: BSD-2-Clause */
/* The store's insides, shared by spool_store.c, spool_read.c and spool_write.c alone. */
#ifndef QUEUE_SPOOL_TABLE_H
#define QUEUE_SPOOL_TABLE_H

#include "queue/brief.h"
#include "queue/index.h"
#include "queue/spool_db.h"
#include "queue/spool_store.h"

/* spool_resend.c's */
struct spool_resends {
	struct index index; /* from a part of the key to the seq */
	struct spool_resend_change *changes;
	size_t change_count;
	size_t change_room;
};

struct spool_store {
	struct spool_db db;
	struct folder *folder;
	uint64_t next_seq;
	uint64_t first_file;
	uint64_t file_limit;
	uint64_t first_job;
	struct spool_counts counts;
	uint64_t start_seq;        /* next_seq when it was opened */
	int64_t clock_ms;          /* as last written; 0: this run has not looked at it */
	struct timekeeper_gap gap;
	/* as they were at the start of the transaction */
	int64_t old_clock_ms;
	uint64_t old_next_seq;
	uint64_t old_file_limit;
	struct spool_counts old_counts;
	bool full;                 /* what room there is now is the reserve's, until the next tick looks */
	bool sync;
	bool sync_bodies;          /* before commit: a message with a body file came in */
	uint64_t *unwanted;        /* body files to be removed after commit */
	size_t unwanted_count;
	size_t unwanted_room;
	struct arena *scratch;     /* for the length of one request */
	struct buf brief;
	struct spool_resends resends;
	struct spool_copying *copying; /* spool_backup.c's; NULL: no backup is under way */
	uint64_t forget_after_seq; /* pruning: history up to here was looked at in this round */
};

/* spool_read.c */
void spool_read_fetch(struct spool_store *store, struct spool_fetch *fetch);
void spool_read_page(struct spool_store *store, struct spool_page *page);
void spool_read_track(struct spool_store *store, struct spool_track *track);
/* Those stored of a message, in order, in the arena. */
size_t spool_read_recipients(struct spool_store *store, uint64_t seq, struct arena *arena,
	struct recipient **recipients_out);
/* NULL: no such message. Otherwise whatever could be read, and state says if it was good. */
struct parcel *spool_read_parcel(struct spool_store *store, uint64_t seq,
	enum record_state *state_out);
/* False: not held. The reason is in the arena. due 0 if the message was never tried. */
bool spool_read_waiting(struct spool_store *store, uint64_t seq, struct arena *arena,
	int64_t *due_out, const char **reason_out);
/* How many messages of this login were held as they came; counts no further than most. */
uint64_t spool_read_held(struct spool_store *store, const char *login, uint64_t most);

/* spool_backup.c */
/* Outside of a transaction; UNDONE until its last step. */
void spool_backup_step(struct spool_store *store, struct spool_backup *backup);
/* Is this body file still to be copied, perhaps? Then it is removed when the backup ends. */
bool spool_backup_takes(struct spool_store *store, uint64_t file);
void spool_backup_drop(struct spool_store *store);

/* spool_write.c */
void spool_write_commit(struct spool_store *store, struct spool_commit *commit);
void spool_write_settle(struct spool_store *store, struct spool_settle *settle);
void spool_write_change(struct spool_store *store, struct spool_change *change);
/* Prunes a bit of the history that finished before. */
void spool_write_forget(struct spool_store *store, int64_t forget_ms);

/* spool_resend.c */
void spool_resend_load(struct spool_store *store);
void spool_resend_fini(struct spool_store *store);
/* Has the login sent this lately? Then the commit knows under which id. */
bool spool_resend_find(struct spool_store *store, struct spool_commit *commit);
void spool_resend_add(struct spool_store *store, const struct spool_commit *commit);
/* If it comes again, it is wanted. */
void spool_resend_forget(struct spool_store *store, uint64_t seq);
void spool_resend_prune(struct spool_store *store, int64_t since_ms, int64_t now_ms);
void spool_resend_end(struct spool_store *store, bool committed); /* of the transaction */

#endif
