/* SPDX-License-Identifier: BSD-2-Clause */
/* From the file to checked, frozen settings. */
#include "config/config.h"

#include <stdio.h>

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

bool
config_find_socket(const char *path, char *to, size_t size, struct fault *fault)
{
	const struct schema_row *row = schema_find_row(&schema_root, "run-dir");
	struct arena *arena = arena_new(4096);
	struct source source;
	struct written_section root;
	bool found = false;

	if (source_read(&source, path, arena, fault)) {
		found = written_parse(&source, arena, &root, fault);
		source_fini(&source);
	}
	if (found) {
		const struct written_setting *setting =
			&root.settings[row - schema_root.rows];
		snprintf(to, size, "%s/%s", setting->count ? setting->values[0].text : row->standard,
			CONFIG_SOCKET_NAME);
	}
	arena_free(&arena);
	return found;
}
