/* SPDX-License-Identifier: BSD-2-Clause */
/* Host names to addresses, by libunbound. */
#include "io/resolve.h"

#include <stdio.h>
#include <string.h>

#include <unbound.h>

#include "base/memory.h"

enum {
	RR_TYPE_A = 1,      /* RFC 1035 3.2.2 */
	RR_TYPE_AAAA = 28,  /* RFC 3596 2.1 */
	RR_CLASS_IN = 1,
	RCODE_NXDOMAIN = 3,
	RESOLVE_PER_FAMILY_MAX = RESOLVE_ADDRESSES_MAX / 2,
};

struct resolver {
	struct loop *loop;
	size_t holders;
	struct ub_ctx *ub;
	struct loop_watch *watch;
	struct resolve_query *first;
};

/* The two questions of one query. */
enum family { FAMILY_V6, FAMILY_V4, FAMILY_COUNT };

struct question {
	struct resolve_query *query;
	enum family family;
	int id;
	bool open;
	bool failed;
	size_t count;
	struct sock_address addresses[RESOLVE_PER_FAMILY_MAX];
};

struct resolve_query {
	struct resolver *resolver;
	struct resolve_query *next;
	struct resolve_query *previous;
	resolve_fn *on_result;
	void *context;
	char *host;
	uint16_t port;
	uint64_t until_ms;
	struct loop_timer deadline;
	struct loop_defer answer; /* for what is known without asking */
	struct fault fault;
	struct question questions[FAMILY_COUNT];
};

static void
on_readable(unsigned events, void *context)
{
	struct resolver *resolver = context;

	(void)events;
	ub_process(resolver->ub);
}

/* The library wants "192.0.2.1@53". */
static bool
use_server(struct ub_ctx *ub, const char *server, struct fault *fault_out)
{
	struct sock_address address;
	char host[SOCK_TEXT_MAX_BYTES];
	char text[SOCK_TEXT_MAX_BYTES + 8];

	if (!sock_address_parse(span_text(server), &address, fault_out))
		return false;
	snprintf(text, sizeof text, "%s@%u", sock_address_format_host(&address, host),
		sock_address_port(&address));
	if (ub_ctx_set_fwd(ub, text) != 0)
		return fault_set(fault_out, FAULT_CONFIG, "%s: no server to ask for names", server);
	return true;
}

/* The files may be missing in a container: then names are not found, addresses still work. */
static bool
set_up(struct ub_ctx *ub, const char *const *servers, size_t count, struct fault *fault_out)
{
	if (ub_ctx_async(ub, 1) != 0)
		return fault_set(fault_out, FAULT_SYSTEM, "the resolver cannot start");
	ub_ctx_hosts(ub, NULL);
	if (count == 0)
		ub_ctx_resolvconf(ub, NULL);
	for (size_t i = 0; i < count; i++)
		if (!use_server(ub, servers[i], fault_out))
			return false;
	return true;
}

struct resolver *
resolver_new(struct loop *loop, const char *const *servers, size_t count, struct fault *fault_out)
{
	struct resolver *resolver = mem_alloc(sizeof *resolver);

	resolver->loop = loop;
	resolver->ub = ub_ctx_create();
	if (!resolver->ub) {
		mem_free(&resolver);
		fault_set(fault_out, FAULT_SYSTEM, "the resolver cannot start");
		return NULL;
	}
	if (!set_up(resolver->ub, servers, count, fault_out)) {
		ub_ctx_delete(resolver->ub);
		mem_free(&resolver);
		return NULL;
	}
	resolver->holders = 1;
	resolver->watch = loop_watch_new(loop, ub_fd(resolver->ub), on_readable, resolver);
	loop_watch_set(resolver->watch, LOOP_READABLE);
	return resolver;
}

struct resolver *
resolver_hold(struct resolver *resolver)
{
	resolver->holders++;
	return resolver;
}

void
resolver_free(struct resolver **resolver)
{
	if (!*resolver)
		return;
	if (--(*resolver)->holders) {
		*resolver = NULL;
		return;
	}
	while ((*resolver)->first) {
		struct resolve_query *query = (*resolver)->first;

		resolve_cancel(&query);
	}
	loop_watch_free(&(*resolver)->watch);
	ub_ctx_delete((*resolver)->ub);
	mem_free(resolver);
}

void
resolve_cancel(struct resolve_query **query)
{
	struct resolve_query *old = *query;

	if (!old)
		return;
	for (enum family family = FAMILY_V6; family < FAMILY_COUNT; family++)
		if (old->questions[family].open)
			ub_cancel(old->resolver->ub, old->questions[family].id);
	loop_timer_stop(&old->deadline);
	loop_defer_cancel(&old->answer);
	if (old->next)
		old->next->previous = old->previous;
	if (old->previous)
		old->previous->next = old->next;
	else
		old->resolver->first = old->next;
	mem_free(&old->host);
	mem_free(query);
}

static uint64_t
now_ms(const struct resolve_query *query)
{
	return loop_now_ms(query->resolver->loop);
}

