/* SPDX-License-Identifier: BSD-2-Clause */
/* Best practice: what is right but unwise in a configuration and in the files that it names. */
#ifndef CTL_PRACTICE_H
#define CTL_PRACTICE_H

#include <jansson.h>

#include "config/settings.h"

/*
 * Findings as a list of { weight: "warn" or "note", where, what }. Files are looked at as far as the
 * caller may. *good_out: nothing to warn of.
 */
json_t *practice_check(const struct settings *settings, bool *good_out);

#endif
