/* SPDX-License-Identifier: BSD-2-Clause */
/* Who still needs a body file: the front end that writes it, or a COMMIT under way. */
#include "queue/body_loans.h"

/* Kept in the index as the pointers that they are not. */
enum loan_state {
	LOAN_NONE,
	LOAN_OPEN,
	LOAN_SEALED,   /* its COMMIT is under way */
	LOAN_UNWANTED, /* so it is, but if that fails nobody wants it */
};

static enum loan_state
state_of(const struct body_loans *loans, uint64_t number)
{
	return (enum loan_state)(uintptr_t)index_find(&loans->states, number);
}

static void
set_state(struct body_loans *loans, uint64_t number, enum loan_state state)
{
	index_take(&loans->states, number);
	index_add(&loans->states, number, (void *)(uintptr_t)state);
}

void
body_loans_fini(struct body_loans *loans)
{
	index_fini(&loans->states);
}

size_t
body_loans_count(const struct body_loans *loans)
{
	return loans->states.count;
}

void
body_loans_add(struct body_loans *loans, uint64_t number)
{
	set_state(loans, number, LOAN_OPEN);
}

bool
body_loans_is_open(const struct body_loans *loans, uint64_t number)
{
	return state_of(loans, number) == LOAN_OPEN;
}

void
body_loans_seal(struct body_loans *loans, uint64_t number)
{
	set_state(loans, number, LOAN_SEALED);
}

bool
body_loans_take(struct body_loans *loans, uint64_t number)
{
	return index_take(&loans->states, number) != NULL;
}

bool
body_loans_drop(struct body_loans *loans, uint64_t number)
{
	switch (state_of(loans, number)) {
	case LOAN_OPEN:
		return body_loans_take(loans, number);
	case LOAN_SEALED:
		set_state(loans, number, LOAN_UNWANTED);
		break;
	case LOAN_UNWANTED:
	case LOAN_NONE: /* one of an older queue is gone already */
		break;
	}
	return false;
}

bool
body_loans_reopen(struct body_loans *loans, uint64_t number, bool front_is_there)
{
	enum loan_state state = state_of(loans, number);

	if (state != LOAN_SEALED && state != LOAN_UNWANTED)
		return false;
	if (state == LOAN_UNWANTED || !front_is_there)
		return body_loans_take(loans, number);
	set_state(loans, number, LOAN_OPEN);
	return false;
}

uint64_t *
body_loans_take_open(struct body_loans *loans, size_t *count_out)
{
	uint64_t *open = mem_alloc_array(loans->states.count, sizeof *open);
	size_t count = 0;

	for (size_t i = 0; i < loans->states.room; i++) {
		const struct index_slot *slot = &loans->states.slots[i];

		if (slot->value && body_loans_is_open(loans, slot->key))
			open[count++] = slot->key;
	}
	for (size_t i = 0; i < count; i++)
		body_loans_take(loans, open[i]);
	*count_out = count;
	return open;
}
