/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of the milter protocol. */
#include "wire/milter_packet.h"

#include <string.h>

enum {
	LENGTH_BYTES = 4,
	HEAD_BYTES = LENGTH_BYTES + 1,
	ADDRESS_MAX_BYTES = 8 * 1024,  /* a path with its parameters */
	TEXTS_MAX_BYTES = 64 * 1024,
};

/* ---- commands -------------------------------------------------------------------------------- */

static void
put_u32(char *to, uint32_t value)
{
	for (int i = 0; i < LENGTH_BYTES; i++)
		to[i] = (char)(value >> (24 - 8 * i));
}

/* Room for a packet, with its head filled in; NULL if there is none. */
static char *
begin(struct buf *out, enum milter_command command, size_t payload_bytes)
{
	char *head;

	if (payload_bytes > MILTER_PAYLOAD_MAX_BYTES)
		return NULL;
	head = buf_reserve(out, HEAD_BYTES + payload_bytes);
	if (!head)
		return NULL;
	put_u32(head, (uint32_t)payload_bytes + 1);
	head[LENGTH_BYTES] = (char)command;
	buf_claim(out, HEAD_BYTES + payload_bytes);
	return head + HEAD_BYTES;
}

static char *
put_span(char *to, struct span bytes)
{
	if (bytes.length)
		memcpy(to, bytes.start, bytes.length);
	return to + bytes.length;
}

static char *
put_text(char *to, struct span text)
{
	to = put_span(to, text);
	*to = '\0';
	return to + 1;
}

bool
milter_write(struct buf *out, enum milter_command command, struct span payload)
{
	char *to = begin(out, command, payload.length);

	if (to)
		put_span(to, payload);
	return to;
}

bool
milter_write_texts(struct buf *out, enum milter_command command, const struct span *texts,
	size_t count)
{
	size_t size = count;
	char *to;

	for (size_t i = 0; i < count; i++) {
		if (texts[i].length > MILTER_PAYLOAD_MAX_BYTES || span_has_byte(texts[i], '\0'))
			return false;
		size += texts[i].length;
	}
	to = begin(out, command, size);
	for (size_t i = 0; to && i < count; i++)
		to = put_text(to, texts[i]);
	return to;
}

bool
milter_write_offer(struct buf *out, uint32_t version, uint32_t actions, uint32_t steps)
{
	char *to = begin(out, MILTER_OFFER, 3 * LENGTH_BYTES);

	if (!to)
		return false;
	put_u32(to, version);
	put_u32(to + LENGTH_BYTES, actions);
	put_u32(to + 2 * LENGTH_BYTES, steps);
	return true;
}

bool
milter_write_connect(struct buf *out, struct span host, struct span address, uint16_t port)
{
	char family = span_has_byte(address, ':') ? '6' : '4';
	size_t behind = address.length ? sizeof family + sizeof port + address.length + 1
				       : sizeof family;
	char *to;

	if (host.length > MILTER_PAYLOAD_MAX_BYTES || address.length > MILTER_PAYLOAD_MAX_BYTES ||
		span_has_byte(host, '\0') || span_has_byte(address, '\0'))
		return false;
	to = begin(out, MILTER_CONNECT, host.length + 1 + behind);
	if (!to)
		return false;
	to = put_text(to, host);
	if (address.length == 0) {
		*to = 'U';
		return true;
	}
	*to++ = family;
	*to++ = (char)(port >> 8);
	*to++ = (char)port;
	put_text(to, address);
	return true;
}

