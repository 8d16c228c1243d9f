/* SPDX-License-Identifier: BSD-2-Clause */
/* What one reading of the configuration gave: the settings, and everything that was opened for them. */
#ifndef SUPER_SUPPLY_H
#define SUPER_SUPPLY_H

#include "config/settings.h"
#include "super/files.h"
#include "super/listeners.h"
#include "super/logs.h"
#include "super/lookup_socket.h"

struct supply {
	uint32_t generation;
	struct settings *settings; /* NULL: there is none */
	struct files *files;
	struct logs *logs;
	struct listeners *listeners;
	struct lookup_socket *lookup; /* NULL: not wanted */
};

/*
 * Everything that can fail; takes the settings in every case. What is bound already is shared with old
 * (settings NULL: there is none), which is untouched. False with a reason, and supply is empty.
 */
bool supply_open(struct supply *supply, struct settings *settings, const struct supply *old,
	struct fault *fault);
/* Free if it is empty. Files of unix sockets stay where kept (may be NULL) has them too. */
void supply_close(struct supply *supply, const struct supply *kept);

#endif
