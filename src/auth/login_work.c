/* SPDX-License-Identifier: BSD-2-Clause */
/* The work that a login costs, on the pool. */
#include "auth/login_work.h"

#include "base/memory.h"
#include "ipc/messages.h"

struct login_work {
	struct worker_job *job;
	login_work_fn done;
	void *context;
	/* the thread's while the job runs */
	struct login_check check;
	struct secret *password;
	struct secret *app_password;
	bool verified;
	size_t app;
	struct mech *mech;
	struct secret *response;
	struct buf challenge;
	enum mech_result step;
};

static void
release(void *context)
{
	struct login_work *work = context;

	mem_wipe(&work->check, sizeof work->check);
	secret_free(&work->password);
	secret_free(&work->app_password);
	secret_free(&work->response);
	mech_free(&work->mech);
	buf_wipe(&work->challenge);
	buf_fini(&work->challenge);
	mem_free(&work);
}

static void
verify(void *context)
{
	struct login_work *work = context;
	const struct login_check *check = &work->check;

	if (check->with_app)
		work->app = scram_keys_match(&check->app_salt,
			(const unsigned char(*)[SCRAM_KEY_MAX_BYTES])check->app_stored,
			APP_PASSWORDS_MAX, secret_span(work->app_password));
	if (check->with_own && work->app == APP_PASSWORDS_MAX)
		work->verified = scram_keys_verify(&check->own, secret_span(work->password));
}

static void
step(void *context)
{
	struct login_work *work = context;
	struct span response = secret_span(work->response);

	work->step = mech_step(work->mech, work->response ? &response : NULL, &work->challenge);
}

static void
finish(enum worker_result result, void *context)
{
	struct login_work *work = context;
	struct login_work_result end = { .late = result == WORKER_LATE, .app = APP_PASSWORDS_MAX };

	work->job = NULL;
	/* A thread that is late may still write here: then nothing is looked at, nor given back. */
	if (!end.late) {
		end.verified = work->verified;
		end.app = work->app;
		end.step = work->step;
		end.mech = work->mech;
		end.challenge = buf_span(&work->challenge);
		work->mech = NULL;
	}
	work->done(work->context, &end);
}

static const struct worker_task verify_task = { .run = verify, .done = finish, .release = release };
static const struct worker_task step_task = { .run = step, .done = finish, .release = release };

static struct login_work *
submit(struct worker_pool *pool, const struct worker_task *task, struct login_work *work,
	uint64_t wait_ms)
{
	work->job = worker_submit(pool, task, work, wait_ms);
	if (work->job)
		return work;
	release(work);
	return NULL;
}

struct login_work *
login_work_verify(struct worker_pool *pool, uint64_t wait_ms, const struct login_check *check,
	struct span password, struct span app_password, login_work_fn done, void *context)
{
	struct login_work *work = mem_alloc(sizeof *work);

	work->done = done;
	work->context = context;
	work->check = *check;
	work->password = secret_new(password);
	work->app_password = secret_new(app_password);
	work->app = APP_PASSWORDS_MAX;
	return submit(pool, &verify_task, work, wait_ms);
}

struct login_work *
login_work_step(struct worker_pool *pool, uint64_t wait_ms, struct mech **mech,
	struct secret **response, login_work_fn done, void *context)
{
	struct login_work *work = mem_alloc(sizeof *work);

	work->done = done;
	work->context = context;
	work->mech = *mech;
	*mech = NULL;
	work->response = *response;
	*response = NULL;
	buf_init(&work->challenge, IPC_SASL_MAX_BYTES - 64);
	return submit(pool, &step_task, work, wait_ms);
}

void
login_work_cancel(struct login_work **work)
{
	struct login_work *cancelled = *work;

	*work = NULL;
	/* The job may be released, and the work with it, before this returns. */
	if (cancelled)
		worker_cancel(&cancelled->job);
}
