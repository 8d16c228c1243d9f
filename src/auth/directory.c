/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has an account: sources on a thread of their own, and what they said last. */
#include "auth/directory.h"

#include <string.h>

#include "auth/table.h"
#include "base/log.h"

enum {
	SOURCES_MAX = 16,
	QUESTIONS_MAX = 4096,
	KNOWN_MAX = 20000,
	LAST_GOOD_MS = 24 * 3600 * 1000,
	FREE_WAIT_MS = 2000,
};

/* What was found of a name, and when. */
struct known {
	struct table_entry entry;
	struct account *account;
	uint64_t since_ms;
};

struct directory {
	struct loop *loop;
	struct worker_pool *pool; /* one thread: a source needs no lock */
	struct directory_source *sources[SOURCES_MAX];
	size_t source_count;
	struct table known;
	uint64_t fresh_ms;
	uint64_t answer_ms;
	bool down; /* said in the log */
};

struct directory_question {
	struct directory *directory;
	struct worker_job *job;
	directory_found_fn found;
	void *context;
	/* the thread's, until the job is over */
	enum directory_result result;
	struct account *account;
	struct fault fault;
	char login[]; /* canonical */
};

struct directory *
directory_new(struct loop *loop, uint64_t fresh_ms, uint64_t answer_ms, struct fault *fault_out)
{
	struct worker_pool *pool =
		worker_pool_new(loop, "auth-directory", 1, QUESTIONS_MAX, fault_out);
	struct directory *directory;

	if (!pool)
		return NULL;
	directory = mem_alloc(sizeof *directory);
	directory->loop = loop;
	directory->pool = pool;
	directory->fresh_ms = fresh_ms;
	directory->answer_ms = answer_ms;
	table_init(&directory->known);
	return directory;
}

void
directory_add(struct directory *directory, struct directory_source *source)
{
	directory->sources[directory->source_count++] = source;
}

void
directory_set_wait(struct directory *directory, uint64_t answer_ms)
{
	directory->answer_ms = answer_ms;
}

/* ---- what is known --------------------------------------------------------------------------- */

static struct known *
known_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct known, entry);
}

static void
drop_known(struct directory *directory, struct known *known)
{
	if (!known)
		return;
	table_take(&directory->known, &known->entry);
	account_drop(&known->account);
	mem_free(&known);
}

static void
keep(struct directory *directory, struct account *account)
{
	struct span login = span_text(account->identity.login);
	struct known *known;

	drop_known(directory, known_of(table_find(&directory->known, login)));
	if (directory->known.count >= KNOWN_MAX)
		drop_known(directory, known_of(directory->known.oldest));
	known = mem_alloc(sizeof *known);
	known->account = account_use(account);
	known->since_ms = loop_now_ms(directory->loop);
	table_add(&directory->known, &known->entry, login);
}

static struct account *
find_known(const struct directory *directory, const char *login, uint64_t max_age_ms)
{
	struct known *known = known_of(table_find(&directory->known, span_text(login)));

	if (!known || loop_now_ms(directory->loop) - known->since_ms > max_age_ms)
		return NULL;
	return known->account;
}

void
directory_forget(struct directory *directory, const char *login)
{
	drop_known(directory, known_of(table_find(&directory->known, span_text(login))));
}

void
directory_stop(struct directory *directory)
{
	worker_pool_free(&directory->pool, FREE_WAIT_MS);
}

void
directory_free(struct directory **directory)
{
	struct directory *freed = *directory;

	if (!freed)
		return;
	directory_stop(freed);
	while (freed->known.oldest)
		drop_known(freed, known_of(freed->known.oldest));
	table_fini(&freed->known);
	for (size_t i = 0; i < freed->source_count; i++)
		freed->sources[i]->type->close(&freed->sources[i]);
	mem_free(directory);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void
ask(void *context)
{
	struct directory_question *question = context;
	const struct directory *directory = question->directory;

	question->result = DIRECTORY_UNKNOWN;
	for (size_t i = 0; i < directory->source_count; i++) {
		struct directory_source *source = directory->sources[i];

		question->result = source->type->find(source, question->login, &question->account,
			&question->fault);
		if (question->result == DIRECTORY_DOWN)
			fault_add(&question->fault, "directory %s", source->type->name);
		if (question->result != DIRECTORY_UNKNOWN)
			return;
	}
}

static void
note_health(struct directory *directory, bool down, const struct fault *fault)
{
	if (directory->down == down)
		return;
	directory->down = down;
	if (down)
		log_event(EV_DIRECTORY_DOWN, kv_fault(fault));
	else
		log_event(EV_DIRECTORY_BACK);
}

static void
on_asked(enum worker_result result, void *context)
{
	struct directory_question *question = context;
	struct directory *directory = question->directory;
	struct fault late = FAULT_INIT;
	struct account *account;

	question->job = NULL;
	if (result == WORKER_LATE) {
		/* The thread may still be writing into the question. */
		fault_set(&late, FAULT_LIMIT, "no answer within %llu ms",
			(unsigned long long)directory->answer_ms);
		note_health(directory, true, &late);
	} else if (question->result == DIRECTORY_DOWN) {
		note_health(directory, true, &question->fault);
	} else {
		note_health(directory, false, NULL);
		if (question->result == DIRECTORY_FOUND)
			keep(directory, question->account);
		else
			directory_forget(directory, question->login);
		question->found(question->context, question->result, question->account);
		return;
	}
	account = find_known(directory, question->login, LAST_GOOD_MS);
	question->found(question->context, account ? DIRECTORY_FOUND : DIRECTORY_DOWN, account);
}

static void
free_question(void *context)
{
	struct directory_question *question = context;

	account_drop(&question->account);
	mem_free(&question);
}

static const struct worker_task question_task = {
	.run = ask,
	.done = on_asked,
	.release = free_question,
};

struct directory_question *
directory_find(struct directory *directory, const char *login, bool fresh, directory_found_fn found,
	void *context)
{
	struct account *account = fresh ? NULL : find_known(directory, login, directory->fresh_ms);
	struct span name = span_text(login);
	struct directory_question *question;

	if (account) {
		found(context, DIRECTORY_FOUND, account);
		return NULL;
	}
	question = mem_alloc(sizeof *question + name.length + 1);
	question->directory = directory;
	question->found = found;
	question->context = context;
	memcpy(question->login, name.start, name.length);
	question->job = worker_submit(directory->pool, &question_task, question,
		directory->answer_ms);
	if (question->job)
		return question;
	mem_free(&question);
	found(context, DIRECTORY_DOWN, NULL);
	return NULL;
}

struct account *
directory_known(const struct directory *directory, const char *login)
{
	return find_known(directory, login, directory->fresh_ms);
}

void
directory_cancel(struct directory_question **question)
{
	if (*question)
		worker_cancel(&(*question)->job);
	*question = NULL;
}

enum directory_result
directory_has_address(const struct directory *directory, const char *address,
	struct fault *fault_out)
{
	enum directory_result result = DIRECTORY_UNKNOWN;

	for (size_t i = 0; i < directory->source_count && result == DIRECTORY_UNKNOWN; i++) {
		struct directory_source *source = directory->sources[i];

		result = source->type->has_address(source, address, fault_out);
		if (result == DIRECTORY_DOWN)
			fault_add(fault_out, "directory %s", source->type->name);
	}
	return result;
}

struct worker_job *
directory_run(struct directory *directory, const struct worker_task *task, void *context,
	uint64_t deadline_ms)
{
	return worker_submit(directory->pool, task, context, deadline_ms);
}
