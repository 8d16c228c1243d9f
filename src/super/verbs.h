/* SPDX-License-Identifier: BSD-2-Clause */
/* What the administrator may ask for: answered here, or passed to the role that knows. */
#ifndef SUPER_VERBS_H
#define SUPER_VERBS_H

#include "super/control.h"

/* Answers the client, now or later. json is the whole request, as it is passed on. */
void verbs_run(struct control_client *client, const struct control_request *request,
	struct span json);

#endif
