/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMTP dialogue with one client: who may say what, when. RFC 5321, 6409, 4954, 3207, 3030. */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include "client/session.h"
#include "policy/chain.h"
#include "wire/smtp_command.h"

struct service;
struct transaction;

/* How far the dialogue has come. smtp_enter() alone changes it. */
enum smtp_state {
	SMTP_STATE_NEW,        /* no EHLO or HELO, or none since STARTTLS */
	SMTP_STATE_READY,      /* no transaction */
	SMTP_STATE_SENDER,     /* MAIL was accepted */
	SMTP_STATE_RECIPIENTS, /* and at least one RCPT */
	SMTP_STATE_CONTENT,    /* DATA */
	SMTP_STATE_CHUNKS,     /* BDAT, and not the last */
	SMTP_STATE_ENDING,     /* the message is whole, and on its way to the queue */
	SMTP_STATE_COUNT
};

/* One session; shared by the files of this folder. */
struct smtp {
	struct session *session;
	struct service *service;
	enum smtp_state state;
	struct mail_session mail;   /* what the policy sees of the session */
	struct chain *chain;
	char *helo;
	unsigned offers;            /* enum smtp_offer: what EHLO said */
	unsigned errors;            /* commands refused since the last message */
	unsigned messages;
	struct transaction *transaction; /* from MAIL on; NULL: none */
	bool data_refused;          /* just now: content may follow all the same */
	bool after_auth;            /* what is no command may belong to a login */
	struct smtp_reply refusal;  /* of an unknown command, if no filter finds other words */

	struct arena *who;          /* holds mail.identity */
	struct arena *who_next;     /* a newer one, for after the transaction */
	const struct identity *identity_next;
	struct buf deferred;        /* network_login.c's: a MAIL, until it is known who sends it */

	uint64_t swallow;           /* bytes of a refused chunk still to come */
	unsigned swallow_code;      /* what is said after them */
	char swallow_enhanced[SMTP_REPLY_ENHANCED_SIZE];
	char *swallow_text;
};

extern const struct session_protocol smtp_protocol;

void smtp_enter(struct smtp *smtp, enum smtp_state state);
/*
 * One reply. Refusals (5yz) are counted; in place of one too many comes 421, and the end. The texts
 * are borrowed for the call.
 */
void smtp_reply(struct smtp *smtp, unsigned code, const char *enhanced, const char *text);
void smtp_replyf(struct smtp *smtp, unsigned code, const char *enhanced, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* What a stage said instead of going on; the texts are the verdict's. */
struct smtp_reply smtp_verdict_reply(const struct verdict *verdict);
/* Says it; 421 ends the session. */
void smtp_reply_verdict(struct smtp *smtp, const struct verdict *verdict);
/* Somebody else has the turn: nothing is read until smtp_go_on(). */
void smtp_wait(struct smtp *smtp);
/* The command was answered: the next one may come. */
void smtp_go_on(struct smtp *smtp);
/*
 * The chunk of a BDAT that is refused is read and forgotten, and then comes the reply. One that is
 * larger than any message may be ends the session instead.
 */
void smtp_swallow(struct smtp *smtp, uint64_t size, const struct smtp_reply *reply);
/* The most bytes of a message, 0 for no limit. */
uint64_t smtp_size_limit(const struct smtp *smtp);

#endif
