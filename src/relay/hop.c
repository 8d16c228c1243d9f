/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection to a next hop. */
#include "relay/hop.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "io/stream.h"
#include "relay/hop_login.h"
#include "relay/transfer.h"

enum {
	HOP_INPUT_MAX_BYTES = SMTP_REPLY_IN_MAX_BYTES + 4096,
	HOP_OUTPUT_HIGH_BYTES = 256 * 1024,
	HOP_OUTPUT_LOW_BYTES = 64 * 1024,
	HOP_OUTPUT_MAX_BYTES = 8 * 1024 * 1024, /* a whole envelope, header and inline body */
};

enum phase {
	PHASE_CONNECT,
	PHASE_GREETING,
	PHASE_EHLO,
	PHASE_STARTTLS,
	PHASE_HANDSHAKE,
	PHASE_AUTH,
	PHASE_READY,
	PHASE_TRANSFER,
	PHASE_QUIT,
	PHASE_GONE,
};

struct hop {
	struct hop_route *route;
	const struct hop_hooks *hooks;
	void *context;
	enum phase phase;
	struct fault fault;        /* why it ended */
	struct loop_defer news;    /* on_ready, on_done, on_gone */

	struct connector *connector;
	bool local;                /* the hop is on this machine */
	char address_text[SOCK_TEXT_MAX_BYTES];
	char tls_text[TLS_TEXT_MAX_BYTES];

	struct stream *stream;
	uint64_t bytes_seen;       /* sent when the deadline was last looked at */
	struct smtp_reply_reader reply;
	struct offer offer;
	bool helo_tried;           /* EHLO was refused */
	struct hop_login login;

	struct transfer transfer;
	struct job *job;
	bool job_done;
	uint64_t jobs;             /* done on this connection */
};

/* ---- the end -------------------------------------------------------------------------------------- */

/* Its job is not lost: what has no result yet is deferred, with the reason. */
static void
gone(struct hop *hop)
{
	if (hop->phase == PHASE_GONE)
		return;
	hop->phase = PHASE_GONE;
	if (hop->job) {
		job_set_hop(hop->job, hop_route_host(hop->route), hop->address_text, hop->tls_text);
		job_set_rest(hop->job, OUTCOME_DEFERRED, 0, "4.4.2", span_text(hop->fault.text));
		hop->job_done = true;
	}
	loop_defer(&hop->news);
}

static void
fail(struct hop *hop, enum fault_kind kind, const char *what, struct span detail)
{
	if (hop->fault.kind == FAULT_NONE)
		fault_set(&hop->fault, kind, "%s: %.*s", what, SPAN_PRINT(span_first(detail, 300)));
	if (hop->stream)
		stream_abort(hop->stream);
	else
		gone(hop);
}

static void
fail_reply(struct hop *hop, const char *what)
{
	char detail[400];

	snprintf(detail, sizeof detail, "%u %s %.*s", hop->reply.code, hop->reply.enhanced,
		SPAN_PRINT(span_first(buf_span(&hop->reply.text), 300)));
	fail(hop, FAULT_PEER, what, span_text(detail));
}

/* ---- phases and deadlines ------------------------------------------------------------------------- */

static uint64_t
wait_of(const struct hop *hop)
{
	const struct settings_relay *relay = hop->route->relay;

	switch (hop->phase) {
	case PHASE_GREETING:
		return relay->greet_wait;
	case PHASE_HANDSHAKE:
		return relay->handshake_wait;
	case PHASE_READY:
		return relay->reuse_idle;
	case PHASE_TRANSFER:
		if (hop->transfer.wait == TRANSFER_WAIT_END)
			return relay->end_wait;
		return hop->transfer.wait == TRANSFER_WAIT_DATA ? relay->data_wait
								 : relay->command_wait;
	case PHASE_CONNECT:
	case PHASE_EHLO:
	case PHASE_STARTTLS:
	case PHASE_AUTH:
	case PHASE_QUIT:
	case PHASE_GONE:
		break;
	}
	return relay->command_wait;
}

static void
enter(struct hop *hop, enum phase phase)
{
	hop->phase = phase;
	stream_deadline(hop->stream, wait_of(hop));
}

static void
enter_ready(struct hop *hop)
{
	enter(hop, PHASE_READY);
	loop_defer(&hop->news);
}

static void
say_hello(struct hop *hop)
{
	const char *verb = hop_route_is_lmtp(hop->route) ? "LHLO" : hop->helo_tried ? "HELO" : "EHLO";

	stream_printf(hop->stream, "%s %s\r\n", verb, hop->route->helo);
	enter(hop, PHASE_EHLO);
}

