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
 * is none; and the rights of its identity over sender and recipients. wall_ms is the wall clock, as
 * grants have it. *held_most_out is how many messages of this login may be held, UINT64_MAX if it
 * has no such limit.
 */
struct verdict admission_check(const struct admission *admission,
	const struct message_commit *commit, int64_t wall_ms, uint64_t *held_most_out);

#endif
