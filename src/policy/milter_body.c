/* SPDX-License-Identifier: BSD-2-Clause */
/* A new body that a filter sends. */
#include "policy/milter_body.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "wire/octet.h"
#include "wire/utf8.h"

enum {
	WRITE_BYTES = 64 * 1024, /* gathered before each write to the file */
	LINE_END_BYTES = 2,      /* that the last line may still get */
};

struct milter_body {
	const struct milter_means *means;
	uint64_t size_limit;
	void (*on_room)(void *context);
	void *context;

	struct buf bytes;   /* what is not in the file */
	uint64_t length;    /* with that */
	void *asked;        /* the file; NULL: not under way */
	int fd;             /* -1: in memory */
	uint64_t file;
	struct digest hash;
	bool has_8bit;
	bool after_cr;      /* a CR is owed: alone, or with the LF of the next piece */
	bool in_line;       /* the last line has no end yet */
	struct fault fault; /* why it can never be whole */
};

struct milter_body *
milter_body_new(const struct milter_means *means, uint64_t size_limit,
	void (*on_room)(void *context), void *context)
{
	struct milter_body *body = mem_alloc(sizeof *body);

	*body = (struct milter_body){ .means = means,
		.size_limit = size_limit,
		.on_room = on_room,
		.context = context,
		.fd = -1 };
	buf_init(&body->bytes, 0);
	return body;
}

void
milter_body_free(struct milter_body **body)
{
	struct milter_body *old = *body;

	if (!old)
		return;
	if (old->asked)
		old->means->body_forget(old->means->context, &old->asked);
	if (old->fd >= 0)
		close(old->fd);
	if (old->file)
		old->means->body_drop(old->means->context, old->file);
	buf_fini(&old->bytes);
	mem_free(body);
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool
write_bytes(struct milter_body *body)
{
	struct span left = buf_span(&body->bytes);

	digest_add(&body->hash, left);
	while (left.length) {
		ssize_t sent = pwrite(body->fd, left.start, left.length,
			(off_t)(body->length - left.length));

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return fault_set_errno(&body->fault, "the new body cannot be written");
		left = span_from(left, (size_t)sent);
	}
	buf_clear(&body->bytes);
	return true;
}

static void
on_opened(void *asker, uint64_t file, int fd, bool refused)
{
	struct milter_body *body = asker;

	body->asked = NULL;
	if (fd >= 0) {
		body->fd = fd;
		body->file = file;
		digest_init(&body->hash);
		write_bytes(body);
	} else {
		fault_set(&body->fault, FAULT_BUSY, refused ? "no room for the new body" :
			"the queue is away, and the new body needs it");
	}
	body->on_room(body->context);
}

static void
ask_for_file(struct milter_body *body)
{
	body->asked = body->means->body_open(body->means->context, on_opened, body);
	if (!body->asked)
		fault_set(&body->fault, FAULT_BUSY, "the queue is away, and the new body needs it");
}

/* ---- line ends ------------------------------------------------------------------------------- */

static bool
add(struct milter_body *body, struct span text)
{
	body->length += text.length;
	if (body->size_limit && body->length > body->size_limit)
		return fault_set(&body->fault, FAULT_LIMIT,
			"the new body is larger than %llu bytes, the most allowed here",
			(unsigned long long)body->size_limit);
	buf_add_span(&body->bytes, text);
	return body->fd < 0 || buf_length(&body->bytes) < WRITE_BYTES || write_bytes(body);
}

static bool
end_line(struct milter_body *body)
{
	body->after_cr = false;
	body->in_line = false;
	return add(body, SPAN_LITERAL("\r\n"));
}

/* NUL is a byte like others. */
static size_t
run_length(struct span text)
{
	bool has_8bit = false;
	size_t length = 0;

	while (length < text.length && text.start[length] != '\r' && text.start[length] != '\n') {
		size_t run = octet_plain_run(span_from(text, length), &has_8bit);

		length += run ? run : 1;
	}
	return length;
}

/* Takes what comes next from the front: a line end, or text up to one. */
static bool
take_next(struct milter_body *body, struct span *piece)
{
	char first = piece->start[0];
	size_t length;

	if (body->after_cr || first == '\n') {
		if (first == '\n')
			*piece = span_from(*piece, 1);
		return end_line(body);
	}
	if (first == '\r') {
		body->after_cr = true;
		*piece = span_from(*piece, 1);
		return true;
	}
	length = run_length(span_first(*piece, WRITE_BYTES));
	body->in_line = true;
	if (!add(body, span_first(*piece, length)))
		return false;
	*piece = span_from(*piece, length);
	return true;
}

enum milter_taken
milter_body_take(struct milter_body *body, struct span piece, struct fault *fault_out)
{
	assert(!body->asked);
	body->has_8bit = body->has_8bit || !utf8_is_ascii(piece);
	while (piece.length && body->fault.kind == FAULT_NONE)
		take_next(body, &piece);
	if (body->fault.kind == FAULT_NONE && body->fd < 0 &&
		buf_length(&body->bytes) > MAIL_MEMORY_MAX_BYTES - LINE_END_BYTES)
		ask_for_file(body);
	if (body->fault.kind != FAULT_NONE) {
		*fault_out = body->fault;
		return MILTER_TAKEN_BAD;
	}
	return body->asked ? MILTER_TAKEN_LATER : MILTER_TAKEN;
}

bool
milter_body_end(struct milter_body *body, struct fault *fault_out)
{
	assert(!body->asked);
	if (body->fault.kind == FAULT_NONE && (body->after_cr || body->in_line))
		end_line(body);
	if (body->fault.kind == FAULT_NONE && body->fd >= 0)
		write_bytes(body);
	if (body->fault.kind != FAULT_NONE)
		*fault_out = body->fault;
	return body->fault.kind == FAULT_NONE;
}

uint64_t
milter_body_length(const struct milter_body *body)
{
	return body->length;
}

/* ---- in the mail ----------------------------------------------------------------------------- */

void
milter_body_put(struct milter_body **body, struct mail *mail)
{
	struct milter_body *new = *body;

	if (mail->body_fd >= 0)
		close(mail->body_fd);
	if (mail->body_file)
		new->means->body_drop(new->means->context, mail->body_file);
	buf_clear(&mail->body);
	buf_add_span(&mail->body, buf_span(&new->bytes));
	mail->body_length = new->length;
	mail->body_8bit = new->has_8bit;
	mail->body_fd = new->fd;
	mail->body_file = new->file;
	if (new->fd >= 0)
		digest_final(&new->hash, mail->body_hash);
	new->fd = -1;
	new->file = 0;
	milter_body_free(body);
}
