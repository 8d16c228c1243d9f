/* SPDX-License-Identifier: BSD-2-Clause */
/* The next hop of a route as written: "smtp:host:port", "smtps:host", "lmtp:unix:/path". */
#ifndef CONFIG_TARGET_H
#define CONFIG_TARGET_H

#include "config/settings.h"

/* Ports default to 25, 465 and 24. The fault names what is wrong, without file and line. */
bool target_parse(struct span text, struct arena *arena, struct route_target *target_out,
	struct fault *fault);

#endif
