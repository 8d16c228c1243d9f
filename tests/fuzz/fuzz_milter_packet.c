/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter answers: the same packets from any cut, no change of a message that breaks it. */
#include "fuzz.h"

#include "wire/header.h"
#include "wire/milter_answer.h"
#include "wire/milter_packet.h"
#include "wire/octet.h"
#include "wire/smtp_reply.h"

enum { BODY_MAX_BYTES = 4096, LISTED_MAX = 64 };

/* ---- any cut of the input gives the same ----------------------------------------------------------- */

struct heard {
	enum parse end;
	const char *fault;
	struct buf packets; /* answer and payload of each; the pieces of a new body as one */
	bool body_goes_on;
};

static void
note(struct heard *heard, const struct milter_packet *packet)
{
	if (!heard->body_goes_on)
		FUZZ_CHECK(buf_add_byte(&heard->packets, (char)packet->answer));
	FUZZ_CHECK(buf_add_span(&heard->packets, packet->payload));
	heard->body_goes_on = packet->more;
	FUZZ_CHECK(!packet->more || packet->answer == MILTER_REPLACE_BODY);
	if (!packet->more)
		FUZZ_CHECK(buf_add_byte(&heard->packets, '|'));
}

/* Takes what can be taken of the bytes; how many are left. */
static size_t
take_all(struct milter_reader *reader, struct heard *heard, struct span bytes)
{
	struct span copy = fuzz_copy(bytes);
	struct span rest = copy;
	struct milter_packet packet;
	size_t left;

	do {
		heard->end = milter_reader_take(reader, &rest, BODY_MAX_BYTES, &packet);
		if (heard->end == PARSE_DONE)
			note(heard, &packet);
	} while (heard->end == PARSE_DONE);
	heard->fault = reader->fault;
	FUZZ_CHECK((heard->end == PARSE_BAD) == (heard->fault != NULL));
	FUZZ_CHECK(heard->end != PARSE_MORE || rest.length < MILTER_ANSWER_MAX_BYTES);
	left = rest.length;
	fuzz_free(copy);
	return left;
}

static void
hear(struct span in, size_t step, struct heard *heard)
{
	struct milter_reader reader = { .fault = NULL };
	size_t from = 0;

	*heard = (struct heard){ .end = PARSE_MORE, .packets = BUF_INIT(0) };
	for (size_t to = 0; to < in.length && heard->end == PARSE_MORE;) {
		to = in.length - to < step ? in.length : to + step;
		from = to - take_all(&reader, heard, span_of(in.start + from, to - from));
	}
}

static void
check_cuts(struct span in, size_t step)
{
	struct heard whole;
	struct heard cut;

	hear(in, in.length ? in.length : 1, &whole);
	hear(in, step, &cut);
	FUZZ_CHECK(whole.end == cut.end && whole.fault == cut.fault);
	FUZZ_CHECK(span_equal(buf_span(&whole.packets), buf_span(&cut.packets)));
	buf_fini(&whole.packets);
	buf_fini(&cut.packets);
}

/* ---- what the payloads say ---------------------------------------------------------------------------- */

static void
check_offer(struct span payload, uint32_t version, struct arena *arena)
{
	struct milter_offer offer;
	struct fault fault;

	if (!milter_offer_parse(payload, version, arena, &offer, &fault))
		return;
	FUZZ_CHECK(offer.version >= MILTER_VERSION_MIN && offer.version <= version);
	FUZZ_CHECK((offer.actions & ~(unsigned)MILTER_MAY_ALL) == 0);
	FUZZ_CHECK((offer.steps & ~(unsigned)MILTER_STEPS_ALL) == 0);
	for (size_t i = 0; i < MILTER_STAGE_COUNT; i++) {
		const struct milter_macro_list *list = &offer.macros[i];

		FUZZ_CHECK(list->count <= MILTER_MACROS_MAX && (list->given || list->count == 0));
		for (size_t n = 0; n < list->count; n++)
			FUZZ_CHECK(list->names[n].length > 0 && !span_has_byte(list->names[n], ' ') &&
				!span_has_byte(list->names[n], '\0'));
	}
}

static void
check_refusal(struct span payload, struct arena *arena)
{
	struct milter_refusal refusal;

	if (!milter_refusal_parse(payload, arena, &refusal))
		return;
	FUZZ_CHECK(refusal.code >= 400 && refusal.code <= 599);
	FUZZ_CHECK(payload.start[0] == (char)('0' + refusal.code / 100));
	FUZZ_CHECK(smtp_reply_enhanced_fits(span_text(refusal.enhanced), refusal.code));
	for (const char *at = refusal.text; *at; at++)
		FUZZ_CHECK(*at == '\n' || (!octet_is_control(*at) && !octet_is_8bit(*at)));
}

