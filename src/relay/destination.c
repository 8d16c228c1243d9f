/* SPDX-License-Identifier: BSD-2-Clause */
/* One route's jobs and connections. */
#include "relay/destination.h"

#include "base/log.h"

enum { DESTINATION_REST_MS = 1000 };

struct slot {
	struct destination *destination;
	struct hop *hop;   /* NULL: free */
	struct job *job;   /* what it works on; for counting only, owned by the hop */
};

struct destination {
	struct hop_route route;
	destination_done_fn *on_done;
	void *context;
	struct secret *password;
	struct loop_timer rest; /* a connection was of no use: no new one until this is due */
	struct job *first;      /* waiting */
	struct job **end;
	size_t waiting;
	size_t slot_count;
	struct slot *slots;
	struct prober *prober;  /* NULL: nobody asked yet */
};

static void serve(struct destination *destination);

/* ---- jobs ----------------------------------------------------------------------------------------- */

/* The first that waits, and that may go over a kept connection if this is one. */
static struct job *
take_job(struct destination *destination, bool kept)
{
	struct job **at = &destination->first;
	struct job *job;

	while (*at && kept && (*at)->fresh_only)
		at = &(*at)->next;
	job = *at;
	if (!job)
		return NULL;
	*at = job->next;
	if (destination->end == &job->next)
		destination->end = at;
	destination->waiting--;
	job->next = NULL;
	return job;
}

static void
put_first(struct destination *destination, struct job *job)
{
	job->next = destination->first;
	destination->first = job;
	if (!job->next)
		destination->end = &job->next;
	destination->waiting++;
}

void
destination_forget_waiting(struct destination *destination)
{
	struct job *job;

	while ((job = take_job(destination, false)))
		job_free(&job);
}

/*
 * The hop cannot be reached: one attempt tells for all that wait, none is tried for its own. While
 * other connections live, it tells for those alone that need a new one.
 */
static void
defer_waiting(struct destination *destination, bool all, const struct fault *fault)
{
	struct job *job;

	while (destination->first && (all || destination->first->fresh_only)) {
		job = take_job(destination, false);
		job_set_hop(job, hop_route_host(&destination->route), "", "");
		job_set_rest(job, OUTCOME_DEFERRED, 0, "4.4.1", span_text(fault->text));
		destination->on_done(job, destination->context);
	}
}

/* ---- hops ----------------------------------------------------------------------------------------- */

static void
on_ready(struct hop *hop, void *context)
{
	struct slot *slot = context;
	struct destination *destination = slot->destination;
	struct job *job = take_job(destination, !hop_is_fresh(hop));

	loop_timer_stop(&destination->rest);
	if (!job)
		return;
	slot->job = job;
	hop_send(hop, job);
}

/*
 * Put back as it was, but for the kind of connection it gets next: so this happens to it once. The slot
 * of the lost one is free in a moment, and the job is first in the row for what comes up there.
 */
static void
on_untried(struct hop *hop, struct job *job, void *context)
{
	struct slot *slot = context;

	(void)hop;
	slot->job = NULL;
	job->fresh_only = true;
	put_first(slot->destination, job);
}

static void
on_done(struct hop *hop, struct job *job, void *context)
{
	struct slot *slot = context;

	(void)hop;
	slot->job = NULL;
	slot->destination->on_done(job, slot->destination->context);
}

static bool
has_hop(const struct destination *destination)
{
	for (size_t i = 0; i < destination->slot_count; i++)
		if (destination->slots[i].hop)
			return true;
	return false;
}

static void
on_gone(struct hop *hop, const struct fault *fault, void *context)
{
	struct slot *slot = context;
	struct destination *destination = slot->destination;
	struct fault why = *fault; /* it lives in the hop */
	bool reached = hop_was_ready(hop);
	bool served = hop_has_served(hop);

	slot->job = NULL;
	hop_free(&slot->hop);
	if (why.kind != FAULT_NONE) {
		log_event(EV_HOP_FAILED, kv_str("route", destination->route.settings->title),
			kv_str("to", destination->route.settings->to.text), kv_fault(&why));
		/* One that has taken mail and breaks off says nothing of the next one. */
		if (!served)
			loop_timer_start(&destination->rest, DESTINATION_REST_MS);
		if (!reached)
			defer_waiting(destination, !has_hop(destination), &why);
	}
	serve(destination);
}

