/* SPDX-License-Identifier: BSD-2-Clause */
/* A message as it stood when the turn of a filter came. */
#include "milter_sight.h"

#include <unistd.h>

#include "fuzz.h"

static void
write_down(const struct mail *mail, struct buf *out)
{
	FUZZ_CHECK(header_format(&mail->header, out));
	buf_printf(out, "\n%s\n%s %u\n", mail->sender, mail->envid, mail->ret);
	for (size_t i = 0; i < mail->recipient_count; i++)
		buf_printf(out, "%s %s %u\n", mail->recipients[i].path, mail->recipients[i].orcpt,
			mail->recipients[i].notify);
	buf_printf(out, "%llu %llu\n", (unsigned long long)mail->body_length,
		(unsigned long long)mail->body_file);
	buf_add_span(out, buf_span(&mail->body));
}

static void
read_body(const struct mail *mail, struct buf *out)
{
	char piece[4096];
	ssize_t got = 0;

	if (mail->body_fd < 0)
		buf_add_span(out, buf_span(&mail->body));
	else
		while ((got = pread(mail->body_fd, piece, sizeof piece, (off_t)buf_length(out))) > 0)
			buf_add_span(out, span_of(piece, (size_t)got));
	FUZZ_CHECK(got == 0 && buf_length(out) == mail->body_length);
}

void
milter_sight_take(struct milter_sight *sight, const struct mail *mail)
{
	struct fault fault;

	milter_sight_fini(sight);
	sight->taken = true;
	write_down(mail, &sight->whole);
	for (size_t i = 0; i < mail->header.count; i++)
		if (!mail_is_trace(mail, &mail->header.fields[i]))
			buf_add_span(&sight->block, mail->header.fields[i].whole);
	FUZZ_CHECK(header_parse(buf_span(&sight->block), HEADER_RAW, mail->arena, &sight->header, &fault));
	FUZZ_CHECK(sight->header.count + (mail->trace != NULL) == mail->header.count);
	read_body(mail, &sight->body);
}

void
milter_sight_fini(struct milter_sight *sight)
{
	buf_fini(&sight->whole);
	buf_fini(&sight->block);
	buf_fini(&sight->body);
	*sight = (struct milter_sight){ .whole = BUF_INIT(0), .block = BUF_INIT(0), .body = BUF_INIT(0) };
}

bool
milter_sight_holds(const struct milter_sight *sight, const struct mail *mail)
{
	struct buf now = BUF_INIT(0);
	bool holds;

	write_down(mail, &now);
	holds = span_equal(buf_span(&now), buf_span(&sight->whole));
	buf_fini(&now);
	return holds;
}

bool
milter_sight_has_field(const struct milter_sight *sight, size_t number, struct span payload)
{
	struct buf told = BUF_INIT(0);
	const struct header_field *field;
	struct span value;
	bool same;

	if (number >= sight->header.count)
		return false;
	field = &sight->header.fields[number];
	for (value = field->value; value.length; value = span_from(value, 1))
		if (value.start[0] != '\r')
			buf_add_span(&told, span_first(value, 1));
	buf_add_span(&told, span_of("", 1));
	value = buf_span(&told);
	same = payload.length > field->name.length && payload.start[field->name.length] == '\0' &&
		span_equal(span_first(payload, field->name.length), field->name);
	payload = span_from(payload, field->name.length + 1);
	same = same && (span_equal(payload, value) ||
		(value.start[0] == ' ' && span_equal(payload, span_from(value, 1))));
	buf_fini(&told);
	return same;
}

bool
milter_sight_has_piece(const struct milter_sight *sight, size_t offset, struct span piece)
{
	struct span rest = span_from(buf_span(&sight->body), offset);

	return offset <= buf_length(&sight->body) && piece.length <= rest.length &&
		span_equal(span_first(rest, piece.length), piece);
}
