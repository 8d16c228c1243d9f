/* SPDX-License-Identifier: BSD-2-Clause */
/* An SMTP front end in this process: set-up, end, and waiting. */
#include "smtp_rig_parts.h"

#include "client/signer.h"
#include "config/config.h"
#include "smtp/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- waiting ------------------------------------------------------------------------------- */

void
rig_stop_if_done(struct rig *rig)
{
	if (rig->until && rig->until(rig))
		loop_stop(rig->loop);
}

static void
on_timer(void *context)
{
	struct rig *rig = context;

	rig->late = true;
	loop_stop(rig->loop);
}

static void
on_turn(void *context)
{
	struct rig *rig = context;

	loop_stop(rig->loop);
}

void
rig_turns(struct rig *rig, unsigned turns)
{
	struct loop_defer defer;

	loop_defer_init(&defer, rig->loop, on_turn, rig);
	for (unsigned i = 0; i < turns; i++) {
		loop_defer(&defer);
		loop_run(rig->loop);
	}
}

void
rig_wait(struct rig *rig, bool (*until)(struct rig *rig))
{
	rig->late = false;
	loop_timer_start(&rig->timer, RIG_WAIT_MS);
	while (!until(rig) && !rig->late) {
		struct loop_timer poll;

		/* What changes in the fakes stops no loop by itself. */
		rig->until = until;
		loop_timer_init(&poll, rig->loop, on_turn, rig);
		loop_timer_start(&poll, 1);
		loop_run(rig->loop);
		loop_timer_stop(&poll);
	}
	rig->until = NULL;
	loop_timer_stop(&rig->timer);
	if (rig->late)
		print_error(
			"waited too long; heard so far: %.*s\n", SPAN_PRINT(buf_span(&rig->got)));
	assert_false(rig->late);
}

/* ---- set-up -------------------------------------------------------------------------------- */

static struct settings *
load(const char *tls, const char *text, const char *more)
{
	char path[] = "/tmp/test-smtp-XXXXXX";
	int fd = mkstemp(path);
	struct fault fault = FAULT_INIT;
	struct settings *settings;

	assert_true(fd >= 0);
	dprintf(fd,
		"hostname = \"mail.example.org\"\n"
		"authoritative-domains = { \"example.org\" }\n"
		"tls \"main\" { certificate = \"/c.pem\" key = \"/k.pem\" }\n"
		"sasl { mechanisms = { PLAIN, LOGIN, \"SCRAM-SHA-256\", \"SCRAM-SHA-256-PLUS\" } "
		"answer-wait = 1s }\n"
		"listener \"in\" { address = \"127.0.0.1:0\" tls = %s\n%s }\n"
		"permit \"authenticated\" { rights = { submit, relay } }\n"
		"route \"*\" { to = \"smtp:hop.example.net:25\" }\n%s\n",
		tls, text, more);
	settings = config_load(path, &fault);
	if (!settings)
		print_error("%s\n", fault.text);
	assert_non_null(settings);
	close(fd);
	unlink(path);
	return settings;
}

struct setup *
rig_setup(struct rig *rig, const char *tls, const char *text, const char *more)
{
	struct settings *settings = load(tls, text, more);
	struct fault fault = FAULT_INIT;
	struct setup *setup =
		setup_new(NULL, settings, 1u << LISTENER_SMTP, rig->service.signer, &fault);

	if (!setup)
		print_error("%s\n", fault.text);
	assert_non_null(setup);
	settings_free(&settings);
	return setup;
}

struct rig *
rig_new(const char *tls, const char *text, const char *more)
{
	static const struct session_protocol *const protocols[FRONT_PROTOCOLS] = {
		[LISTENER_SMTP] = &smtp_protocol
	};
	struct rig *rig = mem_alloc(sizeof *rig);
	struct gate *gate;

	rig_make_pair();
	rig->loop = loop_new();
	rig->epoch = 1;
	loop_timer_init(&rig->timer, rig->loop, on_timer, rig);
	rig->journal = memfd_create("journal", MFD_CLOEXEC);
	rig->service.signer = signer_new();
	rig->service.queue = queue_link_new(rig->loop);
	rig->service.dial = dial_link_new(rig->loop);
	gate = gate_open(-1, 0, NULL);
	rig->service.filters = filters_new(rig->loop, rig->service.dial, rig->service.queue, gate);
	rig->service.front = front_new(rig->loop, ROLE_SMTP, protocols, gate,
		journal_new(dup(rig->journal), LOG_PROTOCOL_CSV), NULL, &rig->service);
	assert_true(front_serve(rig->service.front, rig_setup(rig, tls, text, more), NULL, NULL));
	filters_use(rig->service.filters, rig->service.front->setup->settings);
	rig_link_keys(rig);
	rig_link_auth(rig);
	rig_link_queue(rig);
	rig_turns(rig, 2);
	return rig;
}

void
rig_free(struct rig **rig)
{
	struct rig *old = *rig;

	rig_hang_up(old);
	for (unsigned i = 0; i < sizeof old->parked / sizeof *old->parked; i++)
		stream_free(&old->parked[i]);
	front_free(&old->service.front);
	filters_free(&old->service.filters);
	queue_link_free(&old->service.queue);
	dial_link_free(&old->service.dial);
	signer_free(&old->service.signer);
	buf_fini(&old->service.reply);
	channel_free(&old->auth);
	channel_free(&old->queue);
	tls_client_free(&old->tls);
	for (unsigned i = 0; i < RIG_MESSAGES_MAX; i++) {
		buf_fini(&old->messages[i].header);
		buf_fini(&old->messages[i].body);
	}
	for (unsigned i = 1; i <= 8 && i <= old->body_count; i++)
		close(old->body_fds[i % 8]);
	close(old->journal);
	buf_fini(&old->got);
	loop_free(&old->loop);
	mem_free_at((void **)rig);
}

char *
rig_read_journal(struct rig *rig)
{
	char *text = mem_alloc(1 << 16);

	assert_true(pread(rig->journal, text, (1 << 16) - 1, 0) >= 0);
	return text;
}
