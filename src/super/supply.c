/* SPDX-License-Identifier: BSD-2-Clause */
/* What one reading of the configuration gave. */
#include "super/supply.h"

bool
supply_open(struct supply *supply, struct settings *settings, const struct supply *old,
	struct fault *fault)
{
	*supply = (struct supply){ .settings = settings };
	supply->files = files_read(settings, fault);
	if (supply->files)
		supply->logs = logs_open(settings, fault);
	if (supply->logs)
		supply->listeners = listeners_open(settings, old->listeners, fault);
	if (supply->listeners && lookup_socket_open(settings, old->lookup, &supply->lookup, fault))
		return true;
	supply_close(supply, old);
	return false;
}

void
supply_close(struct supply *supply, const struct supply *kept)
{
	lookup_socket_free(&supply->lookup, kept ? kept->lookup : NULL);
	listeners_free(&supply->listeners, kept ? kept->listeners : NULL);
	logs_free(&supply->logs);
	files_free(&supply->files);
	settings_free(&supply->settings);
}
