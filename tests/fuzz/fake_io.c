/* SPDX-License-Identifier: BSD-2-Clause */
/* A loop without a clock and streams without sockets. */
#include "fake_io.h"

#include <sys/socket.h>

#include "fuzz.h"
#include "io/sock.h"

enum { TIMERS_MAX = 16, DEFERS_MAX = 16, TURNS_MAX = 10000 };

struct loop {
	uint64_t now_ms;
	struct loop_timer *timers[TIMERS_MAX];
	struct loop_defer *defers[DEFERS_MAX];
	size_t defer_count;
};

struct stream {
	const struct stream_hooks *hooks;
	const struct stream_limits *limits;
	void *context;
	struct buf in;
	uint64_t due_ms; /* 0: no deadline */
	bool open;
	bool paused;
	bool full;
	bool offers;     /* what waits is offered at the end of the turn */
	struct buf output;
};

static struct loop loop;
static struct stream streams[FAKE_IO_STREAMS];
static unsigned last;

struct loop *
fake_io_start(void)
{
	memset(&loop, 0, sizeof loop);
	loop.now_ms = 1000;
	last = 0;
	for (unsigned at = 0; at < FAKE_IO_STREAMS; at++) {
		buf_fini(&streams[at].in);
		buf_fini(&streams[at].output);
		memset(&streams[at], 0, sizeof streams[at]);
		buf_init(&streams[at].output, 0);
	}
	return &loop;
}

/* ---- the loop ------------------------------------------------------------------------------------- */

uint64_t
loop_now_ms(const struct loop *of)
{
	return of->now_ms;
}

uint64_t
loop_exact_us(void)
{
	return loop.now_ms * 1000;
}

void
loop_timer_init(struct loop_timer *timer, struct loop *of, loop_fn *on_due, void *context)
{
	*timer = (struct loop_timer){ .loop = of, .on_due = on_due, .context = context };
}

void
loop_timer_stop(struct loop_timer *timer)
{
	if (timer->slot)
		loop.timers[timer->slot - 1] = NULL;
	timer->slot = 0;
}

void
loop_timer_start(struct loop_timer *timer, uint64_t in_ms)
{
	size_t slot = 0;

	loop_timer_stop(timer);
	while (slot < TIMERS_MAX && loop.timers[slot])
		slot++;
	FUZZ_CHECK(slot < TIMERS_MAX);
	loop.timers[slot] = timer;
	timer->slot = slot + 1;
	timer->due_ms = loop.now_ms + in_ms;
}

void
loop_defer_init(struct loop_defer *defer, struct loop *of, loop_fn *call, void *context)
{
	*defer = (struct loop_defer){ .loop = of, .call = call, .context = context };
}

void
loop_defer_cancel(struct loop_defer *defer)
{
	for (size_t i = 0; i < loop.defer_count; i++)
		if (loop.defers[i] == defer)
			loop.defers[i] = NULL;
}

void
loop_defer(struct loop_defer *defer)
{
	for (size_t i = 0; i < loop.defer_count; i++)
		if (loop.defers[i] == defer)
			return;
	FUZZ_CHECK(loop.defer_count < DEFERS_MAX);
	loop.defers[loop.defer_count++] = defer;
}

static void
offer_input(struct stream *to)
{
	to->offers = false;
	if (to->open && !to->paused && buf_length(&to->in))
		to->hooks->on_input(to, to->context);
}

static bool
has_offers(void)
{
	for (unsigned at = 0; at < FAKE_IO_STREAMS; at++)
		if (streams[at].offers)
			return true;
	return false;
}

void
fake_io_settle(void)
{
	for (unsigned turns = 0; loop.defer_count || has_offers(); turns++) {
		struct loop_defer *now[DEFERS_MAX];
		size_t count = loop.defer_count;

		FUZZ_CHECK(turns < TURNS_MAX);
		memcpy(now, loop.defers, sizeof now);
		loop.defer_count = 0;
		for (size_t i = 0; i < count; i++)
			if (now[i])
				now[i]->call(now[i]->context);
		for (unsigned at = 0; at < FAKE_IO_STREAMS; at++)
			if (streams[at].offers)
				offer_input(&streams[at]);
	}
}

