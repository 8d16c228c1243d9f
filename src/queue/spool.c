/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool: SQLite on a thread of its own, many requests in one transaction. */
#include "queue/spool.h"

#include "base/log.h"
#include "io/worker.h"
#include "queue/spool_proof.h"
#include "queue/spool_salvage.h"
#include "queue/spool_store.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	BATCH_MAX = 1024,           /* requests in one transaction */
	BATCH_MAX_BYTES = 16 * 1024 * 1024,
	DAMAGES_MOST = 3,           /* then the next start looks at all of the database */
	RETRY_MS = 250,             /* after a failure */
	GATHER_MS = 4,              /* that a result waits for company, after the last transaction */
	GATHER_MOST = 64,           /* results that need none */
	/* The pool needs one; a disk that hangs longer is seen in the log, and waited for. */
	BATCH_DEADLINE_MS = 24 * 3600 * 1000,
	CLOSE_WAIT_MS = 10 * 1000,
};

struct request_list {
	struct spool_request *first;
	struct spool_request **end;
	size_t count;
};

/* What the thread works on: nobody else touches it between begin and end. */
struct batch {
	struct request_list requests;
	bool probe;                  /* the last one failed: see if the disk is well */
	enum spool_result failure;   /* DONE if all was committed */
	bool kept;                   /* all but new mail was written */
	struct fault fault;
	bool has_reads;
	bool unreadable;             /* one of them failed, so */
	struct fault read_fault;
};

struct spool {
	struct spool_store *store;
	struct loop *loop;
	struct worker_pool *pool;
	struct spool_proof *proof;
	struct loop_timer retry;
	struct loop_timer gather;    /* results alone are waiting: for more of them, or for mail */
	struct loop_defer begin;
	struct loop_defer refuse;
	struct request_list waiting;
	size_t waiting_now;          /* those of them that somebody waits for */
	struct request_list refused; /* answered at the end of the turn */
	struct batch batch;
	bool busy;
	bool unreadable;             /* and the log says so */
	unsigned damages;            /* seen so far */
	struct spool_counts counts;
	uint64_t next_file;
	uint64_t file_limit;
	uint64_t next_job;
	uint64_t rest_ms;            /* when the last transaction ended */
};

static void
list_init(struct request_list *list)
{
	list->first = NULL;
	list->end = &list->first;
	list->count = 0;
}

static void
list_add(struct request_list *list, struct spool_request *request)
{
	request->next = NULL;
	*list->end = request;
	list->end = &request->next;
	list->count++;
}

static struct spool_request *
list_take(struct request_list *list)
{
	struct spool_request *first = list->first;
	if (!first)
		return NULL;
	list->first = first->next;
	if (!list->first)
		list->end = &list->first;
	list->count--;
	return first;
}

/* ---- on the thread */

static bool
must_succeed(const struct spool_request *request)
{
	return request->verb == SPOOL_SETTLE || request->verb == SPOOL_TICK;
}

/* All of the batch in one transaction, or all that brings no new mail. */
static bool
run_writes(struct spool_store *store, struct batch *batch, bool with_mail)
{
	bool sound = spool_store_begin(store);
	for (struct spool_request *request = batch->requests.first; sound && request;
		request = request->next) {
		if (spool_store_is_reading(request) ||
			(!with_mail && request->verb == SPOOL_COMMIT))
			continue;
		spool_store_write(store, request);
		sound = spool_store_is_sound(store);
	}
	if (spool_store_commit(store))
		return true;
	batch->failure = spool_store_failure(store);
	batch->fault = *spool_store_fault(store);
	return false;
}

/* After the writes, so that nothing is read that in the end was not written. */
static void
run_reads(struct spool_store *store, struct batch *batch)
{
	for (struct spool_request *request = batch->requests.first; request;
		request = request->next) {
		if (!spool_store_is_reading(request))
			continue;
		spool_store_read(store, request);
		batch->has_reads = true;
		if (request->result == SPOOL_BROKEN && request->verb != SPOOL_BACKUP) {
			batch->unreadable = true;
			batch->read_fault = *spool_store_fault(store);
		}
	}
}