/* The query is gone before its owner hears, so that the owner may ask again or free everything. */
static void
finish(struct resolve_query *query, enum resolve_result result)
{
	struct sock_address addresses[RESOLVE_ADDRESSES_MAX];
	resolve_fn *on_result = query->on_result;
	struct fault fault = query->fault;
	void *context = query->context;
	size_t count = 0;

	for (size_t i = 0; i < RESOLVE_PER_FAMILY_MAX; i++)
		for (enum family family = FAMILY_V6; family < FAMILY_COUNT; family++)
			if (i < query->questions[family].count)
				addresses[count++] = query->questions[family].addresses[i];
	resolve_cancel(&query);
	on_result(result, addresses, count, &fault, context);
}

static bool
has_address(const struct resolve_query *query)
{
	return query->questions[FAMILY_V6].count || query->questions[FAMILY_V4].count;
}

/* A half of the answer is good enough if the other half failed, or does not come. */
static void
finish_if_answered(struct resolve_query *query)
{
	const struct question *v6 = &query->questions[FAMILY_V6];
	const struct question *v4 = &query->questions[FAMILY_V4];

	if (v6->open || v4->open) {
		if (has_address(query) && query->until_ms > now_ms(query) + RESOLVE_HALF_WAIT_MS)
			loop_timer_start(&query->deadline, RESOLVE_HALF_WAIT_MS);
		return;
	}
	if (has_address(query))
		finish(query, RESOLVE_FOUND);
	else if (v6->failed || v4->failed)
		finish(query, RESOLVE_TEMPORARY);
	else
		finish(query, RESOLVE_NONE);
}

static void
on_due(void *context)
{
	struct resolve_query *query = context;

	fault_set(&query->fault, FAULT_BUSY, "%s: no answer from the DNS in time", query->host);
	finish(query, has_address(query) ? RESOLVE_FOUND : RESOLVE_TEMPORARY);
}

static void
on_known(void *context)
{
	finish_if_answered(context);
}

static bool
take_address(struct question *question, const void *bytes, int length)
{
	struct sock_address *to = &question->addresses[question->count];

	memset(to, 0, sizeof *to);
	if (question->family == FAMILY_V4 && length == 4) {
		to->of.v4.sin_family = AF_INET;
		to->of.v4.sin_port = htons(question->query->port);
		memcpy(&to->of.v4.sin_addr, bytes, 4);
		to->length = sizeof to->of.v4;
	} else if (question->family == FAMILY_V6 && length == 16) {
		to->of.v6.sin6_family = AF_INET6;
		to->of.v6.sin6_port = htons(question->query->port);
		memcpy(&to->of.v6.sin6_addr, bytes, 16);
		to->length = sizeof to->of.v6;
	} else {
		return false;
	}
	question->count++;
	return true;
}

static void
on_answer(void *context, int error, struct ub_result *result)
{
	struct question *question = context;
	struct resolve_query *query = question->query;

	question->open = false;
	if (error || !result || (!result->havedata && !result->nxdomain && result->rcode != 0)) {
		question->failed = true;
		fault_set(&query->fault, FAULT_BUSY, "%s: the DNS gives no answer (%s)", query->host,
			error ? ub_strerror(error) : "server failure");
	} else if (!result->havedata) {
		fault_set(&query->fault, FAULT_MISSING, "%s: %s", query->host,
			result->nxdomain ? "no such host" : "the host has no address");
	}
	for (int i = 0; result && result->havedata && result->data[i] &&
		question->count < RESOLVE_PER_FAMILY_MAX;
		i++)
		take_address(question, result->data[i], result->len[i]);
	ub_resolve_free(result);
	finish_if_answered(query);
}

static void
ask(struct resolve_query *query, enum family family)
{
	struct question *question = &query->questions[family];
	int type = family == FAMILY_V6 ? RR_TYPE_AAAA : RR_TYPE_A;
	int error = ub_resolve_async(query->resolver->ub, query->host, type, RR_CLASS_IN, question,
		on_answer, &question->id);

	question->open = error == 0;
	question->failed = error != 0;
	if (error)
		fault_set(&query->fault, FAULT_BUSY, "%s: %s", query->host, ub_strerror(error));
}

struct resolve_query *
resolver_find(struct resolver *resolver, const char *host, uint16_t port, uint64_t wait_ms,
	resolve_fn *on_result, void *context)
{
	struct resolve_query *query = mem_alloc(sizeof *query);
	struct sock_address literal;

	query->resolver = resolver;
	query->on_result = on_result;
	query->context = context;
	query->host = mem_strdup(host);
	query->port = port;
	loop_timer_init(&query->deadline, resolver->loop, on_due, query);
	loop_defer_init(&query->answer, resolver->loop, on_known, query);
	query->next = resolver->first;
	if (query->next)
		query->next->previous = query;
	resolver->first = query;
	for (enum family family = FAMILY_V6; family < FAMILY_COUNT; family++) {
		query->questions[family].query = query;
		query->questions[family].family = family;
	}
	if (sock_address_parse_host(span_text(host), port, &literal)) {
		query->questions[FAMILY_V4].addresses[0] = literal;
		query->questions[FAMILY_V4].count = 1;
		loop_defer(&query->answer);
		return query;
	}
	query->until_ms = now_ms(query) + wait_ms;
	loop_timer_start(&query->deadline, wait_ms);
	ask(query, FAMILY_V6);
	ask(query, FAMILY_V4);
	if (!query->questions[FAMILY_V6].open && !query->questions[FAMILY_V4].open)
		loop_defer(&query->answer);
	return query;
}
