/* SPDX-License-Identifier: BSD-2-Clause */
/* One job, and what became of each recipient. */
#include "relay/job.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { JOB_TEXT_MAX_BYTES = 512 }; /* of a hop's reply, kept for the log and the notice */

struct job *
job_new(struct span bytes, int fd)
{
	struct arena *arena = arena_new(bytes.length + 1024);
	struct job *job = arena_alloc(arena, sizeof *job);
	char *copy = arena_dup(arena, bytes.start, bytes.length);

	job->arena = arena;
	job->body_fd = -1;
	job->hop = job->hop_address = job->tls = "";
	if (!message_job_unpack(span_of(copy, bytes.length), arena, &job->message) ||
		job->message.content.in_file != (fd >= 0)) {
		arena_free(&arena);
		return NULL;
	}
	job->body_fd = fd;
	job->results = arena_alloc(arena,
		job->message.envelope.recipient_count * sizeof *job->results);
	job_reopen(job);
	return job;
}

void
job_reopen(struct job *job)
{
	job->open = job->message.envelope.recipient_count;
	for (size_t i = 0; i < job->open; i++)
		job->results[i] = (struct message_recipient_result){
			.number = job->message.envelope.recipients[i].number,
			.outcome = OUTCOME_COUNT, .enhanced = "", .text = "",
		};
}

void
job_free(struct job **job)
{
	struct arena *arena;

	if (!*job)
		return;
	if ((*job)->body_fd >= 0)
		close((*job)->body_fd);
	arena = (*job)->arena;
	arena_free(&arena);
	*job = NULL;
}

bool
job_is_set(const struct job *job, size_t recipient)
{
	return job->results[recipient].outcome != OUTCOME_COUNT;
}

void
job_set(struct job *job, size_t recipient, enum outcome outcome, unsigned code,
	const char *enhanced, struct span text)
{
	struct message_recipient_result *result = &job->results[recipient];
	char line[JOB_TEXT_MAX_BYTES];

	if (job_is_set(job, recipient))
		return;
	text_flatten(text, line, sizeof line);
	result->outcome = outcome;
	result->code = (uint16_t)code;
	result->enhanced = arena_strdup(job->arena, enhanced);
	result->text = arena_strdup(job->arena, line);
	job->open--;
}

void
job_set_rest(struct job *job, enum outcome outcome, unsigned code, const char *enhanced,
	struct span text)
{
	for (size_t i = 0; job->open && i < job->message.envelope.recipient_count; i++)
		job_set(job, i, outcome, code, enhanced, text);
}

void
job_set_hop(struct job *job, const char *hop, const char *address, const char *tls)
{
	job->hop = arena_strdup(job->arena, hop);
	job->hop_address = arena_strdup(job->arena, address);
	job->tls = arena_strdup(job->arena, tls);
}

uint64_t
job_size(const struct job *job)
{
	return job->message.content.header.length + job->message.content.body_length;
}

static bool
has_8bit(struct span bytes)
{
	for (size_t i = 0; i < bytes.length; i++)
		if ((unsigned char)bytes.start[i] >= 0x80)
			return true;
	return false;
}

bool
job_header_has_8bit(const struct job *job)
{
	return has_8bit(job->message.content.header);
}

static bool
file_has_8bit(const struct job *job)
{
	char piece[16 * 1024];
	uint64_t length = job->message.content.body_length;

	for (uint64_t offset = 0; offset < length;) {
		ssize_t got = pread(job->body_fd, piece, sizeof piece, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || has_8bit(span_of(piece, (size_t)got)))
			return true;
		offset += (uint64_t)got;
	}
	return false;
}

bool
job_has_8bit(const struct job *job)
{
	if (job_header_has_8bit(job))
		return true;
	return job->message.content.in_file ? file_has_8bit(job)
					    : has_8bit(job->message.content.body);
}

void
job_pack_result(const struct job *job, struct buf *to)
{
	struct message_result result = {
		.job = job->message.job,
		.id = job->message.id,
		.hop = job->hop,
		.hop_address = job->hop_address,
		.tls = job->tls,
		.count = job->message.envelope.recipient_count,
		.results = job->results,
	};

	assert(job->open == 0);
	message_result_pack(to, &result);
}
