/* SPDX-License-Identifier: BSD-2-Clause */
/* The content of a message as it comes in. */
#include "smtp/content.h"

#include <errno.h>
#include <unistd.h>

#include "io/sock.h"
#include "smtp/queue_body.h"
#include "wire/utf8.h"

enum {
	WRITE_BYTES = 64 * 1024,	  /* gathered before each write to the file */
	ENDLESS_BYTES = 16 * 1024 * 1024, /* read and dropped after a fault, at least */
};

void
content_init(struct content *content, struct mail *mail, struct queue_link *queue,
	const struct content_limits *limits, void (*on_file)(void *context), void *context)
{
	*content = (struct content){ .mail = mail,
		.queue = queue,
		.limits = *limits,
		.on_file = on_file,
		.context = context };
	smtp_data_init(
		&content->data, limits->normalize ? SMTP_NEWLINE_NORMALIZE : SMTP_NEWLINE_REJECT);
}

void
content_release(struct content *content)
{
	content->mail->body_file = 0;
}

void
content_fini(struct content *content)
{
	if (!content->mail)
		return;
	queue_body_forget(&content->asked);
	if (content->mail->body_file)
		queue_body_drop(content->queue, content->mail->body_file);
	sock_close(&content->mail->body_fd);
	content->mail = NULL;
}

/* From here on what comes is only counted. */
static void
fail(struct content *content, enum content_fault fault)
{
	if (content->fault != CONTENT_OK)
		return;
	content->fault = fault;
	content->fault_at = content->data.received;
	buf_fini(&content->mail->header_block);
	buf_fini(&content->mail->body);
}

/* ---- the file -------------------------------------------------------------------------------- */

static void
write_body(struct content *content)
{
	struct mail *mail = content->mail;
	struct span left = buf_span(&mail->body);

	digest_add(&content->hash, left);
	while (left.length) {
		ssize_t sent = pwrite(mail->body_fd, left.start, left.length,
			(off_t)(mail->body_length - left.length));

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			fail(content, CONTENT_SPACE);
			return;
		}
		left = span_from(left, (size_t)sent);
	}
	buf_clear(&mail->body);
}

static void
on_opened(void *context, uint64_t file, int fd, bool refused)
{
	struct content *content = context;

	content->asked = NULL;
	if (fd >= 0) {
		content->mail->body_fd = fd;
		content->mail->body_file = file;
		digest_init(&content->hash);
		write_body(content);
	} else {
		fail(content, refused ? CONTENT_SPACE : CONTENT_QUEUE);
	}
	content->on_file(content->context);
}

static void
ask_for_file(struct content *content)
{
	content->asked = queue_body_open(content->queue, on_opened, content);
	if (!content->asked)
		fail(content, CONTENT_QUEUE);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static void
add_header(struct content *content, struct span piece)
{
	struct buf *block = &content->mail->header_block;

	if (buf_length(block) + piece.length > content->limits.header_size ||
		!buf_add_span(block, piece))
		fail(content, CONTENT_HEADER);
}

static void
add_body(struct content *content, struct span piece)
{
	struct mail *mail = content->mail;

	mail->body_length += piece.length;
	if (content->data.has_8bit && !mail->body_8bit)
		mail->body_8bit = !utf8_is_ascii(piece);
	if (!buf_add_span(&mail->body, piece))
		fail(content, CONTENT_SPACE);
	else if (mail->body_fd >= 0 && buf_length(&mail->body) >= WRITE_BYTES)
		write_body(content);
	else if (mail->body_fd < 0 && buf_length(&mail->body) > MESSAGE_BODY_MAX_BYTES)
		ask_for_file(content);
}

static void
check(struct content *content)
{
	uint64_t patience =
		content->limits.size > ENDLESS_BYTES ? content->limits.size : ENDLESS_BYTES;

	if (content->data.fault != SMTP_DATA_OK)
		fail(content, CONTENT_GRAMMAR);
	/* RFC 1870 5: without what dot-stuffing adds, and without the final dot. */
	if (content->limits.size && content->data.size > content->limits.size)
		fail(content, CONTENT_SIZE);
	if (content->fault != CONTENT_OK && content->data.received - content->fault_at > patience)
		content->fault = CONTENT_ENDLESS;
}

enum content_step
content_take(struct content *content, struct span *in)
{
	while (!content->asked) {
		struct span piece = SPAN_EMPTY;
		enum smtp_data_event event = smtp_data_next(&content->data, in, &piece);

		check(content);
		switch (event) {
		case SMTP_DATA_MORE:
			return CONTENT_MORE;
		case SMTP_DATA_END:
			return CONTENT_END;
		case SMTP_DATA_HEADER:
			if (content->fault == CONTENT_OK)
				add_header(content, piece);
			break;
		case SMTP_DATA_BODY:
			if (content->fault == CONTENT_OK)
				add_body(content, piece);
			break;
		}
	}
	return CONTENT_WAIT;
}

void
content_end(struct content *content)
{
	struct mail *mail = content->mail;

	if (content->fault != CONTENT_OK || mail->body_fd < 0)
		return;
	if (buf_length(&mail->body))
		write_body(content);
	buf_fini(&mail->body);
	digest_final(&content->hash, mail->body_hash);
}

void
content_close(struct content *content)
{
	sock_close(&content->mail->body_fd);
}

void
content_explain(const struct content *content, struct verdict *verdict_out)
{
	*verdict_out = VERDICT_PASS;
	switch (content->fault) {
	case CONTENT_OK:
		break;
	case CONTENT_GRAMMAR:
		*verdict_out = verdict_refuse(554, "5.6.0", "content", "Refused: %s",
			smtp_data_fault_text(content->data.fault));
		break;
	case CONTENT_SIZE:
	case CONTENT_ENDLESS:
		*verdict_out = verdict_refuse(552, "5.3.4", "message-size",
			"Message is larger than %llu bytes, the most allowed here",
			(unsigned long long)content->limits.size);
		break;
	case CONTENT_HEADER:
		*verdict_out = verdict_refuse(552, "5.3.4", "header-size",
			"The header is larger than %llu bytes, the most allowed here",
			(unsigned long long)content->limits.header_size);
		break;
	case CONTENT_SPACE:
		*verdict_out =
			verdict_refuse(452, "4.3.1", "queue", "Out of storage; try again later");
		break;
	case CONTENT_QUEUE:
		*verdict_out =
			verdict_refuse(451, "4.3.0", "queue", "The queue is away; try again later");
		break;
	}
}
