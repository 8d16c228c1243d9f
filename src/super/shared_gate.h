/* SPDX-License-Identifier: BSD-2-Clause */
/* The shared table of connection counters: made here, handed to front ends, swept when one dies. */
#ifndef SUPER_SHARED_GATE_H
#define SUPER_SHARED_GATE_H

#include "base/fault.h"

struct shared_gate;

struct shared_gate *shared_gate_new(struct fault *fault);
void shared_gate_free(struct shared_gate **gate);
int shared_gate_fd(const struct shared_gate *gate);                     /* borrowed */
void shared_gate_sweep(struct shared_gate *gate, unsigned column);      /* its process is dead */

#endif
