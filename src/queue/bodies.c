/* SPDX-License-Identifier: BSD-2-Clause */
/* Body files made, sealed and removed on threads of their own: a slow disk stops no loop. */
#include "queue/bodies.h"

#include "base/memory.h"
#include "io/worker.h"

#include <string.h>
#include <unistd.h>

enum {
	THREADS = 4,
	QUEUE_MAX = 4096,
	WAIT_MS = 60 * 1000,
	CLOSE_WAIT_MS = 5000,
};

struct bodies {
	struct worker_pool *pool;
	const struct folder *folder;
	bool sync;
	bool ending;
};

/* One file's work: to the thread and back. The fault is not used: what failed is told by result. */
struct body_work {
	struct bodies *bodies;
	const struct folder *folder;
	uint64_t number;
	uint64_t length;
	unsigned char hash[DIGEST_BYTES];
	bool sync;
	int fd;
	enum folder_result result;
	bodies_made_fn *on_made;
	bodies_sealed_fn *on_sealed;
	void *context;
};

static void
run_make(void *context)
{
	struct body_work *work = context;
	work->fd = folder_make_body(work->folder, work->number, NULL);
}

static void
done_make(enum worker_result result, void *context)
{
	struct body_work *work = context;
	int fd = -1;
	/* One that comes too late is nobody's: the release sees to it. */
	if (result == WORKER_DONE) {
		fd = work->fd;
		work->fd = -1;
	}
	work->on_made(work->context, work->number, fd);
}

static void
run_seal(void *context)
{
	struct body_work *work = context;
	work->result = folder_seal_body(
		work->folder, work->number, work->length, work->hash, work->sync, NULL);
}

static void
done_seal(enum worker_result result, void *context)
{
	struct body_work *work = context;
	work->on_sealed(work->context, result == WORKER_DONE ? work->result : FOLDER_FAILED);
}

static void
run_remove(void *context)
{
	struct body_work *work = context;
	folder_remove_body(work->folder, work->number);
}

static void
done_remove(enum worker_result result, void *context)
{
	(void)result;
	(void)context;
}

static void
release(void *context)
{
	struct body_work *work = context;
	if (work->fd >= 0) {
		close(work->fd);
		if (work->bodies->ending)
			folder_remove_body(work->folder, work->number);
		else
			bodies_remove(work->bodies, work->number);
	}
	mem_free(&work);
}

static const struct worker_task make_task = { run_make, done_make, release };
static const struct worker_task seal_task = { run_seal, done_seal, release };
static const struct worker_task remove_task = { run_remove, done_remove, release };

static bool
submit(struct bodies *bodies, const struct worker_task *task, const struct body_work *order)
{
	struct body_work *work = mem_dup(order, sizeof(*order));
	work->bodies = bodies;
	work->folder = bodies->folder;
	work->sync = bodies->sync;
	work->fd = -1;
	if (worker_submit(bodies->pool, task, work, WAIT_MS))
		return true;
	mem_free(&work);
	return false;
}

struct bodies *
bodies_new(struct loop *loop, const struct folder *folder, bool sync, struct fault *fault)
{
	struct bodies *bodies = mem_alloc(sizeof(*bodies));
	bodies->folder = folder;
	bodies->sync = sync;
	bodies->pool = worker_pool_new(loop, "body", THREADS, QUEUE_MAX, fault);
	if (!bodies->pool)
		mem_free(&bodies);
	return bodies;
}

void
bodies_free(struct bodies **bodies)
{
	if (*bodies) {
		(*bodies)->ending = true;
		worker_pool_free(&(*bodies)->pool, CLOSE_WAIT_MS);
	}
	mem_free(bodies);
}

bool
bodies_make(struct bodies *bodies, uint64_t number, bodies_made_fn *on_made, void *context)
{
	struct body_work order = { .number = number, .on_made = on_made, .context = context };
	return submit(bodies, &make_task, &order);
}

bool
bodies_seal(struct bodies *bodies, uint64_t number, uint64_t length,
	const unsigned char hash[DIGEST_BYTES], bodies_sealed_fn *on_sealed, void *context)
{
	struct body_work order = { .number = number, .length = length, .on_sealed = on_sealed,
		.context = context };
	memcpy(order.hash, hash, sizeof(order.hash));
	return submit(bodies, &seal_task, &order);
}

void
bodies_remove(struct bodies *bodies, uint64_t number)
{
	struct body_work order = { .number = number };
	if (bodies)
		submit(bodies, &remove_task, &order);
}
