/* SPDX-License-Identifier: BSD-2-Clause */
/* What a confined process may try, and what is to come of it in rows of the table. */
#ifndef UNIT_CONFINE_PROBES_H
#define UNIT_CONFINE_PROBES_H

#include "unit.h"

#include "proc/confine.h"
#include "proc/confine_parts.h"

enum { WORKS = 0, DIES = CONFINE_BREACH_STATUS };

/* 0 or an errno comes of it; some end the process. */
struct probe {
	const char *name;
	int (*run)(void);
	int wanted;        /* in rows that do not have may */
	unsigned may;
	int wanted_if_may;
};

extern const struct probe probes[];
extern const size_t probe_count;

/* Of the filter for other servers: wanted_if_may is what comes of it where a database is written. */
extern const struct probe milter_probes[];
extern const size_t milter_probe_count;

/* A folder with a file "there", which MAY_WRITE_FILES may write to, and a socket that listens: made by the test. */
extern char spool[64];
extern int listening;

int probe_open(const char *path, int flags);

#endif
