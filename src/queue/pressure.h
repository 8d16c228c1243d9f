/* SPDX-License-Identifier: BSD-2-Clause */
/* Is there room for more mail? With two thresholds, so that it does not flutter; pure. */
#ifndef QUEUE_PRESSURE_H
#define QUEUE_PRESSURE_H

#include "config/settings.h"
#include "queue/folder.h"

struct pressure {
	bool is_short;
	const char *text; /* why, for clients and the log; "" if it is not */
};

/*
 * Short below free-space or free-files, or past messages; well again above free-space-resume, with
 * a tenth more files, and with a tenth fewer messages. True if it changed.
 */
bool pressure_update(struct pressure *pressure, const struct settings_queue *settings,
	const struct folder_space *space, uint64_t messages);

#endif
