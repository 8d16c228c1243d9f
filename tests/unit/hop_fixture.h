/* SPDX-License-Identifier: BSD-2-Clause */
/* A hop of ours against a scripted one: jobs in a row, and what is told of each recipient. */
#ifndef UNIT_HOP_FIXTURE_H
#define UNIT_HOP_FIXTURE_H

#include "../fake/scripted_hop.h"
#include "relay/hop.h"

/* What becomes a job. */
struct order {
	const char *sender;
	const char *recipients[4];
	const char *header;
	const char *body;
	bool body_in_file;
	bool eightbit;
	bool smtputf8;
	enum return_kind ret;
	const char *envid;
	uint8_t notify;
	const char *orcpt;
};

/* Of the last run. */
struct hop_client {
	struct loop *loop;
	struct job *next;
	char outcomes[512]; /* "delivered 250 2.0.0 | failed 550 5.1.1" per job, one line each */
	struct fault fault;
	bool gone;
};

extern struct hop_client client;

/* The time limits of hops; whoever changes them puts them back, from the patient ones. */
extern struct settings_relay relay;
extern const struct settings_relay patient;

struct setup {
	enum route_scheme scheme;
	enum route_tls tls;
	const char *user;
	struct settings_texts mechanisms;
};

#define PIPELINING "250-hop.example hello\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000\r\n"
#define CLEAR { .tls = ROUTE_TLS_NONE }

static const struct order plain = { .sender = "a@b.c", .recipients = { "x@y.z" },
	.header = "From: a@b.c\r\n\r\n", .body = "hello\r\n" };

/* A connection from its greeting to its end, for as many jobs. */
void run(const struct setup *setup, const char *greeting, const struct step *steps,
	const struct order *orders, size_t count);
/* Of a group of tests. */
int hop_set_up(void **state);

#endif
