/* SPDX-License-Identifier: BSD-2-Clause */
/* What a result means: which recipients are done, which wait and until when, who is told; pure. */
#include "queue/tally.h"

#include "queue/notice_again.h"
#include "queue/schedule.h"

static const struct message_recipient_result *
result_of(const struct message_result *result, uint32_t number)
{
	for (size_t i = 0; i < result->count; i++) {
		if (result->results[i].number == number)
			return &result->results[i];
	}
	return NULL;
}

/* Whatever relay says that the hop said. */
static const char *
one_line(const char *text, struct arena *arena)
{
	char line[RECIPIENT_TEXT_MAX_BYTES];
	text_flatten(span_text(text), line, sizeof(line));
	return arena_strdup(arena, line);
}

static bool
is_expired(const struct tally_facts *facts)
{
	const struct settings_queue *queue = &facts->settings->queue;
	bool is_notice = !facts->parcel->record.envelope.sender[0];
	uint64_t expiry = is_notice ? queue->notice_expiry : queue->expiry;
	return facts->now_ms - facts->received_ms >= (int64_t)expiry;
}

static void
defer(const struct tally_facts *facts, struct recipient *recipient)
{
	if (is_expired(facts)) {
		recipient->stage = RECIPIENT_FAILED;
		recipient->enhanced = "5.4.7"; /* RFC 3463 3.5: delivery time expired */
	}
}

static void
apply(const struct tally_facts *facts, struct recipient *recipient, struct arena *arena)
{
	const struct message_recipient_result *found =
		result_of(facts->result, recipient->number);
	recipient->attempts++;
	recipient->job = facts->result->job;
	recipient->tried_ms = facts->now_ms;
	recipient->hop = facts->result->hop;
	recipient->code = found ? found->code : 0;
	recipient->enhanced = found ? found->enhanced : "";
	recipient->text = found ? one_line(found->text, arena) : "no result";
	switch (found ? found->outcome : OUTCOME_DEFERRED) {
	case OUTCOME_DELIVERED:
		recipient->stage = RECIPIENT_DELIVERED;
		break;
	case OUTCOME_RELAYED:
		recipient->stage = RECIPIENT_RELAYED;
		break;
	case OUTCOME_FAILED:
		recipient->stage = RECIPIENT_FAILED;
		break;
	case OUTCOME_DEFERRED:
	case OUTCOME_COUNT:
		defer(facts, recipient);
		break;
	}
}

/* The postmaster cannot be told, and there is nobody behind him: it waits for whoever looks. */
static void
hold_last(const struct tally_facts *facts, const char *postmaster, struct arena *arena,
	struct tally *tally)
{
	struct recipient *recipient = &tally->recipients[0];
	if (facts->settings->queue.double_bounce == DOUBLE_BOUNCE_DROP || !tally->count ||
		recipient->stage != RECIPIENT_FAILED ||
		!notice_is_last(&facts->parcel->record, postmaster))
		return;
	recipient->stage = RECIPIENT_WAITING;
	tally->hold_reason = arena_printf(arena, "the postmaster cannot be told: %u %s",
		recipient->code, recipient->text);
}

/* A notice that would fail for what it returns goes out again with less, and nobody else is told. */
static bool
say_again(const struct tally_facts *facts, struct tally *tally)
{
	if (!tally->count || !notice_again_is_due(&facts->parcel->record, &tally->recipients[0]))
		return false;
	struct parcel *again = notice_again_make(facts->parcel, facts->now_ms);
	if (again)
		tally->notices[tally->notice_count++] = again;
	return again != NULL;
}

bool
tally_is_untold(const struct settings *settings, const struct record *record,
	const struct recipient *recipient)
{
	return recipient->stage == RECIPIENT_FAILED && !record->envelope.sender[0] &&
		!notice_again_is_due(record, recipient) &&
		(settings->queue.double_bounce == DOUBLE_BOUNCE_DROP ||
			!notice_is_wanted(record, recipient->number, NOTICE_DOUBLE));
}

