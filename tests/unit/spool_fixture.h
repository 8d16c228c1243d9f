/* SPDX-License-Identifier: BSD-2-Clause */
/* A spool on its thread, in a folder of its own: opened, asked, and closed. */
#ifndef UNIT_SPOOL_FIXTURE_H
#define UNIT_SPOOL_FIXTURE_H

#include "../fake/mail_samples.h"
#include "queue/spool.h"
#include "unit.h"

#include <stdio.h>

static struct loop *loop;
static struct spool *spool;
static char path[300];
static unsigned pending; /* asked and not yet answered */

static inline void
open_spool_at(const char *at)
{
	struct fault fault = FAULT_INIT;
	loop = loop_new();
	spool = spool_open(loop, at, true, &fault);
	if (!spool)
		fail_msg("%s", fault.text);
}

static inline void
open_spool(void)
{
	open_spool_at(path);
}

static inline void
close_spool(void)
{
	spool_close(&spool);
	loop_free(&loop);
	pending = 0;
}

static inline void
reopen_spool(void)
{
	close_spool();
	open_spool();
}

static inline int
spool_set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/queue", sample_folder_make());
	open_spool();
	return 0;
}

static inline int
spool_tear_down(void **state)
{
	(void)state;
	if (spool)
		close_spool();
	sample_folder_remove();
	return 0;
}

static inline void
spool_on_answer(struct spool_request *request)
{
	request->next = request; /* it is ours again; its result was set earlier, on the thread */
	pending--;
	loop_stop(loop);
}

static inline bool
is_answered(const struct spool_request *request)
{
	return request->next == request;
}

static inline void
begin(struct spool_request *request)
{
	request->next = NULL;
	request->on_done = spool_on_answer;
	pending++;
	spool_ask(spool, request);
}

static inline enum spool_result
run_until(const struct spool_request *request)
{
	while (!is_answered(request))
		loop_run(loop);
	return request->result;
}

/* Until all that was asked is answered. */
static inline void
run(void)
{
	while (pending)
		loop_run(loop);
}

/* One request, and what came of it and of all before it. */
static inline enum spool_result
ask(struct spool_request *request)
{
	begin(request);
	run();
	return request->result;
}

static inline enum spool_result
commit(struct parcel *parcel)
{
	struct spool_commit request = { { .verb = SPOOL_COMMIT }, .parcel = parcel };
	return ask(&request.request);
}

static inline enum spool_result
fetch_result(const char *id)
{
	struct spool_fetch fetch = { { .verb = SPOOL_FETCH }, .fd = -1 };
	snprintf(fetch.id, sizeof(fetch.id), "%s", id);
	ask(&fetch.request);
	parcel_drop(&fetch.parcel);
	arena_free(&fetch.arena);
	return fetch.request.result;
}

/* The first page of what is fresh; its count can be looked at. */
static inline enum spool_result
page_result(struct spool_page *page)
{
	*page = (struct spool_page){ { .verb = SPOOL_PAGE }, .kind = SPOOL_PAGE_FRESH,
		.limit = 10 };
	ask(&page->request);
	arena_free(&page->arena);
	return page->request.result;
}

/* The only recipient is done with. */
static inline struct spool_settle
settle_of(struct parcel *parcel, const struct recipient *recipient)
{
	return (struct spool_settle){ { .verb = SPOOL_SETTLE }, .parcel = parcel,
		.recipients = recipient, .recipient_count = 1, .finished = true, .now_ms = 7 };
}

#endif
