/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of an exchange share: its state, its ends, and the look-up between its parts. */
#ifndef AUTH_EXCHANGE_PRIVATE_H
#define AUTH_EXCHANGE_PRIVATE_H

#include "auth/exchange.h"
#include "auth/login_name.h"
#include "auth/login_rule.h"
#include "auth/login_work.h"

enum exchange_phase {
	EXCHANGE_NEW,
	EXCHANGE_CLIENT,   /* the client's turn */
	EXCHANGE_BRAKED,   /* in line, because of failures before */
	EXCHANGE_LOOKUP,   /* the directory's turn */
	EXCHANGE_WORK,     /* the pool's turn */
	EXCHANGE_LATE,     /* the client's turn, but too late: it hears of it when it speaks */
	EXCHANGE_OVER,
};

struct exchange {
	struct arena *arena;
	const struct exchange_service *service;
	struct settings *settings;        /* those of its beginning; a reload does not change it */
	const struct exchange_events *events;
	void *context;
	struct message_login_start start; /* in the arena; its secret is not */
	struct login_rule rule;
	enum exchange_phase phase;
	struct loop_timer deadline;       /* of the whole exchange */
	struct loop_timer line;
	unsigned char address[NETWORK_BYTES];

	struct secret *initial;           /* the first message of the client; NULL: none yet */
	char login[LOGIN_NAME_SIZE];      /* canonical; "" until it is known */
	char label[LOGIN_NAME_SIZE];      /* of the app password that the name asks for; "" for none */
	struct secret *password;          /* prepared; PLAIN and LOGIN alone */
	bool looked_up;
	struct account *account;          /* NULL after a look-up: nobody has this name */
	const struct app_password *app;   /* of the account: asked for, or found to be it */
	const char *refusal;              /* why this account, although there, may not log in */
	struct directory_question *question;
	struct mech *mech;
	struct login_work *work;
	bool proven;                      /* GSSAPI: the name is not what the client says, but is */
	bool final_sent;                  /* SCRAM: only an empty response may follow */
	bool final_read;                  /* SCRAM: the client's last message was well formed */
};

/*
 * The ends: after any of them, and after whatever may end in one of them, the exchange may be gone.
 * refuse: all wrong credentials are alike to the client, in words and time; the text is for the
 * log.
 */
void exchange_succeed(struct exchange *exchange);
void exchange_refuse(struct exchange *exchange, const char *text);
void exchange_fail(struct exchange *exchange, enum login_failure failure, const char *text);

void exchange_challenge(struct exchange *exchange, struct span bytes);
/* Asks the directory for the login; goes on by the kind of mechanism. */
void exchange_look_up(struct exchange *exchange);

/* exchange_password.c */
void exchange_verify(struct exchange *exchange);
/*
 * Was this password right a short while ago? known: what the directory said of the login then, or
 * NULL. It takes the same time whether it is.
 */
bool exchange_is_remembered(const struct exchange *exchange, const struct account *known);
/*
 * Keys to check against: the account's, or those of the app password that its name asks for, or such
 * as look like them but that nothing is right for.
 */
void exchange_choose_keys(const struct exchange *exchange, enum scram_hash hash,
	struct scram_keys *keys_out);

/* exchange_network.c */
void exchange_start_network(struct exchange *exchange);
void exchange_judge_network(struct exchange *exchange); /* after the look-up */

/* exchange_mech.c */
void exchange_start_scram(struct exchange *exchange);  /* initial is a first message */
void exchange_start_gssapi(struct exchange *exchange);
void exchange_step(struct exchange *exchange, struct secret **response);

#endif
