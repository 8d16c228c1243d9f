/* SPDX-License-Identifier: BSD-2-Clause */
/* What each macro of the milter protocol says of a session, a message, a recipient. */
#ifndef POLICY_MILTER_MACRO_VALUE_H
#define POLICY_MILTER_MACRO_VALUE_H

#include "policy/milter_macros.h"

/*
 * Adds the value to out as it is, unclean; nothing if there is no such macro or nothing to say. The
 * name is without braces. The names and their meaning are those of Sendmail's operations guide.
 */
void milter_macro_value(struct span name, const struct milter_facts *facts, struct buf *out);

#endif