bool
fake_io_wait(void)
{
	struct loop_timer *next = NULL;
	struct stream *late = NULL;

	for (size_t i = 0; i < TIMERS_MAX; i++)
		if (loop.timers[i] && (!next || loop.timers[i]->due_ms < next->due_ms))
			next = loop.timers[i];
	for (struct stream *at = streams; at < streams + FAKE_IO_STREAMS; at++)
		if (at->open && at->due_ms && (!late || at->due_ms < late->due_ms))
			late = at;
	if (late && (!next || late->due_ms <= next->due_ms)) {
		loop.now_ms = late->due_ms > loop.now_ms ? late->due_ms : loop.now_ms;
		late->due_ms = 0;
		late->hooks->on_deadline(late, late->context);
	} else if (next) {
		loop.now_ms = next->due_ms > loop.now_ms ? next->due_ms : loop.now_ms;
		loop_timer_stop(next);
		next->on_due(next->context);
	} else {
		return false;
	}
	return true;
}

/* ---- the stream ----------------------------------------------------------------------------------- */

struct stream *
stream_new(struct loop *of, int fd, const struct stream_hooks *hooks,
	const struct stream_limits *limits, void *context)
{
	struct stream *made = &streams[fd];

	(void)of;
	FUZZ_CHECK(fd >= 0 && fd < FAKE_IO_STREAMS && !made->open);
	buf_fini(&made->in);
	*made = (struct stream){ .hooks = hooks, .limits = limits, .context = context, .open = true,
		.output = made->output };
	buf_init(&made->in, limits->input_max_bytes);
	return made;
}

void
stream_free(struct stream **of)
{
	if (*of)
		(*of)->open = false;
	*of = NULL;
}

bool
stream_write(struct stream *of, struct span bytes)
{
	FUZZ_CHECK(of->open);
	last = (unsigned)(of - streams);
	return buf_add_span(&of->output, bytes);
}

void
stream_flush(struct stream *of)
{
	FUZZ_CHECK(of->open);
}

bool
stream_is_full(const struct stream *of)
{
	return of->full;
}

bool
stream_is_closing(const struct stream *of)
{
	return !of->open;
}

struct span
stream_peek(const struct stream *of)
{
	return buf_span(&of->in);
}

void
stream_consume(struct stream *of, size_t size)
{
	FUZZ_CHECK(of->open && size <= buf_length(&of->in));
	buf_consume(&of->in, size);
}

void
stream_pause(struct stream *of)
{
	of->paused = true;
}

void
stream_resume(struct stream *of)
{
	of->paused = false;
	of->offers = true;
}

void
stream_deadline(struct stream *of, uint64_t in_ms)
{
	FUZZ_CHECK(of->open);
	of->due_ms = in_ms ? loop.now_ms + in_ms : 0;
}

/* Nothing can be read there: what a connection says between two messages it says through on_input. */
int
stream_fd(const struct stream *of)
{
	static int silent[2] = { -1, -1 };

	(void)of;
	if (silent[0] < 0)
		FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, silent) == 0);
	return silent[0];
}

void
sock_quick_ack(int fd)
{
	(void)fd;
}

/* ---- for the target ------------------------------------------------------------------------------- */

bool
fake_io_is_open(unsigned at)
{
	return streams[at].open;
}

unsigned
fake_io_last(void)
{
	return last;
}

struct buf *
fake_io_output(unsigned at)
{
	return &streams[at].output;
}

void
fake_io_input(unsigned at, struct span bytes)
{
	struct stream *to = &streams[at];

	if (!to->open)
		return;
	if (!buf_add_span(&to->in, bytes))
		fake_io_end(at, STREAM_END_OVERFLOW);
	else
		offer_input(to);
}

void
fake_io_end(unsigned at, enum stream_end end)
{
	struct stream *of = &streams[at];
	struct fault fault = FAULT_INIT;

	if (!of->open || (of->paused && end == STREAM_END_PEER))
		return;
	of->open = false;
	fault_set(&fault, FAULT_PEER, "%s", "the connection ended");
	of->hooks->on_close(of, end, &fault, of->context);
}

void
fake_io_fill(unsigned at, bool full)
{
	struct stream *of = &streams[at];
	bool was_full = of->full;

	of->full = full;
	if (of->open && was_full && !full)
		of->hooks->on_drained(of, of->context);
}