static const struct hop_hooks hop_hooks = {
	.on_ready = on_ready,
	.on_done = on_done,
	.on_untried = on_untried,
	.on_gone = on_gone,
};

static struct slot *
free_slot(struct destination *destination)
{
	for (size_t i = 0; i < destination->slot_count; i++)
		if (!destination->slots[i].hop)
			return &destination->slots[i];
	return NULL;
}

/* Idle hops first; then new ones, as many as there are jobs without one that is on its way up. */
static void
serve(struct destination *destination)
{
	size_t rising = 0;
	struct slot *slot;

	for (size_t i = 0; destination->first && i < destination->slot_count; i++) {
		slot = &destination->slots[i];
		if (!slot->hop)
			continue;
		if (hop_is_ready(slot->hop))
			on_ready(slot->hop, slot);
		else if (hop_is_rising(slot->hop))
			rising++;
	}
	while (rising < destination->waiting && !loop_timer_is_running(&destination->rest) &&
		(slot = free_slot(destination))) {
		slot->hop = hop_new(&destination->route, &hop_hooks, slot);
		rising++;
	}
}

static void
on_rested(void *context)
{
	serve(context);
}

void
destination_add(struct destination *destination, struct job *job)
{
	job->next = NULL;
	*destination->end = job;
	destination->end = &job->next;
	destination->waiting++;
	serve(destination);
}

size_t
destination_waiting(const struct destination *destination)
{
	return destination->waiting;
}

size_t
destination_working(const struct destination *destination)
{
	size_t working = 0;

	for (size_t i = 0; i < destination->slot_count; i++)
		working += destination->slots[i].job != NULL;
	return working;
}

void
destination_abort(struct destination *destination)
{
	for (size_t i = 0; i < destination->slot_count; i++)
		if (destination->slots[i].job)
			hop_abort(destination->slots[i].hop);
}

void
destination_quit(struct destination *destination)
{
	for (size_t i = 0; i < destination->slot_count; i++)
		if (destination->slots[i].hop)
			hop_quit(destination->slots[i].hop);
	prober_quit(destination->prober);
}

/* ---- life ----------------------------------------------------------------------------------------- */

struct destination *
destination_new(const struct destination_means *means, const struct settings_route *route,
	struct secret *password, destination_done_fn *done, void *context)
{
	const struct settings *settings = means->settings;
	struct destination *destination = mem_alloc(sizeof *destination);

	destination->route = (struct hop_route){
		.settings = route,
		.relay = &settings->relay,
		.listeners = &settings->listener,
		.helo = settings->relay.helo[0] ? settings->relay.helo : settings->hostname,
		.loop = means->loop,
		.resolver = means->resolver,
		.tls = means->tls,
		.password = password,
		.journal = means->journal,
	};
	destination->password = password;
	destination->on_done = done;
	destination->context = context;
	destination->end = &destination->first;
	loop_timer_init(&destination->rest, means->loop, on_rested, destination);
	destination->slot_count = route->concurrency ? route->concurrency
						     : settings->queue.concurrency_per_destination;
	destination->slots = mem_alloc_array(destination->slot_count, sizeof *destination->slots);
	for (size_t i = 0; i < destination->slot_count; i++)
		destination->slots[i].destination = destination;
	return destination;
}

void
destination_free(struct destination **destination)
{
	if (!*destination)
		return;
	destination_forget_waiting(*destination);
	prober_free(&(*destination)->prober);
	loop_timer_stop(&(*destination)->rest);
	for (size_t i = 0; i < (*destination)->slot_count; i++)
		hop_free(&(*destination)->slots[i].hop);
	secret_free(&(*destination)->password);
	mem_free(&(*destination)->slots);
	mem_free(destination);
}

const char *
destination_name(const struct destination *destination)
{
	return destination->route.settings->title;
}

const char *
destination_hop(const struct destination *destination)
{
	return destination->route.settings->to.text;
}

struct prober *
destination_prober(struct destination *destination)
{
	if (!destination->prober)
		destination->prober = prober_new(&destination->route);
	return destination->prober;
}

size_t
destination_asking(const struct destination *destination)
{
	return prober_asking(destination->prober);
}
