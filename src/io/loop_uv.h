/* SPDX-License-Identifier: BSD-2-Clause */
/* The libuv loop beneath, for files of this folder that need a handle of their own. */
#ifndef IO_LOOP_UV_H
#define IO_LOOP_UV_H

#include <uv.h>

#include "io/loop.h"

uv_loop_t *loop_uv(struct loop *loop);
/* A second scratch of LOOP_SCRATCH_BYTES, for what a stream reads before it is decrypted. */
char *loop_scratch_wire(struct loop *loop);

#endif
