/* SPDX-License-Identifier: BSD-2-Clause */
/* The ESMTP parameters behind the path of MAIL and RCPT. */
#include "wire/smtp_parameter.h"

#include "wire/octet.h"
#include "wire/xtext.h"

enum { SIZE_MAX_DIGITS = 20 };

/* What a parameter writes to; one of the two is NULL. */
struct target {
	struct smtp_mail *mail;
	struct smtp_rcpt *rcpt;
	unsigned offers;
	bool utf8;
};

struct parameter {
	const char *keyword;
	unsigned offer;     /* refused unless one of these was offered */
	bool has_value;
	bool (*parse)(struct span value, struct target *target);
	const char *fault;
};

struct word {
	const char *text;
	unsigned value;
};

/* 0 if the word is not in the table, which ends with a NULL text. */
static unsigned
find_word(struct span text, const struct word *words)
{
	for (; words->text; words++)
		if (span_is_nocase(text, words->text))
			return words->value;
	return 0;
}

/* RFC 1870 6: size-value = 1*20DIGIT */
static bool
parse_size(struct span value, struct target *target)
{
	target->mail->has_size = true;
	return value.length <= SIZE_MAX_DIGITS &&
		text_parse_number(value, UINT64_MAX, &target->mail->size);
}

/* RFC 6152 2, RFC 3030 3 */
static bool
parse_body(struct span value, struct target *target)
{
	static const struct word words[] = {
		{ "7BIT", SMTP_BODY_7BIT },
		{ "8BITMIME", SMTP_BODY_8BITMIME },
		{ "BINARYMIME", SMTP_BODY_BINARYMIME },
		{ NULL, 0 },
	};

	target->mail->body = (enum smtp_body)find_word(value, words);
	if (target->mail->body == SMTP_BODY_BINARYMIME)
		return (target->offers & SMTP_OFFER_BINARYMIME) != 0;
	return target->mail->body != SMTP_BODY_UNSAID;
}

/* RFC 6531 3.4 */
static bool
parse_utf8(struct span value, struct target *target)
{
	target->mail->utf8 = true;
	return value.length == 0;
}

/* RFC 3461 4.3 */
static bool
parse_ret(struct span value, struct target *target)
{
	static const struct word words[] = {
		{ "FULL", SMTP_RET_FULL },
		{ "HDRS", SMTP_RET_HDRS },
		{ NULL, 0 },
	};

	target->mail->ret = (enum smtp_ret)find_word(value, words);
	return target->mail->ret != SMTP_RET_UNSAID;
}

static bool
parse_envid(struct span value, struct target *target)
{
	target->mail->envid = value;
	return xtext_is_envid(value);
}

/* RFC 4954 5: "<>" or a mailbox, as xtext; with or without brackets it says the same */
static bool
parse_auth(struct span value, struct target *target)
{
	char decoded[SMTP_COMMAND_MAX_BYTES];
	struct address address;
	struct span text;
	struct span rest;
	size_t length;

	target->mail->auth = value;
	if (value.length > sizeof decoded || !xtext_decode(value, decoded, &length))
		return false;
	text = span_of(decoded, length);
	if (span_starts(text, "<"))
		return address_parse_path(text, 0, &address, &rest) == ADDRESS_OK &&
		       rest.length == 0;
	return address_parse(text, 0, &address) == ADDRESS_OK;
}

/* RFC 3461 4.1: NEVER, or a list of the others */
static bool
parse_notify(struct span value, struct target *target)
{
	static const struct word words[] = {
		{ "NEVER", SMTP_NOTIFY_NEVER },
		{ "SUCCESS", SMTP_NOTIFY_SUCCESS },
		{ "FAILURE", SMTP_NOTIFY_FAILURE },
		{ "DELAY", SMTP_NOTIFY_DELAY },
		{ NULL, 0 },
	};
	unsigned notify = 0;
	bool more;

	do {
		unsigned bit;

		more = span_has_byte(value, ',');
		bit = find_word(span_cut(value, ',', &value), words);
		if (bit == 0 || (notify & bit) || (notify && bit == SMTP_NOTIFY_NEVER) ||
			(notify & SMTP_NOTIFY_NEVER))
			return false;
		notify |= bit;
	} while (more);
	target->rcpt->notify = notify;
	return true;
}

