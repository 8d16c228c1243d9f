/* SPDX-License-Identifier: BSD-2-Clause */
/* What went wrong and where, said once by the level that knows; callers add context. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_SYSTEM,   /* a system call failed */
	FAULT_CONFIG,   /* what the administrator wrote */
	FAULT_PEER,     /* what the other end sent */
	FAULT_LIMIT,    /* a cap or a deadline was met */
	FAULT_DENIED,   /* known, and not allowed */
	FAULT_MISSING,  /* not there */
	FAULT_BUSY,     /* cannot now; again later */
};

enum { FAULT_TEXT_MAX_BYTES = 512 };

/* Lives in the caller's storage; text is one printable line. */
struct fault {
	enum fault_kind kind;
	char text[FAULT_TEXT_MAX_BYTES];
};

#define FAULT_INIT ((struct fault){ .kind = FAULT_NONE })

/* Always false, so that "return fault_set(…)" reads well. A NULL fault is allowed. */
bool fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* As fault_set(FAULT_SYSTEM), with ": " and the text of errno behind it. */
bool fault_set_errno(struct fault *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Puts "context: " in front. Always false. */
bool fault_add(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
