/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of options that are texts on the command line and something else in a request. */
#include "ctl/option.h"

#include <string.h>
#include <time.h>

#include "base/text.h"

json_t *
option_protocols(const char *text)
{
	struct span rest = span_text(strcmp(text, "none") == 0 ? "" : text);
	json_t *list = json_array();

	while (rest.length > 0) {
		struct span word = span_cut(rest, ',', &rest);
		json_array_append_new(list, json_stringn(word.start, word.length));
	}
	return list;
}

bool
option_expiry(const char *text, json_int_t *ms_out)
{
	struct tm day = { .tm_isdst = -1, .tm_hour = 12 };
	const char *end = strptime(text, "%Y-%m-%d", &day);
	int written = day.tm_mday;

	if (strcmp(text, "never") == 0) {
		*ms_out = 0;
		return true;
	}
	/* The 30th of February would become a day in March. */
	if (!end || *end || mktime(&day) == -1 || day.tm_mday != written)
		return false;
	day.tm_hour = 24;
	day.tm_isdst = -1;
	*ms_out = (json_int_t)mktime(&day) * 1000;
	return true;
}
