/* SPDX-License-Identifier: BSD-2-Clause */
/* What a result means for each recipient, and which notices it makes. */
#include "../fake/mail_samples.h"
#include "queue/tally.h"
#include "unit.h"

static const uint64_t retry[] = { 1000, 2000 };

static const struct settings all_settings = {
	.hostname = "mail.example.org",
	.postmaster = "",
	.queue = {
		.retry = { retry, 2 },
		.expiry = 100000,
		.notice_expiry = 50000,
		.delay_notice = 10000,
		.return_size = 50 * 1024,
	},
};

static const char *const recipients3[] = { "a@example.net", "b@example.net", "c@example.net",
	NULL };

struct run {
	struct arena *arena;
	struct parcel *parcel;
	struct tally tally;
};

static bool at_mailbox;

static struct run
run_tally(struct parcel *parcel, const struct recipient *before, size_t count,
	const struct message_recipient_result *results, size_t result_count, int64_t after_ms)
{
	struct run run = { arena_new(1000), parcel, { .count = 0 } };
	struct message_result result = { .job = 42, .id = "0001", .hop = "mx", .hop_address = "",
		.tls = "", .count = result_count, .results = results };
	struct tally_facts facts = { .settings = &all_settings, .parcel = parcel, .received_ms = parcel->received_ms,
		.recipients = before, .count = count, .result = &result,
		.at_mailbox = at_mailbox, .now_ms = SAMPLE_RECEIVED_MS + after_ms };
	tally_make(&facts, run.arena, &run.tally);
	return run;
}

static void
end_run(struct run *run)
{
	tally_drop_notices(&run->tally);
	assert_int_equal(run->tally.notice_count, 0);
	parcel_drop(&run->parcel);
	arena_free(&run->arena);
}

static const struct recipient three[] = { { .number = 0 }, { .number = 1 },
	{ .number = 2, .attempts = 3 } };

static void
test_each_outcome(void **state)
{
	(void)state;
	const struct message_recipient_result results[] = {
		{ .number = 2, .outcome = OUTCOME_DEFERRED, .code = 451, .enhanced = "4.2.1",
			.text = "later\nthan\x01 \xff now" },
		{ .number = 0, .outcome = OUTCOME_DELIVERED, .code = 250, .enhanced = "2.0.0",
			.text = "taken" },
		{ .number = 1, .outcome = OUTCOME_RELAYED, .code = 250, .enhanced = "",
			.text = "ok" },
		{ .number = 0, .outcome = OUTCOME_FAILED, .enhanced = "", .text = "again" },
		{ .number = 77, .outcome = OUTCOME_FAILED, .enhanced = "", .text = "nobody" },
	};
	struct run run = run_tally(
		sample_parcel("0001", "x", recipients3), three, 3, results, 5, 5000);
	const struct recipient *now = run.tally.recipients;
	assert_int_equal(run.tally.count, 3);
	assert_int_equal(now[0].stage, RECIPIENT_DELIVERED);
	assert_int_equal(now[1].stage, RECIPIENT_RELAYED);
	assert_int_equal(now[2].stage, RECIPIENT_WAITING);
	assert_int_equal(now[2].attempts, 4);
	assert_int_equal(now[2].code, 451);
	assert_string_equal(now[2].text, "later than? ? now");
	assert_string_equal(now[2].hop, "mx");
	assert_int_equal(now[2].job, 42);
	assert_int_equal(now[2].tried_ms, SAMPLE_RECEIVED_MS + 5000);
	assert_int_equal(run.tally.waiting, 1);
	assert_int_equal(run.tally.due_ms, SAMPLE_RECEIVED_MS + 5000 + 2000);
	assert_int_equal(run.tally.notice_count, 0);
	end_run(&run);
}

static void
test_no_result_is_a_deferral(void **state)
{
	(void)state;
	struct run run =
		run_tally(sample_parcel("0001", "x", recipients3), three, 2, NULL, 0, 1);
	assert_int_equal(run.tally.waiting, 2);
	assert_int_equal(run.tally.recipients[0].attempts, 1);
	assert_int_equal(run.tally.due_ms, SAMPLE_RECEIVED_MS + 1 + 1000);
	end_run(&run);
}

/* One notice for all that failed together. */
static void
test_failures_are_told_together(void **state)
{
	(void)state;
	const struct message_recipient_result results[] = {
		{ .number = 0, .outcome = OUTCOME_FAILED, .code = 550, .enhanced = "5.1.1",
			.text = "no" },
		{ .number = 1, .outcome = OUTCOME_DELIVERED, .enhanced = "", .text = "" },
		{ .number = 2, .outcome = OUTCOME_FAILED, .code = 552, .enhanced = "5.2.2",
			.text = "full" },
	};
	struct run run = run_tally(
		sample_parcel("0001", "x", recipients3), three, 3, results, 3, 1);
	assert_int_equal(run.tally.waiting, 0);
	assert_int_equal(run.tally.notice_count, 1);
	const struct parcel *notice = run.tally.notices[0];
	assert_string_equal(notice->record.id, "0001.F0");
	assert_string_equal(notice->record.parent, "0001");
	assert_non_null(memmem(notice->content.start, notice->content.length,
		"From: Mail Delivery System <postmaster@mail.example.org>", 56));
	end_run(&run);
}

