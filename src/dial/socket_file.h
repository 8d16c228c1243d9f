/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of a unix socket, looked at before it is connected to. */
#ifndef DIAL_SOCKET_FILE_H
#define DIAL_SOCKET_FILE_H

#include "base/fault.h"

/*
 * Whoever can put a socket of his own there would read the mail, and judge it. So the last part of
 * the path is a socket and no link to one, and its folder is one in which not everybody may write;
 * but for a sticky one (/tmp), where the socket must be root's or our own. Whose it is in a folder of
 * its own is for the folder's owner to say. FAULT_MISSING: not there, or not yet.
 */
bool socket_file_check(const char *path, struct fault *fault_out);

#endif
