/* SPDX-License-Identifier: BSD-2-Clause */
/* What each role may do with the system, as data. */
#include "proc/confine_table.h"

#include <stddef.h>

static const struct confine_row rows[ROLE_END] = {
	[ROLE_SMTP] = { MAY_ACCEPT },
	[ROLE_MAILBOX] = { MAY_ACCEPT },
	/* A thread for each front end that is linked to it. */
	[ROLE_KEYS] = { MAY_THREAD },
	/* SASL and GSSAPI load plug-ins when they are first used; clients of the look-up socket come in. */
	[ROLE_AUTH] = { MAY_ACCEPT | MAY_READ_FILES | MAY_WRITE_FILES | MAY_LOAD },
	/* Name services are libraries too; names are asked for on a thread, begun inside the walls. */
	[ROLE_DIAL] = { MAY_READ_FILES | MAY_CONNECT | MAY_ASK | MAY_LOAD | MAY_THREAD },
	[ROLE_QUEUE] = { MAY_READ_FILES | MAY_WRITE_FILES },
	[ROLE_RELAY] = { MAY_READ_FILES | MAY_CONNECT | MAY_ASK | MAY_LOAD | MAY_THREAD },
	/*
	 * A thread for each connection, and libmilter's own; the look-up socket and the system log; at
	 * SIGHUP the log file is opened anew, at the end the socket is removed. It writes files only
	 * where a database cannot be read otherwise.
	 */
	[ROLE_MILTER] = { MAY_ACCEPT | MAY_THREAD | MAY_AWAIT | MAY_ASK | MAY_READ_FILES |
		MAY_APPEND_FILES | MAY_REMOVE_FILES | MAY_WRITE_FILES },
};

const struct confine_row *
confine_row(enum role role)
{
	return role < ROLE_END && rows[role].may ? &rows[role] : NULL;
}
