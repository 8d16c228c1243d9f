/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: libuv behind the project's verbs, with timers and deferred calls of our own. */
#include "io/loop.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/loop_uv.h"

/* So often may deferred calls ask for more of them before fds get their turn again. */
enum { DEFER_ROUNDS = 8 };

enum { TIDY_MS = 1000 };

struct loop_signal {
	uv_signal_t handle;
	loop_fn *on_signal;
	void *context;
	struct loop_signal *next;
};

struct loop {
	uv_loop_t uv;
	uv_timer_t clock;      /* fires when the first of the heap may be due */
	uint64_t clock_ms;     /* when that is; 0 while it is not running */
	uv_prepare_t before;   /* deferred calls of timers, before the loop sleeps */
	uv_check_t after;      /* deferred calls of everything else */
	uv_idle_t awake;       /* runs while deferred calls are left, so that the loop does not sleep */
	bool running;
	struct loop_timer **heap;
	size_t heap_count;
	size_t heap_size;
	struct loop_timer tidy;
	struct loop_defer deferred; /* head of a ring */
	struct loop_signal *signals;
	char scratch[LOOP_SCRATCH_BYTES];
	char scratch_wire[LOOP_SCRATCH_BYTES];
};

struct loop_watch {
	uv_poll_t handle;
	loop_event_fn *on_event;
	void *context;
	unsigned events;       /* wanted */
	bool disarmed;         /* libuv stops a watch that shows an error */
	bool freed;
};

static void
check_uv(int result, const char *what)
{
	if (result == 0)
		return;
	log_event(EV_ROLE_FAILED, kv_str("call", what), kv_str("reason", uv_strerror(result)));
	abort();
}

uv_loop_t *
loop_uv(struct loop *loop)
{
	return &loop->uv;
}

/* --- deferred calls */

static void
ring_cut(struct loop_defer *defer)
{
	defer->previous->next = defer->next;
	defer->next->previous = defer->previous;
	defer->next = NULL;
	defer->previous = NULL;
}

static void
ring_append(struct loop_defer *ring, struct loop_defer *defer)
{
	defer->next = ring;
	defer->previous = ring->previous;
	ring->previous->next = defer;
	ring->previous = defer;
}

static void
ring_clear(struct loop_defer *ring)
{
	ring->next = ring;
	ring->previous = ring;
}

static bool
ring_is_empty(const struct loop_defer *ring)
{
	return ring->next == ring;
}

void
loop_defer_init(struct loop_defer *defer, struct loop *loop, loop_fn *call, void *context)
{
	*defer = (struct loop_defer){ .loop = loop, .call = call, .context = context };
}

void
loop_defer(struct loop_defer *defer)
{
	if (!defer->next)
		ring_append(&defer->loop->deferred, defer);
}

void
loop_defer_cancel(struct loop_defer *defer)
{
	if (defer->next)
		ring_cut(defer);
}

static void
on_awake(uv_idle_t *handle)
{
	(void)handle;
}

static void
run_deferred(struct loop *loop)
{
	struct loop_defer round;

	for (int i = 0; i < DEFER_ROUNDS && !ring_is_empty(&loop->deferred); i++) {
		/* What is asked for during a round waits for the next one. */
		round = loop->deferred;
		round.next->previous = &round;
		round.previous->next = &round;
		ring_clear(&loop->deferred);
		while (!ring_is_empty(&round)) {
			struct loop_defer *defer = round.next;

			ring_cut(defer);
			defer->call(defer->context);
		}
	}
	if (ring_is_empty(&loop->deferred))
		uv_idle_stop(&loop->awake);
	else
		uv_idle_start(&loop->awake, on_awake);
}

static void
on_before(uv_prepare_t *handle)
{
	run_deferred(handle->data);
}

static void
on_after(uv_check_t *handle)
{
	run_deferred(handle->data);
}

/* --- timers: a binary heap; slot is the 1-based place */

static void
heap_put(struct loop *loop, size_t slot, struct loop_timer *timer)
{
	loop->heap[slot - 1] = timer;
	timer->slot = slot;
}

static void
heap_rise(struct loop *loop, struct loop_timer *timer)
{
	size_t slot = timer->slot;

	while (slot > 1 && loop->heap[slot / 2 - 1]->key_ms > timer->key_ms) {
		heap_put(loop, slot, loop->heap[slot / 2 - 1]);
		slot /= 2;
	}
	heap_put(loop, slot, timer);
}

