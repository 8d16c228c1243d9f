/* SPDX-License-Identifier: BSD-2-Clause */
/* A message, what became of it, and the notice that tells its sender. */
#ifndef UNIT_NOTICE_FIXTURE_H
#define UNIT_NOTICE_FIXTURE_H

#include "queue/notice.h"
#include "unit.h"

enum { NOW_MS = 1700000000 };

static const char plain_header[] = "From: <alice@example.org>\r\nSubject: hello\r\n"
				   "Message-ID: <1@client.example.org>\r\n\r\n";

static inline struct parcel *
original(const char *header, size_t header_length, const char *body,
	const struct message_envelope *envelope)
{
	struct parcel *parcel = parcel_new(1000);
	parcel->record = (struct record){ .id = "0abc", .parent = "", .session = "s1",
		.listener = "submission", .protocol = "ESMTPSA", .client_address = "192.0.2.1",
		.login = "alice", .envelope = *envelope };
	parcel_seal(parcel, span_of(header, header_length), span_text(body), 1000000);
	return parcel;
}

static inline struct notice
notice_of(enum notice_kind kind, const struct parcel *parcel, const struct recipient *recipients,
	size_t count)
{
	return (struct notice){ .kind = kind, .parcel = parcel, .recipients = recipients,
		.recipient_count = count, .hostname = "mail.example.org",
		.postmaster = "postmaster@example.org", .return_max_bytes = 50 * 1024,
		.now_ms = (int64_t)NOW_MS * 1000,
		.until_ms = (int64_t)(NOW_MS + 3600) * 1000 };
}

/* The content as text; it must have no NUL. */
static inline char *
text_of(const struct parcel *parcel)
{
	assert_false(span_has_byte(parcel->content, '\0'));
	return mem_strndup(parcel->content.start, parcel->content.length);
}

/* Every line ends in CRLF and is at most 998 bytes long; CR and LF stand nowhere else. */
static inline void
assert_lines(struct span content)
{
	size_t line = 0;
	for (size_t i = 0; i < content.length; i++) {
		char byte = content.start[i];
		if (byte == '\n') {
			assert_true(i > 0 && content.start[i - 1] == '\r');
			line = 0;
			continue;
		}
		if (byte == '\r')
			assert_true(i + 1 < content.length && content.start[i + 1] == '\n');
		else
			assert_true(++line <= 998);
	}
}

static inline size_t
count_of(const char *text, const char *part)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

static const struct message_recipient two_recipients[] = {
	{ .number = 0, .path = "bob@example.net", .orcpt = "rfc822;bob+2Bx@orig.example" },
	{ .number = 1, .path = "carol@example.net", .orcpt = "" },
};

static const struct message_envelope plain_envelope = { .sender = "alice@example.org",
	.envid = "env+2B1", .recipient_count = 2, .recipients = two_recipients };

static const struct recipient two_failures[] = {
	{ .number = 0, .stage = RECIPIENT_FAILED, .attempts = 1, .tried_ms = INT64_C(1700000000000),
		.code = 550, .enhanced = "5.1.1", .text = "no such user", .hop = "mx.example.net" },
	{ .number = 1, .stage = RECIPIENT_FAILED, .attempts = 9, .tried_ms = INT64_C(1700000000000),
		.code = 0, .enhanced = "5.4.7", .text = "connection refused", .hop = "" },
};

#endif
