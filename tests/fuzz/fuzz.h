/* SPDX-License-Identifier: BSD-2-Clause */
/* What every fuzz target shares: its entry, an assertion that is always on, and input in pieces. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* The target; returns 0. Called by libFuzzer, or by replay.c with the files of the corpus. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define FUZZ_CHECK(wanted)                                                                         \
	do {                                                                                       \
		if (!(wanted)) {                                                                   \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #wanted);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline struct span
fuzz_input(const uint8_t *bytes, size_t size)
{
	return span_of(bytes, size);
}

/* Takes one byte off the input, to steer the target; 0 if there is none. */
static inline unsigned
fuzz_take(struct span *in)
{
	unsigned byte = in->length ? (unsigned char)in->start[0] : 0;

	*in = span_from(*in, 1);
	return byte;
}

/*
 * A copy of a span in memory of exactly its length, so that the sanitizer sees a read behind it. To
 * be freed with free((void *)copy.start).
 */
static inline struct span
fuzz_copy(struct span from)
{
	char *bytes = malloc(from.length ? from.length : 1);

	FUZZ_CHECK(bytes != NULL);
	if (from.length)
		memcpy(bytes, from.start, from.length);
	return span_of(bytes, from.length);
}

static inline void
fuzz_free(struct span copy)
{
	free((void *)(uintptr_t)copy.start);
}

#endif
