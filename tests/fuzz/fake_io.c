/* SPDX-License-Identifier: BSD-2-Clause */
/* A loop without a clock and one stream without a socket. */
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
};

static struct loop loop;
static struct stream stream;
static struct buf output;

struct loop *
fake_io_start(void)
{
	memset(&loop, 0, sizeof loop);
	loop.now_ms = 1000;
	buf_fini(&stream.in);
	memset(&stream, 0, sizeof stream);
	buf_fini(&output);
	buf_init(&output, 0);
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
offer_input(void)
{
	stream.offers = false;
	if (stream.open && !stream.paused && buf_length(&stream.in))
		stream.hooks->on_input(&stream, stream.context);
}

void
fake_io_settle(void)
{
	for (unsigned turns = 0; loop.defer_count || stream.offers; turns++) {
		struct loop_defer *now[DEFERS_MAX];
		size_t count = loop.defer_count;

		FUZZ_CHECK(turns < TURNS_MAX);
		memcpy(now, loop.defers, sizeof now);
		loop.defer_count = 0;
		for (size_t i = 0; i < count; i++)
			if (now[i])
				now[i]->call(now[i]->context);
		if (stream.offers)
			offer_input();
	}
}

bool
fake_io_wait(void)
{
	struct loop_timer *next = NULL;

	for (size_t i = 0; i < TIMERS_MAX; i++)
		if (loop.timers[i] && (!next || loop.timers[i]->due_ms < next->due_ms))
			next = loop.timers[i];
	if (stream.open && stream.due_ms && (!next || stream.due_ms <= next->due_ms)) {
		loop.now_ms = stream.due_ms > loop.now_ms ? stream.due_ms : loop.now_ms;
		stream.due_ms = 0;
		stream.hooks->on_deadline(&stream, stream.context);
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
	(void)of;
	(void)fd;
	FUZZ_CHECK(!stream.open);
	buf_fini(&stream.in);
	stream = (struct stream){ .hooks = hooks, .limits = limits, .context = context, .open = true };
	buf_init(&stream.in, limits->input_max_bytes);
	return &stream;
}

void
stream_free(struct stream **of)
{
	if (*of)
		stream.open = false;
	*of = NULL;
}

bool
stream_write(struct stream *of, struct span bytes)
{
	FUZZ_CHECK(of->open);
	return buf_add_span(&output, bytes);
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

struct stream *
fake_io_stream(void)
{
	return stream.open ? &stream : NULL;
}

struct buf *
fake_io_output(void)
{
	return &output;
}

void
fake_io_input(struct span bytes)
{
	if (!stream.open)
		return;
	if (!buf_add_span(&stream.in, bytes))
		fake_io_end(STREAM_END_OVERFLOW);
	else
		offer_input();
}

void
fake_io_end(enum stream_end end)
{
	struct fault fault = FAULT_INIT;

	if (!stream.open || (stream.paused && end == STREAM_END_PEER))
		return;
	stream.open = false;
	fault_set(&fault, FAULT_PEER, "%s", "the connection ended");
	stream.hooks->on_close(&stream, end, &fault, stream.context);
}

void
fake_io_fill(bool full)
{
	bool was_full = stream.full;

	stream.full = full;
	if (stream.open && was_full && !full)
		stream.hooks->on_drained(&stream, stream.context);
}
