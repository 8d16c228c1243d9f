/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a hop answers to one message: whatever it says, a recipient is delivered only by the whole 2xx
 * that belongs to it, and bounced only by a 5xx that does. The stream is a fake: its output is on the
 * wire at the end of a turn, its input comes in the pieces that the target is told.
 */
#include "fuzz.h"

#include <stdarg.h>

#include "relay/transfer.h"

enum { RECIPIENTS_MAX = 4, REPLIES_MAX = 64 };

struct stream {
	struct span rest;  /* of this turn's input */
	size_t waiting;    /* written in this turn */
	unsigned contents; /* ends of content that went out */
	bool aborted;
};

bool
stream_write(struct stream *stream, struct span bytes)
{
	stream->waiting += bytes.length;
	stream->contents += span_is(bytes, ".\r\n");
	return true;
}

bool
stream_printf(struct stream *stream, const char *format, ...)
{
	(void)format;
	stream->waiting++;
	return true;
}

void
stream_send_file(struct stream *stream, int fd, uint64_t offset, uint64_t length,
	stream_filter_fn *filter, stream_sent_fn *done, void *context)
{
	(void)fd;
	(void)offset;
	(void)length;
	(void)filter;
	done(stream, true, context);
}

size_t
stream_waiting(const struct stream *stream)
{
	return stream->waiting;
}

struct span
stream_peek(const struct stream *stream)
{
	return stream->rest;
}

void
stream_abort(struct stream *stream)
{
	stream->aborted = true;
}

/* ---- the job ------------------------------------------------------------------------------------- */

static struct job *
new_job(size_t recipients)
{
	static const struct message_recipient list[RECIPIENTS_MAX] = {
		{ .number = 0, .path = "a@example.net", .orcpt = "" },
		{ .number = 1, .path = "b@example.net", .orcpt = "" },
		{ .number = 2, .path = "c@example.net", .orcpt = "" },
		{ .number = 3, .path = "d@example.net", .orcpt = "" },
	};
	struct message_job message = {
		.job = 1, .id = "ID", .route = "*",
		.envelope = { .sender = "a@example.org", .envid = "", .recipient_count = recipients,
			.recipients = list },
		.content = { .header = SPAN_LITERAL("A: b\r\n\r\n"), .body = SPAN_LITERAL("x\r\n"),
			.body_length = 3 },
	};
	struct buf packed = BUF_INIT(0);
	struct job *job;

	message_job_pack(&packed, &message);
	job = job_new(buf_span(&packed), -1);
	FUZZ_CHECK(job != NULL);
	buf_fini(&packed);
	return job;
}

/* ---- what was said, and what it may mean ---------------------------------------------------------- */

struct said {
	unsigned code;
	size_t turn;
	bool alone;  /* nothing but a goodbye stood behind it */
	bool agreed; /* lines of 2xx alone did */
};

struct story {
	struct said replies[REPLIES_MAX];
	size_t count;
	size_t recipients;
	bool lmtp;
	enum transfer_step step;
};

static unsigned
class_of(const struct story *story, size_t reply)
{
	return reply < story->count ? story->replies[reply].code / 100 : 0;
}

/* Which reply decides about this recipient once the content is sent. */
static size_t
end_of(const struct story *story, size_t recipient)
{
	size_t reply = story->recipients + 2;

	for (size_t i = 0; story->lmtp && i < recipient; i++)
		reply += class_of(story, i + 1) == 2;
	return reply;
}

/* Where all the answers to the content say yes, one too many leaves no doubt. */
static bool
is_unanimous(const struct story *story)
{
	for (size_t i = story->recipients + 2; i < story->count; i++)
		if (class_of(story, i) != 2)
			return false;
	return story->replies[story->count - 1].agreed;
}

static void
check_delivered(const struct story *story, size_t recipient)
{
	size_t data = story->recipients + 1;
	size_t end = end_of(story, recipient);

	FUZZ_CHECK(story->step != TRANSFER_ASTRAY);
	FUZZ_CHECK(class_of(story, 0) == 2 && class_of(story, recipient + 1) == 2);
	FUZZ_CHECK(class_of(story, data) == 3);
	FUZZ_CHECK(class_of(story, end) == 2);
	FUZZ_CHECK(story->replies[end].turn > story->replies[data].turn);
	FUZZ_CHECK(story->step != TRANSFER_DONE || story->replies[story->count - 1].alone ||
		is_unanimous(story));
}

