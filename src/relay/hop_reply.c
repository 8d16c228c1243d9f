/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hop's reply leads to: the way to be ready, and the steps of a transfer. */
#include "relay/hop_parts.h"

#include <stdio.h>

static void
enter_ready(struct hop *hop)
{
	hop->was_ready = true;
	hop_enter(hop, HOP_READY);
	loop_defer(&hop->news);
}

static void
say_hello(struct hop *hop)
{
	const char *verb = hop_route_is_lmtp(hop->route) ? "LHLO" : hop->helo_tried ? "HELO" : "EHLO";

	char line[300];

	snprintf(line, sizeof line, "%s %s\r\n", verb, hop->route->helo);
	hop_journal_say(&hop->journal, hop->stream, span_text(line));
	hop_enter(hop, HOP_EHLO);
}

/* ---- TLS ------------------------------------------------------------------------------------------ */

void
hop_start_tls(struct hop *hop)
{
	hop->phase = HOP_HANDSHAKE;
	/* What the hop said after its 220 and before the handshake is somebody else's (RFC 3207 5). */
	if (!stream_start_client(hop->stream, hop->route->tls,
		    hop_route_tls_name(hop->route), &hop->fault))
		stream_abort(hop->stream);
	/* In place of the stream's own. */
	hop_enter(hop, HOP_HANDSHAKE);
}

void
hop_on_secure(struct stream *stream, void *context)
{
	struct hop *hop = context;

	tls_session_describe(stream_tls(stream), hop->tls_text);
	hop_journal_remark(&hop->journal, hop->tls_text);
	if (hop_route_is_implicit_tls(hop->route))
		hop_enter(hop, HOP_GREETING);
	else
		say_hello(hop);
}

/* ---- login ---------------------------------------------------------------------------------------- */

static void
on_login_step(struct hop *hop, enum hop_login_step step, const struct fault *fault)
{
	switch (step) {
	case HOP_LOGIN_MORE:
		/* The mechanism and all it says stays out of the log. */
		hop_journal_said(&hop->journal, hop->phase == HOP_AUTH ? SPAN_LITERAL("***\r\n")
									 : SPAN_LITERAL("AUTH ***\r\n"));
		hop_enter(hop, HOP_AUTH);
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
	if (hop->reply.code != 250) {
		hop_fail_reply(hop, "greeting refused");
		return;
	}
	offer_parse(&hop->reply, &hop->offer);
	if (!stream_is_secure(hop->stream) && hop_route_wants_starttls(hop->route, &hop->offer)) {
		if (!hop->offer.starttls) {
			hop_fail(hop, FAULT_DENIED, "TLS", SPAN_LITERAL("the next hop offers no STARTTLS"));
			return;
		}
		hop_journal_say(&hop->journal, hop->stream, SPAN_LITERAL("STARTTLS\r\n"));
		hop_enter(hop, HOP_STARTTLS);
	} else {
		log_in_if_asked(hop);
	}
}

static void
on_starttls_reply(struct hop *hop)
{
	if (hop->reply.code == 220) {
		hop_start_tls(hop);
	} else if (!hop_route_needs_tls(hop->route)) {
		hop_route_rest_in_clear(hop->route);
		log_in_if_asked(hop);
	} else {
		hop_fail_reply(hop, "STARTTLS refused");
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

void
hop_on_transfer_step(struct hop *hop, enum transfer_step step)
{
	switch (step) {
	case TRANSFER_MORE:
		hop_watch_transfer(hop);
		break;
	case TRANSFER_DONE:
		finish_job(hop);
		break;
	case TRANSFER_LOST:
		hop_fail_reply(hop, "the next hop ends the connection");
		break;
	case TRANSFER_ASTRAY:
		job_reopen(hop->job);
		hop_fail_reply(hop, "the next hop is out of step");
		break;
	}
}

/* 421 to MAIL on a kept connection says that it was kept too long, nothing of the message. */
static void
on_transfer_reply(struct hop *hop)
{
	bool first = !hop->heard;

	hop->heard = true;
	if (first && hop->reused && hop->reply.code == 421) {
		hop->untried = true;
		stream_abort(hop->stream);
		return;
	}
	hop_on_transfer_step(hop, transfer_reply(&hop->transfer, &hop->reply));
}

/* Nobody asked. 421 is a goodbye; all else must never be taken for a later answer. */
static void
on_unasked_reply(struct hop *hop)
{
	if (hop->phase == HOP_READY && hop->reply.code == 421)
		stream_abort(hop->stream);
	else
		hop_fail_reply(hop, "unasked");
}

void
hop_on_reply(struct hop *hop)
{
	struct fault fault = FAULT_INIT;

	switch (hop->phase) {
	case HOP_GREETING:
		if (hop->reply.code == 220)
			say_hello(hop);
		else
			hop_fail_reply(hop, "no welcome");
		break;
	case HOP_EHLO:
		on_hello_reply(hop);
		break;
	case HOP_STARTTLS:
		on_starttls_reply(hop);
		break;
	case HOP_AUTH:
		on_login_step(hop, hop_login_reply(&hop->login, hop->stream, &hop->reply, &fault),
			&fault);
		break;
	case HOP_TRANSFER:
		on_transfer_reply(hop);
		break;
	case HOP_QUIT:
		stream_close(hop->stream);
		break;
	case HOP_CONNECT:
	case HOP_HANDSHAKE:
	case HOP_READY:
	case HOP_GONE:
		on_unasked_reply(hop);
		break;
	}
}
