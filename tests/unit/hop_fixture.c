/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs for a hop, and what it says became of them. */
#include "hop_fixture.h"

#include "relay/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct hop_client client;

static struct job *
job_of(const struct order *order)
{
	static uint64_t number;
	struct message_recipient recipients[4];
	struct message_job job = {
		.job = ++number,
		.id = "ID",
		.route = "*",
		.envelope = {
			.sender = order->sender,
			.envid = order->envid ? order->envid : "",
			.ret = order->ret,
			.body_kind = order->eightbit ? BODY_8BITMIME : BODY_7BIT,
			.smtputf8 = order->smtputf8,
			.recipients = recipients,
		},
		.content = {
			.header = span_text(order->header),
			.body_length = strlen(order->body),
			.in_file = order->body_in_file,
		},
	};
	struct buf packed = BUF_INIT(0);
	struct job *made;
	int fd = -1;

	while (job.envelope.recipient_count < 4 && order->recipients[job.envelope.recipient_count]) {
		size_t i = job.envelope.recipient_count++;

		recipients[i] = (struct message_recipient){ .number = (uint32_t)i,
			.path = order->recipients[i], .notify = order->notify,
			.orcpt = order->orcpt ? order->orcpt : "" };
	}
	if (order->body_in_file) {
		char name[] = "/tmp/sallyport-hop-XXXXXX";

		fd = mkstemp(name);
		unlink(name);
		assert_int_equal(write(fd, order->body, strlen(order->body)), strlen(order->body));
	} else {
		job.content.body = span_text(order->body);
	}
	message_job_pack(&packed, &job);
	made = job_new(buf_span(&packed), fd);
	assert_non_null(made);
	buf_fini(&packed);
	return made;
}

static void
on_ready(struct hop *hop, void *context)
{
	struct job *job = client.next;

	(void)context;
	client.next = job ? job->next : NULL;
	if (job)
		hop_send(hop, job);
	else
		hop_quit(hop);
}

static void
on_done(struct hop *hop, struct job *job, void *context)
{
	static const char *const names[] = { "delivered", "relayed", "deferred", "failed" };
	size_t used = strlen(client.outcomes);

	(void)hop;
	(void)context;
	for (size_t i = 0; i < job->message.envelope.recipient_count; i++)
		used += (size_t)snprintf(client.outcomes + used, sizeof client.outcomes - used,
			"%s%s %u %s", i ? " | " : "", names[job->results[i].outcome],
			job->results[i].code, job->results[i].enhanced);
	snprintf(client.outcomes + used, sizeof client.outcomes - used, "\n");
	job_free(&job);
}

static void
on_untried(struct hop *hop, struct job *job, void *context)
{
	(void)hop;
	(void)context;
	assert_int_equal(job->open, job->message.envelope.recipient_count);
	strncat(client.outcomes, "untried\n", sizeof client.outcomes - strlen(client.outcomes) - 1);
	job_free(&job);
}

static void
on_gone(struct hop *hop, const struct fault *fault, void *context)
{
	(void)hop;
	(void)context;
	client.fault = *fault;
	client.gone = true;
	loop_stop(client.loop);
}

static const struct hop_hooks hooks = { on_ready, on_done, on_untried, on_gone };

const struct settings_relay patient = {
	.helo = "", .trust_file = "", .source = "", .connect_wait = 5000, .handshake_wait = 5000,
	.greet_wait = 5000, .command_wait = 5000, .data_wait = 5000, .content_wait = 5000,
	.end_wait = 5000, .reuse_messages = 3, .reuse_idle = 5000,
};
struct settings_relay relay;

void
run(const struct setup *setup, const char *greeting, const struct step *steps,
	const struct order *orders, size_t count)
{
	struct settings_route settings = {
		.title = "*",
		.to = { .scheme = setup->scheme, .text = "hop",
			.endpoint = { .kind = ENDPOINT_INET, .host = "127.0.0.1" } },
		.tls = setup->tls, .tls_name = "", .trust_file = "",
		.user = setup->user ? setup->user : "", .secret_file = "",
		.mechanisms = setup->mechanisms,
	};
	struct hop_route route = { .settings = &settings, .relay = &relay, .helo = "us.example" };
	struct fault fault = FAULT_INIT;
	struct secret *password = secret_new(SPAN_LITERAL("pencil"));
	struct job **end = &client.next;
	struct hop *hop;

	scripted_hop_start(greeting, steps);
	settings.to.endpoint.port = server.port;
	memset(&client, 0, sizeof client);
	client.loop = route.loop = loop_new();
	route.resolver = resolver_new(route.loop, NULL, 0, &fault);
	assert_non_null(route.resolver);
	route.password = setup->user ? password : NULL;
	for (size_t i = 0; i < count; i++) {
		*end = job_of(&orders[i]);
		end = &(*end)->next;
	}
	hop = hop_new(&route, &hooks, NULL);
	loop_run(route.loop);
	assert_true(client.gone);
	hop_free(&hop);
	while (client.next) {
		struct job *job = client.next;

		client.next = job->next;
		job_free(&job);
	}
	secret_free(&password);
	resolver_free(&route.resolver);
	loop_free(&route.loop);
	scripted_hop_stop();
}

int
hop_set_up(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	relay = patient;
	return login_init(&fault) ? 0 : -1;
}
