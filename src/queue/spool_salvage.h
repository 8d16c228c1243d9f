/* SPDX-License-Identifier: BSD-2-Clause */
/* A damaged queue.db: what can be read of it goes into a new one, and the old one is kept. */
#ifndef QUEUE_SPOOL_SALVAGE_H
#define QUEUE_SPOOL_SALVAGE_H

#include "queue/folder.h"
#include "queue/spool_db.h"

/*
 * Before the database is opened: salvages if the last queue left word that it is damaged, and ends
 * what was begun. False, and nothing is changed, if there is no database though there was one, or if
 * less than half of its messages can be read: the administrator may have a backup, or better tools.
 */
bool spool_salvage_before_open(const struct folder *folder, struct fault *fault);

/*
 * Now, with nobody having it open. If it is damaged indeed, its files are then corrupt/queue.db.corrupt-N and its
 * log; every message that was known and could not be read is named in the log.
 */
bool spool_salvage(const struct folder *folder, struct fault *fault);

/* The work of it, from one path into another, an empty file; the first is not changed. For spool_salvage.c. */
enum spool_salvage_result {
	SPOOL_SALVAGE_DONE,
	SPOOL_SALVAGE_NEEDLESS, /* it is not damaged after all */
	SPOOL_SALVAGE_FAILED,   /* FAULT_CONFIG: too little of it can be read */
};
enum spool_salvage_result spool_salvage_copy(const char *from, const char *to, struct fault *fault);

/* Leaves word for the next start, which salvages. */
void spool_salvage_mark(const struct folder *folder);

/* Body files of messages that could not be read are set aside at the start after it, not removed. */
#define SPOOL_SALVAGE_ORPHANS "keep-orphans"

#endif
