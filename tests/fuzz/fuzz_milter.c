/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session with one filter, which answers whatever the input says: every question has one verdict,
 * what is told keeps to the order of the protocol, and a message is changed as a whole or not at all.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "fake_io.h"
#include "milter_watch.h"
#include "policy/chain.h"
#include "policy/milter.h"
#include "wire/milter_packet.h"
#include "wire/octet.h"

enum {
	MESSAGES_MAX = 3,
	RECIPIENTS_MAX = 3,
	MESSAGE_SIZE = 300 * 1024,
	BODY_LARGE = 70 * 1024,    /* more than one packet */
	UNKNOWN_BETWEEN = 0x40,    /* with the number of recipients: commands that nobody knows */
	UNKNOWN_WITHIN = 0x80,
};

/* What the next byte of the input makes happen; a higher one is so many bytes of the filter, less RAW. */
enum happening {
	TIME_PASSES,
	ENDS_IN_ORDER,
	IS_RESET,
	CONTINUES,       /* a good answer */
	OFFERS,          /* a good offer: actions (2 bytes), steps (4) */
	PACKET,          /* a whole packet: kind, length of the payload, payload */
	LARGE_BODY,      /* so many kilobytes of a new body */
	IS_FULL,
	IS_DRAINED,
	CLIENT_LEAVES,
	RAW,
};

struct play {
	struct span in;
	struct milter_watch watch;
	struct chain *chain;
	struct mail *mail;
	struct mail_recipient asked[RECIPIENTS_MAX];
	milter_dialed_fn *dialed;
	void *dialer;
	milter_body_fn *opened;
	void *opener;
	bool waits;
	bool left;        /* the client */
	bool lost;        /* the connection, by the last thing that happened */
	unsigned files;
	struct verdict verdict;
};

/* ---- means ------------------------------------------------------------------------------------- */

static void *
dial(void *context, const char *filter, uint64_t wait_ms, milter_dialed_fn *done, void *asker)
{
	struct play *play = context;

	FUZZ_CHECK(!play->dialed && strcmp(filter, "test") == 0 && wait_ms > 0);
	play->dialed = done;
	play->dialer = asker;
	return play;
}

static void
dial_forget(void *context, void **call)
{
	struct play *play = context;

	FUZZ_CHECK(play->dialed != NULL);
	play->dialed = NULL;
	*call = NULL;
}

static void *
body_open(void *context, milter_body_fn *done, void *asker)
{
	struct play *play = context;

	FUZZ_CHECK(!play->opened);
	play->opened = done;
	play->opener = asker;
	return play;
}

static void
body_forget(void *context, void **call)
{
	struct play *play = context;

	FUZZ_CHECK(play->opened != NULL);
	play->opened = NULL;
	*call = NULL;
}

static void
body_drop(void *context, uint64_t file)
{
	struct play *play = context;

	FUZZ_CHECK(file > 0 && play->files > 0);
	play->files--;
}

/* ---- what happens ------------------------------------------------------------------------------ */

static void
answer_dial(struct play *play)
{
	milter_dialed_fn *done = play->dialed;
	struct fault fault = FAULT_INIT;

	play->dialed = NULL;
	if (fuzz_take(&play->in) & 1) {
		done(play->dialer, 0, NULL);    /* the fake never touches it */
		return;
	}
	fault_set(&fault, FAULT_SYSTEM, "%s", "refused");
	play->lost = true;
	done(play->dialer, -1, &fault);
}

static void
answer_body(struct play *play)
{
	milter_body_fn *done = play->opened;
	bool granted = fuzz_take(&play->in) & 1;
	int fd = granted ? memfd_create("body", MFD_CLOEXEC) : -1;

	play->opened = NULL;
	FUZZ_CHECK(!granted || fd >= 0);
	play->files += granted;
	done(play->opener, granted, fd, !granted);
}

static void
send_packet(enum milter_command command, struct span payload)
{
	struct buf out = BUF_INIT(0);

	FUZZ_CHECK(milter_write(&out, command, payload));
	fake_io_input(buf_span(&out));
	buf_fini(&out);
}

static void
send_offer(struct play *play)
{
	struct buf out = BUF_INIT(0);
	uint32_t bits[6];

	for (size_t i = 0; i < 6; i++)
		bits[i] = fuzz_take(&play->in);
	milter_write_offer(&out, 6, bits[0] << 8 | bits[1],
		bits[2] << 24 | bits[3] << 16 | bits[4] << 8 | bits[5]);
	fake_io_input(buf_span(&out));
	buf_fini(&out);
}