static void
run_batch(void *context)
{
	struct spool *spool = context;
	struct spool_store *store = spool->store;
	struct batch *batch = &spool->batch;
	batch->failure = SPOOL_DONE;
	batch->kept = true;
	batch->has_reads = false;
	batch->unreadable = false;
	if (batch->probe && !spool_store_probe(store)) {
		batch->failure = spool_store_failure(store);
		batch->fault = *spool_store_fault(store);
		batch->kept = false;
	} else if (!run_writes(store, batch, true)) {
		batch->kept = false;
		if (batch->failure == SPOOL_FULL) {
			/* Results and changes are written with what was kept back for them. */
			spool_store_make_room(store);
			batch->kept = run_writes(store, batch, false);
		}
	}
	run_reads(store, batch);
}

/* ---- on the loop */

/* What is not told is not durable for anybody; super starts queue again. */
static void
give_up(struct spool *spool)
{
	spool_salvage_mark(spool_store_folder(spool->store));
	log_event(EV_SPOOL_DAMAGED);
	_exit(EXIT_FAILURE);
}

static void
note_outcome(struct spool *spool)
{
	const struct batch *batch = &spool->batch;
	bool was_suspect = spool->counts.suspect;
	spool->counts = *spool_store_counts(spool->store);
	spool->file_limit = spool_store_file_limit(spool->store);
	spool->counts.suspect = batch->failure == SPOOL_BROKEN;
	if (batch->failure == SPOOL_BROKEN && !was_suspect)
		log_event(EV_SPOOL_FAILED, kv_fault(&batch->fault));
	else if (batch->failure == SPOOL_FULL)
		log_event(EV_SPOOL_FULL, kv_fault(&batch->fault));
	else if (batch->failure == SPOOL_DONE && was_suspect)
		log_event(EV_SPOOL_WELL);
	if (batch->unreadable && !spool->unreadable)
		log_event(EV_SPOOL_FAILED, kv_fault(&batch->read_fault));
	if (batch->has_reads)
		spool->unreadable = batch->unreadable;
	/* SQLite says of a page that cannot be read that it is damaged: it has another try. */
	if (spool_store_take_damage(spool->store) && ++spool->damages == DAMAGES_MOST)
		give_up(spool);
}

/* What must succeed goes back in front of what came in meanwhile. */
static void
take_back(struct spool *spool, struct request_list *again)
{
	if (!again->first)
		return;
	*again->end = spool->waiting.first;
	if (!spool->waiting.first)
		spool->waiting.end = again->end;
	spool->waiting.first = again->first;
	spool->waiting.count += again->count;
	loop_timer_start(&spool->retry, RETRY_MS);
}

/* A body that is not what was written: the message is held before anybody hears of it. */
struct torn {
	struct spool_change change;
	struct spool_fetch *fetch;
};

static void
on_torn_held(struct spool_request *request)
{
	struct torn *torn = (struct torn *)request;
	struct spool_fetch *fetch = torn->fetch;
	fetch->request.result = request->result;
	if (request->result == SPOOL_DONE) {
		fetch->request.result = SPOOL_TORN;
		fetch->held = true;
		fetch->hold_reason = arena_strdup(fetch->arena, torn->change.reason);
		parcel_drop(&fetch->parcel);
	}
	mem_free(&torn);
	fetch->request.on_done(&fetch->request);
}

