/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast is the spool alone: messages accepted, delivered and removed per second, and what each
 * costs in CPU, at several numbers of messages waiting for the disk. usage: spool [FOLDER]
 */
#include "../fake/mail_samples.h"
#include "base/log.h"
#include "queue/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MESSAGES = 40000, BODY_BYTES = 4096 };

static struct loop *loop;
static struct spool *spool;
static unsigned begun;
static unsigned finished;
static char body[BODY_BYTES + 1];

struct message {
	struct spool_commit commit;
	struct spool_settle settle;
};

static void begin(struct message *message);

static void
on_settled(struct spool_request *request)
{
	struct message *message =
		(struct message *)((char *)request - offsetof(struct message, settle));
	if (request->result != SPOOL_DONE)
		abort();
	parcel_drop(&message->commit.parcel);
	if (++finished == MESSAGES)
		loop_stop(loop);
	begin(message);
}

static void
on_committed(struct spool_request *request)
{
	static const struct recipient delivered = { .number = 0, .stage = RECIPIENT_DELIVERED,
		.code = 250, .enhanced = "2.0.0", .text = "Ok: queued as 12345", .hop = "mx" };
	struct message *message = (struct message *)request;
	if (request->result != SPOOL_DONE)
		abort();
	message->settle = (struct spool_settle){
		.request = { .verb = SPOOL_SETTLE, .on_done = on_settled },
		.parcel = message->commit.parcel,
		.recipients = &delivered,
		.recipient_count = 1,
		.finished = true,
		.now_ms = SAMPLE_RECEIVED_MS,
	};
	spool_ask(spool, &message->settle.request);
}

static void
begin(struct message *message)
{
	char id[30];
	if (begun == MESSAGES) {
		free(message);
		return;
	}
	snprintf(id, sizeof(id), "1m7ywbk2rs%08x", begun++);
	message->commit = (struct spool_commit){
		.request = { .verb = SPOOL_COMMIT, .on_done = on_committed },
		.parcel = sample_parcel(id, body, (const char *const[]){ "bob@example.net", NULL }),
		.resend = { .wanted = true }, /* as of a login */
	};
	digest_random(message->commit.resend.key, sizeof(message->commit.resend.key));
	spool_ask(spool, &message->commit.request);
}

static double
cpu_s(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
clock_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
run(unsigned width)
{
	struct fault fault = FAULT_INIT;
	char path[300];
	snprintf(path, sizeof(path), "%s/queue", sample_folder_make());
	loop = loop_new();
	spool = spool_open(loop, path, true, &fault);
	if (!spool) {
		fprintf(stderr, "%s\n", fault.text);
		exit(1);
	}
	begun = finished = 0;
	double cpu = cpu_s();
	double wall = clock_s();
	for (unsigned i = 0; i < width; i++)
		begin(calloc(1, sizeof(struct message)));
	loop_run(loop);
	wall = clock_s() - wall;
	cpu = cpu_s() - cpu;
	printf("%7u %12.0f %14.1f\n", width, MESSAGES / wall, cpu / MESSAGES * 1e6);
	spool_close(&spool);
	loop_free(&loop);
	sample_folder_remove();
}

int
main(int argc, char **argv)
{
	static const unsigned widths[] = { 1, 8, 32, 128, 512 };
	if (argc > 1)
		setenv("TMPDIR", argv[1], 1);
	memset(body, 'x', BODY_BYTES);
	for (size_t i = 70; i + 2 < BODY_BYTES; i += 72)
		memcpy(body + i, "\r\n", 2);
	memcpy(body + BODY_BYTES - 2, "\r\n", 2);
	log_start("bench", 2, LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
	printf("%u messages of %u bytes, accepted, delivered and removed, synced\n", MESSAGES,
		BODY_BYTES);
	printf("%7s %12s %14s\n", "waiting", "messages/s", "CPU us/message");
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		run(widths[i]);
	return 0;
}
