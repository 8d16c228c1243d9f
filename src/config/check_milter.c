/* SPDX-License-Identifier: BSD-2-Clause */
/* Do policies name filters that there are, and fit the settings of a filter together? */
#include "config/check.h"

#include <string.h>

static bool
check_policy(const struct load *load, const struct settings_policy *policy, struct fault *fault)
{
	for (size_t i = 0; i < policy->milters.count; i++) {
		const char *name = policy->milters.items[i];

		if (!check_title(load, policy, "milters", i, &schema_milter, name, fault))
			return false;
		for (size_t n = 0; n < i; n++) {
			if (strcmp(policy->milters.items[n], name) == 0)
				return load_fault(load, policy, "milters", i, fault,
					"\"%s\" stands here a second time", name);
		}
	}
	return true;
}

static bool
check_waits(const struct load *load, const struct settings_milter *milter, struct fault *fault)
{
	const struct {
		const char *name;
		uint64_t wait;
	} waits[] = {
		{ "connect-wait", milter->connect_wait },
		{ "command-wait", milter->command_wait },
		{ "content-wait", milter->content_wait },
		{ "end-wait", milter->end_wait },
	};

	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		if (waits[i].wait > milter->budget)
			return load_fault(load, milter, waits[i].name, 0, fault,
				"is more than budget, which is for the whole message");
	}
	return true;
}

/* Macros are kept as "{name}=value", so the same one begins with the same bytes. */
static bool
check_macros(const struct load *load, const struct settings_milter *milter, struct fault *fault)
{
	for (size_t i = 0; i < milter->macros.count; i++) {
		struct span value;
		struct span name = span_cut(span_text(milter->macros.items[i]), '=', &value);

		for (size_t n = 0; n < i; n++) {
			struct span other = span_text(milter->macros.items[n]);

			if (span_equal(span_cut(other, '=', &value), name))
				return load_fault(load, milter, "macros", i, fault,
					"%.*s stands here a second time", SPAN_PRINT(name));
		}
	}
	return true;
}

static bool
check_conditions(const struct load *load, const struct settings_milter *milter,
	struct fault *fault)
{
	for (size_t i = 0; i < milter->listeners.count; i++) {
		if (!check_title(load, milter, "listeners", i, &schema_listener,
			    milter->listeners.items[i], fault))
			return false;
	}
	if (milter->logins == MILTER_LOGINS_NONE && milter->groups.count > 0)
		return load_fault(load, milter, "groups", 0, fault,
			"has no use where logins is none: strangers are in no group");
	if (milter->largest > 0 && milter->largest < milter->smallest)
		return load_fault(load, milter, "largest", 0, fault, "is less than smallest");
	return true;
}

bool
check_milters(const struct load *load, struct fault *fault)
{
	const struct settings *settings = load->settings;

	for (size_t i = 0; i < settings->milter.count; i++) {
		const struct settings_milter *milter = &settings->milter.items[i];

		if (!check_waits(load, milter, fault) || !check_macros(load, milter, fault) ||
			!check_conditions(load, milter, fault))
			return false;
	}
	for (size_t i = 0; i < settings->policy.count; i++) {
		if (!check_policy(load, &settings->policy.items[i], fault))
			return false;
	}
	return true;
}
