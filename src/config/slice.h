/* SPDX-License-Identifier: BSD-2-Clause */
/* What a role is told: the settings that its bit allows, as bytes that are the same each time. */
#ifndef CONFIG_SLICE_H
#define CONFIG_SLICE_H

#include "base/buffer.h"
#include "config/settings.h"

enum { SLICE_MAX_BYTES = 4 * 1024 * 1024 };

/*
 * Adds the slice of one role to out. Packing the same settings twice gives the same bytes, so a
 * reload compares slices to see which roles it concerns. False only if it exceeds out's cap.
 */
bool settings_pack(const struct settings *settings, enum role role, struct buf *out);
/*
 * The other side: settings in an arena of their own, with zeros where the role may not see.
 * NULL and a fault if the bytes are not exactly one slice.
 */
struct settings *settings_unpack(struct span slice, struct fault *fault);

#endif
