/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection to a next hop: its life, and what its owner is told. */
#include "relay/hop_parts.h"

#include <assert.h>
#include <stdio.h>

#include "io/sock.h"

enum {
	HOP_INPUT_MAX_BYTES = SMTP_REPLY_IN_MAX_BYTES + 4096,
	HOP_OUTPUT_HIGH_BYTES = 256 * 1024,
	HOP_OUTPUT_LOW_BYTES = 64 * 1024,
	HOP_OUTPUT_MAX_BYTES = 8 * 1024 * 1024, /* a whole envelope, header and inline body */
};

/* ---- the end -------------------------------------------------------------------------------------- */

/* Its job is not lost: what has no result yet is deferred, with the reason. */
static void
gone(struct hop *hop)
{
	if (hop->phase == HOP_GONE)
		return;
	hop->phase = HOP_GONE;
	hop_journal_close(&hop->journal, hop->fault.text);
	if (hop->job && !hop->untried) {
		job_set_hop(hop->job, hop_route_host(hop->route), hop->address_text, hop->tls_text);
		job_set_rest(hop->job, OUTCOME_DEFERRED, 0, "4.4.2", span_text(hop->fault.text));
		hop->job_done = true;
	}
	loop_defer(&hop->news);
}

void
hop_fail(struct hop *hop, enum fault_kind kind, const char *what, struct span detail)
{
	if (hop->fault.kind == FAULT_NONE)
		fault_set(&hop->fault, kind, "%s: %.*s", what, SPAN_PRINT(span_first(detail, 300)));
	if (hop->stream)
		stream_abort(hop->stream);
	else
		gone(hop);
}

void
hop_fail_reply(struct hop *hop, const char *what)
{
	char detail[400];

	snprintf(detail, sizeof detail, "%u %s %.*s", hop->reply.code, hop->reply.enhanced,
		SPAN_PRINT(span_first(buf_span(&hop->reply.text), 300)));
	hop_fail(hop, FAULT_PEER, what, span_text(detail));
}

/* ---- what the stream tells -------------------------------------------------------------------- */

static void
on_input(struct stream *stream, void *context)
{
	struct hop *hop = context;

	while (stream_peek(stream).length && hop->phase != HOP_HANDSHAKE &&
		!stream_is_closing(stream)) {
		struct span input = stream_peek(stream);
		size_t before = input.length;
		enum parse parse = smtp_reply_reader_feed(&hop->reply, &input);

		stream_consume(stream, before - input.length);
		if (parse == PARSE_MORE) {
			/* Nobody waits for the rest of what nobody asked for. */
			if (hop->phase == HOP_READY)
				hop_fail(hop, FAULT_PEER, "unasked", SPAN_LITERAL("half a reply"));
			return;
		}
		if (parse == PARSE_BAD) {
			hop_fail(hop, FAULT_PEER, "bad reply", span_text(hop->reply.fault));
			return;
		}
		hop_journal_heard(&hop->journal, &hop->reply,
			hop->phase == HOP_AUTH && hop->reply.code == 334);
		hop_on_reply(hop);
	}
}

/* The other end went away, not we and not for a slip of its. */
static bool
was_left(enum stream_end end)
{
	return end == STREAM_END_PEER || end == STREAM_END_TRUNCATED || end == STREAM_END_RESET;
}

static void
on_close(struct stream *stream, enum stream_end end, const struct fault *fault, void *context)
{
	struct hop *hop = context;
	bool handshake = hop->phase == HOP_HANDSHAKE;

	(void)stream;
	/* A hop that closes an idle connection does what anybody may; so it may have crossed a job. */
	if (hop->phase == HOP_TRANSFER && hop->reused && !hop->heard && was_left(end))
		hop->untried = true;
	if (hop->phase != HOP_QUIT && hop->phase != HOP_READY && !hop->untried &&
		hop->fault.kind == FAULT_NONE)
		fault_set(&hop->fault, FAULT_PEER, "the connection ended (%s): %s",
			stream_end_name(end), fault ? fault->text : "");
	if (handshake && !hop_route_is_implicit_tls(hop->route))
		hop_route_rest_in_clear(hop->route);
	gone(hop);
}

/* ---- the start ------------------------------------------------------------------------------------ */

static const struct stream_hooks stream_hooks = {
	.on_input = on_input,
	.on_secure = hop_on_secure,
	.on_deadline = hop_on_deadline,
	.on_close = on_close,
};

static const struct stream_limits stream_limits = {
	.input_max_bytes = HOP_INPUT_MAX_BYTES,
	.output_max_bytes = HOP_OUTPUT_MAX_BYTES,
	.output_high_bytes = HOP_OUTPUT_HIGH_BYTES,
	.output_low_bytes = HOP_OUTPUT_LOW_BYTES,
};