static void
on_proved(void *context, struct spool_fetch *fetch, enum folder_result result)
{
	struct spool *spool = context;
	if (result == FOLDER_WRONG) {
		struct torn *torn = mem_alloc(sizeof(*torn));
		torn->change = (struct spool_change){
			.request = { .verb = SPOOL_CHANGE, .on_done = on_torn_held },
			.kind = SPOOL_HOLD,
			.seq = fetch->seq,
			.reason = "its body file is damaged",
		};
		torn->fetch = fetch;
		close(fetch->fd);
		fetch->fd = -1;
		spool_ask(spool, &torn->change.request);
		return;
	}
	if (result == FOLDER_FAILED)
		fetch->request.result = SPOOL_BROKEN;
	fetch->request.on_done(&fetch->request);
}

static void
answer(struct spool *spool, struct spool_request *request)
{
	struct spool_fetch *fetch = (struct spool_fetch *)request;
	if (request->verb == SPOOL_FETCH && request->result == SPOOL_DONE && fetch->fd >= 0 &&
		fetch->unproven)
		spool_proof_ask(spool->proof, fetch);
	else
		request->on_done(request);
}

static void
on_batch_done(enum worker_result outcome, void *context)
{
	struct spool *spool = context;
	struct batch *batch = &spool->batch;
	struct request_list *done = &batch->requests;
	struct request_list again;
	struct request_list answers;
	if (outcome == WORKER_LATE)
		abort(); /* a day in one transaction: the thread will not come back */
	list_init(&again);
	list_init(&answers);
	note_outcome(spool);
	spool->busy = false;
	spool->rest_ms = loop_now_ms(spool->loop);
	for (struct spool_request *request; (request = list_take(done));) {
		if (must_succeed(request) && !batch->kept) {
			request->result = SPOOL_UNDONE;
			spool->waiting_now += request->verb != SPOOL_SETTLE;
			list_add(&again, request);
			continue;
		}
		if (request->verb == SPOOL_BACKUP && request->result == SPOOL_UNDONE) {
			spool->waiting_now++;
			list_add(&spool->waiting, request); /* for its next step */
			continue;
		}
		bool refused = request->verb == SPOOL_COMMIT || !batch->kept;
		if (batch->failure != SPOOL_DONE && !spool_store_is_reading(request) && refused)
			request->result = batch->failure;
		list_add(&answers, request);
	}
	take_back(spool, &again);
	if (spool->waiting.first)
		loop_defer(&spool->begin);
	for (struct spool_request *request; (request = list_take(&answers));)
		answer(spool, request);
}

static const struct worker_task batch_task = { .run = run_batch, .done = on_batch_done };

static size_t
request_bytes(const struct spool_request *request)
{
	if (request->verb != SPOOL_COMMIT)
		return 0;
	return ((const struct spool_commit *)request)->parcel->content.length;
}

/* Nobody but relay waits for a result to be kept: a transaction of its own would be wasted on it. */
static bool
is_patient(const struct spool *spool)
{
	return !spool->waiting_now && spool->waiting.count < GATHER_MOST;
}

static void
begin_batch(void *context)
{
	struct spool *spool = context;
	size_t bytes = 0;
	if (spool->busy || !spool->waiting.first || loop_timer_is_running(&spool->retry))
		return;
	if (loop_timer_is_running(&spool->gather) && is_patient(spool))
		return;
	loop_timer_stop(&spool->gather);
	list_init(&spool->batch.requests);
	while (spool->waiting.first && spool->batch.requests.count < BATCH_MAX &&
		bytes < BATCH_MAX_BYTES) {
		struct spool_request *request = list_take(&spool->waiting);
		bytes += request_bytes(request);
		spool->waiting_now -= request->verb != SPOOL_SETTLE;
		list_add(&spool->batch.requests, request);
	}
	spool->batch.probe = spool->counts.suspect;
	spool->busy = true;
	if (!worker_submit(spool->pool, &batch_task, spool, BATCH_DEADLINE_MS))
		abort(); /* its queue has room for the one job there ever is */
}

static void
on_retry(void *context)
{
	begin_batch(context);
}

static void
on_gathered(void *context)
{
	begin_batch(context);
}

