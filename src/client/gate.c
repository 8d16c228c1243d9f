/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of connections in shared memory. */
#include "client/gate.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "proc/gate_layout.h"

enum {
	PROBES = 16, /* rows looked at before the table counts as crowded */
	TRIES = 4,   /* a row may change its owner under our hands */
	FAILURE_TIME_BITS = 48,
};

#define FAILURE_TIME_MASK ((UINT64_C(1) << FAILURE_TIME_BITS) - 1)
#define ROW_NONE UINT32_MAX

/* What a row counts: the tags of different kinds never meet. */
enum kind {
	KIND_LISTENER = 'l',
	KIND_ADDRESS = 'a',
	KIND_FAILURES = 'f',
};

struct gate {
	struct gate_table *table;
	unsigned column;
};

struct gate *
gate_open(int fd, unsigned column, struct fault *fault_out)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	struct gate_table *table;
	struct gate *gate;
	struct stat stat;

	if (column >= GATE_COLUMNS) {
		fault_set(
			fault_out, FAULT_LIMIT, "no column %u in the table of connections", column);
		return NULL;
	}
	if (fd >= 0 && (fstat(fd, &stat) < 0 || stat.st_size < (off_t)sizeof *table)) {
		fault_set(fault_out, FAULT_SYSTEM, "the table of connections has the wrong size");
		return NULL;
	}
	table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (table == MAP_FAILED) {
		fault_set_errno(fault_out, "map the table of connections");
		return NULL;
	}
	if (fd < 0)
		gate_table_init(table);
	if (table->magic != GATE_MAGIC) {
		munmap(table, sizeof *table);
		fault_set(
			fault_out, FAULT_SYSTEM, "the table of connections is of another version");
		return NULL;
	}
	gate = mem_alloc(sizeof *gate);
	gate->table = table;
	gate->column = column;
	return gate;
}

void
gate_close(struct gate **gate)
{
	if (!*gate)
		return;
	munmap((*gate)->table, sizeof *(*gate)->table);
	mem_free(gate);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Never 0 and never one that stands for a row being taken. */
static uint64_t
make_tag(
	const struct gate *gate, enum kind kind, struct span listener, const unsigned char *address)
{
	unsigned char hash[DIGEST_BYTES];
	struct digest_mac mac;
	char head = (char)kind;
	uint64_t tag;

	digest_mac_init(&mac, span_of((const char *)gate->table->key, sizeof gate->table->key));
	digest_mac_add(&mac, span_of(&head, 1));
	if (address)
		digest_mac_add(&mac, span_of((const char *)address, GATE_KEY_BYTES));
	digest_mac_add(&mac, listener);
	digest_mac_final(&mac, hash);
	memcpy(&tag, hash, sizeof tag);
	return tag == 0 || tag >= GATE_TAG_TAKING(GATE_COLUMNS) ? 1 : tag;
}

static uint32_t
row_at(uint64_t tag, unsigned probe)
{
	return (uint32_t)((tag + probe) & (GATE_ROWS - 1));
}

static uint32_t
find_row(const struct gate *gate, uint64_t tag)
{
	for (unsigned probe = 0; probe < PROBES; probe++) {
		uint32_t number = row_at(tag, probe);

		if (atomic_load(&gate->table->tag[number]) == tag)
			return number;
	}
	return ROW_NONE;
}

static uint64_t
sum_open(const struct gate *gate, uint32_t row)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < GATE_COLUMNS; i++)
		sum += atomic_load(&gate->table->count[row][i].open);
	return sum;
}

static uint64_t
sum_early(const struct gate *gate, uint32_t row)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < GATE_COLUMNS; i++)
		sum += atomic_load(&gate->table->count[row][i].early);
	return sum;
}

static bool
has_failures(uint64_t failures, uint64_t window_ms, uint64_t now_ms)
{
	return failures != 0 && now_ms - (failures & FAILURE_TIME_MASK) < window_ms;
}

static bool
is_idle(const struct gate *gate, uint32_t row, uint64_t window_ms, uint64_t now_ms)
{
	return sum_open(gate, row) == 0 &&
	       !has_failures(atomic_load(&gate->table->failures[row]), window_ms, now_ms);
}

/* What may be forgotten for a row. */
enum price {
	PRICE_NOTHING,
	PRICE_FAILURES, /* of an address that is not connected */
};

static bool
costs_at_most(
	const struct gate *gate, uint32_t row, enum price price, uint64_t window_ms, uint64_t now_ms)
{
	return price == PRICE_FAILURES ? sum_open(gate, row) == 0
				       : is_idle(gate, row, window_ms, now_ms);
}

