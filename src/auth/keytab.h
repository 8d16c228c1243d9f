/* SPDX-License-Identifier: BSD-2-Clause */
/* The Kerberos keytab: super opens it, this role could not; Kerberos wants a path. */
#ifndef AUTH_KEYTAB_H
#define AUTH_KEYTAB_H

#include "base/fault.h"

enum { KEYTAB_MAX_BYTES = 1024 * 1024 };

/* A copy in memory of this process that has a path, "/proc/self/fd/N", as long as it lives. */
struct keytab;

/* NULL with a reason if fd cannot be read or holds no keytab. fd stays the caller's. */
struct keytab *keytab_new(int fd, struct fault *fault_out);
void keytab_free(struct keytab **keytab);
const char *keytab_path(const struct keytab *keytab);
/*
 * The file has new keys. Kerberos, which may be reading on another thread, sees the old ones or the
 * new ones. If fd holds no keytab the old ones stay.
 */
bool keytab_update(struct keytab *keytab, int fd, struct fault *fault_out);

#endif
