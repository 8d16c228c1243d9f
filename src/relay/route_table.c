/* SPDX-License-Identifier: BSD-2-Clause */
/* The routes of one generation of settings, each with its destination. */
#include "relay/route_table.h"

enum {
	ROUTE_TRUST_MAX_BYTES = 4 * 1024 * 1024, /* of trusted authorities */
	ROUTE_SECRET_MAX_BYTES = 4096,
};

/* ---- files ---------------------------------------------------------------------------------------- */

static struct secret *
read_password(const struct route_table *table, const struct settings_route *route, struct fault *fault)
{
	struct buf bytes = BUF_INIT(ROUTE_SECRET_MAX_BYTES);
	char *name = mem_printf("route:%s", route->title);
	struct secret *password = NULL;
	struct span line;
	struct span rest;

	if (!role_read_file(table->context, FILE_SECRET, name, 0, &bytes)) {
		fault_set(fault, FAULT_CONFIG, "%s: secret-file %s cannot be read", route->where,
			route->secret_file);
	} else {
		line = span_cut(buf_span(&bytes), '\n', &rest);
		if (line.length && line.start[line.length - 1] == '\r')
			line.length--;
		if (line.length)
			password = secret_new(line);
		else
			fault_set(fault, FAULT_CONFIG, "%s: secret-file %s is empty", route->where,
				route->secret_file);
	}
	buf_wipe(&bytes);
	buf_fini(&bytes);
	mem_free(&name);
	return password;
}

/* ---- destinations --------------------------------------------------------------------------------- */

/* For routes that trust the same authorities and demand the same, one. */
static struct tls_client *
find_tls(struct route_table *table, const struct settings_route *route, struct fault *fault)
{
	const char *file = route->trust_file[0] ? route->trust_file
						: table->settings->relay.trust_file;
	enum tls_verify verify = route->tls == ROUTE_TLS_VERIFY ? TLS_VERIFY_REQUIRED
								: TLS_VERIFY_OPPORTUNISTIC;
	struct tls_client *client = trusts_find(table->trusts, verify, file);
	struct buf trust_pem = BUF_INIT(ROUTE_TRUST_MAX_BYTES);

	if (client)
		return client;
	if (file[0] && !role_read_file(table->context, FILE_TRUST, file, 0, &trust_pem))
		fault_set(fault, FAULT_CONFIG, "%s: trust-file %s cannot be read", route->where, file);
	else
		client = trusts_add(table->trusts, verify, file, buf_span(&trust_pem), fault);
	buf_fini(&trust_pem);
	return client;
}

static struct destination *
new_destination(struct route_table *table, const struct settings_route *route,
	struct fault *fault)
{
	struct destination_means means = {
		.loop = table->loop,
		.resolver = table->resolver,
		.settings = table->settings,
		.journal = table->journal,
	};
	struct secret *password = NULL;

	if (route->tls != ROUTE_TLS_NONE && !(means.tls = find_tls(table, route, fault)))
		return NULL;
	if (route->user[0] && !(password = read_password(table, route, fault)))
		return NULL;
	return destination_new(&means, route, password, table->on_done, table->owner);
}

void
route_table_free(struct route_table **table)
{
	if (!*table)
		return;
	for (size_t i = 0; i < (*table)->count; i++)
		destination_free(&(*table)->destinations[i]);
	mem_free(&(*table)->destinations);
	resolver_free(&(*table)->resolver);
	trusts_free(&(*table)->trusts);
	settings_free(&(*table)->settings);
	mem_free(table);
}

struct route_table *
route_table_new(struct role_context *context, destination_done_fn *on_done, void *owner,
	struct journal *const *journal, struct fault *fault)
{
	struct route_table *table = mem_alloc(sizeof *table);
	const struct settings_texts *resolvers;
	const struct settings_routes *routes;

	table->context = context;
	table->loop = role_loop(context);
	table->on_done = on_done;
	table->owner = owner;
	table->journal = journal;
	table->settings = settings_hold(role_settings(context));
	resolvers = &table->settings->relay.resolvers;
	routes = &table->settings->route;
	table->destinations = mem_alloc_array(routes->count, sizeof *table->destinations);
	table->trusts = trusts_new();
	table->resolver =
		resolver_new(table->loop, resolvers->items, resolvers->count, fault);
	for (; table->resolver && table->count < routes->count; table->count++) {
		table->destinations[table->count] =
			new_destination(table, &routes->items[table->count], fault);
		if (!table->destinations[table->count])
			break;
	}
	if (!table->resolver || table->count < routes->count)
		route_table_free(&table);
	return table;
}

/* ---- the table ------------------------------------------------------------------------------------ */

struct destination *
route_table_find(const struct route_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (span_is(span_text(destination_name(table->destinations[i])), name))
			return table->destinations[i];
	return NULL;
}

size_t
route_table_working(const struct route_table *table)
{
	size_t sum = 0;

	for (; table; table = table->older)
		for (size_t i = 0; i < table->count; i++)
			sum += destination_working(table->destinations[i]);
	return sum;
}

bool
route_table_is_used(const struct route_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		if (destination_working(table->destinations[i]) ||
			destination_waiting(table->destinations[i]) ||
			destination_asking(table->destinations[i]))
			return true;
	return false;
}

void
route_table_visit(const struct route_table *table, void (*call)(struct destination *destination))
{
	for (; table; table = table->older)
		for (size_t i = 0; i < table->count; i++)
			call(table->destinations[i]);
}
