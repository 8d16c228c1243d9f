/* SPDX-License-Identifier: BSD-2-Clause */
/* Failed logins slow the next ones down, by name and address; nothing is for ever. */
#ifndef AUTH_BRAKE_H
#define AUTH_BRAKE_H

#include "base/text.h"

/*
 * Three levels, each of which drains steadily, from its limit to nothing in window_ms:
 *  - this name from this address (limit per_login): a guesser at one desk, or a forgetful phone;
 *  - this address, whatever the names (limit per_address; IPv6 counts by /64): a guesser with a
 *    list;
 *  - this name from anywhere (limit 5 times per_login): many addresses guess at one account.
 * The last two do not hold for a name at one of the last 8 addresses it logged in from: neither
 * many guessers nor a bad neighbour behind the same address lock the owner out. Those addresses
 * are kept apart from what strangers fill: a flood of names does not push them out.
 * Up to its limit a level costs nothing. Beyond it each try waits in a line before its password is
 * looked at, right or wrong: base_ms, doubled for each further failure up to 32 times. Who would
 * have to wait longer than wait_max_ms is turned away at once.
 *
 * A wrong password that was tried before, by the same name from the same address, counts no more.
 * The empty login stands for names that are not known yet, or no names: it counts by address alone.
 */
struct brake;

struct brake_rule {
	uint64_t base_ms;     /* also the wait before any failed login is answered; 0: no brake */
	uint64_t per_login;
	uint64_t per_address;
	uint64_t window_ms;
	uint64_t wait_max_ms; /* the front end must not lose patience before */
};

enum {
	BRAKE_ADDRESS_BYTES = 16,   /* as config/network.h has them */
	BRAKE_TAG_BYTES = 8,
	BRAKE_DELAY_MAX_MS = 30000, /* of an answer */
	BRAKE_PASS = 0,
	BRAKE_TURN_AWAY = UINT32_MAX,
};

/* max_entries of each level; the oldest are forgotten first. */
struct brake *brake_new(size_t max_entries, const struct brake_rule *rule);
void brake_free(struct brake **brake);
void brake_set_rule(struct brake *brake, const struct brake_rule *rule);

/* How long to wait before this try is looked at, or BRAKE_TURN_AWAY. Takes a place in the line. */
uint32_t brake_wait(struct brake *brake, const unsigned char address[BRAKE_ADDRESS_BYTES],
	struct span login, uint64_t now_ms);
/*
 * Counts a failure; how long to wait before it is answered. password: what was tried, empty where a
 * mechanism does not show it. Kept of it is a short keyed tag.
 */
uint32_t brake_failed(struct brake *brake, const unsigned char address[BRAKE_ADDRESS_BYTES],
	struct span login, struct span password, uint64_t now_ms);
/* A right login: clears this name from this address, and marks the address as its owner's. */
void brake_passed(struct brake *brake, const unsigned char address[BRAKE_ADDRESS_BYTES],
	struct span login);
/* The administrator forgives a name, everywhere. */
void brake_reset(struct brake *brake, struct span login);
/* And an address, for all names. */
void brake_reset_address(struct brake *brake, const unsigned char address[BRAKE_ADDRESS_BYTES]);

/* One level that is not drained yet. */
struct brake_level_seen {
	const char *login;            /* "": the level of an address */
	const unsigned char *network; /* BRAKE_ADDRESS_BYTES; NULL: of a name from anywhere */
	uint64_t failures;            /* rounded up */
	uint64_t limit;               /* how many cost nothing */
	uint64_t whole_ms;            /* until it is drained */
	bool has_owner;               /* somebody has logged in by this name */
};
/* Until each says false. */
void brake_each(const struct brake *brake, uint64_t now_ms,
	bool (*each)(void *context, const struct brake_level_seen *seen), void *context);

#endif
