/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session with one filter or a chain of two, which answer whatever the input says: every question
 * has one verdict, what is told keeps to the order of the protocol, the second is told what the first
 * made of the message, and each changes it as a whole or not at all.
 */
#include "fuzz.h"

#include <unistd.h>

#include "base/log.h"
#include "milter_play.h"
#include "policy/chain.h"
#include "wire/milter_packet.h"
#include "wire/octet.h"

enum {
	MESSAGES_MAX = 3,
	RECIPIENTS_MAX = 3,
	LINKS_MAX = 2 * FAKE_IO_STREAMS,
	MESSAGE_SIZE = 300 * 1024,
	BODY_LARGE = 70 * 1024,    /* more than one packet */
	UNKNOWN_BETWEEN = 0x40,    /* with the number of recipients: commands that nobody knows */
	UNKNOWN_WITHIN = 0x80,
	TWO_FILTERS = 0x20,        /* in the first byte; the second one's settings are in the next */
};

struct client {
	struct milter_play play;
	struct chain *chain;
	struct mail *mail;
	struct mail_recipient asked[RECIPIENTS_MAX];
	bool waits;
	bool skips;       /* a filter may say SKIP: there is such a byte in the input */
	struct verdict verdict;
};

/* ---- between the filters ----------------------------------------------------------------------- */

/* The turn of a filter is over: did it do nothing by halves? */
static void
check_turn(struct client *client, enum verdict_kind kind)
{
	struct milter_play *play = &client->play;
	struct milter_part *part = &play->parts[play->asked];
	bool lost = (play->lost & 1U << play->asked) && part->turn < play->turn;

	milter_play_hear(play);
	/* Refused, passed on because the filter was lost, or never told the end: as it came. */
	if (lost || kind == VERDICT_REJECT || kind == VERDICT_TEMPFAIL || !part->watch.ends)
		FUZZ_CHECK(milter_sight_holds(&part->sight, client->mail));
	/* Behind a change nothing passes, not held either. */
	if (lost && part->changed)
		FUZZ_CHECK(kind == (part->settings.on_failure == MILTER_FAILURE_REJECT ?
					VERDICT_REJECT : VERDICT_TEMPFAIL));
}

/* A stage before each filter: what the one before it left is what this one has to be told. */
struct witness {
	struct stage stage;
	struct client *client;
	unsigned at;      /* the filter behind it */
};

struct witness_place {
	struct client *client;
	unsigned at;
};

static const struct stage_type witness_type;

static struct stage *
witness_open(const struct mail_session *session, void *service)
{
	const struct witness_place *place = service;
	struct witness *witness = mem_alloc(sizeof *witness);

	(void)session;
	witness->stage.type = &witness_type;
	witness->client = place->client;
	witness->at = place->at;
	return &witness->stage;
}

static void
witness_eom(struct stage *stage, struct mail *mail, stage_done_fn done, void *context)
{
	struct witness *witness = (struct witness *)stage;
	struct milter_play *play = &witness->client->play;
	struct milter_part *part = &play->parts[witness->at];

	if (witness->at > 0)
		check_turn(witness->client, VERDICT_CONTINUE);
	play->asked = witness->at;
	part->turn = play->turn;
	milter_sight_take(&part->sight, mail);
	done(context, &VERDICT_PASS);
}

static void
witness_close(struct stage **stage)
{
	mem_free(stage);
}

static const struct stage_type witness_type = {
	.name = "witness",
	.open = witness_open,
	.eom = witness_eom,
	.close = witness_close,
};

/* ---- the client -------------------------------------------------------------------------------- */

static void
check_verdict(const struct verdict *verdict)
{
	bool refusal = verdict->kind == VERDICT_REJECT || verdict->kind == VERDICT_TEMPFAIL;
	const char *text = verdict->lines ? verdict->lines : verdict->text;

	if (refusal) {
		unsigned class = verdict->kind == VERDICT_REJECT ? 5 : 4;

		FUZZ_CHECK(verdict->code / 100 == class && verdict->enhanced[0] == (char)('0' + class));
	}
	for (; *text; text++)
		FUZZ_CHECK(*text == '\n' || (!octet_is_control(*text) && !octet_is_8bit(*text)));
}

