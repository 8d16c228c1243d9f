/* SPDX-License-Identifier: BSD-2-Clause */
/* One SMTP command line into a struct, or the reply that says what is wrong with it. */
#include "wire/smtp_command.h"

#include "wire/octet.h"
#include "wire/smtp_parameter.h"
#include "wire/utf8.h"

enum {
	MECHANISM_MAX_BYTES = 20,  /* RFC 4422 3.1 */
	BDAT_MAX_DIGITS = 20,      /* RFC 3030 2 */
	TLS_HANDSHAKE = 0x16,
};

/* What the line is read against, and where a refusal goes. */
struct reader {
	unsigned offers;
	bool utf8;
	struct smtp_reply *reply;
};

struct verb {
	const char *word;
	enum smtp_verb verb;
	bool (*parse)(struct reader *reader, struct smtp_command *command);
};

static bool
refuse(struct reader *reader, unsigned code, const char *enhanced, const char *text)
{
	*reader->reply = (struct smtp_reply){ .code = code, .enhanced = enhanced, .text = text };
	return false;
}

static bool
parse_none(struct reader *reader, struct smtp_command *command)
{
	if (command->argument.length)
		return refuse(reader, 501, "5.5.4", "this command takes no argument");
	return true;
}

static bool
parse_any(struct reader *reader, struct smtp_command *command)
{
	(void)reader;
	(void)command;
	return true;
}

/* RFC 2034 4: no enhanced code in answers to EHLO and HELO */
static bool
parse_greeting(struct reader *reader, struct smtp_command *command)
{
	command->host = command->argument;
	if (!domain_is_greeting(command->host))
		return refuse(reader, 501, NULL, "a domain name or an address literal must follow");
	return true;
}

/*
 * RFC 6531 3.5: 5.6.7 with 553 at RCPT and 550 at MAIL; 553 says the same at both (RFC 5321 4.3.2
 * allows it at either) and tells it from a refused sender.
 */
static bool
refuse_address(struct reader *reader, enum address_fault fault, const char *enhanced)
{
	if (fault == ADDRESS_NOT_ASCII)
		return refuse(reader, 553, "5.6.7", "this address needs SMTPUTF8");
	return refuse(reader, 501, enhanced, address_fault_text(fault));
}

/* Takes "FROM:" or "TO:" and the blanks that some clients put behind it. */
static bool
take_prefix(struct span argument, const char *prefix, struct span *rest_out)
{
	struct span rest;

	if (!span_starts_nocase(argument, prefix))
		return false;
	rest = span_from(argument, span_text(prefix).length);
	while (span_starts(rest, " "))
		rest = span_from(rest, 1);
	*rest_out = rest;
	return true;
}

static bool
parse_mail(struct reader *reader, struct smtp_command *command)
{
	struct smtp_mail *mail = &command->mail;
	unsigned flags = reader->offers & SMTP_OFFER_SMTPUTF8 ? ADDRESS_UTF8 : 0;
	enum address_fault fault;
	struct span path;
	struct span rest;

	if (!take_prefix(command->argument, "FROM:", &path))
		return refuse(reader, 501, "5.5.4", "syntax: MAIL FROM:<address>");
	fault = address_parse_path(path, flags, &mail->sender, &rest);
	if (fault == ADDRESS_OK && mail->sender.kind == ADDRESS_BARE)
		fault = ADDRESS_NO_DOMAIN;
	if (fault != ADDRESS_OK)
		return refuse_address(reader, fault, "5.1.7");
	path.length -= rest.length;
	mail->parameters = span_trim(rest);
	if (!smtp_parameter_parse_mail(rest, reader->offers, mail, reader->reply))
		return false;
	if (!mail->utf8 && !utf8_is_ascii(path))
		return refuse_address(reader, ADDRESS_NOT_ASCII, "5.1.7");
	return true;
}

static bool
parse_rcpt(struct reader *reader, struct smtp_command *command)
{
	struct smtp_rcpt *rcpt = &command->rcpt;
	enum address_fault fault;
	struct span path;
	struct span rest;

	if (!take_prefix(command->argument, "TO:", &path))
		return refuse(reader, 501, "5.5.4", "syntax: RCPT TO:<address>");
	fault = address_parse_path(path, reader->utf8 ? ADDRESS_UTF8 : 0, &rcpt->recipient, &rest);
	if (fault == ADDRESS_OK && rcpt->recipient.kind == ADDRESS_NULL)
		fault = ADDRESS_SYNTAX;
	if (fault != ADDRESS_OK)
		return refuse_address(reader, fault, "5.1.3");
	rcpt->parameters = span_trim(rest);
	return smtp_parameter_parse_rcpt(rest, reader->offers, reader->utf8, rcpt, reader->reply);
}

