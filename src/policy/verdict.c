/* SPDX-License-Identifier: BSD-2-Clause */
/* What a stage says. */
#include "policy/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

/* The text may quote what a client sent, so it is made printable here, once for everybody. */
static void
set_text(struct verdict *verdict, const char *where, const char *format, va_list args)
{
	char raw[VERDICT_TEXT_MAX_BYTES];

	vsnprintf(raw, sizeof raw, format, args);
	text_escape(span_text(raw), verdict->text, sizeof verdict->text);
	snprintf(verdict->where, sizeof verdict->where, "%s", where);
}

struct verdict
verdict_pass(const char *where)
{
	struct verdict verdict = VERDICT_PASS;

	snprintf(verdict.where, sizeof verdict.where, "%s", where);
	return verdict;
}

bool
verdict_is_refusal(const struct verdict *verdict)
{
	return verdict->kind == VERDICT_REJECT || verdict->kind == VERDICT_TEMPFAIL;
}

const char *
verdict_word(const struct verdict *verdict)
{
	switch (verdict->kind) {
	case VERDICT_CONTINUE:
		break;
	case VERDICT_ACCEPT:
		return "accept";
	case VERDICT_REJECT:
		return "refuse";
	case VERDICT_TEMPFAIL:
		return "tempfail";
	case VERDICT_DISCARD:
		return "discard";
	case VERDICT_HOLD:
		return "hold";
	}
	if (verdict->changed & VERDICT_REWRITTEN)
		return "rewrite";
	if (verdict->changed & VERDICT_ON_BEHALF)
		return "on-behalf";
	return verdict->changed & VERDICT_STRIPPED ? "strip" : "pass";
}

struct verdict
verdict_refuse(unsigned code, const char *enhanced, const char *where, const char *format, ...)
{
	struct verdict verdict = { .code = (uint16_t)code };
	va_list args;

	verdict.kind = code < 500 ? VERDICT_TEMPFAIL : VERDICT_REJECT;
	snprintf(verdict.enhanced, sizeof verdict.enhanced, "%s", enhanced);
	va_start(args, format);
	set_text(&verdict, where, format, args);
	va_end(args);
	return verdict;
}

struct verdict
verdict_hold(const char *where, const char *format, ...)
{
	struct verdict verdict = { .kind = VERDICT_HOLD };
	va_list args;

	va_start(args, format);
	set_text(&verdict, where, format, args);
	va_end(args);
	return verdict;
}
