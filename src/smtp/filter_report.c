/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of the filters, as JSON for the administrator. */
#include "smtp/filter_report.h"

#include <string.h>

#include "wire/milter_words.h"

static json_t *
words(const char *(*word)(uint32_t bits, size_t at), uint32_t bits)
{
	json_t *list = json_array();
	const char *each;

	for (size_t at = 0; (each = word(bits, at)); at++)
		json_array_append_new(list, json_string(each));
	return list;
}

json_t *
filter_report_actions(uint32_t actions)
{
	return words(milter_words_action, actions);
}

json_t *
filter_report_steps(uint32_t steps)
{
	return words(milter_words_step, steps);
}

/* A fault was cut to fit, perhaps in the middle of a letter; JSON is UTF-8. */
static json_t *
fault_of(const struct milter_health *health)
{
	json_t *fault = json_string(health->fault);
	char escaped[4 * sizeof health->fault];

	if (!fault) {
		text_escape(span_text(health->fault), escaped, sizeof escaped);
		fault = json_string(escaped);
	}
	return fault;
}

static const char *
state_of(const struct milter_health *health, const struct milter_rest *rest, uint64_t now_ms)
{
	if (rest->rests)
		return rest->trying || rest->until_ms <= now_ms ? "trying" : "resting";
	if (rest->failures)
		return "failing";
	return health->negotiated ? "ok" : "unknown";
}

static const char *
failure_word(enum milter_failure on_failure)
{
	static const char *const failures[] = {
		[MILTER_FAILURE_TEMPFAIL] = "tempfail",
		[MILTER_FAILURE_ACCEPT] = "accept",
		[MILTER_FAILURE_REJECT] = "reject",
		[MILTER_FAILURE_HOLD] = "hold",
	};

	return failures[on_failure];
}

static json_t *
policies_of(const struct settings *settings, const char *filter)
{
	json_t *list = json_array();

	for (size_t i = 0; i < settings->policy.count; i++) {
		const struct settings_policy *policy = &settings->policy.items[i];

		for (size_t at = 0; at < policy->milters.count; at++)
			if (strcmp(policy->milters.items[at], filter) == 0)
				json_array_append_new(list, json_string(policy->title));
	}
	return list;
}

static json_t *
verdicts_of(const struct milter_health *health)
{
	static const char *const names[VERDICT_HOLD + 1] = {
		[VERDICT_CONTINUE] = "continue",
		[VERDICT_ACCEPT] = "accept",
		[VERDICT_REJECT] = "reject",
		[VERDICT_TEMPFAIL] = "tempfail",
		[VERDICT_DISCARD] = "discard",
		[VERDICT_HOLD] = "hold",
	};
	json_t *verdicts = json_object();

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		json_object_set_new(
			verdicts, names[i], json_integer((json_int_t)health->verdicts[i]));
	return verdicts;
}

static json_t *
describe(const struct settings *settings, const struct settings_milter *filter,
	const struct milter_health *health, uint64_t now_ms)
{
	struct milter_rest rest = milter_breaker_read(&health->breaker, now_ms);
	uint64_t rest_ms =
		!rest.trying && rest.until_ms > now_ms ? rest.until_ms - now_ms : 0;

	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:I, s:o, s:o, s:o, s:i, s:I, s:o, s:I, s:I, "
			 "s:i, s:o, s:I, s:I, s:I, s:I, s:o}",
		"name", filter->title, "address", filter->address.text, "on_failure",
		failure_word(filter->on_failure), "policies", policies_of(settings, filter->title),
		"state", state_of(health, &rest, now_ms), "rest_ms", (json_int_t)rest_ms, "version",
		health->negotiated ? json_integer(health->version) : json_null(), "actions",
		filter_report_actions(health->actions), "steps", filter_report_steps(health->steps),
		"connections", (int)health->connections, "messages", (json_int_t)health->messages,
		"verdicts", verdicts_of(health), "changed", (json_int_t)health->changed, "failures",
		(json_int_t)health->failures, "failures_in_row", (int)rest.failures,
		"told_ms",
		health->told_ms ? json_integer((json_int_t)(now_ms - health->told_ms)) : json_null(),
		"skipped", (json_int_t)health->skipped, "took_us", (json_int_t)health->took_us,
		"recent_us", (json_int_t)health->recent_us, "longest_us",
		(json_int_t)health->longest_us, "fault", fault_of(health));
}

json_t *
filter_report(struct filters *filters, const struct settings *settings, uint64_t now_ms)
{
	json_t *list = json_array();

	for (size_t i = 0; i < settings->milter.count; i++) {
		const struct settings_milter *filter = &settings->milter.items[i];
		const struct milter_health *health = filters_health(filters, filter->title);

		if (health)
			json_array_append_new(list, describe(settings, filter, health, now_ms));
	}
	return list;
}
