/* SPDX-License-Identifier: BSD-2-Clause */
/* May this COMMIT be queued? What a front end says is checked as if it were a stranger's. */
#ifndef QUEUE_ADMISSION_H
#define QUEUE_ADMISSION_H

#include "ipc/message_login.h"
#include "ipc/message_mail.h"
#include "policy/verdict.h"
#include "queue/revoked.h"

struct settings;

struct admission {
	const struct settings *settings;
	struct span grant_key;
	const struct revoked *revoked;
};

/*
 * CONTINUE, HOLD (the settings want it held), or a refusal for the client. Checked are the grammar
 * of every word that will stand in a record, a job or a notice; the grant of a login, or that there
 * is none; and the rights of its identity over sender and recipients. Whom a filter put in is taken
 * in place of that only if the session's policy has a filter with change-envelope that is asked about
 * the session. wall_ms is the wall clock, as grants have it.
 */
struct admitted {
	uint64_t held_most;                     /* messages of this login; UINT64_MAX: no limit */
	char owner[MESSAGE_PATH_MAX_BYTES + 1]; /* its primary address; "" for none */
};
struct verdict admission_check(const struct admission *admission,
	const struct message_commit *commit, int64_t wall_ms, struct admitted *admitted_out);

#endif
