/* SPDX-License-Identifier: BSD-2-Clause */
/* Which permit and deny sections speak of a session, in their one order. */
#ifndef POLICY_PRINCIPALS_H
#define POLICY_PRINCIPALS_H

#include "policy/mail.h"

/*
 * Sections come in one order everywhere: the listener's, then, where it inherits, the file's, each
 * as written. Everything is pure: nothing is read but the arguments.
 */

/* One section that matches; true ends the walk. */
typedef bool principals_visit(const struct settings_permit *section, void *context);

/* True if a visit was. */
bool principals_visit_permits(const struct mail_session *session, principals_visit *visit,
	void *context);
bool principals_visit_denies(const struct mail_session *session, principals_visit *visit,
	void *context);
/*
 * One right: *where_out is the deny that takes it or the first permit that gives it, and stays as it
 * was if no section speaks of it.
 */
bool principals_have_right(const struct mail_session *session, uint32_t right,
	const char **where_out);

#endif
