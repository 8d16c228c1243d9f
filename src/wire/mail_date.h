/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates as mail writes them: "Fri, 21 Nov 1997 09:55:06 -0600" (RFC 5322 3.3). */
#ifndef WIRE_MAIL_DATE_H
#define WIRE_MAIL_DATE_H

#include "base/text.h"

enum { MAIL_DATE_SIZE = 48 };

/*
 * seconds since 1970 UTC; offset_minutes is that of the zone to write it in, east positive. Years
 * 1900 to 9999, others are written as the nearest of them. Ended by NUL; returns the length.
 */
size_t mail_date_format(int64_t seconds, int offset_minutes, char to[MAIL_DATE_SIZE]);
/*
 * A Date field's value: optional day name (which must be right), day, month, year of four digits,
 * time, zone as +hhmm or GMT/UT/UTC; folding and comments at the end pass. Else false.
 */
bool mail_date_parse(struct span value, int64_t *seconds_out);

#endif
