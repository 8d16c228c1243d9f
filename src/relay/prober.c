/* SPDX-License-Identifier: BSD-2-Clause */
/* One route's questions to its next hop. */
#include "relay/prober.h"

#include "base/log.h"
#include "relay/hop.h"

struct question {
	struct prober *prober;
	struct question *next;
	struct question **link;  /* what points to it; all that are not answered are in one list */
	struct job *job;         /* NULL while a hop has it */
	struct connection *at;   /* NULL: it waits */
	struct loop_timer deadline;
	prober_told_fn *told;
	void *context;
};

struct connection {
	struct prober *prober;
	struct hop *hop;         /* NULL: free */
	struct question *question;
};

struct prober {
	struct hop_route *route;
	struct question *first;
	struct question **end;
	size_t asking;
	struct loop_timer rest;
	struct fault why;        /* the last connection failed */
	struct connection connections[PROBER_CONNECTIONS];
};

static void serve(struct prober *prober);

/* ---- answers ------------------------------------------------------------------------------------ */

static void
tell(prober_told_fn *told, void *context, enum finding finding, const char *enhanced,
	const char *text)
{
	const struct message_recipient_told message = { finding, enhanced, text };

	told(&message, context);
}

/* It is over; the callback has not been called yet. */
static void
forget(struct question *question)
{
	struct prober *prober = question->prober;

	*question->link = question->next;
	if (question->next)
		question->next->link = question->link;
	else
		prober->end = question->link;
	prober->asking--;
	if (question->at)
		question->at->question = NULL;
	loop_timer_stop(&question->deadline);
	job_free(&question->job);
	mem_free(&question);
}

static void
give_up(struct question *question, const char *why)
{
	prober_told_fn *told = question->told;
	void *context = question->context;

	forget(question);
	tell(told, context, FINDING_UNSURE, "", why);
}

static enum finding
finding_of(const struct message_recipient_result *result)
{
	switch (result->outcome) {
	case OUTCOME_DELIVERED:
	case OUTCOME_RELAYED:
		return FINDING_KNOWN;
	case OUTCOME_FAILED:
		return FINDING_UNKNOWN;
	case OUTCOME_DEFERRED:
	case OUTCOME_COUNT:
		break;
	}
	/* 421 speaks of the connection; without a code nobody spoke of the recipient. */
	return result->code >= 400 && result->code != 421 ? FINDING_LATER : FINDING_UNSURE;
}

/* ---- hops ----------------------------------------------------------------------------------------- */

static void
on_ready(struct hop *hop, void *context)
{
	struct connection *connection = context;
	struct prober *prober = connection->prober;
	struct question *question = prober->first;

	loop_timer_stop(&prober->rest);
	while (question && question->at)
		question = question->next;
	if (!question)
		return;
	question->at = connection;
	connection->question = question;
	hop_send(hop, question->job);
	question->job = NULL;
}

static void
on_done(struct hop *hop, struct job *job, void *context)
{
	struct connection *connection = context;
	struct question *question = connection->question;

	(void)hop;
	if (question) {
		const struct message_recipient_result *result = &job->results[0];
		prober_told_fn *told = question->told;
		void *asker = question->context;

		forget(question);
		tell(told, asker, finding_of(result), result->enhanced, result->text);
	}
	job_free(&job);
}

static void
on_untried(struct hop *hop, struct job *job, void *context)
{
	struct connection *connection = context;
	struct question *question = connection->question;

	(void)hop;
	connection->question = NULL;
	if (!question) {
		job_free(&job);
		return;
	}
	question->job = job;
	question->at = NULL;
}

static bool
has_hop(const struct prober *prober)
{
	for (size_t i = 0; i < PROBER_CONNECTIONS; i++)
		if (prober->connections[i].hop)
			return true;
	return false;
}

static void
on_gone(struct hop *hop, const struct fault *fault, void *context)
{
	struct connection *connection = context;
	struct prober *prober = connection->prober;
	struct fault why = *fault; /* it lives in the hop */
	bool reached = hop_was_ready(hop);

	hop_free(&connection->hop);
	if (why.kind != FAULT_NONE && !reached) {
		log_event(EV_HOP_FAILED, kv_str("route", prober->route->settings->title),
			kv_str("to", prober->route->settings->to.text), kv_fault(&why));
		prober->why = why;
		loop_timer_start(&prober->rest, PROBER_REST_MS);
		/* One attempt tells for all that wait. */
		while (!has_hop(prober) && prober->first)
			give_up(prober->first, why.text);
	}
	serve(prober);
}

