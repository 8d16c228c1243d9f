/* SPDX-License-Identifier: BSD-2-Clause */
/* A loop without a clock and one stream without a socket: what happens, and when, the target says. */
#ifndef FAKE_IO_H
#define FAKE_IO_H

#include "base/buffer.h"
#include "io/loop.h"
#include "io/stream.h"

/* Forgets the last run. The loop is one for all. */
struct loop *fake_io_start(void);
/* Runs what was deferred, until nothing is. */
void fake_io_settle(void);
/* Lets time pass to the next timer or deadline, which fires. False: nothing waits for the time. */
bool fake_io_wait(void);

/* The stream that is open; NULL: none. One at a time. */
struct stream *fake_io_stream(void);
/* What was written since it was taken last, also to one that is closed by now. */
struct buf *fake_io_output(void);
/* Bytes for it, offered as a real one would: not while it is paused. */
void fake_io_input(struct span bytes);
void fake_io_end(enum stream_end end);
/* Its output is not taken, or taken again. */
void fake_io_fill(bool full);

#endif