static bool
parse_orcpt(struct span value, struct target *target)
{
	target->rcpt->orcpt = value;
	return xtext_is_orcpt(value, target->utf8);
}

static const struct parameter mail_parameters[] = {
	{ "SIZE", SMTP_OFFER_SIZE, true, parse_size, "SIZE is not a number of bytes" },
	{ "BODY", SMTP_OFFER_8BITMIME, true, parse_body, "unsupported BODY type" },
	{ "SMTPUTF8", SMTP_OFFER_SMTPUTF8, false, parse_utf8, "SMTPUTF8 takes no value" },
	{ "RET", SMTP_OFFER_DSN, true, parse_ret, "RET must be FULL or HDRS" },
	{ "ENVID", SMTP_OFFER_DSN, true, parse_envid, "malformed ENVID" },
	{ "AUTH", SMTP_OFFER_AUTH, true, parse_auth, "malformed AUTH parameter" },
	{ NULL, 0, false, NULL, NULL },
};

static const struct parameter rcpt_parameters[] = {
	{ "NOTIFY", SMTP_OFFER_DSN, true, parse_notify, "malformed NOTIFY" },
	{ "ORCPT", SMTP_OFFER_DSN, true, parse_orcpt, "malformed ORCPT" },
	{ NULL, 0, false, NULL, NULL },
};

static bool
refuse(struct smtp_reply *reply_out, unsigned code, const char *text)
{
	*reply_out = (struct smtp_reply){ .code = code, .enhanced = "5.5.4", .text = text };
	return false;
}

/* RFC 5321 4.1.2: esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-") */
static bool
is_keyword(struct span keyword)
{
	for (size_t i = 0; i < keyword.length; i++)
		if (!octet_is_alnum(keyword.start[i]) && (i == 0 || keyword.start[i] != '-'))
			return false;
	return keyword.length > 0;
}

/* RFC 5321 4.1.2, RFC 6531 3.3: esmtp-value = 1*(%d33-60 / %d62-126 / UTF8-non-ascii) */
static bool
is_value(struct span value)
{
	for (size_t i = 0; i < value.length; i++)
		if (value.start[i] == '=' || octet_is_control(value.start[i]))
			return false;
	return value.length > 0;
}

static bool
parse_one(struct span text, const struct parameter *table, unsigned *seen, struct target *target,
	struct smtp_reply *reply_out)
{
	bool has_value = span_has_byte(text, '=');
	struct span value;
	struct span keyword = span_cut(text, '=', &value);
	unsigned number = 0;

	if (!is_keyword(keyword) || (has_value && !is_value(value)))
		return refuse(reply_out, 501, "malformed parameter");
	while (table[number].keyword && !span_is_nocase(keyword, table[number].keyword))
		number++;
	table += number;
	if (!table->keyword || !(target->offers & table->offer))
		return refuse(reply_out, 555, "parameter not recognized or not offered");
	if (*seen & 1u << number)
		return refuse(reply_out, 501, "parameter given twice");
	*seen |= 1u << number;
	if (has_value != table->has_value || !table->parse(value, target))
		return refuse(reply_out, 501, table->fault);
	return true;
}

static bool
parse_all(struct span text, const struct parameter *table, struct target *target,
	struct smtp_reply *reply_out)
{
	unsigned seen = 0;

	if (text.length && text.start[0] != ' ')
		return refuse(reply_out, 501, "nothing but parameters may follow the address");
	while (text.length) {
		struct span one = span_cut(text, ' ', &text);

		if (one.length && !parse_one(one, table, &seen, target, reply_out))
			return false;
	}
	return true;
}

bool
smtp_parameter_parse_mail(struct span text, unsigned offers, struct smtp_mail *mail,
	struct smtp_reply *reply_out)
{
	struct target target = { .mail = mail, .offers = offers };

	return parse_all(text, mail_parameters, &target, reply_out);
}

bool
smtp_parameter_parse_rcpt(struct span text, unsigned offers, bool utf8, struct smtp_rcpt *rcpt,
	struct smtp_reply *reply_out)
{
	struct target target = { .rcpt = rcpt, .offers = offers, .utf8 = utf8 };

	return parse_all(text, rcpt_parameters, &target, reply_out);
}
