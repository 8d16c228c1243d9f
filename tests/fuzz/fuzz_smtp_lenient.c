/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines and fields of old devices: what was right stays as it is, what was mended stays mended. */
#include "fuzz.h"

#include "wire/address_qualify.h"
#include "wire/base64.h"
#include "wire/mailboxes.h"
#include "wire/smtp_command.h"
#include "wire/smtp_lenient.h"

#define DOMAIN_HERE "devices.example.org"

static bool
parse(struct span line, struct smtp_command *command_out)
{
	struct smtp_reply reply = { .code = 0 };

	return smtp_command_parse(line, ~0u, true, command_out, &reply);
}

/* The same command, however it was spelt. */
static void
check_meaning(struct span line, struct span rewritten)
{
	struct smtp_command before;
	struct smtp_command after;

	if (!parse(line, &before))
		return;
	FUZZ_CHECK(parse(rewritten, &after));
	FUZZ_CHECK(before.verb == after.verb);
	if (before.verb == SMTP_VERB_MAIL) {
		FUZZ_CHECK(address_equal(&before.mail.sender, &after.mail.sender));
		FUZZ_CHECK(before.mail.sender.kind == after.mail.sender.kind);
		FUZZ_CHECK(before.mail.utf8 == after.mail.utf8);
		FUZZ_CHECK(before.mail.has_size == after.mail.has_size);
		FUZZ_CHECK(span_equal(before.mail.envid, after.mail.envid));
		FUZZ_CHECK(span_equal(before.mail.auth, after.mail.auth));
	} else if (before.verb == SMTP_VERB_RCPT) {
		FUZZ_CHECK(address_equal(&before.rcpt.recipient, &after.rcpt.recipient));
		FUZZ_CHECK(before.rcpt.recipient.kind == after.rcpt.recipient.kind);
		FUZZ_CHECK(before.rcpt.notify == after.rcpt.notify);
		FUZZ_CHECK(span_equal(before.rcpt.orcpt, after.rcpt.orcpt));
	} else {
		FUZZ_CHECK(span_equal(before.argument, after.argument));
	}
}

static size_t
count_byte(struct span text, char byte)
{
	size_t count = 0;

	for (size_t i = 0; i < text.length; i++)
		count += text.start[i] == byte;
	return count;
}

static void
check_line(struct span line, const char *domain)
{
	static const char ends[] = { '\r', '\n', '\0' };
	struct buf once = BUF_INIT(4096);
	struct buf twice = BUF_INIT(4096);

	if (smtp_lenient_rewrite(line, domain, &once)) {
		check_meaning(line, buf_span(&once));
		for (size_t i = 0; i < sizeof ends; i++)
			FUZZ_CHECK(count_byte(buf_span(&once), ends[i]) <= count_byte(line, ends[i]));
		FUZZ_CHECK(smtp_lenient_rewrite(buf_span(&once), domain, &twice));
		FUZZ_CHECK(span_equal(buf_span(&once), buf_span(&twice)));
	}
	buf_fini(&once);
	buf_fini(&twice);
}

static struct span
without_padding(struct span text)
{
	text = span_trim(text);
	while (text.length && text.start[text.length - 1] == '=')
		text.length--;
	return text;
}

static void
check_base64(struct span text)
{
	struct secret *lenient = smtp_lenient_base64(text);
	struct secret *strict = base64_parse_secret(text);
	struct buf again = BUF_INIT(0);

	if (strict)
		FUZZ_CHECK(lenient && span_equal(secret_span(strict), secret_span(lenient)));
	if (lenient) {
		FUZZ_CHECK(base64_format(secret_span(lenient), &again));
		FUZZ_CHECK(span_equal(without_padding(buf_span(&again)), without_padding(text)));
	}
	secret_free(&lenient);
	secret_free(&strict);
	buf_fini(&again);
}

/* Nothing is taken away; a list that can be read is left alone; once is enough. */
static void
check_field(struct span value)
{
	struct arena *arena = arena_new(1024);
	struct buf once = BUF_INIT(64 * 1024);
	struct buf twice = BUF_INIT(64 * 1024);
	struct fault fault = FAULT_INIT;
	struct mailboxes list;

	if (address_qualify(value, DOMAIN_HERE, &once)) {
		struct span out = buf_span(&once);
		size_t added = out.length - value.length;
		size_t at = 0;

		FUZZ_CHECK(out.length > value.length && added % strlen("@" DOMAIN_HERE) == 0);
		for (size_t i = 0; i < value.length; i++, at++) {
			while (at < out.length && out.start[at] != value.start[i])
				at++;
			FUZZ_CHECK(at < out.length);
		}
		FUZZ_CHECK(!mailboxes_parse(value, MAILBOXES_UTF8, arena, &list, &fault));
		FUZZ_CHECK(!address_qualify(out, DOMAIN_HERE, &twice));
	}
	buf_fini(&once);
	buf_fini(&twice);
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);

	check_line(in, "");
	check_line(in, DOMAIN_HERE);
	check_base64(in);
	check_field(in);
	return 0;
}