static void
on_connected(int fd, const struct sock_address *address, const struct fault *fault, void *context)
{
	struct hop *hop = context;

	hop->connector = NULL;
	sock_address_format(address, hop->address_text);
	if (fd < 0) {
		hop->fault = *fault;
		gone(hop);
		return;
	}
	if (hop_route_leads_back(hop->route, fd, address)) {
		sock_close(&fd);
		fault_set(&hop->fault, FAULT_CONFIG, "the route leads back to this server itself");
		gone(hop);
		return;
	}
	hop->local = sock_address_is_loopback(address);
	hop_journal_open(&hop->journal, hop->route->journal, hop->route->settings->title, fd, address);
	hop->stream = stream_new(hop->route->loop, fd, &stream_hooks, &stream_limits, hop);
	if (hop_route_is_implicit_tls(hop->route))
		hop_start_tls(hop);
	else
		hop_enter(hop, HOP_GREETING);
}

static void
give_back(struct hop *hop)
{
	struct job *job = hop->job;

	if (!job || (!hop->job_done && !hop->untried))
		return;
	hop->job = NULL;
	if (hop->job_done)
		hop->hooks->on_done(hop, job, hop->context);
	else
		hop->hooks->on_untried(hop, job, hop->context);
	hop->job_done = false;
}

static void
on_idle(struct hop *hop)
{
	hop->hooks->on_ready(hop, hop->context);
	hop->kept = true;
	if (!hop->route->relay->reuse_idle)
		hop_quit(hop);
}

/* What the owner is told, from the loop alone. The owner may free the hop in on_gone. */
static void
on_news(void *context)
{
	struct hop *hop = context;
	bool is_gone = hop->phase == HOP_GONE;

	give_back(hop);
	if (is_gone)
		hop->hooks->on_gone(hop, &hop->fault, hop->context);
	else if (hop_is_ready(hop) && hop->jobs >= hop->route->relay->reuse_messages)
		hop_quit(hop);
	else if (hop_is_ready(hop))
		on_idle(hop);
	else if (hop->phase == HOP_TRANSFER)
		hop_watch_transfer(hop);
}

struct hop *
hop_new(struct hop_route *route, const struct hop_hooks *hooks, void *context)
{
	struct hop *hop = mem_alloc(sizeof *hop);

	hop->route = route;
	hop->hooks = hooks;
	hop->context = context;
	hop->pace = (struct pace){ .total_ms = route->relay->content_wait,
		.window_ms = route->relay->data_wait, .rate = route->relay->minimum_rate };
	smtp_reply_reader_init(&hop->reply);
	loop_defer_init(&hop->news, route->loop, on_news, hop);
	hop->connector = hop_route_connect(route, on_connected, hop);
	return hop;
}

void
hop_free(struct hop **hop)
{
	if (!*hop)
		return;
	connector_free(&(*hop)->connector);
	stream_free(&(*hop)->stream);
	hop_login_fini(&(*hop)->login);
	smtp_reply_reader_fini(&(*hop)->reply);
	loop_defer_cancel(&(*hop)->news);
	job_free(&(*hop)->job);
	mem_free(hop);
}

bool
hop_is_ready(const struct hop *hop)
{
	return hop->phase == HOP_READY && !hop->job && !stream_is_closing(hop->stream);
}

bool
hop_is_rising(const struct hop *hop)
{
	return hop->phase < HOP_READY;
}

bool
hop_is_fresh(const struct hop *hop)
{
	return hop_is_ready(hop) && !hop->kept;
}

bool
hop_was_ready(const struct hop *hop)
{
	return hop->was_ready;
}

bool
hop_has_served(const struct hop *hop)
{
	return hop->jobs > 0;
}

void
hop_send(struct hop *hop, struct job *job)
{
	enum transfer_step step;

	assert(hop_is_ready(hop));
	hop->job = job;
	hop->reused = hop->kept;
	hop->kept = true;
	hop->heard = hop->sending = false;
	hop->phase = HOP_TRANSFER;
	hop->transfer = (struct transfer){ .stream = hop->stream, .journal = &hop->journal,
		.offer = &hop->offer, .lmtp = hop_route_is_lmtp(hop->route), .job = job };
	step = transfer_start(&hop->transfer);
	hop_on_transfer_step(hop, step);
}

void
hop_quit(struct hop *hop)
{
	if (!hop_is_ready(hop))
		return;
	hop_journal_say(&hop->journal, hop->stream, SPAN_LITERAL("QUIT\r\n"));
	hop_enter(hop, HOP_QUIT);
}

void
hop_abort(struct hop *hop)
{
	hop_fail(hop, FAULT_BUSY, "stopped", SPAN_LITERAL("the relay gives up this attempt"));
}