/* ---- TLS ------------------------------------------------------------------------------------------ */

static void
start_tls(struct hop *hop)
{
	enter(hop, PHASE_HANDSHAKE);
	/* What the hop said after its 220 and before the handshake is somebody else's (RFC 3207 5). */
	if (!stream_start_client(hop->stream, hop->route->tls,
		    hop_route_tls_name(hop->route), &hop->fault))
		stream_abort(hop->stream);
}

static void
on_secure(struct stream *stream, void *context)
{
	struct hop *hop = context;

	tls_session_describe(stream_tls(stream), hop->tls_text);
	if (hop_route_is_implicit_tls(hop->route))
		enter(hop, PHASE_GREETING);
	else
		say_hello(hop);
}

/* ---- login ---------------------------------------------------------------------------------------- */

static void
on_login_step(struct hop *hop, enum hop_login_step step, const struct fault *fault)
{
	switch (step) {
	case HOP_LOGIN_MORE:
		enter(hop, PHASE_AUTH);
		break;
	case HOP_LOGIN_DONE:
		enter_ready(hop);
		break;
	case HOP_LOGIN_FAILED:
		hop->fault = *fault;
		stream_abort(hop->stream);
		break;
	}
}

/* All that was to be agreed is agreed, but perhaps for who we are. */
static void
log_in_if_asked(struct hop *hop)
{
	struct fault fault = FAULT_INIT;

	if (!hop->route->password) {
		enter_ready(hop);
		return;
	}
	on_login_step(hop,
		hop_login_start(&hop->login, hop->stream, hop->route->settings, hop_route_host(hop->route),
			hop->route->password, &hop->offer, hop->local, &fault),
		&fault);
}

/* ---- replies -------------------------------------------------------------------------------------- */

static void
on_hello_reply(struct hop *hop)
{
	if (hop->reply.code >= 500 && !hop->helo_tried && !hop_route_is_lmtp(hop->route) &&
		!hop_route_needs_tls(hop->route)) {
		hop->helo_tried = true;
		say_hello(hop);
		return;
	}
	if (hop->reply.code >= 300) {
		fail_reply(hop, "greeting refused");
		return;
	}
	offer_parse(&hop->reply, &hop->offer);
	if (!stream_is_secure(hop->stream) && hop_route_wants_starttls(hop->route, &hop->offer)) {
		if (!hop->offer.starttls) {
			fail(hop, FAULT_DENIED, "TLS", SPAN_LITERAL("the next hop offers no STARTTLS"));
			return;
		}
		stream_write(hop->stream, SPAN_LITERAL("STARTTLS\r\n"));
		enter(hop, PHASE_STARTTLS);
	} else {
		log_in_if_asked(hop);
	}
}

static void
on_starttls_reply(struct hop *hop)
{
	if (hop->reply.code < 300) {
		start_tls(hop);
	} else if (!hop_route_needs_tls(hop->route)) {
		hop_route_rest_in_clear(hop->route);
		log_in_if_asked(hop);
	} else {
		fail_reply(hop, "STARTTLS refused");
	}
}

static void
finish_job(struct hop *hop)
{
	job_set_hop(hop->job, hop_route_host(hop->route), hop->address_text, hop->tls_text);
	hop->job_done = true;
	hop->jobs++;
	enter_ready(hop);
}

static void
on_transfer_step(struct hop *hop, enum transfer_step step)
{
	switch (step) {
	case TRANSFER_MORE:
		stream_deadline(hop->stream, wait_of(hop));
		break;
	case TRANSFER_DONE:
		finish_job(hop);
		break;
	case TRANSFER_LOST:
		fail_reply(hop, "the next hop is out of step");
		break;
	}
}

static void
on_reply(struct hop *hop)
{
	struct fault fault = FAULT_INIT;

	switch (hop->phase) {
	case PHASE_GREETING:
		if (hop->reply.code == 220)
			say_hello(hop);
		else
			fail_reply(hop, "no welcome");
		break;
	case PHASE_EHLO:
		on_hello_reply(hop);
		break;
	case PHASE_STARTTLS:
		on_starttls_reply(hop);
		break;
	case PHASE_AUTH:
		on_login_step(hop, hop_login_reply(&hop->login, hop->stream, &hop->reply, &fault),
			&fault);
		break;
	case PHASE_TRANSFER:
		on_transfer_step(hop, transfer_reply(&hop->transfer, &hop->reply));
		break;
	case PHASE_QUIT:
		stream_close(hop->stream);
		break;
	case PHASE_CONNECT:
	case PHASE_HANDSHAKE:
	case PHASE_READY:
	case PHASE_GONE:
		/* Nobody asked: 421 at best, an attack at worst. Never to be taken for a later answer. */
		fail_reply(hop, "unasked");
		break;
	}
}