static const struct hop_hooks hop_hooks = {
	.on_ready = on_ready,
	.on_done = on_done,
	.on_untried = on_untried,
	.on_gone = on_gone,
};

static size_t
waiting(const struct prober *prober)
{
	size_t count = 0;

	for (const struct question *question = prober->first; question; question = question->next)
		count += question->at == NULL;
	return count;
}

/* Idle hops first; then new ones, as many as there are questions without one that is rising. */
static void
serve(struct prober *prober)
{
	size_t left = waiting(prober);

	for (size_t i = 0; left && i < PROBER_CONNECTIONS; i++) {
		struct connection *connection = &prober->connections[i];

		if (connection->hop && hop_is_ready(connection->hop))
			on_ready(connection->hop, connection);
		else if (!connection->hop || !hop_is_rising(connection->hop))
			continue;
		left--;
	}
	for (size_t i = 0; left && i < PROBER_CONNECTIONS; i++) {
		struct connection *connection = &prober->connections[i];

		if (connection->hop)
			continue;
		connection->hop = hop_new(prober->route, &hop_hooks, connection);
		left--;
	}
}

/* ---- questions ------------------------------------------------------------------------------------ */

static void
on_deadline(void *context)
{
	struct question *question = context;

	/* The connection is of no use any more: nobody knows what it would answer next. */
	if (question->at)
		hop_abort(question->at->hop);
	give_up(question, "the next hop does not answer in time");
}

/* MAIL FROM:<> and one RCPT, as a job without content. */
static struct job *
new_probe(const char *path)
{
	const struct message_recipient recipient = { .path = path, .orcpt = "" };
	const struct message_job message = {
		.id = "", .route = "",
		.envelope = { .sender = "", .envid = "", .smtputf8 = true, .recipient_count = 1,
			.recipients = &recipient },
	};
	struct buf bytes = BUF_INIT(0);
	struct job *job;

	message_job_pack(&bytes, &message);
	job = job_new(buf_span(&bytes), -1);
	buf_fini(&bytes);
	if (job)
		job->probe = true;
	return job;
}

void
prober_ask(struct prober *prober, const char *path, uint64_t wait_ms, prober_told_fn *told,
	void *context)
{
	struct question *question;
	struct job *job;

	if (prober->asking >= PROBER_WAITING_MAX) {
		tell(told, context, FINDING_UNSURE, "", "too many ask the next hop just now");
		return;
	}
	if (loop_timer_is_running(&prober->rest) && !has_hop(prober)) {
		tell(told, context, FINDING_UNSURE, "", prober->why.text);
		return;
	}
	job = new_probe(path);
	if (!job) {
		tell(told, context, FINDING_UNSURE, "", "the address cannot be asked for");
		return;
	}
	question = mem_alloc(sizeof *question);
	question->prober = prober;
	question->job = job;
	question->told = told;
	question->context = context;
	question->link = prober->end;
	*prober->end = question;
	prober->end = &question->next;
	prober->asking++;
	loop_timer_init(&question->deadline, prober->route->loop, on_deadline, question);
	loop_timer_start(&question->deadline, wait_ms);
	serve(prober);
}

size_t
prober_asking(const struct prober *prober)
{
	return prober ? prober->asking : 0;
}

void
prober_quit(struct prober *prober)
{
	for (size_t i = 0; prober && i < PROBER_CONNECTIONS; i++)
		if (prober->connections[i].hop)
			hop_quit(prober->connections[i].hop);
}

static void
on_rested(void *context)
{
	serve(context);
}

struct prober *
prober_new(struct hop_route *route)
{
	struct prober *prober = mem_alloc(sizeof *prober);

	prober->route = route;
	prober->end = &prober->first;
	loop_timer_init(&prober->rest, route->loop, on_rested, prober);
	for (size_t i = 0; i < PROBER_CONNECTIONS; i++)
		prober->connections[i].prober = prober;
	return prober;
}

void
prober_free(struct prober **prober)
{
	struct prober *freed = *prober;

	if (!freed)
		return;
	*prober = NULL;
	for (size_t i = 0; i < PROBER_CONNECTIONS; i++)
		hop_free(&freed->connections[i].hop);
	while (freed->first)
		give_up(freed->first, "the relay ends");
	loop_timer_stop(&freed->rest);
	mem_free(&freed);
}
