/* SPDX-License-Identifier: BSD-2-Clause */
/* The routes of one generation of settings, each with its destination. Old ones finish their jobs. */
#ifndef RELAY_ROUTE_TABLE_H
#define RELAY_ROUTE_TABLE_H

#include "proc/role.h"
#include "relay/destination.h"
#include "relay/trusts.h"

struct route_table {
	struct route_table *older;      /* the owner's: a list, the newest first */
	struct role_context *context;
	struct loop *loop;
	destination_done_fn *on_done;
	void *owner;
	struct journal *const *journal; /* the relay's protocol log */
	struct settings *settings;
	struct resolver *resolver;
	struct trusts *trusts;
	size_t count;
	struct destination **destinations;
};

/* By the role's settings as they are now. NULL and the reason if one route could not be used. */
struct route_table *route_table_new(struct role_context *context, destination_done_fn *on_done,
	void *owner, struct journal *const *journal, struct fault *fault_out);
void route_table_free(struct route_table **table);
struct destination *route_table_find(const struct route_table *table, const char *name);
/* Jobs at a hop, in this table and the older ones. */
size_t route_table_working(const struct route_table *table);
/* Is there a job or a question in this one? */
bool route_table_is_used(const struct route_table *table);
/* In this and the older ones. */
void route_table_visit(const struct route_table *table,
	void (*call)(struct destination *destination));

#endif