/*
 * Takes the row from its last owner. Who counts in it at this moment looks at the tag afterwards,
 * and we look at the counts after we changed it: one of the two sees the other.
 */
static bool
take_row(struct gate *gate, uint32_t row, uint64_t tag, enum price price, uint64_t window_ms,
	uint64_t now_ms)
{
	_Atomic uint64_t *place = &gate->table->tag[row];
	uint64_t old = atomic_load(place);

	if (old > GATE_TAG_TAKING(GATE_COLUMNS) ||
		(old != 0 && !costs_at_most(gate, row, price, window_ms, now_ms)))
		return false;
	if (!atomic_compare_exchange_strong(place, &old, GATE_TAG_TAKING(gate->column)))
		return false;
	if (old != 0 && !costs_at_most(gate, row, price, window_ms, now_ms)) {
		atomic_store(place, old);
		return false;
	}
	atomic_store(&gate->table->failures[row], 0);
	atomic_store(place, tag);
	return true;
}

/* Who fails to log in from thousands of addresses keeps nobody out: the fewest failures give way. */
static uint32_t
take_from_failures(struct gate *gate, uint64_t tag, uint64_t window_ms, uint64_t now_ms)
{
	uint32_t least = ROW_NONE;

	for (unsigned probe = 0; probe < PROBES; probe++) {
		uint32_t number = row_at(tag, probe);

		if (sum_open(gate, number) == 0 &&
			(least == ROW_NONE || atomic_load(&gate->table->failures[number]) <
						      atomic_load(&gate->table->failures[least])))
			least = number;
	}
	if (least != ROW_NONE && !take_row(gate, least, tag, PRICE_FAILURES, window_ms, now_ms))
		least = ROW_NONE;
	return least;
}

static uint32_t
find_or_take_row(struct gate *gate, uint64_t tag, uint64_t window_ms, uint64_t now_ms)
{
	uint32_t found = find_row(gate, tag);

	for (unsigned probe = 0; found == ROW_NONE && probe < PROBES; probe++) {
		uint32_t number = row_at(tag, probe);

		if (take_row(gate, number, tag, PRICE_NOTHING, window_ms, now_ms))
			found = number;
	}
	return found != ROW_NONE ? found : take_from_failures(gate, tag, window_ms, now_ms);
}

/* Counts one connection, early, in the row of this tag. */
static uint32_t
count_in(struct gate *gate, uint64_t tag, uint64_t window_ms, uint64_t now_ms)
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t number = find_or_take_row(gate, tag, window_ms, now_ms);
		struct gate_count *count;

		if (number == ROW_NONE)
			return ROW_NONE;
		count = &gate->table->count[number][gate->column];
		atomic_fetch_add(&count->open, 1);
		atomic_fetch_add(&count->early, 1);
		if (atomic_load(&gate->table->tag[number]) == tag)
			return number;
		atomic_fetch_sub(&count->early, 1);
		atomic_fetch_sub(&count->open, 1);
	}
	return ROW_NONE;
}

/* ---- connections ----------------------------------------------------------------------------- */

static bool
is_over(uint64_t count, uint64_t limit)
{
	return limit != 0 && count > limit;
}

static enum gate_answer
check_counts(
	const struct gate *gate, const struct gate_pass *pass, const struct gate_limits *limits)
{
	uint32_t listener = pass->listener_row - 1;

	if (pass->address_row &&
		is_over(sum_open(gate, pass->address_row - 1), limits->connections_per_address))
		return GATE_ADDRESS;
	if (is_over(sum_open(gate, listener), limits->connections))
		return GATE_ALL;
	if (is_over(sum_early(gate, listener), limits->connections_early))
		return GATE_EARLY;
	return GATE_PASS;
}

static bool
failed_too_often(const struct gate *gate, const unsigned char *address,
	const struct gate_limits *limits, uint64_t now_ms)
{
	uint32_t number = find_row(gate, make_tag(gate, KIND_FAILURES, SPAN_EMPTY, address));
	uint64_t failures;

	if (limits->failures_per_address == 0 || number == ROW_NONE)
		return false;
	failures = atomic_load(&gate->table->failures[number]);
	return has_failures(failures, limits->failure_window_ms, now_ms) &&
	       failures >> FAILURE_TIME_BITS >= limits->failures_per_address;
}

