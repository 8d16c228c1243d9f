/* SPDX-License-Identifier: BSD-2-Clause */
/* Offers, jobs, and the box of results that queue has not kept yet. */
#include "unit.h"

#include <stdio.h>

#include "relay/job.h"
#include "relay/offer.h"
#include "relay/result_box.h"
#include "relay/trusts.h"

static void
offers(void **state)
{
	static const char text[] =
		"250-hop.example PIPELINING is not offered here\r\n"
		"250-pipelining\r\n250-SIZE 1000\r\n250-AUTH plain SCRAM-SHA-256 X=Y \x01\r\n"
		"250-AUTH=LOGIN PLAIN\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 STARTTLS\r\n";
	struct smtp_reply_reader reader;
	struct span input = SPAN_LITERAL(text);
	struct offer offer;

	(void)state;
	smtp_reply_reader_init(&reader);
	assert_int_equal(smtp_reply_reader_feed(&reader, &input), PARSE_DONE);
	offer_parse(&reader, &offer);
	smtp_reply_reader_fini(&reader);
	assert_true(offer.pipelining && offer.eightbit && offer.smtputf8 && offer.dsn);
	assert_true(offer.starttls && offer.size);
	assert_int_equal(offer.size_max, 1000);
	assert_string_equal(offer.mechanisms, "PLAIN SCRAM-SHA-256 LOGIN");
	assert_true(offer_has_mechanism(&offer, SPAN_LITERAL("scram-sha-256")));
	assert_false(offer_has_mechanism(&offer, SPAN_LITERAL("SCRAM")));
}

/* Catalogue L2: what overstates or floods is cut, not believed. */
static void
L02_odd_offers(void **state)
{
	struct smtp_reply_reader reader;
	struct offer offer;
	struct span input;
	char text[4000];
	size_t used;

	(void)state;
	used = (size_t)snprintf(text, sizeof text, "250-PIPELINING\r\n250-SIZE 1180591620717411303424\r\n250 AUTH");
	for (int i = 0; i < 300; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, " MECH%d", i);
	used += (size_t)snprintf(text + used, sizeof text - used, "\r\n");
	input = span_of(text, used);
	smtp_reply_reader_init(&reader);
	assert_int_equal(smtp_reply_reader_feed(&reader, &input), PARSE_DONE);
	offer_parse(&reader, &offer);
	smtp_reply_reader_fini(&reader);
	/* The first line greets; it offers nothing. */
	assert_false(offer.pipelining);
	assert_true(offer.size);
	assert_int_equal(offer.size_max, 0);
	assert_true(strlen(offer.mechanisms) < OFFER_MECHANISMS_MAX_BYTES);
	assert_true(offer_has_mechanism(&offer, SPAN_LITERAL("MECH0")));
}

static struct job *
job_with(size_t recipients, const char *body)
{
	static const struct message_recipient list[] = {
		{ .number = 4, .path = "x@y.z", .orcpt = "" },
		{ .number = 7, .path = "x2@y.z", .orcpt = "" },
	};
	struct message_job message = {
		.job = 9, .id = "ID", .route = "*",
		.envelope = { .sender = "", .envid = "", .recipient_count = recipients,
			.recipients = list },
		.content = { .header = SPAN_LITERAL("A: b\r\n\r\n"), .body = span_text(body),
			.body_length = strlen(body) },
	};
	struct buf packed = BUF_INIT(0);
	struct job *job;

	message_job_pack(&packed, &message);
	job = job_new(buf_span(&packed), -1);
	assert_non_null(job);
	assert_null(job_new(span_first(buf_span(&packed), buf_length(&packed) - 1), -1));
	buf_fini(&packed);
	return job;
}

static void
first_result_counts(void **state)
{
	struct job *job = job_with(2, "b\xc3\xa4\r\n");
	struct arena *arena = arena_new(0);
	struct buf packed = BUF_INIT(0);
	struct message_result result;

	(void)state;
	assert_true(job_has_8bit(job));
	assert_false(job_header_has_8bit(job));
	assert_int_equal(job_size(job), 13);
	job_set(job, 1, OUTCOME_FAILED, 550, "5.1.1", SPAN_LITERAL("no\x01one"));
	job_set(job, 1, OUTCOME_DELIVERED, 250, "2.0.0", SPAN_LITERAL("ok"));
	assert_int_equal(job->open, 1);
	assert_true(job_is_set(job, 1) && !job_is_set(job, 0));
	job_set_rest(job, OUTCOME_DEFERRED, 0, "4.4.2", SPAN_LITERAL("gone"));
	job_set_hop(job, "hop", "192.0.2.1:25", "");
	job_pack_result(job, &packed);
	assert_true(message_result_unpack(buf_span(&packed), arena, &result));
	assert_int_equal(result.job, 9);
	assert_int_equal(result.count, 2);
	assert_int_equal(result.results[0].number, 4);
	assert_int_equal(result.results[0].outcome, OUTCOME_DEFERRED);
	assert_int_equal(result.results[1].number, 7);
	assert_int_equal(result.results[1].outcome, OUTCOME_FAILED);
	assert_string_equal(result.results[1].text, "no?one");
	buf_fini(&packed);
	arena_free(&arena);
	job_free(&job);
}

