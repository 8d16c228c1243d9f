/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose an address is, by the tables of Postfix. */
#include "filter/maps.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "filter/map_query.h"
#include "filter/map_sqlite.h"
#include "filter/map_text.h"
#include "wire/address.h"

#define LOGIN_SEPARATORS ", \t\r\n"

struct maps {
	struct map **items;
	size_t count;
	char **local_domains; /* in lower case */
	size_t local_count;
	char *delimiters;
};

/* ---- which tables ----------------------------------------------------------------------------- */

static const char *
skip_prefix(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

static struct map *
open_path(const char *path, struct map *(*open)(const char *path, struct fault *fault_out),
	struct fault *fault)
{
	if (path[0] == '/')
		return open(path, fault);
	fault_set(fault, FAULT_CONFIG, "the path of a table is absolute");
	return NULL;
}

static struct map *
refuse(const char *name, struct fault *fault)
{
	static const char *const indexed[] = { "hash:", "btree:", "lmdb:", "cdb:", "dbm:", "sdbm:" };

	for (size_t i = 0; i < sizeof indexed / sizeof indexed[0]; i++) {
		const char *path = skip_prefix(name, indexed[i]);

		if (!path)
			continue;
		fault_set(fault, FAULT_CONFIG,
			"indexed files are not read here; write texthash:%s, the text that postmap "
			"makes them of",
			path);
		return NULL;
	}
	fault_set(fault, FAULT_CONFIG, "tables here are texthash:/path and sqlite:/path");
	return NULL;
}

enum kind {
	KIND_TEXT,
	KIND_SQLITE,
	KIND_NONE,
};

static enum kind
kind_of(const char *name, const char **path_out)
{
	const char *direct = skip_prefix(name, "proxy:");

	*path_out = direct ? direct : name;
	if ((direct = skip_prefix(*path_out, "sqlite:"))) {
		*path_out = direct;
		return KIND_SQLITE;
	}
	if ((direct = skip_prefix(*path_out, "texthash:")))
		*path_out = direct;
	return direct || (*path_out)[0] == '/' ? KIND_TEXT : KIND_NONE;
}

static struct map *
open_map(const char *name, struct fault *fault)
{
	const char *path;

	switch (kind_of(name, &path)) {
	case KIND_TEXT:
		return open_path(path, map_text_open, fault);
	case KIND_SQLITE:
		return open_path(path, map_sqlite_open, fault);
	case KIND_NONE:
		break;
	}
	return refuse(path, fault);
}

void
maps_each_file(const struct settings_texts *names,
	void (*on_file)(const char *path, bool is_database, void *context), void *context)
{
	for (size_t i = 0; i < names->count; i++) {
		struct map_query *query = NULL;
		const char *path;
		enum kind kind = kind_of(names->items[i], &path);

		if (kind != KIND_NONE)
			on_file(path, false, context);
		if (kind == KIND_SQLITE)
			query = map_query_load(path, NULL);
		if (query)
			on_file(map_query_database(query), true, context);
		map_query_free(&query);
	}
}

/* Faults of files begin with the path; the others are told which table it was. */
static void
name_table(const char *name, struct fault *fault)
{
	const char *path = strchr(name, '/');

	if (!path || strncmp(fault->text, path, strlen(path)) != 0)
		fault_add(fault, "sender-maps: %s", name);
}

static char *
lower_copy(const char *text)
{
	char *copy = mem_strdup(text);

	for (char *byte = copy; *byte; byte++)
		*byte = text_lower(*byte);
	return copy;
}

struct maps *
maps_new(const struct settings_texts *names, const struct settings_texts *local_domains,
	const char *delimiters, struct fault *fault_out)
{
	struct maps *maps = mem_alloc(sizeof *maps);

	maps->items = mem_alloc_array(names->count, sizeof(struct map *));
	maps->local_domains = mem_alloc_array(local_domains->count, sizeof(char *));
	for (size_t i = 0; i < local_domains->count; i++)
		maps->local_domains[maps->local_count++] = lower_copy(local_domains->items[i]);
	maps->delimiters = mem_strdup(delimiters);
	for (size_t i = 0; i < names->count; i++) {
		struct map *map = open_map(names->items[i], fault_out);

		if (!map) {
			name_table(names->items[i], fault_out);
			maps_free(&maps);
			return NULL;
		}
		maps->items[maps->count++] = map;
	}
	return maps;
}

void
maps_free(struct maps **maps)
{
	struct maps *freed = *maps;

	if (!freed)
		return;
	for (size_t i = 0; i < freed->count; i++)
		freed->items[i]->type->free(&freed->items[i]);
	for (size_t i = 0; i < freed->local_count; i++)
		mem_free(&freed->local_domains[i]);
	mem_free(&freed->items);
	mem_free(&freed->local_domains);
	mem_free(&freed->delimiters);
	mem_free(maps);
}

/* ---- the order of looking --------------------------------------------------------------------- */

/* One address being looked up. */
struct search {
	struct maps *maps;
	uint64_t deadline_ms;
	struct buf *logins;
	struct fault *fault;
};

static enum map_result
find_key(const struct search *search, const char *key)
{
	enum map_result result = MAP_NONE;

	for (size_t i = 0; i < search->maps->count && result == MAP_NONE && key[0]; i++) {
		struct map *map = search->maps->items[i];

		result = map->type->find(
			map, key, search->deadline_ms, search->logins, search->fault);
	}
	return result;
}

/* As an envelope writes it, the local part quoted where it must be; and if it must, also without. */
static enum map_result
find_written(const struct search *search, const struct address *address, bool with_domain)
{
	char written[ADDRESS_TEXT_SIZE];
	char plain[sizeof *address + 2];
	enum map_result result;

	address_format(address, written);
	snprintf(plain, sizeof plain, "%s@%s", address->local, address->domain);
	if (!with_domain) {
		*strrchr(written, '@') = '\0';
		*strrchr(plain, '@') = '\0';
	}
	result = find_key(search, written);
	return result == MAP_NONE && strcmp(written, plain) != 0 ? find_key(search, plain) : result;
}

/* Addresses that have no extension, whatever is in them. */
static bool
is_whole(struct span local, const char *delimiters)
{
	static const char *const reserved[] = { "postmaster", "mailer-daemon", "double-bounce" };
	enum { REQUEST_BYTES = sizeof "-request" - 1 };

	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
		if (span_is(local, reserved[i]))
			return true;
	}
	return strchr(delimiters, '-') &&
		(span_starts(local, "owner-") ||
			(local.length > REQUEST_BYTES &&
				span_is(span_from(local, local.length - REQUEST_BYTES), "-request")));
}