static void
on_verdict(void *context, const struct verdict *verdict)
{
	struct client *client = context;

	FUZZ_CHECK(client->waits); /* one for each question */
	client->waits = false;
	client->verdict = *verdict;
	check_verdict(verdict);
}

static void
hear(struct client *client)
{
	fake_io_settle();
	milter_play_hear(&client->play);
}

/* Did the chain say that the message goes on? */
static bool
await(struct client *client)
{
	hear(client);
	while (client->waits) {
		milter_play_go_on(&client->play);
		client->waits = client->waits && !client->play.left;
		hear(client);
	}
	return !client->play.left &&
		(client->verdict.kind == VERDICT_CONTINUE || client->verdict.kind == VERDICT_HOLD);
}

static bool
tell_sender(struct client *client)
{
	client->waits = true;
	chain_envfrom(client->chain, client->mail, on_verdict, client);
	return await(client);
}

/* A refused one is left out. */
static bool
tell_recipient(struct client *client, size_t number)
{
	static const char *const paths[RECIPIENTS_MAX] = {
		"u@example.net", "\"a b\"@example.net", "w@[192.0.2.1]"
	};
	struct mail_recipient *asked = &client->asked[number];

	*asked = (struct mail_recipient){ .path = paths[number], .orcpt = "", .parameters = "" };
	client->waits = true;
	chain_envrcpt(client->chain, client->mail, asked, on_verdict, client);
	if (await(client))
		mail_add_recipient(client->mail, asked->path, "", 0);
	return !client->play.left && client->verdict.kind != VERDICT_DISCARD;
}

/* It is refused whatever the filter says, and nothing ends by it. */
static void
tell_unknown(struct client *client)
{
	client->waits = true;
	chain_unknown(client->chain, SPAN_LITERAL("XYZZY"), on_verdict, client);
	await(client);
	if (!client->play.left)
		FUZZ_CHECK(client->verdict.kind == VERDICT_CONTINUE ||
			client->verdict.kind == VERDICT_REJECT ||
			client->verdict.kind == VERDICT_TEMPFAIL);
}

static bool
tell_data(struct client *client)
{
	client->waits = true;
	chain_data(client->chain, client->mail, on_verdict, client);
	return await(client);
}

static void
write_content(struct client *client, unsigned how)
{
	struct mail *mail = client->mail;
	struct fault fault;

	buf_add_text(&mail->header_block, "Received: from here\r\n\tby us; now\r\nFrom: a@example.org\r\n"
		"Subject: x\r\nX-Many: one\r\nX-Many:two\r\n");
	FUZZ_CHECK(mail_parse_header(mail, false, &fault));
	mail->trace = how & 1 ? mail->header.fields[0].whole.start : NULL;
	for (size_t i = 0; (how & 2) && i < BODY_LARGE; i += 10)
		buf_add_text(&mail->body, "12345678\r\n");
	if (how & 4)
		buf_add_text(&mail->body, "hello\r\n.\r\n");
	mail->body_length = buf_length(&mail->body);
}

static void
check_mail(struct client *client)
{
	const struct mail *mail = client->mail;
	enum verdict_kind kind = client->verdict.kind;
	struct buf block = BUF_INIT(0);
	struct header header;
	struct fault fault;

	check_turn(client, kind);
	FUZZ_CHECK(kind == VERDICT_DISCARD || mail->recipient_count > 0 || kind > VERDICT_ACCEPT);
	FUZZ_CHECK(header_format(&mail->header, &block));
	FUZZ_CHECK(header_parse(buf_span(&block), HEADER_RAW, mail->arena, &header, &fault));
	FUZZ_CHECK(header.count == mail->header.count);
	FUZZ_CHECK((mail->body_fd >= 0) == (mail->body_file > 0));
	FUZZ_CHECK(mail->body_fd >= 0 || mail->body_length == buf_length(&mail->body));
	FUZZ_CHECK(mail->body_length <= MESSAGE_SIZE + 128 * 1024);
	buf_fini(&block);
}

static void
tell_message(struct client *client)
{
	write_content(client, fuzz_take(&client->play.in));
	client->waits = true;
	chain_message(client->chain, client->mail, on_verdict, client);
	await(client);
	if (!client->play.left)
		check_mail(client);
}