/* What was said out of step is nobody's result. */
static void
reopened(void **state)
{
	struct job *job = job_with(2, "x\r\n");

	(void)state;
	job_set_rest(job, OUTCOME_DELIVERED, 250, "2.0.0", SPAN_LITERAL("ok"));
	assert_int_equal(job->open, 0);
	job_reopen(job);
	assert_int_equal(job->open, 2);
	assert_false(job_is_set(job, 0) || job_is_set(job, 1));
	job_set_rest(job, OUTCOME_DEFERRED, 0, "4.4.2", SPAN_LITERAL("gone"));
	assert_int_equal(job->results[1].outcome, OUTCOME_DEFERRED);
	assert_int_equal(job->results[1].number, 7);
	job_free(&job);
}

/* The system's authorities take megabytes: as many routes as like share them. */
static void
trusts_are_shared(void **state)
{
	static const char junk[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	struct trusts *trusts = trusts_new();
	struct fault fault = FAULT_INIT;
	struct tls_client *may;
	struct tls_client *must;

	(void)state;
	assert_null(trusts_find(trusts, TLS_VERIFY_OPPORTUNISTIC, ""));
	may = trusts_add(trusts, TLS_VERIFY_OPPORTUNISTIC, "", SPAN_EMPTY, &fault);
	must = trusts_add(trusts, TLS_VERIFY_REQUIRED, "", SPAN_EMPTY, &fault);
	assert_true(may && must && may != must);
	assert_ptr_equal(trusts_find(trusts, TLS_VERIFY_OPPORTUNISTIC, ""), may);
	assert_ptr_equal(trusts_find(trusts, TLS_VERIFY_REQUIRED, ""), must);
	assert_null(trusts_find(trusts, TLS_VERIFY_REQUIRED, "/other"));
	assert_null(trusts_add(trusts, TLS_VERIFY_REQUIRED, "/other", span_text(junk), &fault));
	assert_int_not_equal(fault.kind, FAULT_NONE);
	assert_null(trusts_find(trusts, TLS_VERIFY_REQUIRED, "/other"));
	trusts_free(&trusts);
	assert_null(trusts);
}

enum { ROOM = 2 }; /* for so many results at a time */

static bool
gather(struct span packed, void *context)
{
	char *seen = context;

	if (strlen(seen) >= ROOM * 4)
		return false;
	strncat(seen, packed.start, packed.length);
	return true;
}

static void
box(void **state)
{
	struct result_box *results = result_box_new();
	char seen[64] = "";

	(void)state;
	result_box_add(results, 1, SPAN_LITERAL("one "));
	result_box_add(results, 2, SPAN_LITERAL("two "));
	result_box_add(results, 3, SPAN_LITERAL("thr "));
	assert_false(result_box_take(results, 4));
	assert_true(result_box_take(results, 3));
	assert_false(result_box_take(results, 3));
	result_box_add(results, 5, SPAN_LITERAL("fiv "));
	assert_true(result_box_take(results, 1));
	result_box_add(results, 6, SPAN_LITERAL("six "));
	assert_int_equal(result_box_count(results), 3);
	result_box_send(results, RESULT_BOX_UNSENT, gather, seen);
	assert_string_equal(seen, "two fiv ");
	/* The rest goes out when there is room again; for a new queue, all. */
	seen[0] = '\0';
	result_box_send(results, RESULT_BOX_UNSENT, gather, seen);
	assert_string_equal(seen, "six ");
	seen[0] = '\0';
	result_box_send(results, RESULT_BOX_UNSENT, gather, seen);
	assert_string_equal(seen, "");
	result_box_send(results, RESULT_BOX_ALL, gather, seen);
	assert_string_equal(seen, "two fiv ");
	seen[0] = '\0';
	result_box_send(results, RESULT_BOX_UNSENT, gather, seen);
	assert_string_equal(seen, "six ");
	result_box_free(&results);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers),
		cmocka_unit_test(L02_odd_offers),
		cmocka_unit_test(first_result_counts),
		cmocka_unit_test(reopened),
		cmocka_unit_test(trusts_are_shared),
		cmocka_unit_test(box),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
