/* SPDX-License-Identifier: BSD-2-Clause */
/* Recipients in our own domains as a stage: taken only if somebody who knows says that they are. */
#ifndef SMTP_RECIPIENT_STAGE_H
#define SMTP_RECIPIENT_STAGE_H

#include "policy/stage.h"

/*
 * Its service is the struct service of the process. What is accepted to be returned is mail to
 * whoever was named as sender: so a stranger's recipient that is unknown is refused, and put off
 * while nobody can say. What is submitted is refused too if it is unknown, so that the sender hears of
 * it at once; but taken while nobody can say, for a notice can reach the sender.
 */
extern const struct stage_type recipient_stage_type;

#endif