/* RFC 3030 2: "BDAT" SP chunk-size [ SP end-marker ] */
static bool
parse_bdat(struct reader *reader, struct smtp_command *command)
{
	struct span marker;
	struct span size = span_cut(command->argument, ' ', &marker);

	marker = span_trim(marker);
	if (size.length > BDAT_MAX_DIGITS ||
		!text_parse_number(size, UINT64_MAX, &command->bdat.size) ||
		(marker.length && !span_is_nocase(marker, "LAST")))
		return refuse(reader, 501, "5.5.4", "syntax: BDAT size [LAST]");
	command->bdat.last = marker.length > 0;
	return true;
}

/* RFC 4422 3.1: sasl-mech = 1*20mech-char */
static bool
is_mechanism(struct span mechanism)
{
	for (size_t i = 0; i < mechanism.length; i++) {
		char byte = mechanism.start[i];

		if (!octet_is_alnum(byte) && byte != '-' && byte != '_')
			return false;
	}
	return mechanism.length > 0 && mechanism.length <= MECHANISM_MAX_BYTES;
}

/* RFC 4954 4: AUTH SP mechanism [SP initial-response] */
static bool
parse_auth(struct reader *reader, struct smtp_command *command)
{
	struct smtp_auth *auth = &command->auth;

	auth->mechanism = span_cut(command->argument, ' ', &auth->initial);
	auth->initial = span_trim(auth->initial);
	auth->has_initial = auth->initial.length > 0;
	if (!is_mechanism(auth->mechanism) || span_has_byte(auth->initial, ' '))
		return refuse(reader, 501, "5.5.4", "syntax: AUTH mechanism [initial-response]");
	return true;
}

/* RFC 6531 3.7.4.2: 8-bit only with the SMTPUTF8 parameter */
static bool
parse_vrfy(struct reader *reader, struct smtp_command *command)
{
	static const struct span parameter = SPAN_LITERAL(" SMTPUTF8");
	struct span argument = command->argument;
	bool utf8 = (reader->offers & SMTP_OFFER_SMTPUTF8) && argument.length > parameter.length &&
		    span_equal_nocase(
			    span_from(argument, argument.length - parameter.length), parameter);

	if (argument.length == 0)
		return refuse(reader, 501, "5.5.4", "VRFY needs an argument");
	if (!utf8_is_ascii(argument) && !(utf8 && utf8_is_valid(argument)))
		return refuse_address(reader, ADDRESS_NOT_ASCII, NULL);
	return true;
}

static bool
parse_unoffered(struct reader *reader, struct smtp_command *command)
{
	(void)command;
	return refuse(reader, 502, "5.5.1", "command not offered");
}

static bool
parse_unknown(struct reader *reader, struct smtp_command *command)
{
	(void)command;
	return refuse(reader, 500, "5.5.1", "command not recognized");
}

static bool
parse_foreign(struct reader *reader, struct smtp_command *command)
{
	(void)command;
	return refuse(reader, 500, "5.5.1", "this is a mail server");
}

static const struct verb verbs[] = {
	{ "MAIL", SMTP_VERB_MAIL, parse_mail },
	{ "RCPT", SMTP_VERB_RCPT, parse_rcpt },
	{ "DATA", SMTP_VERB_DATA, parse_none },
	{ "BDAT", SMTP_VERB_BDAT, parse_bdat },
	{ "RSET", SMTP_VERB_RSET, parse_none },
	{ "QUIT", SMTP_VERB_QUIT, parse_none },
	{ "EHLO", SMTP_VERB_EHLO, parse_greeting },
	{ "HELO", SMTP_VERB_HELO, parse_greeting },
	{ "STARTTLS", SMTP_VERB_STARTTLS, parse_none },
	{ "AUTH", SMTP_VERB_AUTH, parse_auth },
	{ "NOOP", SMTP_VERB_NOOP, parse_any },
	{ "HELP", SMTP_VERB_HELP, parse_any },
	{ "VRFY", SMTP_VERB_VRFY, parse_vrfy },
	{ "EXPN", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "TURN", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "ATRN", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "ETRN", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "SEND", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "SOML", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "SAML", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "BURL", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "XCLIENT", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "XFORWARD", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "XEXCH50", SMTP_VERB_UNOFFERED, parse_unoffered },
	{ "GET", SMTP_VERB_FOREIGN, parse_foreign },
	{ "POST", SMTP_VERB_FOREIGN, parse_foreign },
	{ "PUT", SMTP_VERB_FOREIGN, parse_foreign },
	{ "HEAD", SMTP_VERB_FOREIGN, parse_foreign },
	{ "DELETE", SMTP_VERB_FOREIGN, parse_foreign },
	{ "PATCH", SMTP_VERB_FOREIGN, parse_foreign },
	{ "TRACE", SMTP_VERB_FOREIGN, parse_foreign },
	{ "CONNECT", SMTP_VERB_FOREIGN, parse_foreign },
	{ "OPTIONS", SMTP_VERB_FOREIGN, parse_foreign },
	{ "PRI", SMTP_VERB_FOREIGN, parse_foreign }, /* HTTP/2 */
};

