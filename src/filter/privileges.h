/* SPDX-License-Identifier: BSD-2-Clause */
/* What the process may do once it serves: no more than its own user. */
#ifndef FILTER_PRIVILEGES_H
#define FILTER_PRIVILEGES_H

#include "config/settings.h"

/* Are there the user, which only root changes to, and the group of the socket? */
bool privileges_check(const struct settings_filter *filter, struct fault *fault_out);
/*
 * A unix socket gets its group, if what is at its path is a socket of ours; its mode is of the umask.
 * A port is left alone. Before the user changes.
 */
bool privileges_give_socket(const struct settings_filter *filter, struct fault *fault_out);
/* A log file that root has opened becomes the user's, who has to open it anew; no other kind does. */
bool privileges_give_log(int fd, const char *user, struct fault *fault_out);
/*
 * Started as root: the user of the settings, without groups, for good. No new privileges, no core; as
 * many descriptors as it may have.
 */
bool privileges_drop(const char *user, struct fault *fault_out);

#endif
