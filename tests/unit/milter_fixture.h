/* SPDX-License-Identifier: BSD-2-Clause */
/* A session with one filter, and the client that sends its messages. */
#ifndef MILTER_FIXTURE_H
#define MILTER_FIXTURE_H

#include "milter_peer_fixture.h"

enum { NEIGHBOUR_CHANGES = 77 }; /* as declared size: the stage before changes the envelope */

/* ---- stages before and behind ---------------------------------------------------------------- */

/* Refuses recipients of a name that begins with its own; the first may change what it sees. */
struct neighbour {
	struct stage stage;
	const char *name;
};

static inline struct stage *neighbour_open(const struct mail_session *session, void *service);

static inline void
neighbour_rcpt(struct stage *stage, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context)
{
	const char *name = ((struct neighbour *)stage)->name;
	struct verdict verdict = VERDICT_PASS;

	(void)mail;
	if (strncmp(recipient->path, name, strlen(name)) == 0)
		verdict = verdict_refuse(550, "5.1.1", name, "No such mailbox");
	done(context, &verdict);
}

static inline void
neighbour_eom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct verdict verdict = VERDICT_PASS;

	if (strcmp(((struct neighbour *)stage)->name, "before") == 0 && mail->declared_size == NEIGHBOUR_CHANGES) {
		mail->sender = "changed@example.org";
		mail_add_recipient(mail, "added@example.net", "", 0);
	}
	done(context, &verdict);
}

static inline void
neighbour_close(struct stage **stage)
{
	mem_free(stage);
}

static const struct stage_type neighbour_type = {
	.name = "neighbour",
	.open = neighbour_open,
	.envrcpt = neighbour_rcpt,
	.eom = neighbour_eom,
	.close = neighbour_close,
};

static inline struct stage *
neighbour_open(const struct mail_session *session, void *service)
{
	struct neighbour *neighbour = mem_alloc(sizeof *neighbour);

	(void)session;
	neighbour->stage.type = &neighbour_type;
	neighbour->name = service;
	return &neighbour->stage;
}

/* ---- the client ------------------------------------------------------------------------------ */

static inline void
fixture_on_verdict(void *context, const struct verdict *verdict)
{
	struct fixture *fixture = context;

	assert_true(fixture->waits);
	fixture->waits = false;
	fixture->verdict = *verdict;
	loop_stop(fixture->loop);
}

static inline enum verdict_kind
fixture_await(struct fixture *fixture)
{
	/* A stage that answers at once has stopped a loop that does not run yet. */
	while (fixture->waits)
		fixture_run(fixture->loop);
	return fixture->verdict.kind;
}

static inline void
fixture_open(struct fixture *fixture, const struct filter_rule *rules)
{
	struct chain_link links[] = { { &neighbour_type, (void *)"before" },
		{ &milter_stage_type, &fixture->milter }, { &neighbour_type, (void *)"behind" } };

	memset(fixture, 0, sizeof *fixture);
	memset(&fake_milter_change, 0, sizeof fake_milter_change);
	fixture->loop = loop_new();
	fixture->settings.title = "test";
	fixture->settings.address.kind = ENDPOINT_UNIX;
	fixture->settings.version = 6;
	fixture->listener.message_size = 1024 * 1024;
	fixture->means = (struct milter_means){ .loop = fixture->loop, .context = fixture,
		.dial = fixture_dial, .dial_forget = fixture_dial_forget };
	fixture->milter = (struct milter){ &fixture->settings, &fixture->health, &fixture->means };
	fixture->session = (struct mail_session){ .settings = &fixture->all,
		.listener = &fixture->listener, .id = "sid", .helo = "client.example",
		.esmtp = true, .client_address = "192.0.2.1", .client_port = 40000,
		.tls_version = "", .tls_cipher = "", .tls_group = "", .local_address = "192.0.2.9",
		.local_port = 587, .certificate_subject = "", .certificate_issuer = "" };
	fixture->version = 6;
	fixture->actions = MILTER_MAY_ALL;
	fixture->steps = MILTER_LEADING_SPACE;
	fixture->rules = rules;
	fixture->raw = BUF_INIT(0);
	fixture->chain = chain_new(&fixture->session, links, sizeof links / sizeof *links);
}

