/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of the milter protocol, versions 2 to 6, from the MTA's side: commands out, answers in. */
#ifndef WIRE_MILTER_PACKET_H
#define WIRE_MILTER_PACKET_H

#include "base/buffer.h"
#include "wire/parse.h"

/*
 * There is no RFC: the numbers are those of Sendmail's include/libmilter/mfdef.h (8.17). A packet is
 * a length (32 bits, network order, of what follows), one byte for what it is, and its payload.
 */
enum {
	MILTER_VERSION_MIN = 2,
	MILTER_VERSION_MAX = 6,
	MILTER_PAYLOAD_MAX_BYTES = 65535, /* of a command: libmilter hangs up beyond */
	MILTER_NAME_MAX_BYTES = 255,      /* of a header field that a filter sends */
	MILTER_VALUE_MAX_BYTES = 128 * 1024,
	MILTER_ANSWER_MAX_BYTES = MILTER_VALUE_MAX_BYTES + MILTER_NAME_MAX_BYTES + 16,
};

enum milter_command {
	MILTER_ABORT = 'A',
	MILTER_BODY = 'B',
	MILTER_CONNECT = 'C',
	MILTER_MACROS = 'D',
	MILTER_END = 'E',         /* of the message */
	MILTER_HELO = 'H',
	MILTER_QUIT_NC = 'K',     /* quit, a new connection follows */
	MILTER_HEADER = 'L',
	MILTER_MAIL = 'M',
	MILTER_HEADER_END = 'N',
	MILTER_OFFER = 'O',
	MILTER_QUIT = 'Q',
	MILTER_RCPT = 'R',
	MILTER_DATA = 'T',
	MILTER_UNKNOWN = 'U',
};

enum milter_answer {
	MILTER_ADD_RCPT = '+',
	MILTER_DELETE_RCPT = '-',
	MILTER_ADD_RCPT_WITH = '2', /* and its ESMTP parameters */
	MILTER_SHUTDOWN = '4',
	MILTER_ACCEPT = 'a',
	MILTER_REPLACE_BODY = 'b',
	MILTER_CONTINUE = 'c',
	MILTER_DISCARD = 'd',
	MILTER_CHANGE_SENDER = 'e',
	MILTER_ADD_HEADER = 'h',
	MILTER_INSERT_HEADER = 'i',
	MILTER_CHANGE_HEADER = 'm',
	MILTER_PROGRESS = 'p',
	MILTER_QUARANTINE = 'q',
	MILTER_REJECT = 'r',
	MILTER_SKIP = 's',
	MILTER_TEMPFAIL = 't',
	MILTER_REPLY = 'y',         /* a code and a text of its own */
};

/* What a filter may do at the end of the message. */
enum milter_action {
	MILTER_MAY_ADD_HEADERS = 0x01,
	MILTER_MAY_CHANGE_BODY = 0x02,
	MILTER_MAY_ADD_RCPT = 0x04,
	MILTER_MAY_DELETE_RCPT = 0x08,
	MILTER_MAY_CHANGE_HEADERS = 0x10,
	MILTER_MAY_QUARANTINE = 0x20,
	MILTER_MAY_CHANGE_SENDER = 0x40,
	MILTER_MAY_ADD_RCPT_WITH = 0x80,
	MILTER_MAY_NAME_MACROS = 0x100,
	MILTER_MAY_ALL = 0x1ff,
};

/* What it does not want to hear (NO), what it does not answer (MUTE), what it understands. */
enum milter_step {
	MILTER_NO_CONNECT = 0x01,
	MILTER_NO_HELO = 0x02,
	MILTER_NO_MAIL = 0x04,
	MILTER_NO_RCPT = 0x08,
	MILTER_NO_BODY = 0x10,
	MILTER_NO_HEADERS = 0x20,
	MILTER_NO_HEADER_END = 0x40,
	MILTER_MUTE_HEADER = 0x80,
	MILTER_NO_UNKNOWN = 0x100,
	MILTER_NO_DATA = 0x200,
	MILTER_CAN_SKIP = 0x400,
	MILTER_WANTS_REFUSED_RCPT = 0x800,
	MILTER_MUTE_CONNECT = 0x1000,
	MILTER_MUTE_HELO = 0x2000,
	MILTER_MUTE_MAIL = 0x4000,
	MILTER_MUTE_RCPT = 0x8000,
	MILTER_MUTE_DATA = 0x10000,
	MILTER_MUTE_UNKNOWN = 0x20000,
	MILTER_MUTE_HEADER_END = 0x40000,
	MILTER_MUTE_BODY = 0x80000,
	MILTER_LEADING_SPACE = 0x100000, /* values carry the blank behind the colon, both ways */
	MILTER_STEPS_ALL = 0x1fffff,
};

/* ---- commands. False, and nothing added, if out is full, the payload too long, or a text holds NUL. */

bool milter_write(struct buf *out, enum milter_command command, struct span payload);
/* Each text is ended by NUL: HELO, MAIL, RCPT (path and parameters), HEADER (name, value), UNKNOWN. */
bool milter_write_texts(struct buf *out, enum milter_command command, const struct span *texts,
	size_t count);
bool milter_write_offer(struct buf *out, uint32_t version, uint32_t actions, uint32_t steps);
/* address is a literal without brackets or a zone; empty: the family is told as unknown. */
bool milter_write_connect(struct buf *out, struct span host, struct span address, uint16_t port);

struct milter_macro {
	struct span name;  /* "i", "{auth_type}" */
	struct span value;
};
/* Those that go with a command. None are no packet: an empty one would keep old values alive. */
bool milter_write_macros(struct buf *out, enum milter_command command,
	const struct milter_macro *macros, size_t count);

/* ---- answers */

/*
 * One packet, or of a new body the next piece of one: those may be as large as the message, and are
 * never gathered.
 */
struct milter_packet {
	enum milter_answer answer;
	struct span payload;       /* in the input */
	bool more;                 /* REPLACE_BODY: the packet goes on */
};

/* Zeroed storage is ready for the first packet. */
struct milter_reader {
	const char *fault;         /* after PARSE_BAD: what was wrong */
	/* ---- the reader's own */
	size_t body_left;
	size_t body_taken;
	bool in_body;
};

/*
 * Takes a packet from the front of *in. MORE: it goes on behind what is left in *in, which has to
 * grow to MILTER_ANSWER_MAX_BYTES at most. BAD: an answer that does not exist, no payload where
 * there must be none, too long for what it is, or no milter at all; known by its first bytes, before
 * anything is gathered. body_max_bytes is for all bodies since milter_reader_begin_body().
 */
enum parse milter_reader_take(struct milter_reader *reader, struct span *in, size_t body_max_bytes,
	struct milter_packet *packet_out);
void milter_reader_begin_body(struct milter_reader *reader);
/*
 * Is what stands at the front of in, whole or torn, good or BAD, a packet that changes the message
 * (ADD_RCPT … QUARANTINE)?
 */
bool milter_reader_is_change(const struct milter_reader *reader, struct span in);
bool milter_answer_is_change(enum milter_answer answer);
/* ACCEPT, REJECT, TEMPFAIL, REPLY, DISCARD: it decides wherever it is said. */
bool milter_answer_is_verdict(enum milter_answer answer);

#endif
