/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a hop may take: one deadline for each phase, a pace for content. */
#include "relay/hop_parts.h"

enum { HOP_QUIT_WAIT_MS = 5000 }; /* whoever does not answer QUIT is not worth a connection */

static uint64_t
transfer_wait_ms(const struct hop *hop)
{
	const struct settings_relay *relay = hop->route->relay;

	switch (transfer_wait(&hop->transfer)) {
	case TRANSFER_WAIT_DATA:
		return relay->data_wait;
	case TRANSFER_WAIT_CONTENT:
		return pace_wait_ms(&hop->pace, loop_now_ms(hop->route->loop));
	case TRANSFER_WAIT_END:
		return relay->end_wait;
	case TRANSFER_WAIT_COMMAND:
		break;
	}
	return relay->command_wait;
}

static uint64_t
wait_ms(const struct hop *hop)
{
	const struct settings_relay *relay = hop->route->relay;

	switch (hop->phase) {
	case HOP_GREETING:
		return relay->greet_wait;
	case HOP_HANDSHAKE:
		return relay->handshake_wait;
	case HOP_READY:
		return relay->reuse_idle;
	case HOP_TRANSFER:
		return transfer_wait_ms(hop);
	case HOP_QUIT:
		return HOP_QUIT_WAIT_MS;
	case HOP_CONNECT:
	case HOP_EHLO:
	case HOP_STARTTLS:
	case HOP_AUTH:
	case HOP_GONE:
		break;
	}
	return relay->command_wait;
}

void
hop_enter(struct hop *hop, enum hop_phase phase)
{
	hop->phase = phase;
	stream_deadline(hop->stream, wait_ms(hop));
}

void
hop_watch_transfer(struct hop *hop)
{
	bool content = transfer_wait(&hop->transfer) == TRANSFER_WAIT_CONTENT;

	if (content && !hop->sending) {
		pace_start(&hop->pace, loop_now_ms(hop->route->loop), stream_bytes_out(hop->stream));
		loop_defer(&hop->news);
	}
	hop->sending = content;
	stream_deadline(hop->stream, wait_ms(hop));
}

static void
check_pace(struct hop *hop)
{
	uint64_t now_ms = loop_now_ms(hop->route->loop);

	switch (pace_check(&hop->pace, now_ms, stream_bytes_out(hop->stream))) {
	case PACE_GOOD:
		hop_watch_transfer(hop);
		break;
	case PACE_SLOW:
		hop_fail(hop, FAULT_LIMIT, "the content is taken too slowly", SPAN_EMPTY);
		break;
	case PACE_LATE:
		hop_fail(hop, FAULT_LIMIT, "the content is not taken in time", SPAN_EMPTY);
		break;
	}
}

void
hop_on_deadline(struct stream *stream, void *context)
{
	struct hop *hop = context;

	(void)stream;
	if (hop->phase == HOP_READY)
		hop_quit(hop);
	else if (hop->phase == HOP_QUIT)
		stream_abort(hop->stream);
	else if (hop->phase != HOP_TRANSFER || !hop->sending)
		hop_fail(hop, FAULT_LIMIT, "no answer in time", SPAN_EMPTY);
	else if (transfer_wait(&hop->transfer) == TRANSFER_WAIT_CONTENT)
		check_pace(hop);
	else
		hop_watch_transfer(hop);
}
