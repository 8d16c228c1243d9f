/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds of every slice of settings, wherever a target has them from. */
#ifndef FUZZ_SLICES_H
#define FUZZ_SLICES_H

#include "fuzz.h"

#include "config/slice.h"

/* A role's settings are again what they were packed from. */
static inline void
slices_check(const struct settings *settings, enum role role)
{
	struct buf once = BUF_INIT(0);
	struct buf again = BUF_INIT(0);
	struct settings *part;

	FUZZ_CHECK(settings_pack(settings, role, &once));
	part = settings_unpack(buf_span(&once), NULL);
	FUZZ_CHECK(part != NULL);
	FUZZ_CHECK(settings_pack(part, role, &again));
	FUZZ_CHECK(span_equal(buf_span(&once), buf_span(&again)));
	settings_free(&part);
	buf_fini(&once);
	buf_fini(&again);
}

#endif
