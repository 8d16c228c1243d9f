/* SPDX-License-Identifier: BSD-2-Clause */
/* sallyport-milter as a server: its start, its reload, its end. */
#ifndef FILTER_FILTER_H
#define FILTER_FILTER_H

#include <stdbool.h>

struct filter_options {
	const char *config;
	bool foreground;
};

/* Exit status. */
int filter_run(const struct filter_options *options);

#endif