static void
on_input(struct stream *stream, void *context)
{
	struct hop *hop = context;

	while (stream_peek(stream).length && hop->phase != PHASE_HANDSHAKE &&
		!stream_is_closing(stream)) {
		struct span input = stream_peek(stream);
		size_t before = input.length;
		enum parse parse = smtp_reply_reader_feed(&hop->reply, &input);

		stream_consume(stream, before - input.length);
		if (parse == PARSE_MORE)
			return;
		if (parse == PARSE_BAD) {
			fail(hop, FAULT_PEER, "bad reply", span_text(hop->reply.fault));
			return;
		}
		on_reply(hop);
	}
}

static void
on_deadline(struct stream *stream, void *context)
{
	struct hop *hop = context;

	if (hop->phase == PHASE_READY) {
		hop_quit(hop);
	} else if (stream_bytes_out(stream) != hop->bytes_seen) {
		/* A large message over a slow line: as long as it moves, it is not stuck. */
		hop->bytes_seen = stream_bytes_out(stream);
		stream_deadline(stream, wait_of(hop));
	} else {
		fail(hop, FAULT_LIMIT, "no answer in time", SPAN_EMPTY);
	}
}

static void
on_close(struct stream *stream, enum stream_end end, const struct fault *fault, void *context)
{
	struct hop *hop = context;
	bool handshake = hop->phase == PHASE_HANDSHAKE;

	(void)stream;
	/* A hop that closes an idle connection does what anybody may. */
	if (hop->phase != PHASE_QUIT && !hop_is_ready(hop) && hop->fault.kind == FAULT_NONE)
		fault_set(&hop->fault, FAULT_PEER, "the connection ended (%s): %s",
			stream_end_name(end), fault ? fault->text : "");
	if (handshake && !hop_route_is_implicit_tls(hop->route))
		hop_route_rest_in_clear(hop->route);
	gone(hop);
}

/* ---- the start ------------------------------------------------------------------------------------ */

static const struct stream_hooks stream_hooks = {
	.on_input = on_input,
	.on_secure = on_secure,
	.on_deadline = on_deadline,
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
	hop->local = sock_address_is_loopback(address);
	hop->stream = stream_new(hop->route->loop, fd, &stream_hooks, &stream_limits, hop);
	if (hop_route_is_implicit_tls(hop->route))
		start_tls(hop);
	else
		enter(hop, PHASE_GREETING);
}

/* What the owner is told, from the loop alone. The owner may free the hop in on_gone. */
static void
on_news(void *context)
{
	struct hop *hop = context;
	bool is_gone = hop->phase == PHASE_GONE;

	if (hop->job_done) {
		struct job *job = hop->job;

		hop->job = NULL;
		hop->job_done = false;
		hop->hooks->on_done(hop, job, hop->context);
	}
	if (is_gone)
		hop->hooks->on_gone(hop, &hop->fault, hop->context);
	else if (hop_is_ready(hop) && hop->jobs >= hop->route->relay->reuse_messages)
		hop_quit(hop);
	else if (hop_is_ready(hop))
		hop->hooks->on_ready(hop, hop->context);
}

struct hop *
hop_new(struct hop_route *route, const struct hop_hooks *hooks, void *context)
{
	struct hop *hop = mem_alloc(sizeof *hop);

	hop->route = route;
	hop->hooks = hooks;
	hop->context = context;
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
	return hop->phase == PHASE_READY && !hop->job;
}

void
hop_send(struct hop *hop, struct job *job)
{
	enum transfer_step step;

	assert(hop_is_ready(hop));
	hop->job = job;
	hop->phase = PHASE_TRANSFER;
	step = transfer_start(&hop->transfer, hop->stream, &hop->offer, hop_route_is_lmtp(hop->route), job);
	on_transfer_step(hop, step);
}

void
hop_quit(struct hop *hop)
{
	if (!hop_is_ready(hop))
		return;
	stream_write(hop->stream, SPAN_LITERAL("QUIT\r\n"));
	enter(hop, PHASE_QUIT);
}

void
hop_abort(struct hop *hop)
{
	fail(hop, FAULT_BUSY, "stopped", SPAN_LITERAL("the relay gives up this attempt"));
}
