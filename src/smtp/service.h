/* SPDX-License-Identifier: BSD-2-Clause */
/* The smtp role: one front-end process with its links to auth, queue, keys and dial. */
#ifndef SMTP_SERVICE_H
#define SMTP_SERVICE_H

#include "client/front.h"
#include "proc/role.h"
#include "smtp/filters.h"
#include "smtp/queue_link.h"

struct service_trial;

/* Shared by all sessions of the process. */
struct service {
	struct role_context *role;
	struct front *front;
	struct queue_link *queue;
	struct dial_link *dial;
	struct filters *filters;
	struct service_trial *trials; /* control.c's */
	struct signer *signer;
	struct worker_pool *pool; /* RSA handshakes */
	struct loop_timer links;
	struct loop_timer expiry; /* looks at the certificates once a day */
	struct buf reply;         /* a reply while it is made */
};

extern const struct role_program smtp_program;

#endif
