/* SPDX-License-Identifier: BSD-2-Clause */
/* What each login, and each address of strangers, has used up. */
#include "auth/usage.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/pack.h"

enum {
	VERSION = 1,      /* of a row's content */
	V4_AT = 12,       /* in a mapped address */
	V6_HOST_AT = 8,   /* the bytes behind a /64 */
};

struct usage {
	struct table logins;
	struct table addresses;
	size_t max_rows;
};

uint64_t
usage_now_ms(uint64_t steady_ms)
{
	return steady_ms + USAGE_PAST_MS;
}

struct usage *
usage_new(size_t max_rows)
{
	struct usage *usage = mem_alloc(sizeof *usage);

	table_init(&usage->logins);
	table_init(&usage->addresses);
	usage->max_rows = max_rows;
	return usage;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static struct usage_row *
row_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct usage_row, by_key);
}

static struct table *
table_of(struct usage *usage, enum usage_kind kind)
{
	return kind == USAGE_LOGIN ? &usage->logins : &usage->addresses;
}

static void
forget(struct table *table, struct usage_row *row)
{
	table_take(table, &row->by_key);
	mem_free(&row->limits);
	mem_free(&row);
}

void
usage_free(struct usage **usage)
{
	struct table *tables[2];

	if (!*usage)
		return;
	tables[0] = &(*usage)->logins;
	tables[1] = &(*usage)->addresses;
	for (size_t i = 0; i < 2; i++) {
		while (tables[i]->oldest)
			forget(tables[i], row_of(tables[i]->oldest));
		table_fini(tables[i]);
	}
	mem_free(usage);
}

struct usage_row *
usage_find(const struct usage *usage, enum usage_kind kind, const char *name)
{
	const struct table *table = kind == USAGE_LOGIN ? &usage->logins : &usage->addresses;

	return row_of(table_find(table, span_text(name)));
}

struct usage_row *
usage_find_or_add(struct usage *usage, enum usage_kind kind, const char *name)
{
	struct usage_row *row = usage_find(usage, kind, name);
	struct table *table = table_of(usage, kind);
	size_t length = strlen(name);

	if (row) {
		table_renew(table, &row->by_key);
		return row;
	}
	if (table->count >= usage->max_rows)
		forget(table, row_of(table->oldest));
	row = mem_alloc(sizeof *row + length + 2);
	row->kind = kind;
	row->key[0] = (char)kind;
	memcpy(row->key + 1, name, length + 1);
	row->name = row->key + 1;
	row->limits = mem_strdup("");
	table_add(table, &row->by_key, span_of(row->name, length));
	return row;
}

struct usage_row *
usage_next(const struct usage *usage, const struct usage_row *after)
{
	struct table_entry *entry = after ? after->by_key.newer : usage->logins.oldest;

	if (!entry && (!after || after->kind == USAGE_LOGIN))
		entry = usage->addresses.oldest;
	return row_of(entry);
}

void
usage_address_name(const unsigned char address[USAGE_ADDRESS_BYTES], char name_out[USAGE_NAME_SIZE])
{
	static const unsigned char v4_prefix[V4_AT] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	unsigned char network[USAGE_ADDRESS_BYTES] = { 0 };

	if (memcmp(address, v4_prefix, sizeof v4_prefix) == 0) {
		inet_ntop(AF_INET, address + V4_AT, name_out, USAGE_NAME_SIZE);
		return;
	}
	/* Whoever has an IPv6 address has the whole /64. */
	memcpy(network, address, V6_HOST_AT);
	inet_ntop(AF_INET6, network, name_out, USAGE_NAME_SIZE - sizeof "/64");
	strcat(name_out, "/64");
}

/* ---- charges --------------------------------------------------------------------------------- */

static enum charge_verdict
verdict_over(const struct usage_row *row, const struct settings_limits *limits,
	enum budget_answer answer)
{
	bool is_held = limits->over == LIMITS_OVER_HOLD && row->kind == USAGE_LOGIN;

	if (answer == BUDGET_CUT || limits->over == LIMITS_OVER_REFUSE)
		return CHARGE_REFUSE;
	if (is_held)
		return CHARGE_HOLD;
	/* What will never fit is not to be tried again. */
	return answer == BUDGET_NEVER ? CHARGE_REFUSE : CHARGE_TEMPFAIL;
}

static void
remember_limits(struct usage_row *row, const struct settings_limits *limits)
{
	if (strcmp(row->limits, limits->title) == 0)
		return;
	mem_free(&row->limits);
	row->limits = mem_strdup(limits->title);
}

