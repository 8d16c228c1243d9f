/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates as mail writes them. */
#include "wire/mail_date.h"

#include <stdio.h>

#include "wire/octet.h"

enum {
	DAY_SECONDS = 24 * 60 * 60,
	FIRST_YEAR = 1900,
	LAST_YEAR = 9999,
	MAX_OFFSET_MINUTES = 99 * 60 + 59,
};

struct civil {
	int year;
	int month; /* 1 to 12 */
	int day;   /* 1 to 31 */
};

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/*
 * Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap
 * day is the last of its year; an era has 400 years and 146097 days.
 */
static int64_t
days_of(struct civil civil)
{
	int64_t year = civil.month <= 2 ? civil.year - 1 : civil.year;
	int64_t era = year / 400;
	int64_t year_of_era = year % 400;
	int64_t month = (civil.month + 9) % 12;
	int64_t day_of_year = (153 * month + 2) / 5 + civil.day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static struct civil
civil_of(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = shifted / 146097;
	int64_t day_of_era = shifted % 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct civil civil = {
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
	};

	civil.year = (int)(year_of_era + era * 400 + (civil.month <= 2));
	return civil;
}

static int
weekday_of(int64_t days)
{
	return (int)((days % 7 + 11) % 7); /* 1970-01-01 was a Thursday */
}

size_t
mail_date_format(int64_t seconds, int offset_minutes, char to[MAIL_DATE_SIZE])
{
	const int64_t least = days_of((struct civil){ FIRST_YEAR, 1, 1 }) * DAY_SECONDS;
	const int64_t most = days_of((struct civil){ LAST_YEAR + 1, 1, 1 }) * DAY_SECONDS - 1;
	int offset = offset_minutes < -MAX_OFFSET_MINUTES  ? -MAX_OFFSET_MINUTES
		     : offset_minutes > MAX_OFFSET_MINUTES ? MAX_OFFSET_MINUTES
							   : offset_minutes;
	int64_t margin = (int64_t)offset * 60;
	int64_t local;
	int64_t days;
	int second;
	struct civil civil;

	local = seconds < least - margin  ? least
		: seconds > most - margin ? most
					  : seconds + margin;
	days = (local - least) / DAY_SECONDS + least / DAY_SECONDS;
	second = (int)(local - days * DAY_SECONDS);
	civil = civil_of(days);
	return (size_t)snprintf(to, MAIL_DATE_SIZE,
		"%.3s, %02d %.3s %04d %02d:%02d:%02d %c%02d%02d", day_names + 3 * weekday_of(days),
		civil.day, month_names + 3 * (civil.month - 1), civil.year, second / 3600,
		second / 60 % 60, second % 60, offset < 0 ? '-' : '+',
		(offset < 0 ? -offset : offset) / 60, (offset < 0 ? -offset : offset) % 60);
}

/* Blanks and folding; the header scan saw to it that a line end is a folding. */
static void
skip_space(struct span *rest)
{
	while (rest->length && octet_is_space(rest->start[0]))
		*rest = span_from(*rest, 1);
}

static bool
take_byte(struct span *rest, char byte)
{
	if (rest->length == 0 || rest->start[0] != byte)
		return false;
	*rest = span_from(*rest, 1);
	return true;
}

/* A number of least to most digits. */
static bool
take_digits(struct span *rest, size_t least, size_t most, int *number_out)
{
	size_t length = 0;
	int number = 0;

	while (length < rest->length && octet_is_digit(rest->start[length])) {
		if (++length > most)
			return false;
		number = number * 10 + (rest->start[length - 1] - '0');
	}
	if (length < least)
		return false;
	*rest = span_from(*rest, length);
	*number_out = number;
	return true;
}

/* One of names, each of three letters; its number from 0. */
static bool
take_name(struct span *rest, const char *names, int count, int *number_out)
{
	for (int i = 0; i < count; i++) {
		if (!span_equal_nocase(span_first(*rest, 3), span_of(names + 3 * i, 3)))
			continue;
		*rest = span_from(*rest, 3);
		*number_out = i;
		return true;
	}
	return false;
}

/* RFC 5322 3.3: day month year, each with blanks behind */
static bool
take_day(struct span *rest, int64_t *days_out)
{
	struct civil civil;
	struct civil again;
	int month;

	if (!take_digits(rest, 1, 2, &civil.day))
		return false;
	skip_space(rest);
	if (!take_name(rest, month_names, 12, &month))
		return false;
	skip_space(rest);
	if (!take_digits(rest, 4, 4, &civil.year) || civil.year < FIRST_YEAR)
		return false;
	civil.month = month + 1;
	*days_out = days_of(civil);
	again = civil_of(*days_out);
	return again.day == civil.day && again.month == civil.month;
}

static bool
take_time(struct span *rest, int64_t *second_out)
{
	int hour;
	int minute;
	int second = 0;

	if (!take_digits(rest, 2, 2, &hour) || !take_byte(rest, ':') ||
		!take_digits(rest, 2, 2, &minute) ||
		(take_byte(rest, ':') && !take_digits(rest, 2, 2, &second)))
		return false;
	*second_out = hour * 3600 + minute * 60 + second;
	return hour < 24 && minute < 60 && second <= 60;
}

/* RFC 5322 3.3 and 4.3: +hhmm, or one of the names that old programs still write. */
static bool
take_zone(struct span *rest, int *minutes_out)
{
	static const struct {
		const char *name;
		int hours;
	} zones[] = { { "UTC", 0 }, { "GMT", 0 }, { "UT", 0 }, { "EST", -5 }, { "EDT", -4 },
		{ "CST", -6 }, { "CDT", -5 }, { "MST", -7 }, { "MDT", -6 }, { "PST", -8 },
		{ "PDT", -7 } };
	bool west = span_starts(*rest, "-");
	int number;

	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		if (!span_starts_nocase(*rest, zones[i].name))
			continue;
		*rest = span_from(*rest, span_text(zones[i].name).length);
		*minutes_out = zones[i].hours * 60;
		return true;
	}
	if (!take_byte(rest, west ? '-' : '+') || !take_digits(rest, 4, 4, &number) ||
		number % 100 > 59)
		return false;
	*minutes_out = (number / 100 * 60 + number % 100) * (west ? -1 : 1);
	return true;
}

/* What may follow: blanks and comments, "(CET)". */
static bool
is_tail(struct span rest)
{
	unsigned depth = 0;

	for (size_t i = 0; i < rest.length; i++) {
		char byte = rest.start[i];

		if (byte == '\\' && depth)
			i++;
		else if (byte == '(')
			depth++;
		else if (byte == ')' && depth)
			depth--;
		else if (depth == 0 && !octet_is_space(byte))
			return false;
	}
	return depth == 0;
}

bool
mail_date_parse(struct span value, int64_t *seconds_out)
{
	struct span rest = value;
	int weekday = -1;
	int64_t days;
	int64_t second;
	int minutes;

	skip_space(&rest);
	if (take_name(&rest, day_names, 7, &weekday) && !take_byte(&rest, ','))
		return false;
	skip_space(&rest);
	if (!take_day(&rest, &days) || (weekday >= 0 && weekday != weekday_of(days)))
		return false;
	skip_space(&rest);
	if (!take_time(&rest, &second))
		return false;
	skip_space(&rest);
	if (!take_zone(&rest, &minutes) || !is_tail(rest))
		return false;
	*seconds_out = days * DAY_SECONDS + second - (int64_t)minutes * 60;
	return true;
}
