/* SPDX-License-Identifier: BSD-2-Clause */
/* cmocka with the headers it wants, in the order it wants them. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sys/time.h> /* not unistd.h: tests call their own things by names such as "link" */

#include <cmocka.h>

#include "base/text.h"

/* A test that hangs ends, and shows as failed: no test comes near to this. */
enum { UNIT_DEADLINE_S = 300 };

static void __attribute__((constructor))
unit_deadline(void)
{
	const struct itimerval deadline = { .it_value = { .tv_sec = UNIT_DEADLINE_S } };

	setitimer(ITIMER_REAL, &deadline, NULL);
}

/* The span holds exactly this text. */
#define assert_span_equal(actual, wanted)                                                          \
	do {                                                                                        \
		struct span unit_span_ = (actual);                                                  \
		const char *unit_text_ = (wanted);                                                  \
		assert_int_equal(unit_span_.length, strlen(unit_text_));                            \
		if (unit_span_.length)                                                              \
			assert_memory_equal(unit_span_.start, unit_text_, unit_span_.length);       \
	} while (0)

#endif
