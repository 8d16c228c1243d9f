/* SPDX-License-Identifier: BSD-2-Clause */
/* The event log: one event, one line, one write. */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"

enum { LOG_LINE_MAX_BYTES = 64 * 1024 };

struct event {
	const char *name;
	enum log_level level;
	const char *meaning;
};

#define EVENT(id, name, level, meaning) [EV_##id] = { name, LOG_LEVEL_##level, meaning },
static const struct event events[LOG_EVENT_COUNT] = {
#include "base/log_events.h"
};
#undef EVENT

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_ERROR] = "error",
};

/*
 * The log is the one thing of a process that everything uses, so its state is the file's. Threads
 * share it: a line is one write, and what is said of lost ones need not be exact.
 */
static struct {
	char role[32];
	int fd;
	enum log_format format;
	enum log_level least;
	_Atomic uint64_t lost;
	_Atomic bool torn; /* the file ends within a line */
} sink = { .role = "sallyport", .fd = STDERR_FILENO, .least = LOG_LEVEL_INFO };

const char *
log_event_name(enum log_event_id id)
{
	return events[id].name;
}

const char *
log_event_meaning(enum log_event_id id)
{
	return events[id].meaning;
}

void
log_start(const char *role, int fd, enum log_format format, enum log_level least)
{
	snprintf(sink.role, sizeof sink.role, "%s", role);
	sink.fd = fd;
	sink.format = format;
	sink.least = least;
}

static void
add_time(struct buf *line)
{
	int64_t now = clock_wall_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm tm;
	char text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(line, "%s.%03dZ", text, (int)(now % 1000));
}

/* Is the value a plain word, which needs no quotes and cannot be taken for a separator? */
static bool
is_word(struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		char c = value.start[i];

		if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=')
			return false;
	}
	return true;
}

/* RFC 8259 7. What is no UTF-8 is told byte by byte, so that nothing is lost. Gives what it took. */
static size_t
add_json_character(struct buf *line, struct span rest)
{
	uint32_t point = (unsigned char)rest.start[0];
	size_t length = text_utf8(rest, &point);

	if (point > 0xffff)
		buf_printf(line, "\\u%04x\\u%04x", 0xd800 + (unsigned)((point - 0x10000) >> 10),
			0xdc00 + (unsigned)((point - 0x10000) & 0x3ff));
	else
		buf_printf(line, "\\u%04x", (unsigned)point);
	return length ? length : 1;
}

static void
add_escaped(struct buf *line, struct span value, bool json)
{
	bool cut = value.length > LOG_VALUE_MAX_BYTES;

	value = span_first(value, LOG_VALUE_MAX_BYTES);
	for (size_t i = 0; i < value.length; i++) {
		unsigned char c = (unsigned char)value.start[i];

		if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else if (c >= ' ' && c <= '~')
			buf_add_byte(line, (char)c);
		else if (json)
			i += add_json_character(line, span_from(value, i)) - 1;
		else
			buf_printf(line, "\\x%02x", c);
	}
	if (cut)
		buf_add_text(line, "...");
}

static void
add_text_field(struct buf *line, const struct log_field *field)
{
	buf_printf(line, " %s=", field->key);
	if (field->kind == LOG_FIELD_NUMBER) {
		buf_printf(line, "%lld", (long long)field->number);
	} else if (is_word(field->span) && field->span.length <= LOG_VALUE_MAX_BYTES) {
		buf_add_span(line, field->span);
	} else {
		buf_add_byte(line, '"');
		add_escaped(line, field->span, false);
		buf_add_byte(line, '"');
	}
}

static void
add_json_field(struct buf *line, const struct log_field *field)
{
	buf_printf(line, ",\"%s\":", field->key);
	if (field->kind == LOG_FIELD_NUMBER) {
		buf_printf(line, "%lld", (long long)field->number);
		return;
	}
	buf_add_byte(line, '"');
	add_escaped(line, field->span, true);
	buf_add_byte(line, '"');
}

static void
add_head(struct buf *line, enum log_event_id id)
{
	if (sink.format == LOG_FORMAT_JSON) {
		buf_add_text(line, "{\"time\":\"");
		add_time(line);
		buf_printf(line, "\",\"level\":\"%s\",\"role\":\"%s\",\"pid\":%d,\"event\":\"%s\"",
			level_names[events[id].level], sink.role, (int)getpid(), events[id].name);
		return;
	}
	add_time(line);
	buf_printf(line, " %s %s[%d] %s", level_names[events[id].level], sink.role, (int)getpid(),
		events[id].name);
}

static void
add_field(struct buf *line, const struct log_field *field)
{
	if (field->kind == LOG_FIELD_SPAN && field->span.length == 0)
		return;
	if (sink.format == LOG_FORMAT_JSON)
		add_json_field(line, field);
	else
		add_text_field(line, field);
}

void
log_write(enum log_event_id id, const struct log_field *fields, size_t count)
{
	struct buf line = BUF_INIT(LOG_LINE_MAX_BYTES);
	struct span text;
	int saved = errno;
	ssize_t put;

	if (events[id].level < sink.least)
		return;
	if (sink.torn)
		buf_add_text(&line, "\n");
	add_head(&line, id);
	for (size_t i = 0; i < count; i++)
		add_field(&line, &fields[i]);
	if (sink.lost) {
		struct log_field lost = kv_int("lost-lines", (int64_t)sink.lost);

		add_field(&line, &lost);
	}
	buf_add_text(&line, sink.format == LOG_FORMAT_JSON ? "}\n" : "\n");
	text = buf_span(&line);
	do {
		put = write(sink.fd, text.start, text.length);
	} while (put < 0 && errno == EINTR);
	/* A part of a line is worse than none: the last room on a disk may have taken it. */
	sink.lost = put == (ssize_t)text.length ? 0 : sink.lost + 1;
	if (put > 0)
		sink.torn = put < (ssize_t)text.length;
	buf_fini(&line);
	errno = saved;
}