static void
heap_sink(struct loop *loop, struct loop_timer *timer)
{
	size_t slot = timer->slot;

	for (;;) {
		size_t child = slot * 2;

		if (child > loop->heap_count)
			break;
		if (child < loop->heap_count &&
				loop->heap[child]->key_ms < loop->heap[child - 1]->key_ms)
			child++;
		if (loop->heap[child - 1]->key_ms >= timer->key_ms)
			break;
		heap_put(loop, slot, loop->heap[child - 1]);
		slot = child;
	}
	heap_put(loop, slot, timer);
}

static void
heap_add(struct loop *loop, struct loop_timer *timer)
{
	if (loop->heap_count == loop->heap_size) {
		loop->heap_size = loop->heap_size ? loop->heap_size * 2 : 64;
		loop->heap = mem_grow_array(loop->heap, loop->heap_size, sizeof(*loop->heap));
	}
	loop->heap_count++;
	heap_put(loop, loop->heap_count, timer);
	heap_rise(loop, timer);
}

static void
heap_cut(struct loop *loop, struct loop_timer *timer)
{
	size_t slot = timer->slot;
	struct loop_timer *last = loop->heap[loop->heap_count - 1];

	loop->heap_count--;
	timer->slot = 0;
	if (last == timer)
		return;
	heap_put(loop, slot, last);
	heap_rise(loop, last);
	heap_sink(loop, last);
}

static void on_clock(uv_timer_t *handle);

/* Sees to it that the clock fires no later than the first of the heap wants. */
static void
set_clock(struct loop *loop)
{
	uint64_t now = uv_now(&loop->uv);
	uint64_t first;

	if (!loop->heap_count)
		return;
	first = loop->heap[0]->key_ms;
	if (loop->clock_ms && loop->clock_ms <= first)
		return;
	loop->clock_ms = first;
	uv_timer_start(&loop->clock, on_clock, first > now ? first - now : 0, 0);
}

static void
on_clock(uv_timer_t *handle)
{
	struct loop *loop = handle->data;
	uint64_t now = uv_now(&loop->uv);

	loop->clock_ms = 0;
	while (loop->heap_count && loop->heap[0]->key_ms <= now) {
		struct loop_timer *timer = loop->heap[0];

		if (timer->due_ms > now) {
			timer->key_ms = timer->due_ms;
			heap_sink(loop, timer);
			continue;
		}
		heap_cut(loop, timer);
		timer->due_ms = 0;
		timer->on_due(timer->context);
	}
	set_clock(loop);
}

void
loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_fn *on_due, void *context)
{
	*timer = (struct loop_timer){ .loop = loop, .on_due = on_due, .context = context };
}

void
loop_timer_start(struct loop_timer *timer, uint64_t in_ms)
{
	struct loop *loop = timer->loop;

	/* Never in this very turn: a timer that restarts itself must not keep the loop. */
	timer->due_ms = loop_now_ms(loop) + (in_ms ? in_ms : 1);
	if (timer->slot && timer->key_ms <= timer->due_ms)
		return;
	timer->key_ms = timer->due_ms;
	if (timer->slot)
		heap_rise(loop, timer);
	else
		heap_add(loop, timer);
	set_clock(loop);
}

void
loop_timer_stop(struct loop_timer *timer)
{
	if (timer->slot)
		heap_cut(timer->loop, timer);
	timer->due_ms = 0;
}

/* --- watches */

static void
on_poll(uv_poll_t *handle, int status, int ready)
{
	struct loop_watch *watch = handle->data;
	unsigned events = 0;

	if (status < 0) {
		/* The next read or write on the fd tells what is wrong. */
		events = watch->events;
		watch->disarmed = true;
	} else {
		events |= ready & UV_READABLE ? LOOP_READABLE : 0;
		events |= ready & UV_WRITABLE ? LOOP_WRITABLE : 0;
	}
	/* The mask may have changed since the system was asked. */
	events &= watch->events;
	if (events)
		watch->on_event(events, watch->context);
	if (watch->disarmed && !watch->freed)
		loop_watch_set(watch, watch->events);
}

struct loop_watch *
loop_watch_new(struct loop *loop, int fd, loop_event_fn *on_event, void *context)
{
	struct loop_watch *watch = mem_alloc(sizeof(*watch));

	watch->on_event = on_event;
	watch->context = context;
	check_uv(uv_poll_init(&loop->uv, &watch->handle, fd), "uv_poll_init");
	watch->handle.data = watch;
	return watch;
}

