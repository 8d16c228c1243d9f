/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about who is logged in and what they have used up: answered from memory, on the loop. */
#ifndef AUTH_VERBS_SESSION_H
#define AUTH_VERBS_SESSION_H

#include <jansson.h>

#include "auth/auth.h"

/*
 *   sessions list  {login?}                    {sessions: [{session, login, protocol, listener,
 *                                               address, mechanism, since_ms}, …]}
 *   sessions kick  {login} or {session}, text? {sessions: how many}
 *   limits show    {login?} or {address?}      {limits: [{who, limits, limit, spent, amount,
 *                                               whole_ms, held_since_ms?, address?}, …]}
 *   limits reset   {login} or {address}
 *   report limits  {since_ms?}                 {limits: [{who, limit, outcome, text, address,
 *                                               count, first_ms, last_ms}, …]}
 *
 * doc/limits.md tells what they mean.
 */
bool verbs_session_know(const char *verb);
/*
 * One page of the answer after the first "done" rows; *more_out: further pages follow. NULL with a
 * fault, of which kind and text are for the administrator.
 */
json_t *verbs_session_run(struct auth *auth, const char *verb, json_t *args, size_t done,
	bool *more_out, struct fault *fault_out);

enum { VERBS_SESSION_PAGE = 1000 };

#endif
