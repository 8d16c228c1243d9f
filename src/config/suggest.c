/* SPDX-License-Identifier: BSD-2-Clause */
/* The known word nearest to one that is unknown. */
#include "config/suggest.h"

#include <string.h>

#include "base/text.h"

enum { WORD_MAX_BYTES = 64 };

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Edits from one word to the other: a letter more, less, or another; '_' and '-' are alike. */
static size_t
distance(const char *from, const char *to)
{
	size_t row[WORD_MAX_BYTES + 1];
	size_t length = strlen(to);

	for (size_t i = 0; i <= length; i++)
		row[i] = i;
	for (size_t at = 0; from[at]; at++) {
		char a = from[at] == '_' ? '-' : text_lower(from[at]);
		size_t diagonal = row[0];

		row[0] = at + 1;
		for (size_t i = 1; i <= length; i++) {
			size_t other = diagonal + (a != to[i - 1]);
			diagonal = row[i];
			row[i] = least(row[i] + 1, row[i - 1] + 1, other);
		}
	}
	return row[length];
}

void
suggest_consider(struct suggest *suggest, const char *unknown, const char *candidate)
{
	size_t length = strlen(unknown);
	size_t edits;

	if (length == 0 || length > WORD_MAX_BYTES || strlen(candidate) > WORD_MAX_BYTES)
		return;
	edits = distance(unknown, candidate);
	/* A third of the letters may be wrong; beyond, it is a guess. */
	if (edits > (length + 2) / 3 || (suggest->best && edits >= suggest->distance))
		return;
	suggest->best = candidate;
	suggest->distance = edits;
}
