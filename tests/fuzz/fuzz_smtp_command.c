/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines: a command whose parts are all right, or a reply that is. */
#include "fuzz.h"

#include "wire/octet.h"
#include "wire/smtp_command.h"
#include "wire/xtext.h"

static void
check_inside(struct span part, struct span line)
{
	FUZZ_CHECK(
		part.length == 0 ||
		(part.start >= line.start && part.start + part.length <= line.start + line.length));
}

static void
check_reply(const struct smtp_command *command, const struct smtp_reply *reply)
{
	struct buf out = BUF_INIT(0);
	struct span line;
	bool greeting = command->verb == SMTP_VERB_EHLO || command->verb == SMTP_VERB_HELO;

	FUZZ_CHECK(reply->code == 500 || reply->code == 501 || reply->code == 502 ||
		   reply->code == 553 || reply->code == 555);
	FUZZ_CHECK(reply->text && reply->text[0]);
	if (reply->enhanced)
		FUZZ_CHECK(smtp_reply_enhanced_fits(span_text(reply->enhanced), reply->code));
	else
		FUZZ_CHECK(greeting);
	FUZZ_CHECK(smtp_reply_format(reply, &out));
	line = buf_span(&out);
	FUZZ_CHECK(span_find(line, '\n') == line.length - 1);
	FUZZ_CHECK(span_find(line, '\r') == line.length - 2);
	buf_fini(&out);
}

static void
check_address(const struct address *address)
{
	struct address again;
	char text[ADDRESS_TEXT_SIZE];

	if (address->kind == ADDRESS_NULL || address->kind == ADDRESS_BARE)
		return;
	address_format(address, text);
	FUZZ_CHECK(address_parse(span_text(text), ADDRESS_UTF8, &again) == ADDRESS_OK);
	FUZZ_CHECK(address_equal(address, &again));
}

static void
check_command(const struct smtp_command *command, struct span line, unsigned offers, bool utf8)
{
	FUZZ_CHECK(command->verb != SMTP_VERB_UNKNOWN && command->verb != SMTP_VERB_UNOFFERED &&
		command->verb != SMTP_VERB_FOREIGN);
	for (size_t i = 0; i < command->argument.length; i++)
		FUZZ_CHECK(!octet_is_control(command->argument.start[i]));
	if (command->verb == SMTP_VERB_MAIL) {
		const struct smtp_mail *mail = &command->mail;

		check_address(&mail->sender);
		check_inside(mail->envid, line);
		check_inside(mail->auth, line);
		FUZZ_CHECK(mail->sender.kind != ADDRESS_BARE);
		FUZZ_CHECK(mail->utf8 || address_is_ascii(&mail->sender));
		FUZZ_CHECK(!mail->utf8 || (offers & SMTP_OFFER_SMTPUTF8));
		FUZZ_CHECK(!mail->has_size || (offers & SMTP_OFFER_SIZE));
		FUZZ_CHECK(mail->envid.length == 0 || xtext_is_envid(mail->envid));
	} else if (command->verb == SMTP_VERB_RCPT) {
		const struct smtp_rcpt *rcpt = &command->rcpt;

		check_address(&rcpt->recipient);
		check_inside(rcpt->orcpt, line);
		FUZZ_CHECK(rcpt->recipient.kind != ADDRESS_NULL);
		FUZZ_CHECK(utf8 || address_is_ascii(&rcpt->recipient));
		FUZZ_CHECK(
			!(rcpt->notify & SMTP_NOTIFY_NEVER) || rcpt->notify == SMTP_NOTIFY_NEVER);
	} else if (command->verb == SMTP_VERB_AUTH) {
		check_inside(command->auth.mechanism, line);
		check_inside(command->auth.initial, line);
		FUZZ_CHECK(
			command->auth.mechanism.length > 0 && command->auth.mechanism.length <= 20);
		FUZZ_CHECK(command->auth.has_initial == (command->auth.initial.length > 0));
	}
}

static char
other_case(char byte)
{
	bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');

	return letter ? (char)(byte ^ 0x20) : byte;
}

/* RFC 5321 2.4: the verb has no case. */
static void
check_case(struct span in, unsigned offers, bool utf8, const struct smtp_command *command,
	const struct smtp_reply *reply)
{
	struct span copy = fuzz_copy(in);
	char *bytes = (char *)(uintptr_t)copy.start;
	struct smtp_reply again_reply = { .code = 0 };
	struct smtp_command again;
	bool done;

	for (size_t i = 0; i < command->word.length; i++)
		bytes[command->word.start - in.start + (ptrdiff_t)i] =
			other_case(command->word.start[i]);
	done = smtp_command_parse(copy, offers, utf8, &again, &again_reply);
	FUZZ_CHECK(done == (reply->code == 0));
	FUZZ_CHECK(again.verb == command->verb && again_reply.code == reply->code);
	FUZZ_CHECK(span_equal(again.argument, command->argument));
	fuzz_free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	unsigned offers = fuzz_take(&in);
	bool utf8 = (offers & 0x40) != 0;
	struct smtp_command command;
	struct smtp_reply reply = { .code = 0 };

	smtp_command_is_foreign(in);
	if (smtp_command_parse(in, offers, utf8, &command, &reply)) {
		FUZZ_CHECK(reply.code == 0);
		check_command(&command, in, offers, utf8);
	} else {
		check_reply(&command, &reply);
	}
	check_inside(command.word, in);
	if (command.word.length)
		check_case(in, offers, utf8, &command, &reply);
	check_inside(command.argument, in);
	return 0;
}
