/* SPDX-License-Identifier: BSD-2-Clause */
/* One file's text made plain: comments out, marks in, and everything refused that would mislead. */
#ifndef CONFIG_SOURCE_SCAN_H
#define CONFIG_SOURCE_SCAN_H

#include "base/buffer.h"
#include "base/fault.h"

/* Nothing in the grammar is nested deeper than listener, permit, list. */
enum { SOURCE_SCAN_DEPTH_MAX = 8 };

struct source_scan {
	const char *file;                   /* for faults */
	struct buf *to;                     /* what libConfuse reads is added here */
	/* include("PATH") was met; what it stands for is added to the same buffer. */
	bool (*on_include)(struct span path, unsigned int line, void *context, struct fault *fault);
	void *context;

	/* for source_scan() alone */
	struct span from;
	size_t at;
	unsigned int line;
	unsigned int braces[SOURCE_SCAN_DEPTH_MAX]; /* lines of the open ones */
	size_t depth;
	struct span section;                /* the last token, if a section of that name may begin */
	bool named;                         /* the last word or string is a name: no value, no title */
	char last;                          /* last token: { } = , or [ for a list's brace, w for a word */
};

/*
 * A section that may stand without a title gets the one of schema.h where it does. The line ends of
 * the text stay where they are. Braces must match within a file: libConfuse takes the
 * end of the file for the end of a section. The fault is "FILE:LINE: reason".
 */
bool source_scan(struct source_scan *scan, struct span text, struct fault *fault);

#endif
