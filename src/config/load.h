/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration on its way to settings: what was written where, for faults and for showing it. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/settings.h"
#include "config/suggest.h"
#include "config/written.h"

/* Which section of the file a struct of the settings was filled from. */
struct load_item {
	const void *item;
	const struct written_section *written; /* NULL: none; the item has defaults */
	const struct load_item *outer;         /* NULL for the root */
};

struct load {
	struct arena *scratch;                 /* of the source's and the written tree's texts */
	struct source source;
	struct settings *settings;
	struct written_section root;
	struct load_item **items;              /* in the order of the table and the file */
	size_t item_count;
};

/*
 * Reads the file, fills the settings with what is written and with defaults. Values are checked one
 * by one; whether they fit together is for check.h. Everything but the settings is freed by
 * load_fini(), which leaves them to the caller.
 */
bool load_read(struct load *load, const char *path, struct fault *fault);
void load_fini(struct load *load);

/* Was the setting, a member of item, written? */
bool load_is_written(const struct load *load, const void *item, const char *name);
/* Has a section of the file itself this title? If not, suggest (or NULL) learns those there are. */
bool load_is_titled(const struct load *load, const struct schema_section *schema,
	const char *title, struct suggest *suggest);
/*
 * A fault "FILE:LINE: SECTION "TITLE": NAME: reason" at the index-th value of a setting; without a
 * name, "FILE:LINE: SECTION "TITLE": reason" at the section. Always false.
 */
bool load_fault(const struct load *load, const void *item, const char *name, size_t index,
	struct fault *fault, const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
