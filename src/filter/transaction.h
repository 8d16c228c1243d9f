/* SPDX-License-Identifier: BSD-2-Clause */
/* One message under another mail server: what is told of it, and what the rights say. No libmilter. */
#ifndef FILTER_TRANSACTION_H
#define FILTER_TRANSACTION_H

#include "filter/edits.h"
#include "filter/snapshot.h"
#include "policy/verdict.h"

/* What is known at MAIL. Texts may be NULL; they are copied. */
struct transaction_facts {
	const char *queue_id;
	const char *login;     /* {auth_authen}; NULL or "" without a login */
	const char *mechanism;
	const char *client;    /* address as text, IPv6 with or without "IPv6:" */
	const char *listener;  /* {daemon_name} */
	const char *sender;    /* of MAIL FROM, in brackets or not */
	bool smtputf8;
};

/* What the server may be asked to do to a message, or-ed. */
enum transaction_need {
	TRANSACTION_CHANGE_HEADER = 1,
	TRANSACTION_CHANGE_SENDER = 2,
	TRANSACTION_HOLD = 4,
};

enum transaction_answer {
	TRANSACTION_GO_ON,   /* the header decides */
	TRANSACTION_PASS,    /* nothing more of this message needs to be shown */
	TRANSACTION_REFUSE,  /* as the verdict says */
	TRANSACTION_CHANGE,  /* passes with what transaction_needs() names */
};

struct transaction;

/* Holds what is in force until it is freed, and logs each decision. */
struct transaction *transaction_new(void);
void transaction_free(struct transaction **transaction);

/* Blocks for as long as the source of identities may: filter's lookup-wait. */
enum transaction_answer transaction_envelope(struct transaction *transaction,
	const struct transaction_facts *facts);
/*
 * After GO_ON: the fields in their order, the value as the server has it: folded with LF or CRLF, and
 * with the blank behind the colon where leading_space says so.
 */
void transaction_add_field(struct transaction *transaction, const char *name, const char *value,
	bool leading_space);
/* At the end of the header. queue_id may be NULL; able: enum transaction_need that the server allows. */
enum transaction_answer transaction_header(struct transaction *transaction, const char *queue_id,
	unsigned able);

/* What the rights said last, whatever the mode makes of it. */
const struct verdict *transaction_verdict(const struct transaction *transaction);
/* After CHANGE: what is to be done, the new sender, the fields; the hold's reason is the verdict's text. */
unsigned transaction_needs(const struct transaction *transaction);
const char *transaction_sender(const struct transaction *transaction); /* without brackets */
struct edits transaction_edits(const struct transaction *transaction, bool leading_space);

#endif
