/* SPDX-License-Identifier: BSD-2-Clause */
/* The words behind a verb, by the table that the command gives. */
#ifndef CTL_ARGUMENTS_H
#define CTL_ARGUMENTS_H

#include <jansson.h>

#include "base/fault.h"

enum argument_kind {
	ARGUMENT_WORD,   /* stands by its place */
	ARGUMENT_OPTION, /* --name VALUE or --name=VALUE */
	ARGUMENT_FLAG,   /* --name */
};

/* Words come first in a table. Ended by a NULL name. */
struct argument {
	const char *name;  /* "LOGIN", "mail-from" */
	const char *key;   /* member of the request's args; NULL: not sent */
	enum argument_kind kind;
	bool required;
};

enum { ARGUMENTS_MAX = 16 };

struct arguments {
	const struct argument *table;
	const char *values[ARGUMENTS_MAX]; /* borrowed from the command line; "" for a flag; NULL: absent */
};

/* argv holds the words behind the verb. A word behind "--" is never an option. */
bool arguments_parse(const struct argument *table, int argc, char *const *argv,
	struct arguments *arguments_out, struct fault *fault_out);
/* By its name in the table; NULL if it was not given. */
const char *arguments_get(const struct arguments *arguments, const char *name);
/* An object of those that have a key: texts, and true for flags. NULL and a fault if not UTF-8. */
json_t *arguments_json(const struct arguments *arguments, struct fault *fault_out);
/* "LOGIN [--ip IP] [--all]" */
void arguments_describe(const struct argument *table, char *to, size_t size);

#endif
