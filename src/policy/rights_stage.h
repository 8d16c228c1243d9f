/* SPDX-License-Identifier: BSD-2-Clause */
/* The rights as the first stage of the chain: asks policy/rights.h at MAIL, RCPT and end of message. */
#ifndef POLICY_RIGHTS_STAGE_H
#define POLICY_RIGHTS_STAGE_H

#include "policy/stage.h"

/* Changes sender and header as rights_judge_sender() and originators_judge() say. */
extern const struct stage_type rights_stage_type;

#endif