static const struct verb *
find_verb(struct span line, struct span word)
{
	static const struct verb unknown = { "", SMTP_VERB_UNKNOWN, parse_unknown };
	static const struct verb foreign = { "", SMTP_VERB_FOREIGN, parse_foreign };

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (span_is_nocase(word, verbs[i].word))
			return &verbs[i];
	return smtp_command_is_foreign(line) ? &foreign : &unknown;
}

/* TLS: handshake record of version 3.x. SSLv2: two bytes of length, client hello. */
bool
smtp_command_is_foreign(struct span start)
{
	const unsigned char *bytes = (const unsigned char *)start.start;
	struct span word = span_first(start, span_find(start, ' '));

	if (start.length >= 3 && bytes[0] == TLS_HANDSHAKE && bytes[1] == 3)
		return true;
	if (start.length >= 3 && (bytes[0] & 0x80) && bytes[2] == 1)
		return true;
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0] && word.length < start.length; i++)
		if (verbs[i].verb == SMTP_VERB_FOREIGN && span_is_nocase(word, verbs[i].word))
			return true;
	return false;
}

static bool
check_length(struct reader *reader, enum smtp_verb verb, size_t length)
{
	if (verb == SMTP_VERB_AUTH && length > SMTP_COMMAND_AUTH_MAX_BYTES)
		return refuse(reader, 500, "5.5.6", "authentication exchange line is too long");
	if (verb != SMTP_VERB_AUTH && length > SMTP_COMMAND_MAX_BYTES)
		return refuse(reader, 500, "5.5.2", "command line is too long");
	return true;
}

static bool
check_bytes(struct reader *reader, enum smtp_verb verb, struct span argument)
{
	bool greeting = verb == SMTP_VERB_EHLO || verb == SMTP_VERB_HELO;
	const char *enhanced = greeting ? NULL : "5.5.2";

	for (size_t i = 0; i < argument.length; i++)
		if (octet_is_control(argument.start[i]))
			return refuse(reader, 501, enhanced, "control byte in command");
	if (verb != SMTP_VERB_MAIL && verb != SMTP_VERB_RCPT && verb != SMTP_VERB_VRFY &&
		!utf8_is_ascii(argument))
		return refuse(reader, 501, enhanced, "8-bit byte in command");
	return true;
}

bool
smtp_command_parse(struct span line, unsigned offers, bool transaction_utf8,
	struct smtp_command *command_out, struct smtp_reply *reply_out)
{
	struct reader reader = { .offers = offers, .utf8 = transaction_utf8, .reply = reply_out };
	struct span text = line;
	const struct verb *verb;

	/* RFC 5321 4.1.1: receivers SHOULD tolerate trailing white space */
	while (text.length && octet_is_blank(text.start[text.length - 1]))
		text.length--;
	*command_out = (struct smtp_command){ .verb = SMTP_VERB_UNKNOWN };
	command_out->word = span_cut(text, ' ', &command_out->argument);
	while (span_starts(command_out->argument, " "))
		command_out->argument = span_from(command_out->argument, 1);
	verb = find_verb(line, command_out->word);
	command_out->verb = verb->verb;
	if (verb->verb != SMTP_VERB_UNKNOWN && verb->verb != SMTP_VERB_FOREIGN &&
		!check_bytes(&reader, verb->verb, command_out->argument))
		return false;
	return check_length(&reader, verb->verb, line.length) && verb->parse(&reader, command_out);
}
