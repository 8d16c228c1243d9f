/* SPDX-License-Identifier: BSD-2-Clause */
/* The verb "status": listeners with their addresses, roles with what they say of themselves. */
#ifndef SUPER_STATUS_H
#define SUPER_STATUS_H

#include "super/control.h"

/*
 * {"version", "generation", "uptime_ms", "config", "listeners": [{"name", "protocol", "addresses"}],
 * "roles": [{"role", "instance", "pid", "phase", "generation", "restarts", "since_ms", "details"}]}.
 * details is what the role answers to its own "status"; null if it does not in a moment.
 */
void status_run(struct control_client *client);

#endif
