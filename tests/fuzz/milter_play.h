/* SPDX-License-Identifier: BSD-2-Clause */
/* What the input makes happen to the filters of a session: connections, answers, losses, time. */
#ifndef FUZZ_MILTER_PLAY_H
#define FUZZ_MILTER_PLAY_H

#include "fake_io.h"
#include "milter_watch.h"
#include "policy/milter.h"

struct milter_part {
	struct settings_milter settings;
	struct milter_health health;
	struct milter milter;
	struct milter_watch watch;
	struct milter_sight sight; /* the message when its turn came */
	unsigned turn;             /* when that was */
	bool torn;                 /* on this connection it sent something else than whole packets */
	bool changed;              /* it asked for a change of the message that is good in itself */
};

struct milter_play {
	struct span in;
	struct milter_part parts[FAKE_IO_STREAMS]; /* the filters, in the order of the chain */
	unsigned count;
	unsigned asked;            /* whose turn it is, once the content is told */
	unsigned turn;             /* of the loop; everything in one has one cause */
	unsigned lost;             /* bits of filters that this turn may have lost */
	bool left;                 /* the client */
	unsigned files;            /* for bodies, that are somebody's */
	struct milter_means means;
	milter_dialed_fn *dialed;
	void *dialer;
	unsigned dialing;          /* the number of the filter */
	milter_body_fn *opened;
	void *opener;
};

/* The loop and the means; the parts are the caller's. */
void milter_play_start(struct milter_play *play);
/* One thing, from the loop; once the input is over, time passes. */
void milter_play_go_on(struct milter_play *play);
/* The filters take note of what they were told. */
void milter_play_hear(struct milter_play *play);

#endif
