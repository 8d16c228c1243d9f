/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is at one destination: by class, and within one by flow; for schedule.c. */
#ifndef QUEUE_TURNS_H
#define QUEUE_TURNS_H

#include "queue/index.h"
#include "queue/schedule.h"

/* The flows of a class take turns: the first one gives a lot and goes to the end. */
struct turns_class {
	struct index flows;
	struct schedule_flow *first;
	struct schedule_flow *last;
};

/* All zero is nobody. */
struct turns {
	unsigned turn;
	struct turns_class classes[SCHEDULE_CLASS_COUNT];
};

void turns_fini(struct turns *turns); /* lots stay their owners' */
void turns_add(struct turns *turns, struct schedule_lot *lot);
void turns_remove(struct turns *turns, struct schedule_lot *lot);
struct schedule_lot *turns_take(struct turns *turns); /* NULL: nobody is left */

#endif
