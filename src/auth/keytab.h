/* SPDX-License-Identifier: BSD-2-Clause */
/* The Kerberos keytab: super opens it, this role could not; Kerberos wants a path. */
#ifndef AUTH_KEYTAB_H
#define AUTH_KEYTAB_H

#include "base/fault.h"

enum { KEYTAB_MAX_BYTES = 1024 * 1024 };

/*
 * Copies what fd holds into memory of this process that has a path, "/proc/self/fd/N", as long as the
 * process lives. NULL with a reason if it cannot be read, or is no keytab. fd stays the caller's; the
 * path is too.
 */
char *keytab_copy(int fd, struct fault *fault_out);

#endif
