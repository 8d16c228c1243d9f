/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter in this process, at the other end of whatever a trial dials. */
#ifndef TRIAL_FIXTURE_H
#define TRIAL_FIXTURE_H

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "io/sock.h"
#include "smtp/trial.h"
#include "wire/milter_packet.h"

/* What the filter says to a command, in place of "c": whole packets. */
struct line {
	char command;
	const char *bytes;
	size_t size;
};
#define SAYS(command, bytes) { command, bytes, sizeof bytes - 1 }

static struct {
	struct loop *loop;
	struct milter_means means;
	struct loop_defer dialed;
	struct loop_timer guard;
	milter_dialed_fn *done;
	void *asker;
	const struct line *script;
	uint32_t steps;
	uint32_t actions;
	int far;              /* the filter's end */
	struct loop_watch *watch;
	struct buf input;
	char heard[64];       /* commands, in order */
	struct buf macros;    /* NUL as | */
	bool nobody;          /* listens there */
	bool drips;           /* what the script has no answer for: PROGRESS, from time to time */
	struct loop_timer drip;
	struct trial *trial;
	json_t *result;
} rig;

/* ---- the filter ------------------------------------------------------------------------------ */

static inline void
say(const char *bytes, size_t size)
{
	assert_int_equal(write(rig.far, bytes, size), size);
}

static inline void
say_offer(void)
{
	uint32_t numbers[3] = { htonl(6), htonl(rig.actions), htonl(rig.steps) };

	say("\0\0\0\x0dO", 5);
	say((const char *)numbers, sizeof numbers);
}

enum { DRIP_MS = 20 };

static inline void
on_drip(void *context)
{
	(void)context;
	if (!rig.watch)
		return;
	(void)!send(rig.far, "\0\0\0\1p", 5, MSG_NOSIGNAL);
	loop_timer_start(&rig.drip, DRIP_MS);
}

static inline void
take(char command, struct span payload)
{
	size_t at = strlen(rig.heard);

	if (command == 'D') {
		for (size_t i = 0; i < payload.length; i++)
			buf_add_text(&rig.macros, payload.start[i] ? (char[]){ payload.start[i], 0 } : "|");
		return;
	}
	if (at + 1 < sizeof rig.heard)
		rig.heard[at] = command;
	for (const struct line *line = rig.script; line && line->bytes; line++) {
		if (line->command == command) {
			say(line->bytes, line->size);
			if (rig.drips)
				loop_timer_start(&rig.drip, DRIP_MS);
			return;
		}
	}
	if (command == 'O')
		say_offer();
	else if (command != 'Q' && !(command == 'L' && rig.steps & MILTER_MUTE_HEADER))
		say("\0\0\0\1c", 5);
}

static inline void
on_readable(unsigned events, void *context)
{
	ssize_t size = read(rig.far, buf_reserve(&rig.input, 65536), 65536);

	(void)events;
	(void)context;
	if (size <= 0) {
		loop_watch_free(&rig.watch);
		return;
	}
	buf_claim(&rig.input, (size_t)size);
	for (;;) {
		struct span in = buf_span(&rig.input);
		uint32_t length;

		if (in.length < 4)
			return;
		memcpy(&length, in.start, 4);
		length = ntohl(length);
		if (in.length < 4 + length)
			return;
		take(in.start[4], span_of(in.start + 5, length - 1));
		buf_consume(&rig.input, 4 + length);
	}
}

static inline void
on_dialed(void *context)
{
	struct fault fault = FAULT_INIT;
	int fds[2];

	(void)context;
	if (rig.nobody) {
		fault_set(&fault, FAULT_MISSING, "nobody listens there");
		rig.done(rig.asker, -1, &fault);
		return;
	}
	assert_true(sock_pair(fds, NULL));
	rig.far = fds[0];
	rig.watch = loop_watch_new(rig.loop, rig.far, on_readable, NULL);
	loop_watch_set(rig.watch, LOOP_READABLE);
	rig.done(rig.asker, fds[1], NULL);
}

static inline void *
dial(void *context, const char *name, uint64_t wait_ms, milter_dialed_fn *done, void *asker)
{
	(void)context;
	assert_string_equal(name, "filter");
	assert_int_equal(wait_ms, 1000);
	rig.done = done;
	rig.asker = asker;
	loop_defer(&rig.dialed);
	return &rig;
}

static inline void
dial_forget(void *context, void **call)
{
	(void)context;
	loop_defer_cancel(&rig.dialed);
	*call = NULL;
}

#endif
