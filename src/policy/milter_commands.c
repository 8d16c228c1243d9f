/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session and a message are called in the milter protocol. */
#include "policy/milter_commands.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	ADDRESS_SIZE = INET6_ADDRSTRLEN,
	HOST_SIZE = ADDRESS_SIZE + 2,
	PARAMETERS_MAX = 64,
	STEPS_OF_VERSION_2 = 2 * MILTER_NO_HEADER_END - 1, /* NO_CONNECT and all between */
};

uint32_t
milter_commands_steps(uint32_t version)
{
	if (version < 3)
		return STEPS_OF_VERSION_2;
	if (version < 4)
		return STEPS_OF_VERSION_2 | MILTER_NO_UNKNOWN;
	if (version < 6)
		return STEPS_OF_VERSION_2 | MILTER_NO_UNKNOWN | MILTER_NO_DATA;
	return MILTER_STEPS_ALL;
}

const struct milter_telling *
milter_commands_at(enum milter_place place)
{
	static const struct milter_telling tellings[] = {
		[MILTER_AT_CONNECT] = { MILTER_CONNECT, MILTER_NO_CONNECT, MILTER_MUTE_CONNECT },
		[MILTER_AT_HELO] = { MILTER_HELO, MILTER_NO_HELO, MILTER_MUTE_HELO },
		[MILTER_AT_MAIL] = { MILTER_MAIL, MILTER_NO_MAIL, MILTER_MUTE_MAIL },
		[MILTER_AT_RCPT] = { MILTER_RCPT, MILTER_NO_RCPT, MILTER_MUTE_RCPT },
		[MILTER_AT_DATA] = { MILTER_DATA, MILTER_NO_DATA, MILTER_MUTE_DATA },
		[MILTER_AT_HEADER] = { MILTER_HEADER, MILTER_NO_HEADERS, MILTER_MUTE_HEADER },
		[MILTER_AT_HEADER_END] = { MILTER_HEADER_END, MILTER_NO_HEADER_END,
			MILTER_MUTE_HEADER_END },
		[MILTER_AT_BODY] = { MILTER_BODY, MILTER_NO_BODY, MILTER_MUTE_BODY },
		[MILTER_AT_END] = { MILTER_END, 0, 0 },
	};

	return &tellings[place];
}

/*
 * As inet_pton() takes it, or libmilter hangs up: no zone, IPv4 in IPv6 clothes as IPv4. Empty for
 * what is no address.
 */
static void
set_address(const char *text, char to[ADDRESS_SIZE])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned char bytes[16];
	struct span literal = span_text(text);
	char plain[ADDRESS_SIZE];

	to[0] = '\0';
	literal = span_first(literal, span_find(literal, '%'));
	if (literal.length >= sizeof plain)
		return;
	snprintf(plain, sizeof plain, "%.*s", SPAN_PRINT(literal));
	if (inet_pton(AF_INET, plain, bytes) == 1)
		snprintf(to, ADDRESS_SIZE, "%s", plain);
	else if (inet_pton(AF_INET6, plain, bytes) != 1)
		return;
	else if (memcmp(bytes, mapped, sizeof mapped) == 0)
		inet_ntop(AF_INET, bytes + sizeof mapped, to, ADDRESS_SIZE);
	else
		inet_ntop(AF_INET6, bytes, to, ADDRESS_SIZE);
}

bool
milter_commands_connect(struct buf *out, const struct mail_session *session)
{
	char address[ADDRESS_SIZE];
	char host[HOST_SIZE] = "localhost";

	/* Nobody asks DNS for the client's name; without one it is called by its address. */
	set_address(session->client_address, address);
	if (address[0])
		snprintf(host, sizeof host, "[%s]", address);
	return milter_write_connect(out, span_text(host), span_text(address), session->client_port);
}

bool
milter_commands_helo(struct buf *out, const struct mail_session *session)
{
	struct span name = span_text(session->helo);

	return milter_write_texts(out, MILTER_HELO, &name, 1);
}

/* "<path>", and each parameter as a text of its own. */
static bool
write_path(struct buf *out, enum milter_command command, const char *path, const char *parameters)
{
	struct span texts[1 + PARAMETERS_MAX];
	struct span rest = span_trim(span_text(parameters));
	char *bracketed = mem_printf("<%s>", path);
	size_t count = 1;
	bool written;

	texts[0] = span_text(bracketed);
	while (rest.length && count <= PARAMETERS_MAX) {
		texts[count++] = span_cut(rest, ' ', &rest);
		rest = span_trim(rest);
	}
	written = milter_write_texts(out, command, texts, count);
	mem_free(&bracketed);
	return written;
}

bool
milter_commands_mail(struct buf *out, const char *sender, const char *parameters)
{
	return write_path(out, MILTER_MAIL, sender, parameters);
}

bool
milter_commands_rcpt(struct buf *out, const struct mail_recipient *recipient)
{
	return write_path(out, MILTER_RCPT, recipient->path, recipient->parameters);
}

/* ---- header ---------------------------------------------------------------------------------- */

const char *
milter_commands_check(const struct header *header)
{
	for (size_t i = 0; i < header->count; i++) {
		const struct header_field *field = &header->fields[i];

		if (field->name.length + field->value.length > MILTER_FIELD_MAX_BYTES)
			return "A header field is too long";
		if (span_has_byte(field->value, '\0'))
			return "A header field holds a NUL byte";
	}
	return NULL;
}

/* Without the CR of folded lines; as it is if it has one line. */
static struct span
join_lines(struct span value, char **joined_out)
{
	char *to;
	size_t length = 0;

	if (!span_has_byte(value, '\r'))
		return value;
	to = *joined_out = mem_alloc(value.length);
	for (size_t i = 0; i < value.length; i++)
		if (value.start[i] != '\r' || i + 1 == value.length || value.start[i + 1] != '\n')
			to[length++] = value.start[i];
	return span_of(to, length);
}

bool
milter_commands_field(struct buf *out, const struct header_field *field, uint32_t steps)
{
	char *joined = NULL;
	struct span texts[] = { field->name, join_lines(field->value, &joined) };
	bool written;

	if (!(steps & MILTER_LEADING_SPACE) && span_starts(texts[1], " "))
		texts[1] = span_from(texts[1], 1);
	written = milter_write_texts(out, MILTER_HEADER, texts, 2);
	mem_free(&joined);
	return written;
}

/* ---- body ------------------------------------------------------------------------------------ */

static bool
read_back(const struct mail *mail, uint64_t at, char *to, size_t size)
{
	for (size_t have = 0; have < size;) {
		ssize_t got = pread(mail->body_fd, to + have, size - have, (off_t)(at + have));

		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		if (got > 0)
			have += (size_t)got;
	}
	return true;
}

bool
milter_commands_body(struct buf *out, const struct mail *mail, uint64_t at, size_t *size_out)
{
	uint64_t left = mail->body_length - at;
	size_t size = left < MILTER_PAYLOAD_MAX_BYTES ? (size_t)left : MILTER_PAYLOAD_MAX_BYTES;
	char *piece;
	bool written;

	*size_out = size;
	if (mail->body_fd < 0)
		return milter_write(out, MILTER_BODY,
			span_first(span_from(buf_span(&mail->body), (size_t)at), size));
	piece = mem_alloc(size);
	written = read_back(mail, at, piece, size) &&
		milter_write(out, MILTER_BODY, span_of(piece, size));
	mem_free(&piece);
	return written;
}
