/* SPDX-License-Identifier: BSD-2-Clause */
/* A destination that cannot be reached: all that wait are told once, and it is left alone for a while. */
#include "unit.h"

#include <stdio.h>

#include "relay/destination.h"

static struct {
	struct loop *loop;
	struct loop_timer late;
	size_t wanted;
	size_t deferred;
	char text[256];
	char hop[128];
} seen;

static void
on_late(void *context)
{
	(void)context;
	loop_stop(seen.loop);
}

static void
on_done(struct job *job, void *context)
{
	const struct message_recipient_result *result = &job->results[0];

	(void)context;
	seen.deferred += result->outcome == OUTCOME_DEFERRED;
	snprintf(seen.text, sizeof seen.text, "%s", result->text);
	snprintf(seen.hop, sizeof seen.hop, "%s", job->hop);
	job_free(&job);
	if (seen.deferred == seen.wanted)
		loop_stop(seen.loop);
}

static struct job *
new_job(uint64_t number)
{
	struct message_recipient recipient = { .path = "x@example.net", .orcpt = "" };
	struct message_job message = {
		.job = number,
		.id = "ID",
		.route = "*",
		.envelope = { .sender = "a@example.org", .envid = "", .recipients = &recipient,
			.recipient_count = 1 },
		.content = { .header = SPAN_LITERAL("Subject: x\r\n"), .body = SPAN_LITERAL("x\r\n"),
			.body_length = 3 },
	};
	struct buf packed = BUF_INIT(0);
	struct job *job;

	message_job_pack(&packed, &message);
	job = job_new(buf_span(&packed), -1);
	assert_non_null(job);
	buf_fini(&packed);
	return job;
}

/* Runs until so many jobs are deferred; false if that takes longer. */
static bool
run_until(size_t wanted, uint64_t wait_ms)
{
	seen.wanted = wanted;
	loop_timer_start(&seen.late, wait_ms);
	loop_run(seen.loop);
	loop_timer_stop(&seen.late);
	return seen.deferred >= wanted;
}

static void
nobody_there(void **state)
{
	static const struct settings settings = {
		.hostname = "mail.example.org",
		.relay = { .helo = "", .trust_file = "", .source = "", .connect_wait = 5000,
			.handshake_wait = 5000, .greet_wait = 5000, .command_wait = 5000,
			.data_wait = 5000, .end_wait = 5000, .reuse_messages = 3 },
		.queue = { .concurrency_per_destination = 2 },
	};
	static const struct settings_route route = {
		.title = "*",
		.to = { .scheme = ROUTE_LMTP,
			.endpoint = { .kind = ENDPOINT_UNIX, .text = "unix:/nonexistent/x",
				.host = "", .path = "/nonexistent/x" },
			.text = "lmtp:unix:/nonexistent/x" },
		.tls = ROUTE_TLS_NONE,
		.tls_name = "",
		.trust_file = "",
		.user = "",
	};
	struct destination_means means = { .settings = &settings };
	struct destination *destination;

	(void)state;
	seen.loop = means.loop = loop_new();
	loop_timer_init(&seen.late, seen.loop, on_late, NULL);
	destination = destination_new(&means, &route, NULL, on_done, NULL);
	for (uint64_t number = 1; number <= 5; number++)
		destination_add(destination, new_job(number));
	/* two connections failed, and with the last of them nobody need wait for more */
	assert_true(run_until(5, 10000));
	assert_non_null(strstr(seen.text, "/nonexistent/x"));
	assert_string_equal(seen.hop, "/nonexistent/x");
	assert_int_equal(destination_waiting(destination), 0);

	/* a new one is not tried at once: the destination rests */
	destination_add(destination, new_job(6));
	assert_false(run_until(6, 100));
	assert_int_equal(destination_waiting(destination), 1);
	assert_true(run_until(6, 10000));

	destination_free(&destination);
	loop_free(&seen.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
