/* SPDX-License-Identifier: BSD-2-Clause */
/* Files are put where nothing stands yet: what was kept before is never overwritten. */
#ifndef BASE_KEEP_H
#define BASE_KEEP_H

#include "base/fault.h"

/*
 * Moves name (below from) to wanted (below to), or to wanted.1, wanted.2… if that is there already.
 * The name it got, to be freed; NULL and errno if it stays where it was.
 */
char *keep_rename(int from, const char *name, int to, const char *wanted);

/*
 * A file that is complete: it and its new name are on disk when this returns, below wanted or a
 * number behind it. NULL and a fault if not; then it is still there under its old name.
 */
char *keep_whole(const char *path, const char *wanted, struct fault *fault);

#endif
