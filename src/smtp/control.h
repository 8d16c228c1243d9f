/* SPDX-License-Identifier: BSD-2-Clause */
/* What the administrator may ask of an smtp process: its status, and to try a filter. */
#ifndef SMTP_CONTROL_H
#define SMTP_CONTROL_H

#include "smtp/service.h"

enum { CONTROL_TRIALS_MAX = 8 }; /* at the same time */

void control_run(struct service *service, uint32_t request, struct span json);
/* Trials under way end unanswered. */
void control_fini(struct service *service);

#endif
