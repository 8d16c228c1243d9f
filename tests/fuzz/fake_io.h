/* SPDX-License-Identifier: BSD-2-Clause */
/* A loop without a clock and streams without sockets: what happens, and when, the target says. */
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

enum { FAKE_IO_STREAMS = 2 };

/* Streams are told apart by the fd that they were made of, from 0. Is it open? */
bool fake_io_is_open(unsigned at);
/* The one that was written to last; 0 before. */
unsigned fake_io_last(void);
/* What was written since it was taken last, also to one that is closed by now. */
struct buf *fake_io_output(unsigned at);
/* Bytes for it, offered as a real one would: not while it is paused. */
void fake_io_input(unsigned at, struct span bytes);
void fake_io_end(unsigned at, enum stream_end end);
/* Its output is not taken, or taken again. */
void fake_io_fill(unsigned at, bool full);

#endif
