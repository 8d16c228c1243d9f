/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's verbs while the role runs: on the loop, or on the directory's thread. */
#ifndef AUTH_CONTROL_H
#define AUTH_CONTROL_H

#include "auth/auth.h"

/* Where answers go: role_answer() and role_answer_error(), or a test. */
struct control_answers {
	void (*page)(void *context, uint32_t request, struct span json, bool more);
	void (*error)(void *context, uint32_t request, const char *kind, const char *text);
	void *context;
};

/* json is a request of ipc/control.h. Answers perhaps later; answers must outlive that. */
void control_run(struct auth *auth, const struct control_answers *answers, uint32_t request,
	struct span json);

#endif