static void
test_expiry(void **state)
{
	(void)state;
	const struct message_recipient_result results[] = { { .number = 0,
		.outcome = OUTCOME_DEFERRED, .code = 450, .enhanced = "4.2.0", .text = "busy" } };
	struct run run = run_tally(
		sample_parcel("0001", "x", recipients3), three, 1, results, 1, 99999);
	assert_int_equal(run.tally.waiting, 1);
	end_run(&run);
	run = run_tally(sample_parcel("0001", "x", recipients3), three, 1, results, 1, 100000);
	assert_int_equal(run.tally.waiting, 0);
	assert_int_equal(run.tally.recipients[0].stage, RECIPIENT_FAILED);
	assert_string_equal(run.tally.recipients[0].enhanced, "5.4.7");
	assert_int_equal(run.tally.recipients[0].code, 450);
	assert_int_equal(run.tally.notice_count, 1);
	end_run(&run);
}

/* I6: what has no sender expires sooner, and the postmaster is told, once. */
static void
test_null_sender(void **state)
{
	(void)state;
	const struct message_recipient_result results[] = { { .number = 0,
		.outcome = OUTCOME_DEFERRED, .code = 450, .enhanced = "4.2.0", .text = "busy" } };
	struct parcel *parcel = sample_parcel("0001", "x", recipients3);
	parcel->record.envelope.sender = "";
	struct run run = run_tally(parcel, three, 1, results, 1, 49999);
	assert_int_equal(run.tally.waiting, 1);
	assert_int_equal(run.tally.notice_count, 0);
	parcel_hold(parcel);
	end_run(&run);
	run = run_tally(parcel, three, 1, results, 1, 50000);
	assert_int_equal(run.tally.recipients[0].stage, RECIPIENT_FAILED);
	assert_int_equal(run.tally.notice_count, 1);
	assert_null(run.tally.hold_reason);
	assert_false(tally_is_untold(&all_settings, &parcel->record, run.tally.recipients));
	parcel = parcel_hold(run.tally.notices[0]);
	assert_string_equal(parcel->record.id, "0001.P0");
	assert_string_equal(
		parcel->record.envelope.recipients[0].path, "postmaster@mail.example.org");
	end_run(&run);
	/* If that fails too it waits for somebody who looks, and there is no other. */
	const struct message_recipient_result refusal[] = { { .number = 0,
		.outcome = OUTCOME_FAILED, .code = 550, .enhanced = "5.1.1", .text = "gone" } };
	run = run_tally(parcel, three, 1, refusal, 1, 1);
	assert_int_equal(run.tally.recipients[0].stage, RECIPIENT_WAITING);
	assert_int_equal(run.tally.waiting, 1);
	assert_int_equal(run.tally.notice_count, 0);
	assert_string_equal(run.tally.hold_reason, "the postmaster cannot be told: 550 gone");
	end_run(&run);
}

/* A hop without 8BITMIME costs a notice the body that it returns, not its reader; whatever is told of others. */
static void
test_notice_to_a_hop_of_seven_bits(void **state)
{
	(void)state;
	const struct message_recipient_result refusal[] = { { .number = 0,
		.outcome = OUTCOME_FAILED, .code = 550, .enhanced = "5.1.1", .text = "gone" } };
	const struct message_recipient_result no_way[] = { { .number = 0, .outcome = OUTCOME_FAILED,
		.enhanced = "5.6.3", .text = "the next hop does not take 8-bit content" } };
	struct run run = run_tally(
		sample_parcel("0001", "Gr\xc3\xbc\r\n", recipients3), three, 1, refusal, 1, 1);
	struct parcel *notice = parcel_hold(run.tally.notices[0]);
	end_run(&run);
	run = run_tally(notice, three, 1, no_way, 1, 2);
	assert_int_equal(run.tally.recipients[0].stage, RECIPIENT_FAILED);
	assert_int_equal(run.tally.waiting, 0);
	assert_null(run.tally.hold_reason);
	assert_int_equal(run.tally.notice_count, 1);
	assert_false(tally_is_untold(&all_settings, &notice->record, run.tally.recipients));
	struct parcel *again = parcel_hold(run.tally.notices[0]);
	assert_string_equal(again->record.id, "0001.F0.F0");
	assert_string_equal(again->record.envelope.recipients[0].path,
		notice->record.envelope.recipients[0].path);
	end_run(&run);
	/* Once. */
	run = run_tally(again, three, 1, no_way, 1, 3);
	assert_int_equal(run.tally.notice_count, 1);
	assert_string_equal(run.tally.notices[0]->record.id, "0001.F0.F0.P0");
	end_run(&run);
}

