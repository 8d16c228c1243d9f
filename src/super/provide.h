/* SPDX-License-Identifier: BSD-2-Clause */
/* What a role is given before START: its slice of the settings, its files, its secrets. */
#ifndef SUPER_PROVIDE_H
#define SUPER_PROVIDE_H

#include "ipc/channel.h"
#include "ipc/message_super.h"
#include "super/super.h"

/*
 * To the role at the other end of the channel: super->now, or super->next for it to look at. False with
 * a fault; the role is then half set up.
 */
bool provide(struct super *super, const struct supply *supply, struct channel *channel,
	unsigned instance, struct fault *fault);
bool provide_secret(struct channel *channel, enum secret_kind kind, const char *name,
	struct span bytes);
/* The log files alone, after they were opened anew. */
bool provide_logs(struct super *super, struct channel *channel, struct fault *fault);

#endif
