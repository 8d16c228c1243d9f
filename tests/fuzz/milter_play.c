/* SPDX-License-Identifier: BSD-2-Clause */
/* What the input makes happen to the filters of a session. */
#include "milter_play.h"

#include <sys/mman.h>

#include "fuzz.h"
#include "wire/milter_packet.h"
#include "wire/octet.h"

/* What the next byte of the input makes happen; a higher one is so many bytes of the filter, less RAW. */
enum happening {
	TIME_PASSES,
	ENDS_IN_ORDER,
	IS_RESET,
	CONTINUES,       /* a good answer */
	OFFERS,          /* a good offer: actions (2 bytes), steps (4) */
	PACKET,          /* a whole packet: kind, length of the payload, payload */
	LARGE_BODY,      /* so many kilobytes of a new body */
	IS_FULL,
	IS_DRAINED,
	CLIENT_LEAVES,
	RAW,
	THE_OTHER = 255, /* of two: what follows happens to the one that need not answer */
};

/* ---- means ------------------------------------------------------------------------------------- */

static void *
dial(void *context, const char *filter, uint64_t wait_ms, milter_dialed_fn *done, void *asker)
{
	struct milter_play *play = context;

	FUZZ_CHECK(!play->dialed && wait_ms > 0);
	play->dialing = 0;
	while (strcmp(filter, play->parts[play->dialing].settings.title) != 0)
		FUZZ_CHECK(++play->dialing < play->count);
	play->dialed = done;
	play->dialer = asker;
	return play;
}

static void
dial_forget(void *context, void **call)
{
	struct milter_play *play = context;

	FUZZ_CHECK(play->dialed != NULL);
	play->dialed = NULL;
	*call = NULL;
}

static void *
body_open(void *context, milter_body_fn *done, void *asker)
{
	struct milter_play *play = context;

	FUZZ_CHECK(!play->opened);
	play->opened = done;
	play->opener = asker;
	return play;
}

static void
body_forget(void *context, void **call)
{
	struct milter_play *play = context;

	FUZZ_CHECK(play->opened != NULL);
	play->opened = NULL;
	*call = NULL;
}

static void
body_drop(void *context, uint64_t file)
{
	struct milter_play *play = context;

	FUZZ_CHECK(file > 0 && play->files > 0);
	play->files--;
}

void
milter_play_start(struct milter_play *play)
{
	play->means = (struct milter_means){ .loop = fake_io_start(), .context = play, .dial = dial,
		.dial_forget = dial_forget, .body_open = body_open, .body_forget = body_forget,
		.body_drop = body_drop };
}

/* ---- what happens ------------------------------------------------------------------------------ */

static void
answer_dial(struct milter_play *play)
{
	milter_dialed_fn *done = play->dialed;
	struct milter_part *part = &play->parts[play->dialing];
	struct fault fault = FAULT_INIT;

	play->dialed = NULL;
	if (fuzz_take(&play->in) & 1) {
		part->torn = false;
		part->changed = false;
		done(play->dialer, (int)play->dialing, NULL);    /* it tells the fake which stream */
		return;
	}
	fault_set(&fault, FAULT_SYSTEM, "%s", "refused");
	play->lost = 1U << play->dialing;
	done(play->dialer, -1, &fault);
}

static void
answer_body(struct milter_play *play)
{
	milter_body_fn *done = play->opened;
	bool granted = fuzz_take(&play->in) & 1;
	int fd = granted ? memfd_create("body", MFD_CLOEXEC) : -1;

	play->opened = NULL;
	FUZZ_CHECK(!granted || fd >= 0);
	play->files += granted;
	done(play->opener, granted ? play->turn : 0, fd, !granted);
}

static void
send_packet(unsigned at, enum milter_command command, struct span payload)
{
	struct buf out = BUF_INIT(0);

	FUZZ_CHECK(milter_write(&out, command, payload));
	fake_io_input(at, buf_span(&out));
	buf_fini(&out);
}

static void
send_offer(struct milter_play *play, unsigned at)
{
	struct buf out = BUF_INIT(0);
	uint32_t bits[6];

	for (size_t i = 0; i < 6; i++)
		bits[i] = fuzz_take(&play->in);
	milter_write_offer(&out, 6, bits[0] << 8 | bits[1],
		bits[2] << 24 | bits[3] << 16 | bits[4] << 8 | bits[5]);
	fake_io_input(at, buf_span(&out));
	buf_fini(&out);
}