/* Without its extension; the same again if it has none. */
static struct address
bare_of(const struct address *address, const char *delimiters)
{
	struct address bare = *address;
	size_t length = strcspn(address->local, delimiters);

	if (length > 0 && !is_whole(address_local(address), delimiters)) {
		bare.local[length] = '\0';
		bare.local_length = (uint8_t)length;
	}
	return bare;
}

static bool
is_local(const struct maps *maps, const char *domain)
{
	for (size_t i = 0; i < maps->local_count; i++) {
		if (strcmp(maps->local_domains[i], domain) == 0)
			return true;
	}
	return false;
}

static enum map_result
find_in_order(const struct search *search, const struct address *address)
{
	struct address bare = bare_of(address, search->maps->delimiters);
	bool extended = bare.local_length < address->local_length;
	enum map_result result = find_written(search, address, true);
	char domain[DOMAIN_SIZE + 1];

	if (result == MAP_NONE && extended)
		result = find_written(search, &bare, true);
	if (result == MAP_NONE && is_local(search->maps, address->domain)) {
		result = find_written(search, address, false);
		if (result == MAP_NONE && extended)
			result = find_written(search, &bare, false);
	}
	snprintf(domain, sizeof domain, "@%s", address->domain);
	return result == MAP_NONE ? find_key(search, domain) : result;
}

enum map_result
maps_find(struct maps *maps, const char *address, uint64_t deadline_ms, struct buf *logins,
	struct fault *fault_out)
{
	const struct search search = { maps, deadline_ms, logins, fault_out };
	struct address parsed;

	/* The null address, and what is none, is nobody's. */
	if (address_parse(span_text(address), ADDRESS_UTF8, &parsed) != ADDRESS_OK)
		return MAP_NONE;
	for (size_t i = 0; i < parsed.local_length; i++)
		parsed.local[i] = text_lower(parsed.local[i]);
	return find_in_order(&search, &parsed);
}

bool
maps_has_login(struct span logins, const char *login)
{
	while (logins.length) {
		size_t length = 0;

		while (length < logins.length && !strchr(LOGIN_SEPARATORS, logins.start[length]))
			length++;
		if (length && span_is_nocase(span_first(logins, length), login))
			return true;
		logins = span_from(logins, length + 1);
	}
	return false;
}
