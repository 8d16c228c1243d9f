/* SPDX-License-Identifier: BSD-2-Clause */
/* A stand-in for policy/milter_change: it says what the test wants, and writes down what it hears. */
#ifndef FAKE_MILTER_CHANGE_H
#define FAKE_MILTER_CHANGE_H

#include "policy/milter_change.h"

/* What a packet's payload begins with decides: "late", "bad", "full", anything else is taken. */
struct fake_milter_change {
	unsigned taken;
	unsigned applied;
	unsigned freed;             /* without having been applied */
	enum verdict_kind kind;     /* of the next apply */
	enum fault_kind fails;      /* the next apply does, if it is one */
	void (*on_room)(void *context);
	void *context;              /* after "late": whom to call */
};

extern struct fake_milter_change fake_milter_change;

#endif
