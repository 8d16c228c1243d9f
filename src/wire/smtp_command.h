/* SPDX-License-Identifier: BSD-2-Clause */
/* One SMTP command line into a struct, or the reply that says what is wrong with it. */
#ifndef WIRE_SMTP_COMMAND_H
#define WIRE_SMTP_COMMAND_H

#include "wire/address.h"
#include "wire/smtp_reply.h"

enum {
	SMTP_COMMAND_MAX_BYTES = 4096,       /* without CRLF */
	SMTP_COMMAND_AUTH_MAX_BYTES = 16384, /* RFC 4954 4 wants at least 12288 */
};

enum smtp_verb {
	SMTP_VERB_UNKNOWN,   /* 500 5.5.1 */
	SMTP_VERB_EHLO,
	SMTP_VERB_HELO,
	SMTP_VERB_MAIL,
	SMTP_VERB_RCPT,
	SMTP_VERB_DATA,
	SMTP_VERB_BDAT,
	SMTP_VERB_RSET,
	SMTP_VERB_NOOP,
	SMTP_VERB_QUIT,
	SMTP_VERB_HELP,
	SMTP_VERB_VRFY,
	SMTP_VERB_STARTTLS,
	SMTP_VERB_AUTH,
	SMTP_VERB_UNOFFERED, /* EXPN TURN ATRN ETRN SEND SOML SAML BURL XCLIENT …: 502 5.5.1 */
	SMTP_VERB_FOREIGN,   /* HTTP or a TLS hello: an attack or a mistake, close at once */
	SMTP_VERB_COUNT,
};

/* What this session was offered in the answer to EHLO; after HELO nothing. */
enum smtp_offer {
	SMTP_OFFER_SIZE = 1 << 0,
	SMTP_OFFER_8BITMIME = 1 << 1,
	SMTP_OFFER_BINARYMIME = 1 << 2,
	SMTP_OFFER_SMTPUTF8 = 1 << 3,
	SMTP_OFFER_DSN = 1 << 4,
	SMTP_OFFER_AUTH = 1 << 5,
};

enum smtp_body { SMTP_BODY_UNSAID, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };
enum smtp_ret { SMTP_RET_UNSAID, SMTP_RET_FULL, SMTP_RET_HDRS };
/* Bits; 0 is unsaid. NEVER stands alone. */
enum smtp_notify {
	SMTP_NOTIFY_NEVER = 1 << 0,
	SMTP_NOTIFY_SUCCESS = 1 << 1,
	SMTP_NOTIFY_FAILURE = 1 << 2,
	SMTP_NOTIFY_DELAY = 1 << 3,
};

struct smtp_mail {
	struct address sender;    /* ADDRESS_NULL, MAILBOX or LITERAL */
	bool has_size;
	uint64_t size;
	enum smtp_body body;
	bool utf8;
	enum smtp_ret ret;
	struct span envid;        /* still xtext, checked; empty if unsaid */
	struct span auth;         /* still xtext, checked: "<>" or a mailbox; never to be trusted */
	struct span parameters;   /* all of them as they came, parted by blanks */
};

struct smtp_rcpt {
	struct address recipient; /* ADDRESS_BARE (postmaster), MAILBOX or LITERAL */
	unsigned notify;
	struct span orcpt;        /* "type;xtext" as it came, checked; empty if unsaid */
	struct span parameters;   /* all of them as they came, parted by blanks */
};

struct smtp_bdat {
	uint64_t size;
	bool last;
};

struct smtp_auth {
	struct span mechanism;    /* as it came, 1 to 20 of A-Z 0-9 - _, any case */
	bool has_initial;
	struct span initial;      /* base64, or "=" for the empty one; a secret: wipe the line */
};

/*
 * Spans point into the line. word and verb are always set, so that after a failure the caller still
 * knows what was meant (a bad BDAT leaves the stream without a known position).
 */
struct smtp_command {
	enum smtp_verb verb;
	struct span word;         /* the verb as it came */
	struct span argument;     /* all behind the blank after the verb, without trailing blanks */
	union {
		struct span host; /* EHLO, HELO */
		struct smtp_mail mail;
		struct smtp_rcpt rcpt;
		struct smtp_bdat bdat;
		struct smtp_auth auth;
	};
};

/*
 * The line comes without its CRLF. offers is a set of enum smtp_offer; transaction_utf8 says that
 * MAIL asked for SMTPUTF8. On failure the reply (static texts) is written, and says 500, 501, 502,
 * 553 or 555 with the enhanced code.
 *
 * Choices where the RFCs leave room: trailing blanks and tabs are taken off (RFC 5321 4.1.1); where
 * the grammar has a blank, several are one; blanks may stand between the colon and "<"; a tab
 * anywhere else, any other control byte, and 8-bit bytes outside of paths and parameters under
 * SMTPUTF8 are refused. Brackets are demanded, source routes are refused (RFC 5321 4.1.1.3), each
 * parameter may stand once.
 */
bool smtp_command_parse(struct span line, unsigned offers, bool transaction_utf8,
	struct smtp_command *command_out, struct smtp_reply *reply_out);
/* For a start of input that may have no line end at all: is this HTTP or a TLS hello? */
bool smtp_command_is_foreign(struct span start);

#endif
