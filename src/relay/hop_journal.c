/* SPDX-License-Identifier: BSD-2-Clause */
/* A hop's connection in the protocol log. */
#include "relay/hop_journal.h"

#include <stdio.h>

#include "base/clock.h"

static void
note(struct hop_journal *journal, enum journal_event event, struct span text)
{
	if (journal->open)
		journal_write(*journal->to, &journal->line, event, clock_wall_ms(), text);
}

void
hop_journal_open(struct hop_journal *journal, struct journal *const *to, const char *route, int fd,
	const struct sock_address *peer)
{
	struct sock_address local;

	if (!to || !*to)
		return;
	journal->to = to;
	journal->open = true;
	sock_address_format(peer, journal->server);
	if (sock_local(fd, &local))
		sock_address_format(&local, journal->client);
	/* No two connections of a relay have one descriptor in one millisecond. */
	snprintf(journal->id, sizeof journal->id, "%llx-%x", (unsigned long long)clock_wall_ms(),
		(unsigned)fd);
	journal->line = (struct journal_session){ .id = journal->id, .listener = route,
		.server = journal->server, .client = journal->client };
	note(journal, JOURNAL_OPENED, SPAN_EMPTY);
}

void
hop_journal_said(struct hop_journal *journal, struct span line)
{
	note(journal, JOURNAL_RECEIVED, span_first(line, line.length > 2 ? line.length - 2 : 0));
}

void
hop_journal_say(struct hop_journal *journal, struct stream *stream, struct span line)
{
	stream_write(stream, line);
	hop_journal_said(journal, line);
}

void
hop_journal_heard(struct hop_journal *journal, const struct smtp_reply_reader *reply, bool secret)
{
	char line[600];
	struct span text;

	for (unsigned i = 0; journal->open && i < reply->lines; i++) {
		text = secret ? SPAN_LITERAL("***") : smtp_reply_reader_line(reply, i);
		snprintf(line, sizeof line, "%u%c%s%s%.*s", reply->code,
			i + 1 < reply->lines ? '-' : ' ', reply->enhanced,
			reply->enhanced[0] ? " " : "", SPAN_PRINT(span_first(text, 500)));
		note(journal, JOURNAL_SENT, span_text(line));
	}
}

void
hop_journal_remark(struct hop_journal *journal, const char *text)
{
	note(journal, JOURNAL_REMARK, span_text(text));
}

void
hop_journal_close(struct hop_journal *journal, const char *why)
{
	note(journal, JOURNAL_CLOSED, span_text(why));
	journal->open = false;
}