static void
check_failed(const struct story *story, size_t recipient)
{
	FUZZ_CHECK(story->step != TRANSFER_ASTRAY);
	FUZZ_CHECK(class_of(story, 0) == 5 || class_of(story, recipient + 1) == 5 ||
		class_of(story, story->recipients + 1) == 5 ||
		class_of(story, end_of(story, recipient)) == 5 ||
		/* or the first word in the middle of the content */
		class_of(story, story->recipients + 2) == 5);
}

static void
check_story(const struct story *story, struct job *job, const struct stream *stream)
{
	FUZZ_CHECK(stream->contents <= 1);
	FUZZ_CHECK(story->step != TRANSFER_DONE || job->open == 0);
	if (story->step == TRANSFER_ASTRAY)
		job_reopen(job);
	job_set_rest(job, OUTCOME_DEFERRED, 0, "4.4.2", SPAN_LITERAL("gone"));
	FUZZ_CHECK(job->open == 0);
	for (size_t i = 0; i < story->recipients; i++) {
		if (job->results[i].outcome == OUTCOME_DELIVERED ||
			job->results[i].outcome == OUTCOME_RELAYED)
			check_delivered(story, i);
		else if (job->results[i].outcome == OUTCOME_FAILED)
			check_failed(story, i);
	}
}

/* ---- the dialogue --------------------------------------------------------------------------------- */

static bool
says_yes(struct span rest)
{
	while (rest.length) {
		if (rest.start[0] != '2')
			return false;
		(void)span_cut(rest, '\n', &rest);
	}
	return true;
}

static void
note(struct story *story, const struct smtp_reply_reader *reply, size_t turn, struct span rest)
{
	FUZZ_CHECK(story->count < REPLIES_MAX);
	story->replies[story->count++] = (struct said){
		.code = reply->code, .turn = turn,
		.alone = rest.length == 0 || span_is(rest, "4") || span_is(rest, "42") ||
			span_starts(rest, "421"),
		.agreed = says_yes(rest),
	};
}

/* A turn: a piece of input is read, then all that was written goes out. */
static void
take_turn(struct story *story, struct transfer *transfer, struct smtp_reply_reader *reader, size_t turn)
{
	struct stream *stream = transfer->stream;

	while (stream->rest.length && story->step == TRANSFER_MORE && !stream->aborted) {
		enum parse parse = smtp_reply_reader_feed(reader, &stream->rest);

		if (parse == PARSE_BAD)
			story->step = TRANSFER_LOST;
		if (parse != PARSE_DONE)
			break;
		note(story, reader, turn, stream->rest);
		story->step = transfer_reply(transfer, reader);
	}
	if (story->step == TRANSFER_MORE)
		(void)transfer_wait(transfer);
	stream->waiting = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	unsigned how = fuzz_take(&in);
	size_t piece = 1 + fuzz_take(&in);
	struct offer offer = { .pipelining = how & 1, .dsn = how & 2 };
	struct story story = { .recipients = 1 + (how >> 2) % RECIPIENTS_MAX, .lmtp = how & 16 };
	struct job *job = new_job(story.recipients);
	struct stream stream = { .rest = SPAN_EMPTY };
	struct smtp_reply_reader reader;
	struct hop_journal journal = { .open = false };
	struct transfer transfer = { .stream = &stream, .journal = &journal, .offer = &offer,
		.lmtp = story.lmtp, .job = job };

	smtp_reply_reader_init(&reader);
	story.step = transfer_start(&transfer);
	stream.waiting = 0;
	for (size_t turn = 0; in.length && story.step == TRANSFER_MORE && !stream.aborted; turn++) {
		/* A turn ends behind a NUL, or with the piece. */
		size_t length = piece < in.length ? piece : in.length;
		struct span now = span_first(in, length);
		size_t cut = span_find(now, '\0');

		stream.rest = span_first(now, cut);
		in = span_from(in, cut < length ? cut + 1 : length);
		take_turn(&story, &transfer, &reader, turn);
	}
	check_story(&story, job, &stream);
	smtp_reply_reader_fini(&reader);
	job_free(&job);
	return 0;
}
