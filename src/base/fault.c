/* SPDX-License-Identifier: BSD-2-Clause */
/* What went wrong and where. */
#include "base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void
store(struct fault *fault, const char *raw)
{
	text_escape(span_text(raw), fault->text, sizeof fault->text);
}

bool
fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
{
	char raw[FAULT_TEXT_MAX_BYTES];
	va_list args;

	if (!fault)
		return false;
	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	fault->kind = kind;
	store(fault, raw);
	return false;
}

bool
fault_set_errno(struct fault *fault, const char *format, ...)
{
	int error = errno;
	char raw[FAULT_TEXT_MAX_BYTES];
	va_list args;
	size_t used;

	if (!fault)
		return false;
	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	used = strlen(raw);
	snprintf(raw + used, sizeof raw - used, ": %s", strerror(error));
	fault->kind = FAULT_SYSTEM;
	store(fault, raw);
	return false;
}

bool
fault_add(struct fault *fault, const char *format, ...)
{
	char raw[FAULT_TEXT_MAX_BYTES];
	char whole[2 * FAULT_TEXT_MAX_BYTES + 2];
	va_list args;

	if (!fault)
		return false;
	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	snprintf(whole, sizeof whole, "%s: %s", raw, fault->text);
	/* The text was made printable when it was set; escaping again would double the backslashes. */
	memcpy(fault->text, whole, sizeof fault->text - 1);
	fault->text[sizeof fault->text - 1] = '\0';
	return false;
}
