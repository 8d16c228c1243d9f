/* SPDX-License-Identifier: BSD-2-Clause */
/* A stand-in for policy/milter_change. */
#include "fake_milter_change.h"

struct milter_change {
	struct mail *mail;
	void (*on_room)(void *context);
	void *context;
	unsigned taken;
	bool applied;
};

struct fake_milter_change fake_milter_change;

struct milter_change *
milter_change_new(const struct milter_means *means, const struct milter_offer *offer,
	struct mail *mail, uint64_t size_limit, void (*on_room)(void *context), void *context)
{
	struct milter_change *change = mem_alloc(sizeof *change);

	(void)means;
	(void)offer;
	(void)size_limit;
	change->mail = mail;
	change->on_room = on_room;
	change->context = context;
	return change;
}

void
milter_change_free(struct milter_change **change)
{
	if (*change && !(*change)->applied)
		fake_milter_change.freed++;
	mem_free(change);
}

enum milter_taken
milter_change_take(struct milter_change *change, const struct milter_packet *packet,
	struct fault *fault_out)
{
	if (span_starts(packet->payload, "bad")) {
		fault_set(fault_out, FAULT_PEER, "a change that is torn");
		return MILTER_TAKEN_BAD;
	}
	if (span_starts(packet->payload, "full")) {
		fault_set(fault_out, FAULT_BUSY, "no room for the new body");
		return MILTER_TAKEN_BAD;
	}
	change->taken++;
	fake_milter_change.taken++;
	if (!span_starts(packet->payload, "late"))
		return MILTER_TAKEN;
	fake_milter_change.on_room = change->on_room;
	fake_milter_change.context = change->context;
	return MILTER_TAKEN_LATER;
}

bool
milter_change_is_any(const struct milter_change *change)
{
	return change->taken > 0;
}

bool
milter_change_is_made(const struct milter_change *change)
{
	return change->applied;
}

bool
milter_change_apply(struct milter_change *change, const char *filter, enum verdict_kind *kind_out,
	struct fault *fault_out)
{
	(void)filter;
	if (fake_milter_change.fails != FAULT_NONE)
		return fault_set(fault_out, fake_milter_change.fails, "the message would be too large");
	change->applied = true;
	fake_milter_change.applied++;
	*kind_out = fake_milter_change.kind;
	if (*kind_out == VERDICT_HOLD) {
		change->mail->hold = true;
		change->mail->hold_reason = "look at it";
	}
	return true;
}