static void
refuse_list(struct request_list *list)
{
	for (struct spool_request *request; (request = list_take(list));) {
		request->result = SPOOL_BROKEN;
		request->on_done(request);
	}
}

static void
answer_refused(void *context)
{
	struct spool *spool = context;
	refuse_list(&spool->refused);
}

void
spool_ask(struct spool *spool, struct spool_request *request)
{
	request->result = SPOOL_UNDONE;
	if (request->verb == SPOOL_TICK)
		((struct spool_tick *)request)->next_file = spool->next_file;
	if (spool->counts.suspect &&
		(request->verb == SPOOL_COMMIT || request->verb == SPOOL_CHANGE)) {
		list_add(&spool->refused, request);
		loop_defer(&spool->refuse);
		return;
	}
	spool->waiting_now += request->verb != SPOOL_SETTLE;
	list_add(&spool->waiting, request);
	/* What is not written yet is sent twice after a power cut: a disk at rest is used at once. */
	uint64_t rested_ms = loop_now_ms(spool->loop) - spool->rest_ms;
	if (!is_patient(spool) || rested_ms >= GATHER_MS)
		loop_defer(&spool->begin);
	else if (!loop_timer_is_running(&spool->gather))
		loop_timer_start(&spool->gather, GATHER_MS - rested_ms);
}

struct spool *
spool_open(struct loop *loop, const char *path, bool sync, struct fault *fault)
{
	struct spool *spool = mem_alloc(sizeof(*spool));
	spool->loop = loop;
	list_init(&spool->waiting);
	list_init(&spool->refused);
	list_init(&spool->batch.requests);
	loop_timer_init(&spool->retry, loop, on_retry, spool);
	loop_timer_init(&spool->gather, loop, on_gathered, spool);
	loop_defer_init(&spool->begin, loop, begin_batch, spool);
	loop_defer_init(&spool->refuse, loop, answer_refused, spool);
	spool->store = spool_store_open(path, sync, fault);
	if (spool->store)
		spool->pool = worker_pool_new(loop, "spool", 1, 1, fault);
	if (spool->pool)
		spool->proof = spool_proof_new(loop, on_proved, spool, fault);
	if (!spool->proof) {
		spool_close(&spool);
		return NULL;
	}
	spool->counts = *spool_store_counts(spool->store);
	spool->file_limit = spool_store_file_limit(spool->store);
	spool->next_file = spool_store_first_file(spool->store);
	spool->next_job = spool_store_first_job(spool->store);
	log_event(EV_SPOOL_OPENED, kv_int("messages", (int64_t)spool->counts.messages),
		kv_int("held", (int64_t)spool->counts.held));
	return spool;
}

void
spool_close(struct spool **spool)
{
	struct spool *old = *spool;
	*spool = NULL;
	if (!old)
		return;
	if (old->pool)
		worker_pool_free(&old->pool, CLOSE_WAIT_MS);
	spool_proof_free(&old->proof);
	/* What the thread did last may be durable; that nobody is told of it does no harm. */
	refuse_list(&old->batch.requests);
	/* Who is refused may ask for something else. */
	while (old->refused.first || old->waiting.first) {
		refuse_list(&old->refused);
		refuse_list(&old->waiting);
	}
	loop_timer_stop(&old->retry);
	loop_timer_stop(&old->gather);
	loop_defer_cancel(&old->begin);
	loop_defer_cancel(&old->refuse);
	spool_store_close(&old->store);
	mem_free(&old);
}

const struct folder *
spool_folder(const struct spool *spool)
{
	return spool_store_folder(spool->store);
}

const struct spool_counts *
spool_counts(const struct spool *spool)
{
	return &spool->counts;
}

uint64_t
spool_next_file(struct spool *spool)
{
	return spool->next_file < spool->file_limit ? spool->next_file++ : 0;
}

uint64_t
spool_next_job(struct spool *spool)
{
	return spool->next_job++;
}
