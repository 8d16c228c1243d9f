/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool: SQLite on a thread of its own, many requests in one transaction. See doc/spool.md. */
#ifndef QUEUE_SPOOL_H
#define QUEUE_SPOOL_H

#include "io/loop.h"
#include "queue/folder.h"
#include "queue/parcel.h"
#include "queue/recipient.h"
#include "queue/resend.h"
#include "queue/timekeeper.h"

struct spool;

enum spool_result {
	SPOOL_UNDONE,  /* not yet */
	SPOOL_DONE,    /* durable, if it was to write */
	SPOOL_CLASH,   /* COMMIT: the id belongs to another message */
	SPOOL_CROWDED, /* COMMIT: no more of this login are to be held */
	SPOOL_MISSING, /* no such message in the queue */
	SPOOL_TORN,    /* FETCH: it is not what was written; it is held now */
	SPOOL_FULL,    /* no room; nothing was written */
	SPOOL_BROKEN,  /* the disk or the database fails; nothing was written */
};

enum spool_verb {
	SPOOL_COMMIT,
	SPOOL_SETTLE,
	SPOOL_CHANGE,
	SPOOL_FETCH,
	SPOOL_PAGE,
	SPOOL_TRACK,
	SPOOL_TICK,
	SPOOL_BACKUP,
	SPOOL_VERB_COUNT,
};

/*
 * Every request begins with this and lives in the caller's storage from spool_ask() to on_done(),
 * which is called on the loop, never from inside spool_ask(); until then only the spool touches it.
 * What writes is done in the order of asking; what reads sees all that was written by what was
 * asked before it, and perhaps more. COMMIT, CHANGE and reading may fail; SETTLE and TICK are
 * tried until they succeed, for as long as that takes.
 */
struct spool_request {
	enum spool_verb verb;
	enum spool_result result;
	void (*on_done)(struct spool_request *request);
	struct spool_request *next;
};

/* A message comes in. Body file, if any: sealed before. */
struct spool_commit {
	struct spool_request request;
	struct parcel *parcel;   /* borrowed; gets its seq */
	const char *hold_reason; /* NULL: not held */
	uint64_t held_most;      /* of this login, with it; UINT64_MAX: no limit */
	bool only_known;         /* MISSING unless it is there already */
	struct resend resend;    /* the same message, sent before */
	bool known;              /* out, DONE: it was there already and nothing was written */
	char first_id[MESSAGE_ID_MAX_BYTES + 1]; /* out, known: that of the resend; else "" */
};

/* What a job, or giving up, did to a message; with the notices that tell of it. */
struct spool_settle {
	struct spool_request request;
	struct parcel *parcel;
	const struct recipient *recipients; /* those that changed */
	size_t recipient_count;
	bool finished;           /* no recipient waits any more: the message leaves the queue */
	bool stored;             /* recipients of it may have been stored before */
	int64_t due_ms;          /* not finished: the earliest next attempt */
	const char *hold_reason; /* not finished: NULL, or why it is held instead */
	int64_t now_ms;
	struct parcel **notices; /* borrowed; each gets its seq; 0: it was there already */
	size_t notice_count;
};

/* The administrator's hand on one message. */
enum spool_change_kind {
	SPOOL_HOLD,
	SPOOL_RELEASE, /* due now; MISSING if it was not held */
	SPOOL_FLUSH,   /* due now; MISSING if it is held */
	SPOOL_DELETE,
};
struct spool_change {
	struct spool_request request;
	enum spool_change_kind kind;
	uint64_t seq;            /* 0: by id; set if it is found */
	char id[MESSAGE_ID_MAX_BYTES + 1];
	const char *reason;      /* HOLD */
	int64_t now_ms;
};

/* One message as a whole, by seq or, if that is 0, by id. */
struct spool_fetch {
	struct spool_request request;
	uint64_t seq;
	char id[MESSAGE_ID_MAX_BYTES + 1];
	bool with_file;              /* open its body file, if it has one */
	/* out, DONE; the caller drops the parcel, frees the arena, closes the fd */
	struct parcel *parcel;
	struct arena *arena;         /* of the recipients and the reason */
	struct recipient *recipients; /* those of which something is stored */
	size_t recipient_count;
	bool held;
	const char *hold_reason;
	int64_t due_ms;              /* 0: never tried */
	int fd;                      /* -1: none */
	bool unproven;               /* the spool's own: the file was not sealed just now */
};