static inline void
fixture_end_mail(struct fixture *fixture)
{
	chain_abort(fixture->chain);
	mail_free(&fixture->mail);
	fixture->waits = false;
}

/* Turns the loop until all connections of the filter are closed. */
static inline void
fixture_close(struct fixture *fixture)
{
	fixture_end_mail(fixture);
	chain_free(&fixture->chain);
	for (size_t i = 0; i < FILTER_CONNECTIONS; i++)
		while (fixture->connections[i].watch && fixture->connections[i].fd >= 0) {
			loop_watch_set(fixture->connections[i].watch, LOOP_READABLE);
			fixture_on_filter(LOOP_READABLE | LOOP_WRITABLE, &fixture->connections[i]);
		}
	assert_int_equal(fixture->health.connections, 0);
	for (size_t i = 0; i < FILTER_CONNECTIONS; i++) {
		buf_fini(&fixture->connections[i].in);
		buf_fini(&fixture->connections[i].out);
	}
	buf_fini(&fixture->raw);
	loop_free(&fixture->loop);
}

static inline enum verdict_kind
fixture_from(struct fixture *fixture)
{
	struct mail *mail = mail_new(&fixture->session, "id", 0);

	mail->sender = "alice@example.org";
	mail->parameters = "SIZE=123 BODY=8BITMIME";
	fixture->mail = mail;
	fixture->waits = true;
	chain_envfrom(fixture->chain, mail, fixture_on_verdict, fixture);
	return fixture_await(fixture);
}

static inline enum verdict_kind
fixture_to(struct fixture *fixture, const char *path)
{
	fixture->asked = (struct mail_recipient){ .path = path, .orcpt = "", .parameters = "" };
	fixture->waits = true;
	chain_envrcpt(fixture->chain, fixture->mail, &fixture->asked, fixture_on_verdict, fixture);
	if (fixture_await(fixture) <= VERDICT_ACCEPT)
		mail_add_recipient(fixture->mail, path, "", 0);
	return fixture->verdict.kind;
}

static inline enum verdict_kind
fixture_data(struct fixture *fixture)
{
	fixture->waits = true;
	chain_data(fixture->chain, fixture->mail, fixture_on_verdict, fixture);
	return fixture_await(fixture);
}

static inline void
fixture_content(struct fixture *fixture, const char *header, struct span body)
{
	struct mail *mail = fixture->mail;
	struct fault fault = FAULT_INIT;

	buf_add_text(&mail->header_block, header);
	assert_true(mail_parse_header(mail, false, &fault));
	buf_add_span(&mail->body, body);
	mail->body_length = body.length;
}

static inline enum verdict_kind
fixture_message(struct fixture *fixture)
{
	fixture->waits = true;
	chain_message(fixture->chain, fixture->mail, fixture_on_verdict, fixture);
	return fixture_await(fixture);
}

#define FIXTURE_HEADER "From: alice@example.org\r\nSubject: x\r\n"

/* A whole message; stops where it is refused. */
static inline enum verdict_kind
fixture_mail(struct fixture *fixture)
{
	fixture_from(fixture);
	if (!verdict_is_refusal(&fixture->verdict))
		fixture_to(fixture, "bob@example.net");
	if (!verdict_is_refusal(&fixture->verdict))
		fixture_data(fixture);
	if (verdict_is_refusal(&fixture->verdict))
		return fixture->verdict.kind;
	fixture_content(fixture, FIXTURE_HEADER, SPAN_LITERAL("hello\r\n"));
	return fixture_message(fixture);
}

/* Did the last connection hear it? */
static inline bool
fixture_was_told(const struct fixture *fixture, const char *text)
{
	struct span raw = buf_span(&fixture->raw);

	return raw.length && memmem(raw.start, raw.length, text, strlen(text));
}

#endif
