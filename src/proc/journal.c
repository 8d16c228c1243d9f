/* SPDX-License-Identifier: BSD-2-Clause */
/* The protocol log. */
#include "proc/journal.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "io/sock.h"

enum {
	JOURNAL_TEXT_MAX_BYTES = 1024,
	JOURNAL_LINE_MAX_BYTES = 16 * 1024,
	JOURNAL_TIME_SIZE = 32,
};

struct journal {
	int fd;
	enum log_protocol format;
	struct buf line;
};

static const char fields[] = "#Fields: time,session,sequence,listener,server,client,event,text\n";

static const char marks[] = { [JOURNAL_OPENED] = '+',
	[JOURNAL_CLOSED] = '-',
	[JOURNAL_RECEIVED] = '<',
	[JOURNAL_SENT] = '>',
	[JOURNAL_REMARK] = '*' };

/* Two processes may both find the file empty; a second head is a comment like the first. */
static void
write_head(const struct journal *journal)
{
	struct stat stat;

	if (journal->format == LOG_PROTOCOL_CSV && fstat(journal->fd, &stat) == 0 &&
		stat.st_size == 0 && write(journal->fd, fields, sizeof fields - 1) < 0)
		return; /* what cannot be written is lost, as every line here */
}

struct journal *
journal_new(int fd, enum log_protocol format)
{
	struct journal *journal = mem_alloc(sizeof *journal);

	journal->fd = fd;
	journal->format = format;
	buf_init(&journal->line, JOURNAL_LINE_MAX_BYTES);
	write_head(journal);
	return journal;
}

void
journal_free(struct journal **journal)
{
	if (!*journal)
		return;
	sock_close(&(*journal)->fd);
	buf_fini(&(*journal)->line);
	mem_free(journal);
}

void
journal_reopen(struct journal *journal, int fd)
{
	sock_close(&journal->fd);
	journal->fd = fd;
	write_head(journal);
}

static void
format_time(int64_t wall_ms, char to[JOURNAL_TIME_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	size_t length;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	length = strftime(to, JOURNAL_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(to + length, JOURNAL_TIME_SIZE - length, ".%03dZ", (int)(wall_ms % 1000));
}

/* RFC 4180 for CSV, RFC 8259 for JSON; what is escaped already is printable ASCII. */
static void
add_quoted(struct buf *line, enum log_protocol format, struct span text)
{
	char escaped[4 * JOURNAL_TEXT_MAX_BYTES + 1];
	size_t length =
		text_escape(span_first(text, JOURNAL_TEXT_MAX_BYTES), escaped, sizeof escaped);

	buf_add_byte(line, '"');
	for (size_t i = 0; i < length; i++) {
		if (escaped[i] == '"')
			buf_add_byte(line, format == LOG_PROTOCOL_JSON ? '\\' : '"');
		else if (escaped[i] == '\\' && format == LOG_PROTOCOL_JSON)
			buf_add_byte(line, '\\');
		buf_add_byte(line, escaped[i]);
	}
	buf_add_byte(line, '"');
}

static void
add_csv(struct buf *line, const struct journal_session *session, const char *time, char mark,
	struct span text)
{
	buf_printf(line, "%s,%s,%u,", time, session->id, session->sequence);
	add_quoted(line, LOG_PROTOCOL_CSV, span_text(session->listener));
	buf_printf(line, ",%s,%s,%c,", session->server, session->client, mark);
	add_quoted(line, LOG_PROTOCOL_CSV, text);
	buf_add_byte(line, '\n');
}

static void
add_json(struct buf *line, const struct journal_session *session, const char *time, char mark,
	struct span text)
{
	buf_printf(line, "{\"time\":\"%s\",\"session\":\"%s\",\"sequence\":%u,\"listener\":", time,
		session->id, session->sequence);
	add_quoted(line, LOG_PROTOCOL_JSON, span_text(session->listener));
	buf_printf(line,
		",\"server\":\"%s\",\"client\":\"%s\",\"event\":\"%c\",\"text\":", session->server,
		session->client, mark);
	add_quoted(line, LOG_PROTOCOL_JSON, text);
	buf_add_text(line, "}\n");
}

void
journal_write(struct journal *journal, struct journal_session *session, enum journal_event event,
	int64_t wall_ms, struct span text)
{
	char time[JOURNAL_TIME_SIZE];
	struct buf *line;

	if (!journal)
		return;
	line = &journal->line;
	format_time(wall_ms, time);
	buf_clear(line);
	if (journal->format == LOG_PROTOCOL_JSON)
		add_json(line, session, time, marks[event], text);
	else
		add_csv(line, session, time, marks[event], text);
	session->sequence++;
	if (!line->overflow && write(journal->fd, buf_span(line).start, buf_length(line)) < 0)
		return; /* a full disk costs lines, not service */
}
