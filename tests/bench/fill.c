/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills a spool by its own writer, without SMTP. usage: fill FOLDER COUNT fresh|tried|held DOMAIN
 * FOLDER is the queue's, of this user and closed to others. Prints the seconds it took.
 */
#include "../fake/mail_samples.h"
#include "base/clock.h"
#include "base/log.h"
#include "queue/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { UNDER_WAY = 4096, BODY_BYTES = 1024, SPREAD_MS = 4 * 3600 * 1000 };

static struct loop *loop;
static struct spool *spool;
static unsigned long wanted;
static unsigned long begun;
static unsigned long finished;
static const char *state;
static const char *domain;
static char body[BODY_BYTES + 1];
static int64_t now_ms;

struct message {
	struct spool_commit commit;
	struct spool_settle settle;
};

static void begin(struct message *message);

static void
finish(struct message *message)
{
	parcel_drop(&message->commit.parcel);
	if (++finished == wanted)
		loop_stop(loop);
	begin(message);
}

static void
on_settled(struct spool_request *request)
{
	if (request->result != SPOOL_DONE)
		abort();
	finish((struct message *)((char *)request - offsetof(struct message, settle)));
}

static void
on_committed(struct spool_request *request)
{
	static const struct recipient later = { .attempts = 1, .code = 451, .enhanced = "4.4.1",
		.text = "no answer", .hop = "mx.example.net" };
	struct message *message = (struct message *)request;
	if (request->result != SPOOL_DONE)
		abort();
	if (strcmp(state, "tried") != 0) {
		finish(message);
		return;
	}
	message->settle = (struct spool_settle){
		.request = { .verb = SPOOL_SETTLE, .on_done = on_settled },
		.parcel = message->commit.parcel,
		.recipients = &later,
		.recipient_count = 1,
		.due_ms = now_ms + (int64_t)(begun % 1000) * (SPREAD_MS / 1000),
		.now_ms = now_ms,
	};
	spool_ask(spool, &message->settle.request);
}

static void
begin(struct message *message)
{
	char id[40];
	char recipient[200];
	if (begun == wanted) {
		free(message);
		return;
	}
	snprintf(id, sizeof(id), "1m7ywbk2r%08lx", begun);
	snprintf(recipient, sizeof(recipient), "u%lu@%s", begun, domain);
	begun++;
	message->commit = (struct spool_commit){
		.request = { .verb = SPOOL_COMMIT, .on_done = on_committed },
		.parcel = sample_parcel(id, body, (const char *const[]){ recipient, NULL }),
		.hold_reason = strcmp(state, "held") == 0 ? "by the bench" : NULL,
		.held_most = UINT64_MAX,
	};
	message->commit.parcel->received_ms = now_ms;
	spool_ask(spool, &message->commit.request);
}

int
main(int argc, char **argv)
{
	struct fault fault = FAULT_INIT;
	if (argc != 5) {
		fprintf(stderr, "usage: fill FOLDER COUNT fresh|tried|held DOMAIN\n");
		return 2;
	}
	wanted = strtoul(argv[2], NULL, 10);
	state = argv[3];
	domain = argv[4];
	now_ms = clock_wall_ms();
	memset(body, 'x', BODY_BYTES);
	for (size_t i = 70; i + 2 < BODY_BYTES; i += 72)
		memcpy(body + i, "\r\n", 2);
	memcpy(body + BODY_BYTES - 2, "\r\n", 2);
	log_start("fill", 2, LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
	loop = loop_new();
	spool = spool_open(loop, argv[1], false, &fault);
	if (!spool) {
		fprintf(stderr, "fill: %s\n", fault.text);
		return 1;
	}
	uint64_t start_ms = clock_steady_ms();
	for (unsigned i = 0; i < UNDER_WAY && wanted; i++)
		begin(calloc(1, sizeof(struct message)));
	if (wanted)
		loop_run(loop);
	spool_close(&spool);
	loop_free(&loop);
	printf("%.1f\n", (double)(clock_steady_ms() - start_ms) / 1000);
	return 0;
}
