/* SPDX-License-Identifier: BSD-2-Clause */
/* The Kerberos keytab: super opens it, this role could not; Kerberos wants a path. */
#ifndef AUTH_KEYTAB_H
#define AUTH_KEYTAB_H

#include "base/fault.h"

enum { KEYTAB_MAX_BYTES = 1024 * 1024 };

/* A descriptor that has a path, "/proc/self/fd/N", as long as it lives. */
struct keytab;

/*
 * Takes fd in every case. NULL with a reason if it cannot be read or holds no keytab. Nobody may write
 * what it refers to: super's copies are sealed.
 */
struct keytab *keytab_new(int fd, struct fault *fault_out);
void keytab_free(struct keytab **keytab);
const char *keytab_path(const struct keytab *keytab);
/*
 * The path of keytab leads to what fresh holds from now on, in one step: Kerberos, which may be opening
 * it on another thread, sees the old keys or the new ones. Takes fresh.
 */
void keytab_replace(struct keytab *keytab, struct keytab **fresh);

#endif
