/* SPDX-License-Identifier: BSD-2-Clause */
/* Body files that come from disk are read and hashed before they are given out. */
#include "queue/spool_proof.h"

#include "io/worker.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	THREADS = 2,
	QUEUE_MAX = 4096,           /* more than relay has jobs */
	WAIT_MS = 10 * 60 * 1000,   /* in the queue and on the thread */
	CLOSE_WAIT_MS = 2000,
};

/* The thread has a descriptor of its own: one that is late may still be reading. */
struct job {
	struct spool_proof *proof;
	struct spool_fetch *fetch;
	struct job *next;
	int fd;
	unsigned char hash[DIGEST_BYTES];
	enum folder_result result;
};

struct spool_proof {
	struct worker_pool *pool;
	struct job *first;           /* of which the outcome is owed */
	spool_proved_fn *on_proved;
	void *context;
};

static void
run(void *context)
{
	struct job *job = context;
	job->result = folder_check_body(job->fd, job->hash);
}

static void
settle(struct job *job, enum folder_result result)
{
	struct spool_proof *proof = job->proof;
	struct job **at = &proof->first;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	proof->on_proved(proof->context, job->fetch, result);
}

static void
done(enum worker_result outcome, void *context)
{
	struct job *job = context;
	settle(job, outcome == WORKER_DONE ? job->result : FOLDER_FAILED);
}

static void
release(void *context)
{
	struct job *job = context;
	if (job->fd >= 0)
		close(job->fd);
	mem_free(&job);
}

static const struct worker_task task = { run, done, release };

struct spool_proof *
spool_proof_new(struct loop *loop, spool_proved_fn *on_proved, void *context, struct fault *fault)
{
	struct spool_proof *proof = mem_alloc(sizeof(*proof));
	proof->on_proved = on_proved;
	proof->context = context;
	proof->pool = worker_pool_new(loop, "proof", THREADS, QUEUE_MAX, fault);
	if (!proof->pool)
		mem_free(&proof);
	return proof;
}

void
spool_proof_free(struct spool_proof **proof)
{
	if (!*proof)
		return;
	while ((*proof)->first)
		settle((*proof)->first, FOLDER_FAILED);
	worker_pool_free(&(*proof)->pool, CLOSE_WAIT_MS);
	mem_free(proof);
}

void
spool_proof_ask(struct spool_proof *proof, struct spool_fetch *fetch)
{
	struct job *job = mem_alloc(sizeof(*job));
	job->proof = proof;
	job->fetch = fetch;
	job->fd = fcntl(fetch->fd, F_DUPFD_CLOEXEC, 0);
	memcpy(job->hash, fetch->parcel->record.body_hash, sizeof(job->hash));
	job->next = proof->first;
	proof->first = job;
	if (job->fd >= 0 && worker_submit(proof->pool, &task, job, WAIT_MS))
		return;
	settle(job, FOLDER_FAILED);
	release(job);
}
