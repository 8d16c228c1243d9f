/* SPDX-License-Identifier: BSD-2-Clause */
/* What a listener for devices makes right in envelope and header, before anything is judged. */
#ifndef POLICY_DEVICE_STAGE_H
#define POLICY_DEVICE_STAGE_H

#include "policy/stage.h"

/*
 * fixed-from takes the place of MAIL FROM (but not of the null sender) and of From. Where the
 * listener is lenient, addresses without a domain get qualify-domain in all address fields, and a
 * message without From gets one with its sender. Everywhere else it does nothing. What it writes is
 * judged by the rights like anything else.
 */
extern const struct stage_type device_stage_type;

#endif