static void
test_null_sender_dropped(void **state)
{
	(void)state;
	const struct message_recipient_result refusal[] = { { .number = 0,
		.outcome = OUTCOME_FAILED, .code = 550, .enhanced = "5.1.1", .text = "gone" } };
	struct settings settings = all_settings;
	struct parcel *parcel = sample_parcel("0001.P0", "x", recipients3);
	struct arena *arena = arena_new(1000);
	struct message_result result = { .job = 1, .id = "", .hop = "", .hop_address = "",
		.tls = "", .count = 1, .results = refusal };
	struct tally_facts facts = { .settings = &settings, .parcel = parcel, .received_ms = parcel->received_ms,
		.recipients = three, .count = 1, .result = &result,
		.now_ms = SAMPLE_RECEIVED_MS };
	struct tally tally;
	parcel->record.envelope.sender = "";
	parcel->record.parent = "0001";
	settings.queue.double_bounce = DOUBLE_BOUNCE_DROP;
	tally_make(&facts, arena, &tally);
	assert_int_equal(tally.recipients[0].stage, RECIPIENT_FAILED);
	assert_int_equal(tally.notice_count, 0);
	assert_null(tally.hold_reason);
	assert_true(tally_is_untold(&settings, &parcel->record, tally.recipients));
	arena_free(&arena);
	parcel_drop(&parcel);
}

static void
test_delay_is_told_once(void **state)
{
	(void)state;
	const struct message_recipient_result results[] = { { .number = 0,
		.outcome = OUTCOME_DEFERRED, .code = 450, .enhanced = "4.2.0", .text = "busy" } };
	struct run run = run_tally(
		sample_parcel("0001", "x", recipients3), three, 1, results, 1, 9999);
	assert_int_equal(run.tally.notice_count, 0);
	assert_false(run.tally.recipients[0].delay_told);
	end_run(&run);
	run = run_tally(sample_parcel("0001", "x", recipients3), three, 1, results, 1, 10000);
	assert_int_equal(run.tally.notice_count, 1);
	assert_string_equal(run.tally.notices[0]->record.id, "0001.D0");
	assert_true(run.tally.recipients[0].delay_told);
	struct recipient told = run.tally.recipients[0];
	end_run(&run);
	run = run_tally(sample_parcel("0001", "x", recipients3), &told, 1, results, 1, 20000);
	assert_int_equal(run.tally.notice_count, 0);
	end_run(&run);
}

/* I8: whoever asked for it hears of success from us only where the hop does not tell. */
static void
test_success(void **state)
{
	(void)state;
	static const struct message_recipient asking[] = {
		{ .number = 0, .path = "a@example.net", .notify = NOTIFY_SUCCESS, .orcpt = "" },
		{ .number = 1, .path = "b@example.net", .notify = NOTIFY_SUCCESS, .orcpt = "" },
		{ .number = 2, .path = "c@example.net", .notify = NOTIFY_NEVER, .orcpt = "" },
	};
	const struct message_recipient_result results[] = {
		{ .number = 0, .outcome = OUTCOME_DELIVERED, .enhanced = "", .text = "" },
		{ .number = 1, .outcome = OUTCOME_RELAYED, .enhanced = "", .text = "" },
		{ .number = 2, .outcome = OUTCOME_FAILED, .enhanced = "", .text = "" },
	};
	struct parcel *parcel = sample_parcel("0001", "x", recipients3);
	parcel->record.envelope.recipients = asking;
	struct run run = run_tally(parcel, three, 3, results, 3, 1);
	assert_int_equal(run.tally.notice_count, 1);
	assert_string_equal(run.tally.notices[0]->record.id, "0001.S1");
	assert_int_equal(run.tally.recipients[1].stage, RECIPIENT_RELAYED);
	end_run(&run);
	/* A mailbox has it: that is the end of its way. */
	parcel = sample_parcel("0001", "x", recipients3);
	parcel->record.envelope.recipients = asking;
	at_mailbox = true;
	run = run_tally(parcel, three, 3, results, 3, 1);
	at_mailbox = false;
	assert_int_equal(run.tally.notice_count, 1);
	assert_int_equal(run.tally.recipients[1].stage, RECIPIENT_DELIVERED);
	end_run(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_outcome),
		cmocka_unit_test(test_no_result_is_a_deferral),
		cmocka_unit_test(test_failures_are_told_together),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_null_sender),
		cmocka_unit_test(test_notice_to_a_hop_of_seven_bits),
		cmocka_unit_test(test_null_sender_dropped),
		cmocka_unit_test(test_delay_is_told_once),
		cmocka_unit_test(test_success),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
