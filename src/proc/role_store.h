/* SPDX-License-Identifier: BSD-2-Clause */
/* The files and secrets that super passed to a role, of one generation. */
#ifndef PROC_ROLE_STORE_H
#define PROC_ROLE_STORE_H

#include "ipc/message_super.h"

struct role_store;

struct role_store *role_store_new(void);
void role_store_free(struct role_store **store); /* closes what was not taken, wipes secrets */

/* Takes fd; one of the same kind, name and index is closed and replaced. False if full. */
bool role_store_add_file(struct role_store *store, const struct message_file *file, int fd);
int role_store_take_file(struct role_store *store, enum file_kind kind, const char *name,
	unsigned index);
bool role_store_add_secret(struct role_store *store, const struct message_secret *secret);
struct span role_store_secret(const struct role_store *store, enum secret_kind kind,
	const char *name);

#endif