static void
send_body(size_t kilobytes)
{
	static char lines[60 * 1024];

	memset(lines, 'x', sizeof lines);
	for (size_t at = 78; at < sizeof lines; at += 80)
		memcpy(lines + at, "\r\n", 2);
	for (; kilobytes; kilobytes -= kilobytes < 60 ? kilobytes : 60)
		send_packet((enum milter_command)MILTER_REPLACE_BODY,
			span_of(lines, (kilobytes < 60 ? kilobytes : 60) * 1024));
}

static void
send_some(struct play *play, unsigned op)
{
	size_t size = op - RAW;
	enum milter_command command = (enum milter_command)op;

	if (op == PACKET) {
		command = (enum milter_command)fuzz_take(&play->in);
		size = fuzz_take(&play->in);
	}
	if (op == PACKET)
		send_packet(command, span_first(play->in, size));
	else
		fake_io_input(span_first(play->in, size));
	play->in = span_from(play->in, size);
}

static void
leave(struct play *play)
{
	play->left = true;
	play->waits = false;
}

/* One thing, from the loop. */
static void
happen(struct play *play)
{
	unsigned op;

	play->lost = false;
	if (play->opened) {
		answer_body(play);
		return;
	}
	if (play->dialed && play->in.length) {
		answer_dial(play);
		return;
	}
	op = fuzz_take(&play->in);
	play->lost = op <= IS_RESET;
	switch (op) {
	case TIME_PASSES:
		FUZZ_CHECK(fake_io_wait()); /* else the client waits for ever */
		break;
	case ENDS_IN_ORDER:
	case IS_RESET:
		fake_io_end(op == IS_RESET ? STREAM_END_RESET : STREAM_END_PEER);
		break;
	case CONTINUES:
		send_packet((enum milter_command)MILTER_CONTINUE, SPAN_EMPTY);
		break;
	case OFFERS:
		send_offer(play);
		break;
	case LARGE_BODY:
		send_body(fuzz_take(&play->in));
		break;
	case IS_FULL:
	case IS_DRAINED:
		fake_io_fill(op == IS_FULL);
		break;
	case CLIENT_LEAVES:
		leave(play);
		break;
	default:
		send_some(play, op);
	}
}

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
	struct play *play = context;

	FUZZ_CHECK(play->waits); /* one for each question */
	play->waits = false;
	play->verdict = *verdict;
	check_verdict(verdict);
}

/* The filter takes note of what it was told. */
static void
hear(struct play *play)
{
	fake_io_settle();
	milter_watch_read(&play->watch, fake_io_output());
}

/* Did the chain say that the message goes on? */
static bool
await(struct play *play)
{
	hear(play);
	while (play->waits) {
		happen(play);
		hear(play);
	}
	return !play->left &&
		(play->verdict.kind == VERDICT_CONTINUE || play->verdict.kind == VERDICT_HOLD);
}

static bool
tell_sender(struct play *play)
{
	play->waits = true;
	chain_envfrom(play->chain, play->mail, on_verdict, play);
	return await(play);
}

/* A refused one is left out. */
static bool
tell_recipient(struct play *play, size_t number)
{
	static const char *const paths[RECIPIENTS_MAX] = {
		"u@example.net", "\"a b\"@example.net", "w@[192.0.2.1]"
	};
	struct mail_recipient *asked = &play->asked[number];

	*asked = (struct mail_recipient){ .path = paths[number], .orcpt = "", .parameters = "" };
	play->waits = true;
	chain_envrcpt(play->chain, play->mail, asked, on_verdict, play);
	if (await(play))
		mail_add_recipient(play->mail, asked->path, "", 0);
	return !play->left && play->verdict.kind != VERDICT_DISCARD;
}

/* It is refused whatever the filter says, and nothing ends by it. */
static void
tell_unknown(struct play *play)
{
	play->waits = true;
	chain_unknown(play->chain, SPAN_LITERAL("XYZZY"), on_verdict, play);
	await(play);
	if (!play->left)
		FUZZ_CHECK(play->verdict.kind == VERDICT_CONTINUE ||
			play->verdict.kind == VERDICT_REJECT ||
			play->verdict.kind == VERDICT_TEMPFAIL);
}

static bool
tell_data(struct play *play)
{
	play->waits = true;
	chain_data(play->chain, play->mail, on_verdict, play);
	return await(play);
}

