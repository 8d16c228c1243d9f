/* SPDX-License-Identifier: BSD-2-Clause */
/* Who met which limit, how often, and when last. */
#include "auth/limit_report.h"

#include <string.h>

#include "base/memory.h"

struct limit_report {
	struct table rows;
	size_t max_rows;
};

struct limit_report *
limit_report_new(size_t max_rows)
{
	struct limit_report *report = mem_alloc(sizeof *report);

	table_init(&report->rows);
	report->max_rows = max_rows;
	return report;
}

static struct limit_report_row *
row_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct limit_report_row, by_key);
}

static void
forget(struct limit_report *report, struct limit_report_row *row)
{
	table_take(&report->rows, &row->by_key);
	mem_free(&row->text);
	mem_free(&row->client_address);
	mem_free(&row);
}

void
limit_report_free(struct limit_report **report)
{
	if (!*report)
		return;
	while ((*report)->rows.oldest)
		forget(*report, row_of((*report)->rows.oldest));
	table_fini(&(*report)->rows);
	mem_free(report);
}

/* The key is both names, each with its NUL. */
static struct limit_report_row *
find_or_add(struct limit_report *report, const struct limit_met *met, uint64_t wall_ms)
{
	size_t who = strlen(met->who) + 1;
	size_t limit = strlen(met->limit) + 1;
	struct limit_report_row *made = mem_alloc(sizeof *made + who + limit);
	struct limit_report_row *row;

	memcpy(made->key, met->who, who);
	memcpy(made->key + who, met->limit, limit);
	row = row_of(table_find(&report->rows, span_of(made->key, who + limit)));
	if (row) {
		mem_free(&made);
		table_renew(&report->rows, &row->by_key);
		return row;
	}
	if (report->rows.count >= report->max_rows)
		forget(report, row_of(report->rows.oldest));
	made->who = made->key;
	made->limit = made->key + who;
	made->first_ms = wall_ms;
	table_add(&report->rows, &made->by_key, span_of(made->key, who + limit));
	return made;
}

void
limit_report_add(struct limit_report *report, const struct limit_met *met, uint64_t wall_ms)
{
	struct limit_report_row *row = find_or_add(report, met, wall_ms);

	mem_free(&row->text);
	mem_free(&row->client_address);
	row->text = mem_strdup(met->text);
	row->client_address = mem_strdup(met->client_address);
	row->outcome = met->outcome;
	row->last_ms = wall_ms;
	row->count++;
}

const struct limit_report_row *
limit_report_next(const struct limit_report *report, const struct limit_report_row *before)
{
	return row_of(before ? before->by_key.older : report->rows.newest);
}
