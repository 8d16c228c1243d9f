/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to dial, and the connections that it is asked for. */
#ifndef SMTP_DIAL_LINK_H
#define SMTP_DIAL_LINK_H

#include "base/fault.h"
#include "io/loop.h"
#include "ipc/channel.h"

struct dial_link;
struct dial_call;

enum { DIAL_LINK_MARGIN_MS = 500 }; /* dial gives up first, and says why */

/* fd: connected, non-blocking, the callback's. -1: the fault says why. The call is gone by then. */
typedef void dial_link_fn(void *context, int fd, const struct fault *fault);

struct dial_link *dial_link_new(struct loop *loop);
void dial_link_free(struct dial_link **link); /* calls end without their callback */
/* dial is (again) there: takes fd. What the one before left unanswered is asked again. */
void dial_link_set(struct dial_link *link, int fd);
/* NULL while dial is away. */
struct channel *dial_link_channel(const struct dial_link *link);
size_t dial_link_calls(const struct dial_link *link); /* under way */
/*
 * endpoint: what the settings name, "milter:NAME". While dial is away the call waits for it. done
 * comes once, from the loop, never from inside the call, and after wait_ms and the margin at the latest.
 */
struct dial_call *dial_link_call(struct dial_link *link, const char *endpoint, uint64_t wait_ms,
	dial_link_fn *done, void *context);
/* done will not come, and what is connected all the same is closed. NULL is free. */
void dial_link_forget(struct dial_call **call);

#endif
