/* SPDX-License-Identifier: BSD-2-Clause */
/* What time is it. Only role code and io ask; everything below takes the time as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);      /* since 1970, may jump */
uint64_t clock_steady_ms(void);   /* since some start, never jumps */

#endif
