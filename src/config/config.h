/* SPDX-License-Identifier: BSD-2-Clause */
/* From the file to checked, frozen settings; the only part that libConfuse sees. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/settings.h"

/*
 * Reads, checks and freezes one file. NULL and a fault "FILE:LINE: reason" otherwise; nothing is
 * half loaded. Only the file (and those it includes) is read: keys, certificates and sockets are
 * not touched, so this also serves a machine on which the daemon does not run.
 */
struct settings *config_load(const char *path, struct fault *fault);

/*
 * The same for sallyport-milter: a file of its own, where there need be no listener, or that of the
 * daemon, of which only what the program uses is checked.
 */
struct settings *config_load_for_filter(const char *path, struct fault *fault);

/* Name of the control socket in run-dir. */
#define CONFIG_SOCKET_NAME "control.sock"
/*
 * Path of the control socket. Whatever is wrong with the file must not keep the administrator from
 * the running daemon: of one that does not parse, the line that sets run-dir is taken as it stands.
 * False only if the file cannot be read.
 */
bool config_find_socket(const char *path, char *to, size_t size, struct fault *fault);

#endif
