/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates, keys, secrets: opened by super, checked for who may read them, passed to roles. */
#ifndef SUPER_FILES_H
#define SUPER_FILES_H

#include "base/fault.h"
#include "config/settings.h"
#include "ipc/message_super.h"

/* One file that the settings name, and who gets it. */
struct files_entry {
	enum file_kind kind;
	const char *name; /* as in FILE */
	unsigned index;
	const char *path;
	const char *where; /* file:line of the section */
	unsigned roles;    /* bits */
};

typedef bool files_visit_fn(void *context, const struct files_entry *entry);

/* In the order of the settings; false as soon as visit gives false. */
bool files_visit(const struct settings *settings, files_visit_fn *visit, void *context);
/*
 * -1 with a fault that names the file. A key or secret must not be open to others or writable for the
 * group; whatever is not a regular file is refused.
 */
int files_open(const struct files_entry *entry, struct fault *fault);
/* Can all be opened? */
bool files_check(const struct settings *settings, struct fault *fault);

#endif