bool
milter_write_macros(struct buf *out, enum milter_command command,
	const struct milter_macro *macros, size_t count)
{
	size_t size = 1;
	char *to;

	if (count == 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (macros[i].name.length + macros[i].value.length > MILTER_PAYLOAD_MAX_BYTES ||
			span_has_byte(macros[i].name, '\0') || span_has_byte(macros[i].value, '\0'))
			return false;
		size += macros[i].name.length + 1 + macros[i].value.length + 1;
	}
	to = begin(out, MILTER_MACROS, size);
	if (!to)
		return false;
	*to++ = (char)command;
	for (size_t i = 0; i < count; i++)
		to = put_text(put_text(to, macros[i].name), macros[i].value);
	return true;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* The most that an answer may carry; a new body has a limit of its own. */
static bool
find_cap(unsigned char answer, size_t *cap_out)
{
	switch (answer) {
	case MILTER_ACCEPT:
	case MILTER_CONTINUE:
	case MILTER_DISCARD:
	case MILTER_PROGRESS:
	case MILTER_REJECT:
	case MILTER_SHUTDOWN:
	case MILTER_SKIP:
	case MILTER_TEMPFAIL:
		*cap_out = 0;
		return true;
	case MILTER_ADD_RCPT:
	case MILTER_ADD_RCPT_WITH:
	case MILTER_CHANGE_SENDER:
	case MILTER_DELETE_RCPT:
		*cap_out = ADDRESS_MAX_BYTES;
		return true;
	case MILTER_OFFER:
	case MILTER_QUARANTINE:
	case MILTER_REPLY:
		*cap_out = TEXTS_MAX_BYTES;
		return true;
	case MILTER_ADD_HEADER:
	case MILTER_CHANGE_HEADER:
	case MILTER_INSERT_HEADER:
		*cap_out = MILTER_ANSWER_MAX_BYTES - HEAD_BYTES;
		return true;
	case MILTER_REPLACE_BODY:
		*cap_out = SIZE_MAX;
		return true;
	default:
		return false;
	}
}

static enum parse
fail(struct milter_reader *reader, const char *fault)
{
	reader->fault = fault;
	return PARSE_BAD;
}

/* What speaks first, or in words, is another service at the filter's address. */
static bool
is_speech(const char *head)
{
	return span_is_printable(span_of(head, LENGTH_BYTES));
}

static enum parse
take_body(struct milter_reader *reader, struct span *in, struct milter_packet *packet_out)
{
	struct span piece = span_first(*in, reader->body_left);

	if (piece.length == 0 && reader->body_left)
		return PARSE_MORE;
	*in = span_from(*in, piece.length);
	reader->body_left -= piece.length;
	reader->in_body = reader->body_left > 0;
	*packet_out = (struct milter_packet){
		.answer = MILTER_REPLACE_BODY, .payload = piece, .more = reader->in_body
	};
	return PARSE_DONE;
}

static enum parse
begin_body(struct milter_reader *reader, struct span *in, size_t size, size_t max,
	struct milter_packet *packet_out)
{
	if (reader->body_taken > max || size > max - reader->body_taken)
		return fail(reader, "the new body is too large");
	reader->body_taken += size;
	reader->body_left = size;
	reader->in_body = true;
	*in = span_from(*in, HEAD_BYTES);
	return take_body(reader, in, packet_out);
}

enum parse
milter_reader_take(struct milter_reader *reader, struct span *in, size_t body_max_bytes,
	struct milter_packet *packet_out)
{
	const unsigned char *head = (const unsigned char *)in->start;
	size_t length;
	size_t cap;

	if (reader->in_body)
		return take_body(reader, in, packet_out);
	if (in->length < LENGTH_BYTES)
		return PARSE_MORE;
	length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	if (is_speech(in->start))
		return fail(reader, "what answers is not a milter");
	if (length == 0)
		return fail(reader, "a packet without a command");
	if (in->length < HEAD_BYTES)
		return PARSE_MORE;
	if (!find_cap(head[LENGTH_BYTES], &cap))
		return fail(reader, "an answer that does not exist");
	if (length - 1 > cap)
		return fail(reader, "an answer that is too long");
	if (head[LENGTH_BYTES] == MILTER_REPLACE_BODY)
		return begin_body(reader, in, length - 1, body_max_bytes, packet_out);
	if (in->length < LENGTH_BYTES + length)
		return PARSE_MORE;
	*packet_out = (struct milter_packet){ .answer = (enum milter_answer)head[LENGTH_BYTES],
		.payload = span_of(in->start + HEAD_BYTES, length - 1) };
	*in = span_from(*in, LENGTH_BYTES + length);
	return PARSE_DONE;
}

void
milter_reader_begin_body(struct milter_reader *reader)
{
	reader->body_taken = 0;
}

bool
milter_answer_is_change(enum milter_answer answer)
{
	switch ((int)answer) {
	case MILTER_ADD_RCPT:
	case MILTER_DELETE_RCPT:
	case MILTER_ADD_RCPT_WITH:
	case MILTER_REPLACE_BODY:
	case MILTER_CHANGE_SENDER:
	case MILTER_ADD_HEADER:
	case MILTER_INSERT_HEADER:
	case MILTER_CHANGE_HEADER:
	case MILTER_QUARANTINE:
		return true;
	default:
		return false;
	}
}

bool
milter_answer_is_verdict(enum milter_answer answer)
{
	return answer == MILTER_ACCEPT || answer == MILTER_REJECT || answer == MILTER_TEMPFAIL ||
		answer == MILTER_REPLY || answer == MILTER_DISCARD;
}

bool
milter_reader_is_change(const struct milter_reader *reader, struct span in)
{
	return reader->in_body || (in.length >= HEAD_BYTES &&
		milter_answer_is_change((enum milter_answer)in.start[LENGTH_BYTES]));
}
