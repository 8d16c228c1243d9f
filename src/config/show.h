/* SPDX-License-Identifier: BSD-2-Clause */
/* The effective settings one by one, and what a setting is, for the administrator's eyes. */
#ifndef CONFIG_SHOW_H
#define CONFIG_SHOW_H

#include "base/buffer.h"
#include "config/schema.h"

/* Valid during the callback. */
struct show_item {
	struct schema_path path;             /* the sections it stands in, outermost first */
	const char *titles[SCHEMA_DEPTH_MAX]; /* of each; NULL where it has none */
	const struct schema_row *row;
	const char *value;                   /* as it would be written */
	bool written;                        /* false: it is the default */
};

typedef void show_visit(const struct show_item *item, void *context);

/* Loads and checks the file, then calls for each setting of it in the order of the table. */
bool show_settings(const char *path, show_visit *visit, void *context, struct fault *fault);

/* "listener.permit.rights": the row's name behind those of its sections. */
void show_name(const struct schema_path *path, const char *name, struct buf *to);
/* "duration, 1s to 5m; default 30s", "one word: off, secure; default off", "text; must be set". */
void show_summary(const struct schema_row *row, struct buf *to);

#endif
