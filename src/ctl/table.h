/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON for human eyes: lists as tables, objects as lines of name and value. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum table_kind {
	TABLE_TEXT,   /* text, number, yes or no, or a list of texts with commas */
	TABLE_TIME,   /* ms since 1970, as local time */
	TABLE_AGE,    /* ms, as 3d 4h, 2h 5m, 7m 10s or 12s */
	TABLE_SHORT,  /* microseconds, as 0.42ms, 17ms or 2.5s; 0 is - */
	TABLE_SIZE,   /* bytes, as 12.3M */
	TABLE_COUNT,  /* how many a list has */
};

/* Ended by a NULL title. */
struct table_column {
	const char *title;
	const char *key;
	enum table_kind kind;
};

/*
 * Rows are objects. With headings: blanks align the columns. Without, for scripts: one tab between
 * values, and no heading. Whatever could fool a terminal or an eye is escaped.
 */
void table_print(FILE *out, const struct table_column *columns, const json_t *rows, bool headings);
/* One object, "title: value" a line; members that are absent, null or empty are left out. */
void table_print_fields(FILE *out, const struct table_column *columns, const json_t *object);
/* One text, escaped in the same way. */
void table_print_text(FILE *out, const char *text);

#endif
