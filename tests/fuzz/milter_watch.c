/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter is told, read strictly. */
#include "milter_watch.h"

#include <string.h>

#include "base/buffer.h"
#include "fuzz.h"
#include "wire/milter_packet.h"

enum {
	CONNECTIONS_MAX = 2,       /* for one message */
	HELO_RANK = 2,             /* in the order of steps */
	RCPT_RANK = 4,
};

void
milter_watch_begin(struct milter_watch *watch, const struct milter_sight *sight,
	const uint32_t *steps)
{
	*watch = (struct milter_watch){ .sight = sight, .steps = steps, .rank = HELO_RANK };
}

/* Nothing of the message was left out but what it does not want. */
static void
watch_end(const struct milter_watch *watch)
{
	bool no_header = *watch->steps & MILTER_NO_HEADERS;
	bool no_body = *watch->steps & MILTER_NO_BODY;

	FUZZ_CHECK(watch->fields == (no_header ? 0 : watch->sight->header.count));
	FUZZ_CHECK(watch->bytes == (no_body ? 0 : buf_length(&watch->sight->body)));
}

/* Content comes when the turn of the filter has come, and as the message stood then. */
static void
watch_content(struct milter_watch *watch, char command, struct span payload)
{
	const struct milter_sight *sight = watch->sight;

	FUZZ_CHECK(sight->taken);
	if (command == 'L')
		FUZZ_CHECK(milter_sight_has_field(sight, watch->fields++, payload));
	if (command == 'B')
		FUZZ_CHECK(milter_sight_has_piece(sight, watch->bytes, payload));
	if (command == 'B')
		watch->bytes += payload.length;
	if (command == 'E' && watch->steps)
		watch_end(watch);
}

static void
watch_step(struct milter_watch *watch, char command)
{
	static const char order[] = "OCHMRTLNBE";
	const char *found = memchr(order, command, sizeof order - 1);
	size_t rank = found ? (size_t)(found - order) : 0;
	bool again = rank == watch->rank && strchr("RLB", command);

	FUZZ_CHECK(found != NULL);
	if (command == 'O') {
		watch->offers++;
		watch->over = false;
		watch->fields = 0;
		watch->bytes = 0;
	} else {
		FUZZ_CHECK(rank > watch->rank || again);
	}
	watch->ends += command == 'E';
	watch->over |= command == 'E';
	watch->rank = rank;
}

static void
watch_packet(struct milter_watch *watch, char command, struct span payload)
{
	if (command == 'D') {
		FUZZ_CHECK(payload.length > 3 && memchr("CHMRTNE", payload.start[0], 7));
		FUZZ_CHECK(payload.start[payload.length - 1] == '\0');
	} else if (command == 'A') {
		FUZZ_CHECK(!watch->over);
		watch->over = true;
		watch->rank = HELO_RANK;
	} else if (command == 'U') {
		FUZZ_CHECK(payload.length == sizeof "XYZZY" && !payload.start[sizeof "XYZZY" - 1]);
		FUZZ_CHECK(watch->rank <= RCPT_RANK);
		watch->unknowns++;
	} else if (command != 'Q') {
		watch_step(watch, command);
		FUZZ_CHECK((command != 'T' && command != 'N' && command != 'E') || !payload.length);
		FUZZ_CHECK(command != 'B' || payload.length);
		if (strchr("LNBE", command))
			watch_content(watch, command, payload);
	}
	FUZZ_CHECK(watch->ends <= 1 && watch->offers <= CONNECTIONS_MAX + watch->unknowns);
}

void
milter_watch_read(struct milter_watch *watch, struct buf *out)
{
	while (buf_length(out)) {
		struct span said = buf_span(out);
		const unsigned char *head = (const unsigned char *)said.start;
		size_t length;

		FUZZ_CHECK(said.length >= 5 && head[0] == 0);
		length = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
		FUZZ_CHECK(length >= 1 && length <= 65536 && said.length >= 4 + length);
		watch_packet(watch, said.start[4], span_first(span_from(said, 5), length - 1));
		buf_consume(out, 4 + length);
	}
}
