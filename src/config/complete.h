/* SPDX-License-Identifier: BSD-2-Clause */
/* Defaults that depend on other settings. */
#ifndef CONFIG_COMPLETE_H
#define CONFIG_COMPLETE_H

#include "config/load.h"

/*
 * What was not written gives way to what was: a limit that must not exceed another one, or the TLS of
 * a route that logs in. What was written stays, and is for check.h to judge.
 */
void complete_defaults(const struct load *load);

#endif
