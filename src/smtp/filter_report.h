/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of the filters, as JSON for the administrator. */
#ifndef SMTP_FILTER_REPORT_H
#define SMTP_FILTER_REPORT_H

#include <jansson.h>

#include "smtp/filters.h"

/*
 * An array, in the order of the settings: [{"name", "address", "on_failure", "policies": [text],
 * "state", "rest_ms", "version", "actions": [text], "steps": [text], "connections", "messages",
 * "verdicts": {…}, "changed", "failures", "failures_in_row", "skipped", "took_us", "recent_us",
 * "told_ms", "longest_us", "fault"}]. state: "unknown" (not asked yet), "ok", "failing" (the last answer did not
 * come), "resting" (the breaker is open for rest_ms more), "trying" (the rest is over, and the next
 * message finds out, or just does). These and failures_in_row are of all smtp processes together, but
 * for filters with on_failure "accept". version is null before a negotiation.
 */
json_t *filter_report(struct filters *filters, const struct settings *settings, uint64_t now_ms);
json_t *filter_report_actions(uint32_t actions);
json_t *filter_report_steps(uint32_t steps);

#endif
