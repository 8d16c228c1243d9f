/* SPDX-License-Identifier: BSD-2-Clause */
/* A message, and a filter that wants it changed, packet by packet. */
#ifndef UNIT_MILTER_CHANGE_FIXTURE_H
#define UNIT_MILTER_CHANGE_FIXTURE_H

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/milter_change.h"
#include "wire/smtp_command.h"

/* ---- who may what: alice, with a login; "trusted" may change the envelope, "plain" may not ------- */

static const char *const alice_addresses[] = { "alice@example.org" };
static const struct identity alice = { .login = "alice", .mechanism = "PLAIN",
	.addresses = { alice_addresses, 1 }, .limits = "", .protocols = IDENTITY_SMTP };
static const char *const own_domains[] = { "example.org", "local" };
static const struct settings_milter filters[] = {
	{ .title = "plain" },
	{ .title = "trusted", .change_envelope = true },
};
static const struct settings fixture_settings = { .hostname = "mail.example.org",
	.authoritative_domains = { own_domains, 2 }, .milter = { filters, 2 } };
static struct settings_permit fixture_permits[] = { { .title = "authenticated",
	.where = "f:1", .rights = RIGHT_SUBMIT | RIGHT_RELAY,
	.principal = { .kind = PRINCIPAL_AUTHENTICATED, .text = "authenticated", .name = "" },
	.limits = "" } };
static struct settings_listener fixture_listener = { .title = "in",
	.permit = { fixture_permits, 1 }, .login = LOGIN_SECURE, .limits = "", .recipients = 100 };
static struct mail_session fixture_session = { .settings = &fixture_settings,
	.listener = &fixture_listener, .identity = &alice, .id = "s1", .helo = "",
	.client_address = "192.0.2.1", .tls_version = "" };

/* ---- the queue's files -------------------------------------------------------------------------- */

static struct {
	bool refuse;        /* what is asked for comes, but as a refusal */
	bool away;          /* nothing can be asked */
	milter_body_fn *done;
	void *asker;
	uint64_t next;
	unsigned opened;
	unsigned dropped;
	uint64_t last_dropped;
	unsigned forgotten;
	unsigned rooms;     /* on_room */
} files;

static void *
open_file(void *context, milter_body_fn *done, void *asker)
{
	(void)context;
	if (files.away)
		return NULL;
	assert_null(files.done);
	files.done = done;
	files.asker = asker;
	return &files;
}

static void
forget_file(void *context, void **call)
{
	(void)context;
	files.done = NULL;
	files.forgotten++;
	*call = NULL;
}

static void
drop_file(void *context, uint64_t file)
{
	(void)context;
	files.dropped++;
	files.last_dropped = file;
}

static const struct milter_means fixture_means = { .body_open = open_file,
	.body_forget = forget_file, .body_drop = drop_file };

static int
make_file(void)
{
	char name[] = "/tmp/sallyport-change-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	return fd;
}

/* What the loop does when queue has answered. */
static inline void
answer_file(void)
{
	milter_body_fn *done = files.done;

	assert_non_null(done);
	files.done = NULL;
	files.opened += !files.refuse;
	done(files.asker, files.refuse ? 0 : 700 + ++files.next, files.refuse ? -1 : make_file(),
		files.refuse);
}

static inline void
on_room(void *context)
{
	(void)context;
	files.rooms++;
}

/* ---- messages ----------------------------------------------------------------------------------- */

static inline struct mail *
mail_with(const char *header, const char *body)
{
	struct mail *mail = mail_new(&fixture_session, "m1", 0);
	struct fault fault = FAULT_INIT;

	memset(&files, 0, sizeof files);
	mail->sender = "alice@example.org";
	mail_add_recipient(mail, "bob@example.net", "", 0);
	mail_add_recipient(mail, "carol@example.net", "", 0);
	buf_add_text(&mail->header_block, header);
	if (!mail_parse_header(mail, false, &fault))
		fail_msg("%s", fault.text);
	buf_add_text(&mail->body, body);
	mail->body_length = strlen(body);
	return mail;
}

static inline const char *
header_of(const struct mail *mail)
{
	static struct buf text;

	buf_clear(&text);
	assert_true(header_format(&mail->header, &text));
	return buf_text(&text);
}

static inline const char *
recipients_of(const struct mail *mail)
{
	static char text[4096];

	text[0] = '\0';
	for (size_t i = 0; i < mail->recipient_count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s", i ? " " : "",
			mail->recipients[i].path, mail->recipients[i].added ? "!" : "");
	return text;
}

/* ---- packets ------------------------------------------------------------------------------------ */

static inline struct milter_change *
change_new(struct mail *mail, uint32_t actions, uint32_t steps, uint64_t size_limit)
{
	const struct milter_offer offer = { .version = 6, .actions = actions, .steps = steps };

	return milter_change_new(&fixture_means, &offer, mail, size_limit, on_room, NULL);
}

static inline enum milter_taken
take(struct milter_change *change, enum milter_answer what, struct span payload)
{
	const struct milter_packet packet = { .answer = what, .payload = payload };
	struct fault fault = FAULT_INIT;
	enum milter_taken taken = milter_change_take(change, &packet, &fault);

	assert_int_equal(taken == MILTER_TAKEN_BAD, fault.kind != FAULT_NONE);
	return taken;
}

/* name NUL value NUL, behind an index where there is one. */
static inline enum milter_taken
take_field(struct milter_change *change, enum milter_answer what, uint32_t index, struct span name,
	struct span value)
{
	struct buf payload = BUF_INIT(0);
	const unsigned char bytes[4] = { (unsigned char)(index >> 24), (unsigned char)(index >> 16),
		(unsigned char)(index >> 8), (unsigned char)index };
	enum milter_taken taken;

	if (what != MILTER_ADD_HEADER)
		buf_add(&payload, bytes, 4);
	buf_add_span(&payload, name);
	buf_add_byte(&payload, '\0');
	buf_add_span(&payload, value);
	buf_add_byte(&payload, '\0');
	taken = take(change, what, buf_span(&payload));
	buf_fini(&payload);
	return taken;
}

static inline enum milter_taken
take_path(struct milter_change *change, enum milter_answer what, const char *path,
	const char *parameters)
{
	struct buf payload = BUF_INIT(0);
	enum milter_taken taken;

	buf_add(&payload, path, strlen(path) + 1);
	if (parameters)
		buf_add(&payload, parameters, strlen(parameters) + 1);
	taken = take(change, what, buf_span(&payload));
	buf_fini(&payload);
	return taken;
}

/* The kind, or -1 if nothing was changed. The change is gone. */
static inline int
apply(struct milter_change *change, const char *filter)
{
	enum verdict_kind kind = VERDICT_REJECT;
	struct fault fault = FAULT_INIT;
	bool done = milter_change_apply(change, filter, &kind, &fault);

	assert_int_equal(done, fault.kind == FAULT_NONE);
	milter_change_free(&change);
	return done ? (int)kind : -1;
}

#endif
