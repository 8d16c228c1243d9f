/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder of a test's own goes with all that is in it. */
#ifndef UNIT_FOLDER_FIXTURE_H
#define UNIT_FOLDER_FIXTURE_H

#include <ftw.h>
#include <stdio.h>

static inline int
folder_fixture_delete(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)kind;
	(void)walk;
	return remove(path);
}

static inline void
remove_folder(const char *path)
{
	nftw(path, folder_fixture_delete, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
