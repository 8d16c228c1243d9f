/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections to filters. */
#include "policy/milter_link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/log.h"
#include "io/sock.h"
#include "policy/milter_commands.h"

enum {
	OUT_MAX_BYTES = 512 * 1024,
	DIAL_MARGIN_MS = 1000, /* the dialler gives up first, and says why */
	NUMBER_SIZE = 16,
};

static const struct stream_limits limits = {
	/* A packet that is not whole yet, and what is read with it. */
	.input_max_bytes = 2 * MILTER_ANSWER_MAX_BYTES,
	.output_max_bytes = 2 * OUT_MAX_BYTES,
	.output_high_bytes = 128 * 1024,
	.output_low_bytes = 32 * 1024,
	.linger_ms = 1000,
};

void
milter_link_init(struct milter_link *link, const struct milter *milter, const char *session_id,
	const struct milter_link_hooks *hooks, void *context)
{
	*link = (struct milter_link){ .milter = milter,
		.session_id = session_id,
		.hooks = hooks,
		.context = context,
		.out = BUF_INIT(OUT_MAX_BYTES) };
}

static bool
is_inet(const struct milter_link *link)
{
	return link->milter->settings->address.kind == ENDPOINT_INET;
}

/* Nagle's partner: without it a filter that writes twice waits 40 ms in between. */
static void
quick_ack(const struct milter_link *link)
{
	if (is_inet(link) && link->stream)
		sock_quick_ack(stream_fd(link->stream));
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Lets go of everything that could call back. */
static void
shut(struct milter_link *link)
{
	if (link->call)
		link->milter->means->dial_forget(link->milter->means->context, &link->call);
	if (link->state == MILTER_LINK_DIALING)
		loop_timer_stop(&link->late);
	if (link->stream)
		link->milter->health->connections--;
	stream_free(&link->stream);
	buf_clear(&link->out);
	link->held = false;
	link->state = MILTER_LINK_CLOSED;
}

void
milter_link_close(struct milter_link *link)
{
	if (link->state == MILTER_LINK_OPEN) {
		buf_clear(&link->out);
		milter_write(&link->out, MILTER_QUIT, SPAN_EMPTY);
		milter_link_send(link);
		stream_flush(link->stream);
	}
	shut(link);
}

void
milter_link_fini(struct milter_link *link)
{
	milter_link_close(link);
	arena_free(&link->arena);
	buf_fini(&link->out);
}

static void
lose(struct milter_link *link, enum milter_loss loss, const struct fault *why)
{
	struct fault fault = *why;

	link->torn_change = link->state == MILTER_LINK_OPEN &&
		milter_reader_is_change(&link->reader, stream_peek(link->stream));
	shut(link);
	link->hooks->on_lost(link->context, loss, &fault);
}

static void
lose_for(struct milter_link *link, enum milter_loss loss, enum fault_kind kind, const char *why)
{
	struct fault fault = FAULT_INIT;

	fault_set(&fault, kind, "%s", why);
	lose(link, loss, &fault);
}

/* ---- negotiation ----------------------------------------------------------------------------- */

static uint32_t
version_of(const struct milter_link *link)
{
	uint64_t version = link->milter->settings->version;

	/* Nobody has ever spoken 5. */
	if (version == 0 || version > MILTER_VERSION_MAX)
		return MILTER_VERSION_MAX;
	return version == 5 ? 4 : (uint32_t)version;
}

/* again: this process has met it before, and told then what is odd about it. */
static void
log_meeting(const struct milter_link *link, bool again)
{
	char actions[NUMBER_SIZE];
	char steps[NUMBER_SIZE];

	snprintf(actions, sizeof actions, "0x%x", link->offer.actions);
	snprintf(steps, sizeof steps, "0x%x", link->offer.steps);
	log_event(EV_MILTER_CONNECTED, kv_str("sid", link->session_id),
		kv_str("filter", link->milter->settings->title),
		kv_int("version", link->offer.version), kv_str("actions", actions),
		kv_str("steps", steps));
	if (link->offer.odd_actions && !again)
		log_event(EV_MILTER_ODD, kv_str("sid", link->session_id),
			kv_str("filter", link->milter->settings->title),
			kv_str("reason", "it wants to do what nobody knows; that is refused"));
}

static void
take_offer(struct milter_link *link, const struct milter_packet *packet)
{
	struct fault fault = FAULT_INIT;

	arena_free(&link->arena);
	link->arena = arena_new(0);
	if ((int)packet->answer != (int)MILTER_OFFER)
		fault_set(&fault, FAULT_PEER, "it does not negotiate");
	else
		milter_offer_parse(packet->payload, version_of(link), link->arena, &link->offer,
			&fault);
	if (fault.kind != FAULT_NONE) {
		lose(link, MILTER_LOSS_UNMET, &fault);
		return;
	}
	link->state = MILTER_LINK_OPEN;
	milter_link_wait(link, 0);
	log_meeting(link, link->milter->health->negotiated);
	milter_health_met(link->milter->health, &link->offer);
	link->hooks->on_open(link->context);
}

/* ---- the stream ------------------------------------------------------------------------------ */

/* True if there may be another. */
static bool
take_packet(struct milter_link *link)
{
	struct span in = stream_peek(link->stream);
	size_t before = in.length;
	struct milter_packet packet;
	enum parse parse =
		milter_reader_take(&link->reader, &in, link->body_max_bytes, &packet);

	if (parse == PARSE_BAD) {
		lose_for(link,
			link->state == MILTER_LINK_OPEN ? MILTER_LOSS_BROKEN : MILTER_LOSS_UNMET,
			FAULT_PEER, link->reader.fault);
		return false;
	}
	/* The bytes of the packet stay until more are read. */
	stream_consume(link->stream, before - in.length);
	if (parse == PARSE_MORE)
		return false;
	if (link->state == MILTER_LINK_OPEN)
		link->hooks->on_packet(link->context, &packet);
	else
		take_offer(link, &packet);
	return true;
}

static void
on_input(struct stream *stream, void *context)
{
	struct milter_link *link = context;

	quick_ack(link);
	while (link->stream == stream && !link->held && take_packet(link))
		;
}

static void
on_drained(struct stream *stream, void *context)
{
	struct milter_link *link = context;

	(void)stream;
	link->hooks->on_room(link->context);
}

static void
on_deadline(struct stream *stream, void *context)
{
	struct milter_link *link = context;

	(void)stream;
	if (link->state == MILTER_LINK_OPEN)
		lose_for(link, MILTER_LOSS_LATE, FAULT_LIMIT, "no answer in time");
	else
		lose_for(link, MILTER_LOSS_UNMET, FAULT_LIMIT, "no answer to the offer in time");
}

static void
on_close(struct stream *stream, enum stream_end end, const struct fault *fault, void *context)
{
	struct milter_link *link = context;
	struct fault why = *fault;
	bool met = link->state == MILTER_LINK_OPEN;

	(void)stream;
	if (!met && (end == STREAM_END_PEER || end == STREAM_END_RESET))
		fault_set(&why, FAULT_PEER, "%s at the negotiation: is it a milter, and does it know "
			"version %u of the protocol?", fault->text, version_of(link));
	lose(link, met ? end == STREAM_END_OVERFLOW ? MILTER_LOSS_BROKEN : MILTER_LOSS_GONE
		       : MILTER_LOSS_UNMET, &why);
}

static const struct stream_hooks stream_hooks = {
	.on_input = on_input,
	.on_drained = on_drained,
	.on_deadline = on_deadline,
	.on_close = on_close,
};

/* ---- opening --------------------------------------------------------------------------------- */

static void
on_dialed(void *asker, int fd, const struct fault *fault)
{
	struct milter_link *link = asker;
	uint32_t version = version_of(link);

	link->call = NULL;
	if (fd < 0) {
		lose(link, MILTER_LOSS_UNMET, fault);
		return;
	}
	loop_timer_stop(&link->late);
	link->state = MILTER_LINK_MEETING;
	link->stream = stream_new(link->milter->means->loop, fd, &stream_hooks, &limits, link);
	link->milter->health->connections++;
	link->reader = (struct milter_reader){ 0 };
	quick_ack(link);
	milter_write_offer(&link->out, version, MILTER_MAY_ALL, milter_commands_steps(version));
	milter_link_send(link);
	milter_link_wait(link, link->answer_ms);
}

static void
on_late(void *context)
{
	lose_for(context, MILTER_LOSS_UNMET, FAULT_LIMIT, "no connection in time");
}

void
milter_link_open(struct milter_link *link, uint64_t connect_ms, uint64_t answer_ms)
{
	const struct milter_means *means = link->milter->means;

	assert(link->state == MILTER_LINK_CLOSED);
	link->state = MILTER_LINK_DIALING;
	link->torn_change = false;
	link->answer_ms = answer_ms;
	loop_timer_init(&link->late, means->loop, on_late, link);
	link->call = means->dial(means->context, link->milter->settings->title, connect_ms,
		on_dialed, link);
	if (link->call)
		loop_timer_start(&link->late, connect_ms + DIAL_MARGIN_MS);
	else
		lose_for(link, MILTER_LOSS_UNMET, FAULT_BUSY, "no more connections to filters can be made");
}

/* ---- for the owner --------------------------------------------------------------------------- */

/* As recv(): what the next read would find. */
static ssize_t
look_ahead(const struct milter_link *link)
{
	char byte;

	return recv(stream_fd(link->stream), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

bool
milter_link_has_input(const struct milter_link *link)
{
	return stream_peek(link->stream).length > 0 || look_ahead(link) > 0;
}

bool
milter_link_is_quiet(const struct milter_link *link)
{
	return link->state == MILTER_LINK_OPEN && !stream_is_closing(link->stream) &&
		!stream_peek(link->stream).length && look_ahead(link) < 0 &&
		(errno == EAGAIN || errno == EINTR);
}

void
milter_link_send(struct milter_link *link)
{
	stream_write(link->stream, buf_span(&link->out));
	buf_clear(&link->out);
	buf_release(&link->out);
}

bool
milter_link_is_full(const struct milter_link *link)
{
	return stream_is_full(link->stream);
}

void
milter_link_wait(struct milter_link *link, uint64_t in_ms)
{
	stream_deadline(link->stream, in_ms);
}

void
milter_link_hold(struct milter_link *link)
{
	link->held = true;
	stream_pause(link->stream);
}

void
milter_link_resume(struct milter_link *link)
{
	if (!link->held)
		return;
	link->held = false;
	stream_resume(link->stream);
}
