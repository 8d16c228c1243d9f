/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses of a message whose owners have to be known before the rights can judge it. */
#ifndef FILTER_CANDIDATES_H
#define FILTER_CANDIDATES_H

#include "config/settings.h"
#include "wire/header.h"

enum { CANDIDATES_MAX = 256 };

/*
 * The sender first, then whoever stands in the originator fields and what their display names show,
 * each with the address that it is a plus-address of; as address_format() writes them, without what
 * cannot be read, which the rights refuse anyhow, and without those beyond the cap, which then are
 * nobody's. header may be NULL. Everything lives in the arena.
 */
struct settings_texts candidates_of(const struct settings *settings, const char *sender,
	const struct header *header, struct arena *arena);

#endif
