/* SPDX-License-Identifier: BSD-2-Clause */
/* The event log: one event, one line, one write. Events come from one table, values are escaped. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/fault.h"
#include "base/text.h"

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
};

enum log_format {
	LOG_FORMAT_TEXT, /* time level role[pid] event key=value … */
	LOG_FORMAT_JSON,
};

#define EVENT(id, name, level, meaning) EV_##id,
enum log_event_id {
#include "base/log_events.h"
	LOG_EVENT_COUNT
};
#undef EVENT

enum log_field_kind {
	LOG_FIELD_SPAN,
	LOG_FIELD_NUMBER,
};

/* Made by kv_*; lives as long as the statement. */
struct log_field {
	const char *key;
	enum log_field_kind kind;
	struct span span;
	int64_t number;
};

/* A value longer than this is cut in the log, with "..." behind it. */
enum { LOG_VALUE_MAX_BYTES = 1024 };

/* A NULL or empty value is left out of the line. */
static inline struct log_field
kv_span(const char *key, struct span value)
{
	return (struct log_field){ .key = key, .kind = LOG_FIELD_SPAN, .span = value };
}

static inline struct log_field
kv_str(const char *key, const char *value)
{
	return kv_span(key, span_text(value));
}

static inline struct log_field
kv_int(const char *key, int64_t value)
{
	return (struct log_field){ .key = key, .kind = LOG_FIELD_NUMBER, .number = value };
}

static inline struct log_field
kv_fault(const struct fault *fault)
{
	return kv_str("reason", fault->text);
}

/* log_event(EV_LOGIN_FAILED, kv_str("sid", s->id), kv_str("mech", mech)); the session id goes first. */
#define log_event(id, ...)                                                                          \
	log_write(id, (const struct log_field[]){ { .key = NULL }, ##__VA_ARGS__ } + 1,             \
		sizeof((const struct log_field[]){ { .key = NULL }, ##__VA_ARGS__ }) /              \
				sizeof(struct log_field) -                                          \
			1)

/*
 * Until log_start() is called, lines go to standard error as text; called again it changes the file.
 * The fd is borrowed and must be opened for appending; role is a name we made ourselves. A full or
 * blocked log never blocks or ends the caller: the line is dropped, and the number of lost lines is
 * said with the next one.
 */
void log_start(const char *role, int fd, enum log_format format, enum log_level least);
void log_write(enum log_event_id id, const struct log_field *fields, size_t count);
const char *log_event_name(enum log_event_id id);
const char *log_event_meaning(enum log_event_id id);

#endif