static void
send_body(unsigned at, size_t kilobytes)
{
	static char lines[60 * 1024];

	memset(lines, 'x', sizeof lines);
	for (size_t end = 78; end < sizeof lines; end += 80)
		memcpy(lines + end, "\r\n", 2);
	for (; kilobytes; kilobytes -= kilobytes < 60 ? kilobytes : 60)
		send_packet(at, (enum milter_command)MILTER_REPLACE_BODY,
			span_of(lines, (kilobytes < 60 ? kilobytes : 60) * 1024));
}

/* A name and a value of letters, which nobody can take amiss. */
static bool
is_plain_field(struct span payload)
{
	size_t name = span_find(payload, '\0');
	struct span value = span_from(payload, name + 1);
	size_t end = span_find(value, '\0');

	for (size_t i = 0; i < payload.length; i++)
		if (payload.start[i] && !octet_is_alpha(payload.start[i]))
			return false;
	return name > 0 && end > 0 && end + 1 == value.length;
}

/*
 * It asks for one field more, when and how it may, and has not said its verdict: else its turn were
 * over.
 */
static void
note_change(struct milter_play *play, unsigned at, char kind, struct span payload)
{
	struct milter_part *part = &play->parts[at];

	if (kind == MILTER_ADD_HEADER && fake_io_is_open(at) && play->asked == at && !part->torn &&
		part->watch.ends == 1 && (part->health.actions & MILTER_MAY_ADD_HEADERS) &&
		is_plain_field(payload))
		part->changed = true;
}

static void
send_some(struct milter_play *play, unsigned at, unsigned op)
{
	size_t size = op - RAW;
	enum milter_command command = (enum milter_command)op;
	struct span payload;

	if (op == PACKET) {
		command = (enum milter_command)fuzz_take(&play->in);
		size = fuzz_take(&play->in);
	}
	payload = span_first(play->in, size);
	play->in = span_from(play->in, size);
	if (op == PACKET) {
		note_change(play, at, (char)command, payload);
		send_packet(at, command, payload);
	} else {
		play->parts[at].torn = true;
		fake_io_input(at, payload);
	}
}

static void
happen_to(struct milter_play *play, unsigned at, unsigned op)
{
	switch (op) {
	case TIME_PASSES:
		play->lost = ~0U;
		FUZZ_CHECK(fake_io_wait()); /* else the client waits for ever */
		break;
	case ENDS_IN_ORDER:
	case IS_RESET:
		play->lost = 1U << at;
		fake_io_end(at, op == IS_RESET ? STREAM_END_RESET : STREAM_END_PEER);
		break;
	case CONTINUES:
		send_packet(at, (enum milter_command)MILTER_CONTINUE, SPAN_EMPTY);
		break;
	case OFFERS:
		send_offer(play, at);
		break;
	case LARGE_BODY:
		send_body(at, fuzz_take(&play->in));
		break;
	case IS_FULL:
	case IS_DRAINED:
		fake_io_fill(at, op == IS_FULL);
		break;
	case CLIENT_LEAVES:
		play->left = true;
		break;
	default:
		send_some(play, at, op);
	}
}

/* The filter that has to answer, if there is one. */
static unsigned
find_told(const struct milter_play *play)
{
	unsigned last = fake_io_last();

	return play->count == 2 && !fake_io_is_open(last) && fake_io_is_open(!last) ? !last : last;
}

void
milter_play_go_on(struct milter_play *play)
{
	unsigned at = find_told(play);
	unsigned op;

	play->turn++;
	play->lost = 0;
	if (play->opened) {
		answer_body(play);
	} else if (play->dialed && play->in.length) {
		answer_dial(play);
	} else {
		op = fuzz_take(&play->in);
		if (play->count == 2 && op == THE_OTHER) {
			at = !at;
			op = fuzz_take(&play->in);
		}
		happen_to(play, at, op);
	}
}

void
milter_play_hear(struct milter_play *play)
{
	for (unsigned at = 0; at < play->count; at++)
		milter_watch_read(&play->parts[at].watch, fake_io_output(at));
}
