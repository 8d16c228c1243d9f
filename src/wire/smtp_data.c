/* SPDX-License-Identifier: BSD-2-Clause */
/* Message content as it comes in, by DATA or BDAT: strict line ends. */
#include "wire/smtp_data.h"

#include "wire/octet.h"

enum state {
	AT_START, /* nothing of this line was seen */
	IN_LINE,
	AFTER_CR, /* a CR was taken and not given on */
	AT_DOT,	  /* a dot at the start of a line was taken */
	DOT_CR,	  /* and a CR behind it */
	ENDED,
};

static const struct span crlf = SPAN_LITERAL("\r\n");

void
smtp_data_init(struct smtp_data *data, enum smtp_newline newline)
{
	*data = (struct smtp_data){ .newline = newline, .state = AT_START, .line_by_crlf = true };
}

void
smtp_data_chunk(struct smtp_data *data, uint64_t size, bool last)
{
	data->chunked = true;
	data->chunk_left = size;
	data->last = last;
}

const char *
smtp_data_fault_text(enum smtp_data_fault fault)
{
	switch (fault) {
	case SMTP_DATA_OK:
		break;
	case SMTP_DATA_BARE_CR:
		return "bare CR in message";
	case SMTP_DATA_BARE_LF:
		return "bare LF in message";
	case SMTP_DATA_NUL:
		return "NUL byte in message";
	}
	return NULL;
}

static void
set_fault(struct smtp_data *data, enum smtp_data_fault fault)
{
	if (fault != SMTP_DATA_NUL && data->newline == SMTP_NEWLINE_NORMALIZE)
		return;
	if (data->fault == SMTP_DATA_OK)
		data->fault = fault;
}

static void
take(struct smtp_data *data, struct span *in, size_t length)
{
	*in = span_from(*in, length);
	data->received += length;
	if (data->chunked)
		data->chunk_left -= length;
}

/* False if there is nothing to give: the data is only skipped. */
static bool
give(struct smtp_data *data, struct span piece, struct span *piece_out)
{
	if (data->fault != SMTP_DATA_OK)
		return false;
	data->size += piece.length;
	*piece_out = piece;
	return true;
}

static void
end_line(struct smtp_data *data, bool by_crlf)
{
	if (data->line_bytes > data->longest_line)
		data->longest_line = data->line_bytes;
	data->line_bytes = 0;
	data->line_by_crlf = by_crlf;
	data->state = AT_START;
}

/* The end of a line that was not given with the line itself. */
static bool
give_newline(struct smtp_data *data, bool by_crlf, struct span *piece_out)
{
	bool empty = data->line_bytes == 0;

	end_line(data, by_crlf);
	if (empty && !data->in_body) {
		data->in_body = true;
		data->size += crlf.length;
		return false;
	}
	return give(data, crlf, piece_out);
}

/* RFC 5321 4.5.2: only a dot behind CRLF is removed, or ends the data */
static bool
is_dot(const struct smtp_data *data, char byte)
{
	return byte == '.' && !data->chunked && data->state == AT_START && data->line_by_crlf;
}

/* How much can be given as it is: whole lines and the start of one, up to a byte that matters. */
static size_t
scan(struct smtp_data *data, struct span in)
{
	size_t at = 0;

	while (at < in.length) {
		size_t run;

		if (data->state == AT_START &&
			(is_dot(data, in.start[at]) || (in.start[at] == '\r' && !data->in_body)))
			break;
		run = octet_plain_run(span_from(in, at), &data->has_8bit);
		if (run)
			data->state = IN_LINE;
		data->line_bytes += run;
		at += run;
		if (in.length - at < 2 || in.start[at] != '\r' || in.start[at + 1] != '\n')
			break;
		at += 2;
		end_line(data, true);
	}
	return at;
}

/* The first byte is a CR, an LF or NUL, or a dot that starts a line. */
static bool
step_in_line(struct smtp_data *data, struct span *in, struct span *piece_out)
{
	char byte = in->start[0];

	if (is_dot(data, byte)) {
		data->state = AT_DOT;
	} else if (byte == '\r') {
		data->state = AFTER_CR;
	} else if (byte == '\n') {
		set_fault(data, SMTP_DATA_BARE_LF);
		take(data, in, 1);
		return give_newline(data, false, piece_out);
	} else {
		set_fault(data, SMTP_DATA_NUL);
		data->state = IN_LINE;
	}
	take(data, in, 1);
	return false;
}

/* One byte in a state that waits for it. True if there is a piece. */
static bool
step(struct smtp_data *data, struct span *in, struct span *piece_out)
{
	bool lf = in->start[0] == '\n';

	switch ((enum state)data->state) {
	case AT_DOT:
		data->state = in->start[0] == '\r' ? DOT_CR : IN_LINE;
		if (data->state == DOT_CR)
			take(data, in, 1);
		return false;
	case AFTER_CR:
	case DOT_CR:
		if (lf)
			take(data, in, 1);
		if (lf && data->state == DOT_CR) {
			data->state = ENDED;
			return false;
		}
		if (!lf)
			set_fault(data, SMTP_DATA_BARE_CR);
		return give_newline(data, lf, piece_out);
	case AT_START:
	case IN_LINE:
	case ENDED:
		break;
	}
	return step_in_line(data, in, piece_out);
}

/* The end of the last chunk: what waits is decided, and the last line gets its end. */
static bool
finish(struct smtp_data *data, struct span *piece_out)
{
	if (data->state == AFTER_CR)
		set_fault(data, SMTP_DATA_BARE_CR);
	if (data->state == AT_START || data->state == ENDED)
		return false;
	return give_newline(data, true, piece_out);
}

enum smtp_data_event
smtp_data_next(struct smtp_data *data, struct span *in, struct span *piece_out)
{
	while (data->state != ENDED) {
		enum smtp_data_event part = data->in_body ? SMTP_DATA_BODY : SMTP_DATA_HEADER;
		bool in_line = data->state == AT_START || data->state == IN_LINE;
		struct span rest = *in;
		size_t length;

		if (data->chunked && rest.length > data->chunk_left)
			rest.length = (size_t)data->chunk_left;
		if (data->chunked && data->chunk_left == 0) {
			if (data->last && finish(data, piece_out))
				return part;
			return SMTP_DATA_END;
		}
		if (rest.length == 0)
			return SMTP_DATA_MORE;
		length = in_line ? scan(data, rest) : 0;
		if (length) {
			take(data, in, length);
			if (give(data, span_first(rest, length), piece_out))
				return part;
		} else if (step(data, in, piece_out)) {
			return part;
		}
	}
	return SMTP_DATA_END;
}