static void
run_message(struct client *client, const struct mail_session *session)
{
	struct milter_play *play = &client->play;
	unsigned how = fuzz_take(&play->in);
	size_t recipients = 1 + how % RECIPIENTS_MAX;
	bool goes_on;

	/* The connection of the last message goes on behind HELO, or a new one begins. */
	for (unsigned at = 0; at < play->count; at++) {
		struct milter_part *part = &play->parts[at];

		milter_sight_fini(&part->sight);
		milter_watch_begin(&part->watch, &part->sight,
			client->skips ? NULL : &part->health.steps);
		part->changed = false;
	}
	play->asked = play->count;
	play->left = false;
	if (how & UNKNOWN_BETWEEN)
		tell_unknown(client);
	if (play->left)
		chain_abort(client->chain);
	play->left = false;
	client->mail = mail_new(session, "id", 0);
	client->mail->sender = "alice@example.org";
	client->mail->parameters = "SIZE=123 BODY=8BITMIME";
	goes_on = tell_sender(client);
	for (size_t i = 0; goes_on && i < recipients; i++)
		goes_on = tell_recipient(client, i);
	if (goes_on && how & UNKNOWN_WITHIN) {
		tell_unknown(client);
		goes_on = !play->left;
	}
	if (goes_on && client->mail->recipient_count > 0 && tell_data(client))
		tell_message(client);
	chain_abort(client->chain);
	hear(client);
	if (client->mail->body_fd >= 0) {
		close(client->mail->body_fd);
		play->files--;
	}
	FUZZ_CHECK(play->files == 0 && !play->opened);
	mail_free(&client->mail);
}

/* ---- the session ------------------------------------------------------------------------------- */

static void
set_up(struct milter_play *play, unsigned at, unsigned how)
{
	static const char *const names[FAKE_IO_STREAMS] = { "test", "next" };
	struct milter_part *part = &play->parts[at];

	part->settings = (struct settings_milter){ .title = names[at], .version = 2 + (how >> 2) % 5,
		.on_failure = (enum milter_failure)(how & 3), .address = { .kind = ENDPOINT_UNIX },
		.command_wait = 1000, .budget = 5000, .change_envelope = how & 0x80 };
	part->milter = (struct milter){ &part->settings, &part->health, &play->means };
}

/* The filters as the first bytes of the input have them, with a witness before each. */
static void
open_chain(struct client *client, const struct mail_session *session)
{
	struct milter_play *play = &client->play;
	unsigned how = fuzz_take(&play->in);
	struct witness_place places[FAKE_IO_STREAMS];
	struct chain_link links[LINKS_MAX];

	play->count = how & TWO_FILTERS ? 2 : 1;
	milter_play_start(play);
	for (unsigned at = 0; at < play->count; at++) {
		set_up(play, at, at ? fuzz_take(&play->in) : how);
		places[at] = (struct witness_place){ client, at };
		links[2 * at] = (struct chain_link){ &witness_type, &places[at] };
		links[2 * at + 1] = (struct chain_link){ &milter_stage_type, &play->parts[at].milter };
	}
	client->chain = chain_new(session, links, 2 * play->count);
}

static void
close_chain(struct client *client)
{
	struct milter_play *play = &client->play;

	chain_free(&client->chain);
	fake_io_settle();
	for (unsigned at = 0; at < play->count; at++) {
		FUZZ_CHECK(!fake_io_is_open(at) && play->parts[at].health.connections == 0);
		milter_sight_fini(&play->parts[at].sight);
	}
	FUZZ_CHECK(!play->dialed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct settings all = { .hostname = "mail.example.org" };
	static const struct settings_listener listener = { .title = "test", .message_size = MESSAGE_SIZE,
		.recipients = 100 };
	struct client client = { .play = { .in = fuzz_input(bytes, size) },
		.skips = size && memchr(bytes, MILTER_SKIP, size) };
	const struct mail_session session = { .settings = &all, .listener = &listener, .id = "sid",
		.helo = "client.example", .esmtp = true, .client_address = "192.0.2.1",
		.tls_version = "", .tls_cipher = "", .tls_group = "", .local_address = "192.0.2.9",
		.certificate_subject = "", .certificate_issuer = "" };

	log_start("fuzz", -1, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	open_chain(&client, &session);
	for (unsigned i = 0; i < MESSAGES_MAX && (i == 0 || client.play.in.length); i++)
		run_message(&client, &session);
	close_chain(&client);
	return 0;
}
