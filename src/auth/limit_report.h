/* SPDX-License-Identifier: BSD-2-Clause */
/* Who met which limit, how often, and when last: for report limits; bounded, of this process alone. */
#ifndef AUTH_LIMIT_REPORT_H
#define AUTH_LIMIT_REPORT_H

#include "auth/table.h"

struct limit_report;

/* One that met one limit. */
struct limit_report_row {
	struct table_entry by_key;
	const char *who;         /* a login, or an address as in usage.h */
	const char *limit;       /* the setting: "messages-per-hour" */
	const char *outcome;     /* of the last time: "held", "put off", "refused" */
	char *text;              /* the words of the last time */
	char *client_address;    /* of the last time */
	uint64_t count;
	uint64_t first_ms;       /* wall clock */
	uint64_t last_ms;
	char key[];
};

/* One time. limit and outcome are texts that stay. */
struct limit_met {
	const char *who;
	const char *limit;
	const char *outcome;
	const char *text;
	const char *client_address;
};

struct limit_report *limit_report_new(size_t max_rows); /* beyond, the oldest are forgotten */
void limit_report_free(struct limit_report **report);
void limit_report_add(struct limit_report *report, const struct limit_met *met, uint64_t wall_ms);
/* From the one that met its limit last; NULL at the end; before NULL: the first. */
const struct limit_report_row *limit_report_next(const struct limit_report *report,
	const struct limit_report_row *before);

#endif
