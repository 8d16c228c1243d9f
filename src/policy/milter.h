/* SPDX-License-Identifier: BSD-2-Clause */
/* A remote filter as a stage of the policy: the milter protocol, versions 2 to 6, on the MTA's side. */
#ifndef POLICY_MILTER_H
#define POLICY_MILTER_H

#include "base/fault.h"
#include "policy/milter_health.h"
#include "policy/stage.h"

struct loop;

/*
 * What the stage needs of the process it runs in. Calls are answered once, from the loop, never from
 * inside the call; what was forgotten is not answered.
 */
typedef void milter_dialed_fn(void *asker, int fd, const struct fault *fault);       /* fd or -1 */
typedef void milter_body_fn(void *asker, uint64_t file, int fd, bool refused);       /* fd or -1 */

struct milter_means {
	struct loop *loop;
	void *context;
	/* A connected, non-blocking fd to the filter of this name. NULL: nobody there who dials. */
	void *(*dial)(void *context, const char *filter, uint64_t wait_ms, milter_dialed_fn *done,
		void *asker);
	void (*dial_forget)(void *context, void **call);
	/* Are connections short? Then none is kept for a next message. NULL: never. */
	bool (*is_crowded)(void *context);
	uint64_t idle_ms;   /* for so long one is kept without a message; 0: half a minute */
	/* A file for a body that is too large for memory: queue's number of it, and an fd to write. */
	void *(*body_open)(void *context, milter_body_fn *done, void *asker);
	void (*body_forget)(void *context, void **call);
	void (*body_drop)(void *context, uint64_t file);     /* is not needed */
};

/* One filter as one session sees it; the stage copies it, what it points to outlives the session. */
struct milter {
	const struct settings_milter *settings;
	struct milter_health *health;       /* the process's, shared by its sessions */
	const struct milter_means *means;
};

/*
 * service: const struct milter *. Nothing is connected before MAIL. The filter is told connect, helo
 * and what followed whenever a connection is new: one that is lost before the end of message was
 * sent is replaced once for each message. What the filter says of connect and helo stands for all
 * messages of the session. Everything behind DATA is sent from eom, at the speed of memory.
 *
 * A filter that is lost, late, or breaks the protocol is closed, and its on-failure decides; once a
 * change of it was received that is never less than TEMPFAIL. So it is too when the time that all
 * filters of the policy have for one message is over, though that does not count as its failure, nor
 * does that we have no descriptor or dialler for it, or no room for its new body: then the message
 * is tempfailed in any case.
 */
extern const struct stage_type milter_stage_type;

#endif
