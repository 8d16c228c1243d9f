/* SPDX-License-Identifier: BSD-2-Clause */
/* From the file to checked, frozen settings. */
#include "config/config.h"

#include <stdio.h>

#include "config/check.h"

static struct settings *
load_checked(const char *path, bool (*check)(const struct load *load, struct fault *fault),
	struct fault *fault)
{
	struct fault reason = FAULT_INIT;
	struct load load;
	struct settings *settings;

	if (!load_read(&load, path, &reason) || !check(&load, &reason)) {
		settings_free(&load.settings);
		if (fault)
			*fault = reason;
	}
	settings = load.settings;
	load_fini(&load);
	return settings;
}

struct settings *
config_load(const char *path, struct fault *fault)
{
	return load_checked(path, check_all, fault);
}

struct settings *
config_load_for_filter(const char *path, struct fault *fault)
{
	return load_checked(path, check_for_filter, fault);
}

/* The value behind "run-dir =" at the start of a line; empty if there is none. */
static struct span
find_run_dir(struct span text)
{
	while (text.length > 0) {
		struct span line = span_trim(span_cut(text, '\n', &text));
		struct span value;

		if (!span_is(span_trim(span_cut(line, '=', &value)), "run-dir"))
			continue;
		value = span_trim(value);
		if (span_starts(value, "\"") || span_starts(value, "'"))
			return span_cut(span_from(value, 1), value.start[0], &text);
		return span_cut(value, ' ', &text);
	}
	return SPAN_EMPTY;
}

bool
config_find_socket(const char *path, char *to, size_t size, struct fault *fault)
{
	const struct schema_row *row = schema_find_row(&schema_root, "run-dir");
	struct arena *arena = arena_new(4096);
	struct buf raw = BUF_INIT(SOURCE_FILE_MAX_BYTES);
	struct source source = { .places = NULL };
	struct fault ignored = FAULT_INIT;
	struct written_section root;
	struct span run_dir = SPAN_EMPTY;
	bool readable = source_read_raw(path, &raw, fault);

	if (readable && source_read(&source, path, arena, &ignored) &&
		written_parse(&source, arena, &root, &ignored)) {
		const struct written_setting *setting = &root.settings[row - schema_root.rows];
		run_dir = span_text(setting->count ? setting->values[0].text : NULL);
	} else if (readable) {
		run_dir = find_run_dir(buf_span(&raw));
	}
	if (run_dir.length == 0)
		run_dir = span_text(row->standard);
	snprintf(to, size, "%.*s/%s", SPAN_PRINT(run_dir), CONFIG_SOCKET_NAME);
	source_fini(&source);
	buf_fini(&raw);
	arena_free(&arena);
	return readable;
}
