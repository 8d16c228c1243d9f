/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has an account: sources asked in order on a thread of their own, and what they said last. */
#ifndef AUTH_DIRECTORY_H
#define AUTH_DIRECTORY_H

#include "auth/account.h"
#include "base/fault.h"
#include "io/worker.h"

struct directory;
struct directory_question;

enum directory_result {
	DIRECTORY_FOUND,
	DIRECTORY_UNKNOWN,
	DIRECTORY_DOWN, /* nobody can say now: a login is put off, never refused */
};

/* One source. Its functions are called on the directory's thread alone, and may block. */
struct directory_source;
struct directory_source_type {
	const char *name;
	/*
	 * The login is canonical. FOUND gives *account_out to the caller. UNKNOWN takes as long as
	 * FOUND does.
	 */
	enum directory_result (*find)(struct directory_source *source, const char *login,
		struct account **account_out, struct fault *fault_out);
	/* Has any account this address, in any case of its letters? */
	enum directory_result (*has_address)(struct directory_source *source, const char *address,
		struct fault *fault_out);
	void (*close)(struct directory_source **source);
};
/* Every source's own struct begins with this. */
struct directory_source {
	const struct directory_source_type *type;
};

/* account is NULL unless FOUND, and borrowed: account_use() keeps it. */
typedef void (*directory_found_fn)(void *context, enum directory_result result,
	struct account *account);

/*
 * fresh_ms: an answer at most so old is used again. An older one is used only while its source is
 * down ("last good"), up to a day, which the log says once. Nothing is kept of names that are not
 * there.
 */
struct directory *directory_new(struct loop *loop, uint64_t fresh_ms, uint64_t answer_ms,
	struct fault *fault_out);
/* Ends the thread: its sources are the caller's to use, and questions must not be asked any more. */
void directory_stop(struct directory *directory);
void directory_free(struct directory **directory); /* closes the sources; no callback */
/* Takes it. Sources are asked in the order of adding; the first that is down ends the search. */
void directory_add(struct directory *directory, struct directory_source *source);
void directory_set_wait(struct directory *directory, uint64_t answer_ms);

/*
 * fresh: ask the source whatever is known. NULL: answered already, by a call of found before the
 * return. Otherwise found is called later, once, unless the question is cancelled.
 */
struct directory_question *directory_find(struct directory *directory, const char *login,
	bool fresh, directory_found_fn found, void *context);
void directory_cancel(struct directory_question **question);
/* As it was at most fresh_ms ago, borrowed; NULL: it must be asked for. */
struct account *directory_known(const struct directory *directory, const char *login);

/* The account has changed: what was kept of it is dropped. */
void directory_forget(struct directory *directory, const char *login);

/* For what runs on the directory's thread alone: has any account this address? */
enum directory_result directory_has_address(const struct directory *directory,
	const char *address, struct fault *fault_out);

/*
 * Runs a change or a question on the directory's thread, behind the questions asked before it. As
 * worker_submit(): NULL if too much waits already.
 */
struct worker_job *directory_run(struct directory *directory, const struct worker_task *task,
	void *context, uint64_t deadline_ms);

#endif
