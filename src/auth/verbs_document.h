/* SPDX-License-Identifier: BSD-2-Clause */
/* The document of accounts that export writes and import reads: doc/accounts.md has its members. */
#ifndef AUTH_VERBS_DOCUMENT_H
#define AUTH_VERBS_DOCUMENT_H

#include "auth/directory_local_group.h"
#include "auth/verbs.h"

enum { DOCUMENT_VERSION = 1 };

/* secrets: with stored keys and app passwords, never a password. */
json_t *document_of_account(const struct account *account, bool secrets);
json_t *document_of_group(const struct directory_local_group *group);

#endif