enum gate_answer
gate_enter(struct gate *gate, struct span listener, const unsigned char address[GATE_KEY_BYTES],
	const struct gate_limits *limits, uint64_t now_ms, struct gate_pass *pass_out)
{
	uint64_t window_ms = limits->failure_window_ms;
	struct gate_pass pass = { .early = true };
	enum gate_answer answer = GATE_CROWDED;

	if (failed_too_often(gate, address, limits, now_ms))
		return GATE_FAILURES;
	pass.listener_row = 1 + count_in(gate, make_tag(gate, KIND_LISTENER, listener, NULL),
					window_ms, now_ms);
	pass.address_row = 1 + count_in(gate, make_tag(gate, KIND_ADDRESS, listener, address),
				       window_ms, now_ms);
	/* Of thousands, one that cannot be counted by itself is better than one turned away. */
	if (pass.listener_row)
		answer = check_counts(gate, &pass, limits);
	if (answer == GATE_PASS)
		*pass_out = pass;
	else
		gate_leave(gate, &pass);
	return answer;
}

static struct gate_count *
count_of(struct gate *gate, uint32_t row_plus_1)
{
	return row_plus_1 ? &gate->table->count[row_plus_1 - 1][gate->column] : NULL;
}

void
gate_login(struct gate *gate, struct gate_pass *pass)
{
	struct gate_count *counts[] = { count_of(gate, pass->listener_row),
		count_of(gate, pass->address_row) };

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (counts[i] && pass->early)
			atomic_fetch_sub(&counts[i]->early, 1);
	pass->early = false;
}

void
gate_leave(struct gate *gate, struct gate_pass *pass)
{
	struct gate_count *counts[] = { count_of(gate, pass->listener_row),
		count_of(gate, pass->address_row) };

	gate_login(gate, pass);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (counts[i])
			atomic_fetch_sub(&counts[i]->open, 1);
	*pass = (struct gate_pass){ 0 };
}

uint64_t
gate_connections(const struct gate *gate, const struct gate_pass *pass)
{
	return pass->address_row ? sum_open(gate, pass->address_row - 1) : 0;
}

void
gate_fail(struct gate *gate, const unsigned char address[GATE_KEY_BYTES], uint64_t window_ms,
	uint64_t now_ms)
{
	uint64_t tag = make_tag(gate, KIND_FAILURES, SPAN_EMPTY, address);
	uint32_t number = find_or_take_row(gate, tag, window_ms, now_ms);
	_Atomic uint64_t *failures;
	uint64_t old;
	uint64_t next;

	if (number == ROW_NONE)
		return;
	failures = &gate->table->failures[number];
	old = atomic_load(failures);
	do {
		if (!has_failures(old, window_ms, now_ms))
			next = UINT64_C(1) << FAILURE_TIME_BITS | (now_ms & FAILURE_TIME_MASK);
		else if (old >> FAILURE_TIME_BITS == UINT16_MAX)
			return;
		else
			next = old + (UINT64_C(1) << FAILURE_TIME_BITS);
	} while (!atomic_compare_exchange_weak(failures, &old, next));
}

/* ---- breakers -------------------------------------------------------------------------------- */

static uint64_t
tag_of_breaker(const struct gate *gate, const char *filter, const char *address)
{
	unsigned char hash[DIGEST_BYTES];
	struct digest_mac mac;
	uint64_t tag;

	digest_mac_init(&mac, span_of((const char *)gate->table->key, sizeof gate->table->key));
	digest_mac_add(&mac, span_of(filter, strlen(filter) + 1));
	digest_mac_add(&mac, span_text(address));
	digest_mac_final(&mac, hash);
	memcpy(&tag, hash, sizeof tag);
	return tag ? tag : 1;
}

_Atomic uint64_t *
gate_breaker(struct gate *gate, const char *filter, const char *address)
{
	uint64_t tag = tag_of_breaker(gate, filter, address);

	for (unsigned probe = 0; probe < PROBES; probe++) {
		struct gate_breaker *row =
			&gate->table->breaker[(tag + probe) & (GATE_BREAKERS - 1)];
		uint64_t owner = 0;

		if (atomic_compare_exchange_strong(&row->tag, &owner, tag) || owner == tag)
			return &row->word;
	}
	return NULL;
}

const char *
gate_answer_text(enum gate_answer answer)
{
	switch (answer) {
	case GATE_PASS:
		return "";
	case GATE_ALL:
		return "Too many connections";
	case GATE_EARLY:
		return "Too many connections that have not logged in";
	case GATE_ADDRESS:
		return "Too many connections from your address";
	case GATE_FAILURES:
		return "Too many failed logins from your address";
	case GATE_CROWDED:
		return "Too many addresses are connected";
	case GATE_NETWORK:
		return "No service for your network";
	}
	return "";
}
