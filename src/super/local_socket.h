/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix sockets for programs of this machine. */
#ifndef SUPER_LOCAL_SOCKET_H
#define SUPER_LOCAL_SOCKET_H

#include "base/fault.h"

/*
 * Listens there: mode 0660, of the group that the folder has, which the installation may have made
 * for this. -1 with a fault.
 */
int local_socket_listen(const char *path, struct fault *fault);
/* False with a fault where others than root and we may put something in the folder of path. */
bool local_socket_check_folder(const char *path, struct fault *fault);

#endif
