/* SPDX-License-Identifier: BSD-2-Clause */
/* Display names before addresses: what they would make people and careless readers believe. */
#ifndef WIRE_DISPLAY_NAME_H
#define WIRE_DISPLAY_NAME_H

#include "base/memory.h"
#include "wire/address.h"

/*
 * NULL if the name, unquoted and unfolded, may stand there, else what is wrong with it: an address
 * in <>, an encoded word that holds a control byte or has no end, a dot in front.
 */
const char *display_name_fault(struct span name, struct arena *arena);
/*
 * Does the name, its encoded words decoded, show an address other than the mailbox's own? That is
 * an "@", or a character that looks like one, with something before it and a dot somewhere behind
 * it (anywhere, if the direction is turned); or an encoded word that may be shown as anything.
 * "alice@example.org via List" in front of <alice@example.org> poses as nobody.
 */
bool display_name_poses(struct span name, const struct address *address, struct arena *arena);

#endif
