/* SPDX-License-Identifier: BSD-2-Clause */
/* Do settings that are right one by one also fit together? */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/load.h"

/*
 * Fills in the defaults that depend on other settings, then looks for contradictions, names that do
 * not exist, and what would be a hole. The fault is "FILE:LINE: where: reason".
 */
bool check_all(const struct load *load, struct fault *fault);
/* The same for sallyport-milter, which reads of a file what concerns it. */
bool check_for_filter(const struct load *load, struct fault *fault);

/*
 * Does the index-th value of a setting of item name a section that there is? The fault names the
 * nearest one.
 */
bool check_title(const struct load *load, const void *item, const char *setting, size_t index,
	const struct schema_section *schema, const char *title, struct fault *fault);

/* Does the path that a setting of item has fit the address of a unix socket? */
bool check_socket_path(const struct load *load, const void *item, const char *setting,
	const char *path, struct fault *fault);

/* The part of both for the program's own settings (check_filter.c). */
bool check_filter(const struct load *load, struct fault *fault);
/* The part of check_all() for listeners (check_listener.c). */
bool check_listeners(const struct load *load, struct fault *fault);
/* The part of both for a list of permit or deny sections, global or of a listener. */
bool check_permits(const struct load *load, const struct settings_permits *permits, bool deny,
	struct fault *fault);
/* The part of check_all() for policies and filters (check_milter.c). */
bool check_milters(const struct load *load, struct fault *fault);

#endif
