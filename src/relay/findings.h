/* SPDX-License-Identifier: BSD-2-Clause */
/* What next hops said of recipients: remembered for a while, in a table that never grows. */
#ifndef RELAY_FINDINGS_H
#define RELAY_FINDINGS_H

#include "ipc/message_recipient.h"

struct findings;

/* So many at most: then a new one takes the place of an old. */
enum { FINDINGS_MAX = 16 * 1024 };

struct findings *findings_new(void);
void findings_free(struct findings **findings);
/*
 * KNOWN or UNKNOWN of this recipient at this hop (any text that names it); UNSURE if nothing is
 * remembered. enhanced_out is the code that came with it, "" if none.
 */
enum finding findings_find(const struct findings *findings, struct span hop, struct span path,
	uint64_t now_ms, char enhanced_out[MESSAGE_ENHANCED_MAX_BYTES + 1]);
/* Only KNOWN and UNKNOWN are worth it; life_ms 0 forgets it. */
void findings_add(struct findings *findings, struct span hop, struct span path,
	enum finding finding, const char *enhanced, uint64_t now_ms, uint64_t life_ms);

#endif
