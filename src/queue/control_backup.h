/* SPDX-License-Identifier: BSD-2-Clause */
/* The verb queue backup. */
#ifndef QUEUE_CONTROL_BACKUP_H
#define QUEUE_CONTROL_BACKUP_H

#include "queue/control.h"

/* name "": that of the time now. */
void control_backup(struct control_means *means, uint32_t request, const char *name);

#endif