static void
write_content(struct play *play, unsigned how)
{
	struct mail *mail = play->mail;
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

/* All that a filter may change, as bytes. */
static void
write_down(const struct mail *mail, struct buf *out)
{
	FUZZ_CHECK(header_format(&mail->header, out));
	buf_printf(out, "\n%s\n%s %u\n", mail->sender, mail->envid, mail->ret);
	for (size_t i = 0; i < mail->recipient_count; i++)
		buf_printf(out, "%s %s %u\n", mail->recipients[i].path, mail->recipients[i].orcpt,
			mail->recipients[i].notify);
	buf_printf(out, "%llu %llu\n", (unsigned long long)mail->body_length,
		(unsigned long long)mail->body_file);
	buf_add_span(out, buf_span(&mail->body));
}

static void
check_mail(const struct play *play, struct span before)
{
	const struct mail *mail = play->mail;
	enum verdict_kind kind = play->verdict.kind;
	struct buf now = BUF_INIT(0);
	struct buf block = BUF_INIT(0);
	struct header header;
	struct fault fault;

	write_down(mail, &now);
	/* Refused, or passed on because the filter was lost: as it came. */
	if (kind == VERDICT_REJECT || kind == VERDICT_TEMPFAIL || play->lost)
		FUZZ_CHECK(span_equal(buf_span(&now), before));
	FUZZ_CHECK(kind == VERDICT_DISCARD || mail->recipient_count > 0 || kind > VERDICT_ACCEPT);
	FUZZ_CHECK(header_format(&mail->header, &block));
	FUZZ_CHECK(header_parse(buf_span(&block), HEADER_RAW, mail->arena, &header, &fault));
	FUZZ_CHECK(header.count == mail->header.count);
	FUZZ_CHECK((mail->body_fd >= 0) == (mail->body_file > 0));
	FUZZ_CHECK(mail->body_fd >= 0 || mail->body_length == buf_length(&mail->body));
	FUZZ_CHECK(mail->body_length <= MESSAGE_SIZE + 128 * 1024);
	buf_fini(&now);
	buf_fini(&block);
}

static void
tell_message(struct play *play)
{
	struct buf before = BUF_INIT(0);

	write_content(play, fuzz_take(&play->in));
	write_down(play->mail, &before);
	play->waits = true;
	chain_message(play->chain, play->mail, on_verdict, play);
	await(play);
	if (!play->left)
		check_mail(play, buf_span(&before));
	buf_fini(&before);
}

static void
run_message(struct play *play, const struct mail_session *session)
{
	unsigned how = fuzz_take(&play->in);
	size_t recipients = 1 + how % RECIPIENTS_MAX;
	bool goes_on;

	/* The connection of the last message goes on behind HELO, or a new one begins. */
	milter_watch_begin(&play->watch);
	play->left = false;
	if (how & UNKNOWN_BETWEEN)
		tell_unknown(play);
	if (play->left)
		chain_abort(play->chain);
	play->left = false;
	play->mail = mail_new(session, "id", 0);
	play->mail->sender = "alice@example.org";
	play->mail->parameters = "SIZE=123 BODY=8BITMIME";
	goes_on = tell_sender(play);
	for (size_t i = 0; goes_on && i < recipients; i++)
		goes_on = tell_recipient(play, i);
	if (goes_on && how & UNKNOWN_WITHIN) {
		tell_unknown(play);
		goes_on = !play->left;
	}
	if (goes_on && play->mail->recipient_count > 0 && tell_data(play))
		tell_message(play);
	chain_abort(play->chain);
	hear(play);
	if (play->mail->body_fd >= 0) {
		close(play->mail->body_fd);
		play->files--;
	}
	FUZZ_CHECK(play->files == 0 && !play->opened);
	mail_free(&play->mail);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct settings all = { .hostname = "mail.example.org" };
	static const struct settings_listener listener = { .title = "test", .message_size = MESSAGE_SIZE,
		.recipients = 100 };
	struct play play = { .in = fuzz_input(bytes, size) };
	unsigned how = fuzz_take(&play.in);
	struct milter_health health = { .negotiated = false };
	const struct settings_milter settings = { .title = "test", .version = 2 + (how >> 2) % 5,
		.on_failure = (enum milter_failure)(how & 3), .address = { .kind = ENDPOINT_UNIX },
		.command_wait = 1000, .budget = 5000, .change_envelope = how & 0x80 };
	const struct milter_means means = { .loop = fake_io_start(), .context = &play, .dial = dial,
		.dial_forget = dial_forget, .body_open = body_open, .body_forget = body_forget,
		.body_drop = body_drop };
	struct milter milter = { &settings, &health, &means };
	const struct chain_link link = { &milter_stage_type, &milter };
	const struct mail_session session = { .settings = &all, .listener = &listener, .id = "sid",
		.helo = "client.example", .esmtp = true, .client_address = "192.0.2.1",
		.tls_version = "", .tls_cipher = "", .tls_group = "", .local_address = "192.0.2.9",
		.certificate_subject = "", .certificate_issuer = "" };

	log_start("fuzz", -1, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	play.chain = chain_new(&session, &link, 1);
	for (unsigned i = 0; i < MESSAGES_MAX && (i == 0 || play.in.length); i++)
		run_message(&play, &session);
	chain_free(&play.chain);
	fake_io_settle();
	FUZZ_CHECK(!fake_io_stream() && health.connections == 0 && !play.dialed);
	return 0;
}
