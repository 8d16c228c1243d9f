/* SPDX-License-Identifier: BSD-2-Clause */
/* A front end asks whether there is such a recipient: checked, and passed on to relay. */
#ifndef QUEUE_INQUIRY_H
#define QUEUE_INQUIRY_H

#include "config/settings.h"
#include "ipc/channel.h"
#include "ipc/message_recipient.h"

/* What asks relay: dispatch_call_ahead(), or a stand-in. */
typedef bool inquiry_call_fn(void *context, const struct message_call_ahead *asked,
	uint64_t wait_ms, channel_answer_fn on_answer, void *asker);

struct inquiry_means {
	const struct settings *settings;
	inquiry_call_fn *call;
	void *context;
};

/* Exactly once, perhaps from inside inquiry_ask(). The texts are for the call. */
typedef void inquiry_told_fn(void *context, uint32_t request,
	const struct message_recipient_told *told);

/*
 * Only recipients in authoritative domains whose settings say call-ahead are anybody's business:
 * others are UNSURE, whatever the front end thinks.
 */
void inquiry_ask(const struct inquiry_means *means, const char *path, inquiry_told_fn *told,
	void *context, uint32_t request);

#endif
