/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates, keys, secrets: read by super, checked for who may read them, passed to roles. What was read
 * is kept, so that a role that starts again gets the same files as its peers have, whatever became of
 * them on the disk.
 */
#ifndef SUPER_FILES_H
#define SUPER_FILES_H

#include "base/fault.h"
#include "config/settings.h"
#include "ipc/message_super.h"

struct files;

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
 * The content of all files as it is now, in memory that cannot be changed any more. NULL with a fault
 * that names the file. A key or secret must not be open to others or writable for the group; whatever
 * is not a regular file, or is longer than 16 MiB, is refused.
 */
struct files *files_read(const struct settings *settings, struct fault *fault);
void files_free(struct files **files);

/* fd is a descriptor of its own at the first byte, for reading; it is the callee's. */
typedef bool files_pass_fn(void *context, enum file_kind kind, const char *name, unsigned index,
	int fd);
/* What this role gets. False with a fault, or as soon as pass gives false. */
bool files_pass(const struct files *files, enum role role, files_pass_fn *pass, void *context,
	struct fault *fault);

#endif