/* Put into a header it is one field, and it changes no other. */
static void
check_field(struct span payload, bool indexed, struct arena *arena)
{
	struct buf block = BUF_INIT(0);
	struct milter_field field;
	struct header header;
	struct fault fault;

	if (!milter_field_parse(payload, indexed, arena, &field, &fault))
		return;
	FUZZ_CHECK(field.index <= INT32_MAX && (indexed || field.index == 0));
	FUZZ_CHECK(field.name.length >= 1 && field.name.length <= MILTER_NAME_MAX_BYTES);
	FUZZ_CHECK(buf_add_text(&block, "A: b\r\n") && buf_add_span(&block, field.name) &&
		buf_add_text(&block, ":x") && buf_add_span(&block, field.value) &&
		buf_add_text(&block, "\r\nC: d\r\n"));
	if (header_parse(buf_span(&block), HEADER_RAW, arena, &header, &fault)) {
		FUZZ_CHECK(header.count == 3 && span_equal(header.fields[1].name, field.name));
		FUZZ_CHECK(span_is(header.fields[2].whole, "C: d\r\n"));
	} else {
		FUZZ_CHECK(fault.kind == FAULT_LIMIT);
	}
	buf_fini(&block);
}

static void
check_path(struct span payload)
{
	struct milter_path path;

	if (!milter_path_parse(payload, &path))
		return;
	FUZZ_CHECK(!span_has_byte(path.path, '\0') && !span_has_byte(path.parameters, '\0'));
	FUZZ_CHECK(path.path.length + path.parameters.length < payload.length);
}

static void
check_reason(struct span payload)
{
	char line[100];

	milter_reason_format(payload, line, sizeof line);
	FUZZ_CHECK(strlen(line) < sizeof line && span_is_printable(span_text(line)));
}

static void
check_payload(const struct milter_packet *packet, uint32_t version, struct arena *arena)
{
	struct span copy = fuzz_copy(packet->payload);
	char answer = (char)packet->answer;

	if (answer == MILTER_OFFER)
		check_offer(copy, version, arena);
	else if (answer == MILTER_REPLY)
		check_refusal(copy, arena);
	else if (answer == MILTER_ADD_HEADER)
		check_field(copy, false, arena);
	else if (answer == MILTER_INSERT_HEADER || answer == MILTER_CHANGE_HEADER)
		check_field(copy, true, arena);
	else if (answer == MILTER_QUARANTINE)
		check_reason(copy);
	else if (answer != MILTER_REPLACE_BODY && copy.length)
		check_path(copy);
	fuzz_free(copy);
}

/* ---- what we say, read as a stranger would ------------------------------------------------------------ */

/* The texts are those between the line ends of the input. */
static void
check_command(struct span in)
{
	struct span texts[LISTED_MAX];
	struct buf out = BUF_INIT(0);
	struct span rest = in;
	struct span said;
	size_t count = 0;

	while (rest.length && count < LISTED_MAX)
		texts[count++] = span_cut(rest, '\n', &rest);
	if (!milter_write_texts(&out, MILTER_MAIL, texts, count)) {
		FUZZ_CHECK(buf_length(&out) == 0);
		FUZZ_CHECK(in.length >= MILTER_PAYLOAD_MAX_BYTES || span_has_byte(in, '\0'));
		buf_fini(&out);
		return;
	}
	said = buf_span(&out);
	FUZZ_CHECK(said.length >= 5 && said.start[4] == MILTER_MAIL);
	FUZZ_CHECK(((size_t)(unsigned char)said.start[2] << 8 | (unsigned char)said.start[3]) ==
		said.length - 4);
	said = span_from(said, 5);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(span_equal(span_cut(said, '\0', &said), texts[i]));
	FUZZ_CHECK(said.length == 0);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	size_t step = 1 + fuzz_take(&in) % 32;
	uint32_t version = MILTER_VERSION_MIN + fuzz_take(&in) % 5;
	struct arena *arena = arena_new(4096);
	struct milter_reader reader = { .fault = NULL };
	struct milter_packet packet;

	check_command(in);
	check_cuts(in, step);
	while (milter_reader_take(&reader, &in, BODY_MAX_BYTES, &packet) == PARSE_DONE)
		check_payload(&packet, version, arena);
	arena_free(&arena);
	return 0;
}
