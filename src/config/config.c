/* SPDX-License-Identifier: BSD-2-Clause */
/* From the file to checked, frozen settings. */
#include "config/config.h"

#include "config/check.h"

struct settings *
config_load(const char *path, struct fault *fault)
{
	struct fault reason = FAULT_INIT;
	struct load load;
	struct settings *settings;

	if (!load_read(&load, path, &reason) || !check_all(&load, &reason)) {
		settings_free(&load.settings);
		if (fault)
			*fault = reason;
	}
	settings = load.settings;
	load_fini(&load);
	return settings;
}