void
usage_charge(struct usage *usage, struct usage_row *row, const struct settings_limits *limits,
	const struct budget_cost *cost, uint64_t now_ms, uint64_t wall_ms,
	struct usage_charged *charged_out)
{
	enum budget_kind met = BUDGET_COUNT;
	enum budget_answer answer = budget_ask(&row->budgets, limits, cost, now_ms, &met);

	table_renew(table_of(usage, row->kind), &row->by_key);
	remember_limits(row, limits);
	*charged_out = (struct usage_charged){ .verdict = CHARGE_PASS, .met = met };
	if (answer != BUDGET_FITS) {
		charged_out->verdict = verdict_over(row, limits, answer);
		budget_text(limits, met, answer, charged_out->text);
	}
	if (row->over_since_ms && budget_is_whole(&row->budgets, limits, now_ms))
		row->over_since_ms = 0;
	if (charged_out->verdict == CHARGE_HOLD && !row->over_since_ms) {
		row->over_since_ms = wall_ms;
		charged_out->began = true;
	}
	if (charged_out->verdict == CHARGE_PASS || charged_out->verdict == CHARGE_HOLD) {
		budget_take(&row->budgets, limits, cost, now_ms, &charged_out->taken);
		row->changed = true;
	}
}

void
usage_refund(struct usage_row *row, const struct settings_limits *limits,
	const struct budget_taken *taken, uint64_t now_ms)
{
	budget_give_back(&row->budgets, limits, taken, now_ms);
	row->changed = true;
}

void
usage_forgive(struct usage_row *row)
{
	row->budgets = (struct budgets){ .of = { { .spent = 0 } } };
	row->over_since_ms = 0;
	row->changed = true;
}

void
usage_seen(struct usage_row *row)
{
	row->over_since_ms = 0;
	row->changed = true;
}

static void
sweep(struct table *table, uint64_t now_ms)
{
	struct table_entry *entry = table->oldest;

	while (entry) {
		struct usage_row *row = row_of(entry);

		entry = entry->newer;
		if (!row->changed && budget_is_idle(&row->budgets, now_ms))
			forget(table, row);
	}
}

void
usage_sweep(struct usage *usage, uint64_t now_ms)
{
	sweep(&usage->logins, now_ms);
	sweep(&usage->addresses, now_ms);
}

/* ---- on disk --------------------------------------------------------------------------------- */

void
usage_pack(struct usage_row *row, uint64_t now_ms, uint64_t wall_ms, struct buf *to)
{
	pack_u8(to, VERSION);
	pack_text(to, row->limits);
	pack_u64(to, row->over_since_ms);
	pack_u8(to, BUDGET_COUNT);
	for (unsigned kind = 0; kind < BUDGET_COUNT; kind++) {
		const struct budget *budget = &row->budgets.of[kind];

		pack_u64(to, budget->spent);
		pack_u64(to, wall_ms - (now_ms - budget->stamp_ms));
		pack_bool(to, budget->cut);
	}
	row->changed = false;
}

bool
usage_unpack(struct usage *usage, struct span key, struct span content, uint64_t now_ms,
	uint64_t wall_ms)
{
	struct unpack from = unpack_start(content);
	struct arena *arena = arena_new(0);
	enum usage_kind kind = key.length > 1 ? (enum usage_kind)key.start[0] : USAGE_LOGIN;
	const char *name = arena_strndup(arena, key.start + 1, key.length > 1 ? key.length - 1 : 0);
	struct budgets budgets = { .of = { { .spent = 0 } } };
	bool known = unpack_u8(&from) == VERSION;
	const char *limits = unpack_text(&from, MESSAGE_NAME_MAX_BYTES, arena);
	uint64_t over_since_ms = unpack_u64(&from);
	struct usage_row *row;
	bool good;

	known = unpack_u8(&from) == BUDGET_COUNT && known;
	for (unsigned i = 0; known && i < BUDGET_COUNT; i++) {
		uint64_t spent = unpack_u64(&from);
		uint64_t stamp_ms = unpack_u64(&from);
		uint64_t age_ms = wall_ms > stamp_ms ? wall_ms - stamp_ms : 0;

		budgets.of[i] = (struct budget){ .spent = spent,
			.stamp_ms = age_ms < now_ms ? now_ms - age_ms : 0,
			.cut = unpack_bool(&from) };
	}
	good = known && unpack_done(&from) && name[0] &&
		(kind == USAGE_LOGIN || kind == USAGE_ADDRESS);
	if (good) {
		row = usage_find_or_add(usage, kind, name);
		row->budgets = budgets;
		row->over_since_ms = over_since_ms;
		mem_free(&row->limits);
		row->limits = mem_strdup(limits);
	}
	arena_free(&arena);
	return good;
}
