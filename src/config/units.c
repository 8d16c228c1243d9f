/* SPDX-License-Identifier: BSD-2-Clause */
/* Durations and sizes as people write them. */
#include "config/units.h"

struct unit {
	const char *word;
	uint64_t factor;
};

/* Largest first. */
static const struct unit duration_units[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

static const struct unit size_units[] = {
	{ "G", 1ull << 30 },
	{ "M", 1ull << 20 },
	{ "K", 1ull << 10 },
	{ "", 1 },
};

enum {
	DURATION_UNITS = sizeof duration_units / sizeof duration_units[0],
	SIZE_UNITS = sizeof size_units / sizeof size_units[0],
};

static bool
parse(struct span text, const struct unit *units, size_t unit_count, uint64_t most,
	uint64_t *number_out)
{
	size_t digits = 0;
	uint64_t number;

	while (digits < text.length && text.start[digits] >= '0' && text.start[digits] <= '9')
		digits++;
	if (!text_parse_number(span_first(text, digits), most, &number))
		return false;
	struct span word = span_from(text, digits);
	if (number == 0 && word.length == 0) {
		*number_out = 0;
		return true;
	}
	for (size_t i = 0; i < unit_count; i++) {
		if (!span_is(word, units[i].word))
			continue;
		if (number > most / units[i].factor)
			return false;
		*number_out = number * units[i].factor;
		return true;
	}
	return false;
}

static void
format(uint64_t number, const struct unit *units, size_t unit_count, struct buf *to)
{
	size_t i = 0;

	if (number == 0) {
		buf_add_byte(to, '0');
		return;
	}
	while (i + 1 < unit_count && number % units[i].factor != 0)
		i++;
	buf_printf(to, "%llu%s", (unsigned long long)(number / units[i].factor), units[i].word);
}

bool
units_parse_duration(struct span text, uint64_t *ms_out)
{
	return parse(text, duration_units, DURATION_UNITS, UNITS_DURATION_MAX_MS, ms_out);
}

bool
units_parse_size(struct span text, uint64_t *bytes_out)
{
	return parse(text, size_units, SIZE_UNITS, UINT64_MAX, bytes_out);
}

void
units_format_duration(uint64_t ms, struct buf *to)
{
	format(ms, duration_units, DURATION_UNITS, to);
}

void
units_format_size(uint64_t bytes, struct buf *to)
{
	format(bytes, size_units, SIZE_UNITS, to);
}