/* Messages in order, without content. */
enum spool_page_kind {
	SPOOL_PAGE_FRESH,   /* never tried nor held, by seq */
	SPOOL_PAGE_WAITING, /* tried, by due time */
	SPOOL_PAGE_ALL,     /* by seq */
};
struct spool_entry {
	uint64_t seq;
	int64_t received_ms;
	bool good;                   /* the record could be read */
	struct record record;
	struct recipient *recipients; /* those of which something is stored */
	size_t recipient_count;
	bool held;
	const char *hold_reason;
	int64_t due_ms;              /* 0: never tried */
};
struct spool_page {
	struct spool_request request;
	enum spool_page_kind kind;
	uint64_t after_seq;          /* WAITING: within after_due_ms */
	char after_id[MESSAGE_ID_MAX_BYTES + 1]; /* if set, instead; MISSING if it was never known */
	int64_t after_due_ms;        /* WAITING alone */
	int64_t until_due_ms;        /* WAITING alone: not later than this */
	size_t limit;
	/* out; the caller frees the arena */
	struct arena *arena;
	struct spool_entry *entries;
	size_t entry_count;
	uint64_t reached_seq;        /* looked at up to here; FRESH: perhaps past the last entry */
	bool more;
};

/* What became of messages that left the queue: a page of history, newest first. */
struct spool_track {
	struct spool_request request;
	const char *text;            /* an id, an address or a login: any case */
	uint64_t before_seq;         /* 0: from the newest */
	size_t limit;                /* rows looked at */
	/* out; the caller frees the arena */
	struct arena *arena;
	struct brief *briefs;
	size_t brief_count;
	uint64_t next_seq;           /* for the next page; 0 if this was the last */
};

/* Now and then: space, age of history, the reserve; and, if the disk failed, whether it is well. */
struct spool_tick {
	struct spool_request request;
	uint64_t next_file;          /* the spool's own */
	int64_t forget_ms;           /* history that finished before is pruned, a bit each time */
	int64_t due_max_ms;          /* nothing waits longer: the clock may have been wrong */
	int64_t resend_ms;           /* nothing accepted before can be sent again */
	int64_t now_ms;
	/* out */
	struct folder_space space;
	struct timekeeper_gap gap;   /* before this run, if there was one */
	int64_t leap_ms;             /* it was just found; else 0 */
	size_t pulled;               /* messages that waited longer than due_max_ms */
};

/*
 * A copy of the whole in the folder backup/NAME: the database as it is at one moment, the bodies that
 * it names, SHA256SUMS. Piece by piece: other requests go on meanwhile.
 */
struct spool_backup {
	struct spool_request request; /* CLASH: there is one of this name; CROWDED: another is under way */
	const char *name;            /* see folder_backup_is_name() */
	uint64_t keep_free;          /* FULL before less than so many bytes are free */
	/* out, DONE */
	uint64_t messages;
	uint64_t bodies;
	uint64_t missing;            /* bodies that are not there; their messages are held for it */
	uint64_t bytes;
	struct fault fault;          /* FULL, BROKEN, CLASH */
};

struct spool_counts {
	uint64_t messages;
	uint64_t held;
	bool suspect;                /* COMMIT is refused until a tick succeeds */
};

/* Opens, recovers, sweeps; blocks. sync false is for tests: power failure then loses mail. */
struct spool *spool_open(struct loop *loop, const char *path, bool sync, struct fault *fault);
/* Waits for what is under way. Requests that are still owed an answer are BROKEN, done or not. */
void spool_close(struct spool **spool);
const struct folder *spool_folder(const struct spool *spool);
void spool_ask(struct spool *spool, struct spool_request *request);
const struct spool_counts *spool_counts(const struct spool *spool);
/* Never the same twice, not even after a restart. */
uint64_t spool_next_file(struct spool *spool); /* 0: none at the moment */
uint64_t spool_next_job(struct spool *spool);

#endif
