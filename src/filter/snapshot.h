/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings and the source of identities in force: replaced at a reload, kept by who works with them. */
#ifndef FILTER_SNAPSHOT_H
#define FILTER_SNAPSHOT_H

#include "config/settings.h"
#include "filter/identities.h"

/* Read-only, shared by threads; lives as long as somebody holds it. */
struct snapshot {
	struct settings *settings;
	struct identities *identities;
	struct settings_listener standard; /* of mail whose listener the file does not name */
	unsigned holds;                    /* snapshot.c's */
};

/* Takes the settings in every case; what is in force stays so if there is a fault. */
bool snapshot_use(struct settings *settings, struct fault *fault_out);
/* The same with those of a file. */
bool snapshot_load(const char *path, struct fault *fault_out);
/* What is in force, held until snapshot_drop(); from any thread, after the first load. */
struct snapshot *snapshot_hold(void);
void snapshot_drop(struct snapshot **snapshot);
/* For the end of the program: nothing is in force any more. */
void snapshot_end(void);

/*
 * The listener that the mail server names, else the one that filter names, else the standard one,
 * which has no permits but those of the file.
 */
const struct settings_listener *snapshot_listener(const struct snapshot *snapshot,
	const char *name);

#endif
