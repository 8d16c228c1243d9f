/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of best practice that looks at files: modes, certificates; and what both parts share. */
#ifndef CTL_PRACTICE_FILES_H
#define CTL_PRACTICE_FILES_H

#include <jansson.h>

#include "config/settings.h"

struct practice {
	const struct settings *settings;
	json_t *findings;
	bool warned;
};

void practice_warn(struct practice *practice, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void practice_note(struct practice *practice, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Is it there, and kept from other users? */
void practice_file_private(struct practice *practice, const char *where, const char *path);
/* The configuration itself, certificates and keys. */
void practice_check_files(struct practice *practice);

#endif