static bool
is_late(const struct tally_facts *facts, const struct recipient *recipient)
{
	uint64_t delay = facts->settings->queue.delay_notice;
	return recipient->stage == RECIPIENT_WAITING && !recipient->delay_told && delay &&
		facts->now_ms - facts->received_ms >= (int64_t)delay;
}

static bool
concerns(const struct tally_facts *facts, const struct recipient *recipient, enum notice_kind kind)
{
	static const enum recipient_stage stages[NOTICE_KIND_COUNT] = {
		[NOTICE_FAILURE] = RECIPIENT_FAILED,
		[NOTICE_DELAY] = RECIPIENT_WAITING,
		[NOTICE_SUCCESS] = RECIPIENT_RELAYED,
		[NOTICE_DOUBLE] = RECIPIENT_FAILED,
	};
	if (recipient->stage != stages[kind] ||
		!notice_is_wanted(&facts->parcel->record, recipient->number, kind))
		return false;
	if (kind == NOTICE_DOUBLE)
		return facts->settings->queue.double_bounce == DOUBLE_BOUNCE_POSTMASTER;
	return kind != NOTICE_DELAY || is_late(facts, recipient);
}

static void
add_notice(const struct tally_facts *facts, enum notice_kind kind, const char *postmaster,
	struct arena *arena, struct tally *tally)
{
	const struct settings *settings = facts->settings;
	struct recipient *told = arena_alloc(arena, tally->count * sizeof(*told));
	size_t count = 0;
	for (size_t i = 0; i < tally->count; i++) {
		if (!concerns(facts, &tally->recipients[i], kind))
			continue;
		tally->recipients[i].delay_told |= kind == NOTICE_DELAY;
		told[count++] = tally->recipients[i];
	}
	if (!count)
		return;
	struct notice notice = {
		.kind = kind,
		.parcel = facts->parcel,
		.recipients = told,
		.recipient_count = count,
		.hostname = settings->hostname,
		.postmaster = postmaster,
		.return_max_bytes = settings->queue.return_size,
		.now_ms = facts->now_ms,
		.until_ms = facts->received_ms + (int64_t)settings->queue.expiry,
		.at_mailbox = facts->at_mailbox,
	};
	tally->notices[tally->notice_count++] = notice_make(&notice);
}

void
tally_make(const struct tally_facts *facts, struct arena *arena, struct tally *tally_out)
{
	const struct settings *settings = facts->settings;
	uint32_t attempts = 0;
	const char *postmaster = settings->postmaster[0] ?
		settings->postmaster :
		arena_printf(arena, "postmaster@%s", settings->hostname);
	*tally_out = (struct tally){
		.recipients = arena_dup(
			arena, facts->recipients, facts->count * sizeof(*facts->recipients)),
		.count = facts->count,
		.notices = arena_alloc(arena, NOTICE_KIND_COUNT * sizeof(struct parcel *)),
	};
	for (size_t i = 0; i < tally_out->count; i++)
		apply(facts, &tally_out->recipients[i], arena);
	bool again = say_again(facts, tally_out);
	if (!again)
		hold_last(facts, postmaster, arena, tally_out);
	for (size_t i = 0; i < tally_out->count; i++) {
		const struct recipient *recipient = &tally_out->recipients[i];
		if (recipient->stage != RECIPIENT_WAITING)
			continue;
		tally_out->waiting++;
		if (recipient->attempts > attempts)
			attempts = recipient->attempts;
	}
	tally_out->due_ms =
		facts->now_ms + schedule_retry_ms(&facts->settings->queue.retry, attempts);
	for (unsigned kind = 0; kind < NOTICE_KIND_COUNT && !again; kind++)
		add_notice(facts, (enum notice_kind)kind, postmaster, arena, tally_out);
	/* Behind the mailbox there is nobody who could know more of notices. */
	for (size_t i = 0; i < tally_out->count && facts->at_mailbox; i++) {
		if (tally_out->recipients[i].stage == RECIPIENT_RELAYED)
			tally_out->recipients[i].stage = RECIPIENT_DELIVERED;
	}
}

void
tally_drop_notices(struct tally *tally)
{
	for (size_t i = 0; i < tally->notice_count; i++)
		parcel_drop(&tally->notices[i]);
	tally->notice_count = 0;
}
