/* SPDX-License-Identifier: BSD-2-Clause */
/* What each login, and each address of strangers, has used up of its budgets, over all front ends. */
#ifndef AUTH_USAGE_H
#define AUTH_USAGE_H

#include "auth/table.h"
#include "base/buffer.h"
#include "ipc/message_login.h"
#include "policy/budget.h"

struct usage;

enum usage_kind {
	USAGE_LOGIN = 'l',
	USAGE_ADDRESS = 'a', /* of IPv6 the /64 */
};

/* One of them. Read by anybody in auth, written by usage.c alone. */
struct usage_row {
	struct table_entry by_key;
	enum usage_kind kind;
	const char *name;        /* the login, "192.0.2.1", "2001:db8::/64" */
	char *limits;            /* the section that held for the last message; "" before */
	struct budgets budgets;
	uint64_t over_since_ms;  /* wall clock: its mail is held since then; 0: it is not */
	bool changed;            /* since it was last stored */
	char key[];              /* the kind, then the name */
};

enum {
	USAGE_ADDRESS_BYTES = 16,
	USAGE_CONTENT_MAX_BYTES = 1024,
	/* Budgets are older than the machine runs: what usage_now_ms() adds to its clock. */
	USAGE_PAST_MS = 1u << 31,
};
uint64_t usage_now_ms(uint64_t steady_ms);

/* Of each kind at most max_rows: those that were not charged for the longest time go first. */
struct usage *usage_new(size_t max_rows);
void usage_free(struct usage **usage);
struct usage_row *usage_find(const struct usage *usage, enum usage_kind kind, const char *name);
struct usage_row *usage_find_or_add(struct usage *usage, enum usage_kind kind, const char *name);
/* In the order in which they were last charged, logins first; NULL at the end; after NULL: the first. */
struct usage_row *usage_next(const struct usage *usage, const struct usage_row *after);
/* The name under which an address counts, as config/network.h has addresses. */
enum { USAGE_NAME_SIZE = 64 };
void usage_address_name(const unsigned char address[USAGE_ADDRESS_BYTES],
	char name_out[USAGE_NAME_SIZE]);

/*
 * One message about to be queued. What passes is spent, and what is held as well, so that a stolen
 * account gets nothing through while it goes on; what is put off or refused costs nothing. How many
 * may be held is the queue's to count. Strangers have no mail held: theirs is put off.
 */
struct usage_charged {
	enum charge_verdict verdict;
	enum budget_kind met;        /* unless it passed */
	char text[BUDGET_TEXT_SIZE]; /* which limit was met, for client and log; "" if it passed */
	struct budget_taken taken;
	bool began;                  /* HOLD: the first of its kind: those who must know are told */
};
void usage_charge(struct usage *usage, struct usage_row *row, const struct settings_limits *limits,
	const struct budget_cost *cost, uint64_t now_ms, uint64_t wall_ms,
	struct usage_charged *charged_out);
void usage_refund(struct usage_row *row, const struct settings_limits *limits,
	const struct budget_taken *taken, uint64_t now_ms);
/* Budgets are whole again. */
void usage_forgive(struct usage_row *row);
/* Somebody has seen to the mail that is held: what is held from now on is told anew. */
void usage_seen(struct usage_row *row);
/* Rows that are whole, whatever holds for them, are forgotten; call it now and then. */
void usage_sweep(struct usage *usage, uint64_t now_ms);

/* A changed row as it is stored; it then counts as stored. */
void usage_pack(struct usage_row *row, uint64_t now_ms, uint64_t wall_ms, struct buf *to);
/*
 * A row that was stored comes back, with what has come back to it since then by the wall clock: nothing
 * where that went back. False if the content is not what usage_pack() makes.
 */
bool usage_unpack(struct usage *usage, struct span key, struct span content, uint64_t now_ms,
	uint64_t wall_ms);

#endif
