/* SPDX-License-Identifier: BSD-2-Clause */
/* What all front ends together know of the filters. */
#include "ctl/filter_table.h"

#include <string.h>

enum { RANK_FAILING = 2 }; /* the worst of a filter that is asked; rank() */

const struct table_column filter_table_brief[] = {
	{ "FILTER", "name", TABLE_TEXT },
	{ "STATE", "state", TABLE_TEXT },
	{ "MESSAGES", "messages", TABLE_TEXT },
	{ "FAILURES", "failures", TABLE_TEXT },
	{ "RECENT", "recent_us", TABLE_SHORT },
	{ "LAST FAULT", "fault", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

const struct table_column filter_table_whole[] = {
	{ "FILTER", "name", TABLE_TEXT },
	{ "ADDRESS", "address", TABLE_TEXT },
	{ "POLICIES", "policies", TABLE_TEXT },
	{ "ON FAILURE", "on_failure", TABLE_TEXT },
	{ "STATE", "state", TABLE_TEXT },
	{ "OPEN", "connections", TABLE_TEXT },
	{ "MESSAGES", "messages", TABLE_TEXT },
	{ "REFUSED", "refused", TABLE_TEXT },
	{ "CHANGED", "changed", TABLE_TEXT },
	{ "FAILURES", "failures", TABLE_TEXT },
	{ "SKIPPED", "skipped", TABLE_TEXT },
	{ "MEAN", "mean_us", TABLE_SHORT },
	{ "RECENT", "recent_us", TABLE_SHORT },
	{ "LONGEST", "longest_us", TABLE_SHORT },
	{ "LAST FAULT", "fault", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static json_int_t
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void
add(json_t *to, const json_t *from, const char *key)
{
	json_object_set_new(to, key, json_integer(number(to, key) + number(from, key)));
}

static void
raise_to(json_t *to, const json_t *from, const char *key)
{
	if (number(from, key) > number(to, key))
		json_object_set(to, key, json_object_get(from, key));
}

/* The better comes first. */
static size_t
rank(const json_t *filter)
{
	static const char *const states[] = { "unknown", "ok", "failing", "trying", "resting" };
	const char *state = json_string_value(json_object_get(filter, "state"));

	for (size_t i = 0; state && i < sizeof states / sizeof states[0]; i++)
		if (strcmp(state, states[i]) == 0)
			return i;
	return 0;
}

/*
 * What is let alone anywhere is told; but of processes that ask it, the one knows best that asked last:
 * the others have only not had a message since it came back, or fell out.
 */
static bool
knows_better(const json_t *from, const json_t *to)
{
	const json_t *theirs = json_object_get(from, "told_ms");
	const json_t *ours = json_object_get(to, "told_ms");
	bool both_ask = rank(from) <= RANK_FAILING && rank(to) <= RANK_FAILING;

	if (both_ask && json_is_integer(theirs) && json_is_integer(ours))
		return json_integer_value(theirs) < json_integer_value(ours);
	return rank(from) > rank(to);
}

/* Each process has its own mean of late; the busier one says more. */
static void
merge_recent(json_t *to, const json_t *from)
{
	json_int_t here = number(to, "messages");
	json_int_t there = number(from, "messages");
	double sum = (double)number(to, "recent_us") * (double)here +
		(double)number(from, "recent_us") * (double)there;

	if (here + there > 0)
		json_object_set_new(to, "recent_us",
			json_integer((json_int_t)(sum / (double)(here + there))));
}

static void
merge(json_t *to, const json_t *from)
{
	static const char *const sums[] = { "connections", "messages", "changed", "failures",
		"skipped", "took_us" };
	json_t *verdicts = json_object_get(to, "verdicts");
	const char *fault = json_string_value(json_object_get(from, "fault"));
	bool better = knows_better(from, to);
	const char *key;
	json_t *value;

	if (fault && fault[0] &&
		(better || !json_string_length(json_object_get(to, "fault"))))
		json_object_set(to, "fault", json_object_get(from, "fault"));
	if (better)
		json_object_set(to, "state", json_object_get(from, "state"));
	if (better || !json_is_integer(json_object_get(to, "told_ms")))
		json_object_set(to, "told_ms", json_object_get(from, "told_ms"));
	if (!json_is_integer(json_object_get(to, "version"))) {
		json_object_set(to, "version", json_object_get(from, "version"));
		json_object_set(to, "actions", json_object_get(from, "actions"));
		json_object_set(to, "steps", json_object_get(from, "steps"));
	}
	merge_recent(to, from);
	for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
		add(to, from, sums[i]);
	json_object_foreach(json_object_get(from, "verdicts"), key, value)
		add(verdicts, json_object_get(from, "verdicts"), key);
	raise_to(to, from, "longest_us");
	raise_to(to, from, "rest_ms");
	raise_to(to, from, "failures_in_row");
}

static json_t *
find(const json_t *list, const char *name)
{
	size_t index;
	json_t *each;

	json_array_foreach(list, index, each)
	{
		const char *here = json_string_value(json_object_get(each, "name"));

		if (here && strcmp(here, name) == 0)
			return each;
	}
	return NULL;
}

static void
gather(json_t *list, const json_t *role)
{
	json_t *filters = json_object_get(json_object_get(role, "details"), "filters");
	size_t index;
	json_t *each;

	json_array_foreach(filters, index, each)
	{
		const char *name = json_string_value(json_object_get(each, "name"));
		json_t *found = name ? find(list, name) : NULL;

		if (found)
			merge(found, each);
		else if (name)
			json_array_append_new(list, json_deep_copy(each));
	}
}

static void
compute(json_t *filter)
{
	const json_t *verdicts = json_object_get(filter, "verdicts");
	json_int_t messages = number(filter, "messages");

	json_object_set_new(filter, "refused",
		json_integer(number(verdicts, "reject") + number(verdicts, "tempfail")));
	json_object_set_new(filter, "mean_us",
		json_integer(messages > 0 ? number(filter, "took_us") / messages : 0));
}

json_t *
filter_table_gather(const json_t *status)
{
	const json_t *roles = json_object_get(status, "roles");
	json_t *list = json_array();
	size_t index;
	json_t *each;

	/* Those that go on serving have the newest settings: they say where a filter is. */
	for (int retired = 0; retired < 2; retired++) {
		json_array_foreach(roles, index, each)
		{
			if ((number(each, "retired") != 0) == (retired != 0))
				gather(list, each);
		}
	}
	json_array_foreach(list, index, each)
		compute(each);
	return list;
}
