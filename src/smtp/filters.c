/* SPDX-License-Identifier: BSD-2-Clause */
/* The remote filters of this process: what is known of each, and what their stages need. */
#include "smtp/filters.h"

#include <string.h>

#include "proc/needs.h"
#include "smtp/queue_body.h"

/* By name, for as long as the process lives: sessions of older settings still speak of it. */
struct filter {
	struct filter *next;
	char *name;
	char *address;
	bool alone; /* its breaker is this process's own affair, for good */
	struct milter_health health;
};

struct filters {
	struct dial_link *dial;
	struct queue_link *queue;
	struct gate *gate;
	struct milter_means means;
	struct filter *first;
};

/* ---- means ----------------------------------------------------------------------------------- */

/* Descriptors are counted out at the start (proc/needs.h): what goes beyond is not asked for. */
static size_t
count_connections(const struct filters *filters)
{
	size_t count = dial_link_calls(filters->dial);

	for (const struct filter *filter = filters->first; filter; filter = filter->next)
		count += filter->health.connections;
	return count;
}

/* Half of them are for those who have a message under way. */
static bool
on_crowded(void *context)
{
	return count_connections(context) > NEEDS_FILTERS_MOST / 2;
}

static void *
on_dial(void *context, const char *name, uint64_t wait_ms, milter_dialed_fn *done, void *asker)
{
	struct filters *filters = context;
	struct dial_call *call;
	char *endpoint;

	if (count_connections(filters) >= NEEDS_FILTERS_MOST)
		return NULL;
	endpoint = mem_printf("milter:%s", name);
	call = dial_link_call(filters->dial, endpoint, wait_ms, done, asker);
	mem_free(&endpoint);
	return call;
}

static void
on_dial_forget(void *context, void **call)
{
	struct dial_call *forgotten = *call;

	(void)context;
	dial_link_forget(&forgotten);
	*call = NULL;
}

static void *
on_body_open(void *context, milter_body_fn *done, void *asker)
{
	struct filters *filters = context;

	return queue_body_open(filters->queue, done, asker);
}

static void
on_body_forget(void *context, void **call)
{
	struct queue_body *forgotten = *call;

	(void)context;
	queue_body_forget(&forgotten);
	*call = NULL;
}

static void
on_body_drop(void *context, uint64_t file)
{
	struct filters *filters = context;

	queue_body_drop(filters->queue, file);
}

/* ---- what is known --------------------------------------------------------------------------- */

struct filters *
filters_new(struct loop *loop, struct dial_link *dial, struct queue_link *queue, struct gate *gate)
{
	struct filters *filters = mem_alloc(sizeof *filters);

	filters->dial = dial;
	filters->queue = queue;
	filters->gate = gate;
	filters->means = (struct milter_means){
		.loop = loop,
		.context = filters,
		.dial = on_dial,
		.dial_forget = on_dial_forget,
		.is_crowded = on_crowded,
		.body_open = on_body_open,
		.body_forget = on_body_forget,
		.body_drop = on_body_drop,
	};
	return filters;
}

void
filters_free(struct filters **filters)
{
	if (!*filters)
		return;
	while ((*filters)->first) {
		struct filter *filter = (*filters)->first;

		(*filters)->first = filter->next;
		mem_free(&filter->name);
		mem_free(&filter->address);
		mem_free(&filter);
	}
	mem_free(filters);
}

static struct filter *
find(const struct filters *filters, const char *name)
{
	struct filter *filter = filters->first;

	while (filter && strcmp(filter->name, name) != 0)
		filter = filter->next;
	return filter;
}

static struct filter *
add_filter(struct filters *filters, const char *name)
{
	struct filter *filter = mem_alloc(sizeof *filter);

	filter->name = mem_strdup(name);
	filter->next = filters->first;
	filters->first = filter;
	return filter;
}

/* Of such a filter others can be told wrongly that it rests: mail is late, but not lost. */
static bool
is_put_off_or_held(enum milter_failure on_failure)
{
	return on_failure == MILTER_FAILURE_TEMPFAIL || on_failure == MILTER_FAILURE_HOLD;
}

static void
use(struct filters *filters, const struct settings_milter *settings)
{
	const char *address = settings->address.text;
	struct filter *filter = find(filters, settings->title);
	struct milter_breaker *breaker;
	bool moved;

	if (!filter)
		filter = add_filter(filters, settings->title);
	moved = filter->address && strcmp(filter->address, address) != 0;
	filter->alone |= !is_put_off_or_held(settings->on_failure);
	breaker = &filter->health.breaker;
	breaker->shared =
		filter->alone ? NULL : gate_breaker(filters->gate, settings->title, address);
	breaker->first_rest_ms = settings->rest;
	if (moved)
		milter_health_moved(&filter->health);
	mem_free(&filter->address);
	filter->address = mem_strdup(address);
}

void
filters_use(struct filters *filters, const struct settings *settings)
{
	for (size_t i = 0; i < settings->milter.count; i++)
		use(filters, &settings->milter.items[i]);
}

struct milter_health *
filters_health(struct filters *filters, const char *name)
{
	struct filter *filter = find(filters, name);

	return filter ? &filter->health : NULL;
}

const struct milter_means *
filters_means(const struct filters *filters)
{
	return &filters->means;
}

size_t
filters_of(struct filters *filters, const struct mail_session *session, struct milter *rows)
{
	const struct settings_policy *policy =
		settings_find_policy(session->settings, session->listener);
	size_t count = 0;

	for (size_t i = 0; policy && i < policy->milters.count && count < FILTERS_MAX; i++) {
		const struct settings_milter *settings =
			settings_find_milter(session->settings, policy->milters.items[i]);
		struct milter_health *health =
			settings ? filters_health(filters, settings->title) : NULL;

		if (health)
			rows[count++] = (struct milter){ settings, health, &filters->means };
	}
	return count;
}
