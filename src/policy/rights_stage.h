/* SPDX-License-Identifier: BSD-2-Clause */
/* The rights as the first stage of the chain: asks policy/rights.h at MAIL, RCPT and end of message. */
#ifndef POLICY_RIGHTS_STAGE_H
#define POLICY_RIGHTS_STAGE_H

#include "policy/stage.h"

/*
 * Where a permit says wrong-sender = rewrite, a sender or From that is not allowed becomes the
 * login's primary address, and the old From goes to Reply-To if the message has none.
 */
extern const struct stage_type rights_stage_type;

#endif