void
loop_watch_set(struct loop_watch *watch, unsigned events)
{
	int mask = 0;

	if (events == watch->events && !watch->disarmed)
		return;
	watch->events = events;
	watch->disarmed = false;
	mask |= events & LOOP_READABLE ? UV_READABLE : 0;
	mask |= events & LOOP_WRITABLE ? UV_WRITABLE : 0;
	check_uv(mask ? uv_poll_start(&watch->handle, mask, on_poll) : uv_poll_stop(&watch->handle),
			"uv_poll_start");
}

static void
on_watch_closed(uv_handle_t *handle)
{
	void *watch = handle->data;

	mem_free(&watch);
}

void
loop_watch_free(struct loop_watch **watch)
{
	if (!*watch)
		return;
	(*watch)->freed = true;
	(*watch)->events = 0;
	uv_close((uv_handle_t *)&(*watch)->handle, on_watch_closed);
	*watch = NULL;
}

/* --- signals */

static void
on_signal(uv_signal_t *handle, int number)
{
	struct loop_signal *entry = handle->data;

	(void)number;
	entry->on_signal(entry->context);
}

void
loop_signal(struct loop *loop, int number, loop_fn *call, void *context)
{
	struct loop_signal *entry = mem_alloc(sizeof(*entry));

	entry->on_signal = call;
	entry->context = context;
	check_uv(uv_signal_init(&loop->uv, &entry->handle), "uv_signal_init");
	entry->handle.data = entry;
	check_uv(uv_signal_start(&entry->handle, on_signal, number), "uv_signal_start");
	entry->next = loop->signals;
	loop->signals = entry;
}

/* --- the loop itself */

static void
on_tidy(void *context)
{
	(void)context;
	malloc_trim(0);
}

void
loop_tidy_later(struct loop *loop)
{
	loop_timer_start(&loop->tidy, TIDY_MS);
}

struct loop *
loop_new(void)
{
	struct loop *loop = mem_alloc(sizeof(*loop));

	check_uv(uv_loop_init(&loop->uv), "uv_loop_init");
	uv_timer_init(&loop->uv, &loop->clock);
	uv_prepare_init(&loop->uv, &loop->before);
	uv_check_init(&loop->uv, &loop->after);
	uv_idle_init(&loop->uv, &loop->awake);
	loop->clock.data = loop;
	loop->before.data = loop;
	loop->after.data = loop;
	uv_prepare_start(&loop->before, on_before);
	uv_check_start(&loop->after, on_after);
	ring_clear(&loop->deferred);
	loop_timer_init(&loop->tidy, loop, on_tidy, NULL);
	return loop;
}

void
loop_run(struct loop *loop)
{
	uv_update_time(&loop->uv);
	loop->running = true;
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	loop->running = false;
}

void
loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

uint64_t
loop_now_ms(const struct loop *loop)
{
	/* Outside of a run, nobody else keeps libuv's clock going. */
	if (!loop->running)
		uv_update_time((uv_loop_t *)&loop->uv);
	return uv_now(&loop->uv);
}

uint64_t
loop_exact_us(void)
{
	return uv_hrtime() / 1000;
}

char *
loop_scratch(struct loop *loop)
{
	return loop->scratch;
}

char *
loop_scratch_wire(struct loop *loop)
{
	return loop->scratch_wire;
}

void
loop_free(struct loop **loop)
{
	struct loop *old = *loop;

	if (!old)
		return;
	run_deferred(old);
	uv_close((uv_handle_t *)&old->clock, NULL);
	uv_close((uv_handle_t *)&old->before, NULL);
	uv_close((uv_handle_t *)&old->after, NULL);
	uv_close((uv_handle_t *)&old->awake, NULL);
	for (struct loop_signal *entry = old->signals; entry; entry = entry->next)
		uv_close((uv_handle_t *)&entry->handle, NULL);
	/* One turn closes them all, unless a signal is just on its way. */
	for (int i = 0; i < DEFER_ROUNDS && uv_loop_alive(&old->uv); i++)
		uv_run(&old->uv, UV_RUN_NOWAIT);
	check_uv(uv_loop_close(&old->uv), "uv_loop_close");
	while (old->signals) {
		struct loop_signal *next = old->signals->next;

		mem_free(&old->signals);
		old->signals = next;
	}
	mem_free(&old->heap);
	mem_free(loop);
}
