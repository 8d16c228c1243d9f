/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake of the queue: it keeps what is committed, for the test to look at. */
#include "smtp_rig_parts.h"

#include "base/digest.h"
#include "io/sock.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void
answer_committed(struct rig *rig, uint32_t request, const char *id)
{
	struct message_committed committed = { .id = id };
	struct buf content = BUF_INIT(0);

	message_committed_pack(&content, &committed);
	channel_answer(rig->queue, request, MSG_COMMITTED, &content, -1);
	buf_fini(&content);
}

void
rig_answer_commit(struct rig *rig)
{
	answer_committed(rig, rig->waiting_commit, rig_last(rig)->id);
	rig->waiting_commit = 0;
}

static void
read_body(struct rig *rig, struct rig_message *to, const struct message_content *content)
{
	unsigned char hash[DIGEST_BYTES];
	struct digest digest;

	if (!content->in_file) {
		assert_int_equal(content->body.length, content->body_length);
		buf_add_span(&to->body, content->body);
		return;
	}
	char *room = buf_reserve(&to->body, content->body_length + 1);
	ssize_t length = pread(rig->body_fds[content->file % 8], room, content->body_length + 1, 0);

	assert_int_equal(length, content->body_length);
	buf_claim(&to->body, (size_t)length);
	digest_init(&digest);
	digest_add(&digest, buf_span(&to->body));
	digest_final(&digest, hash);
	to->hash_good = memcmp(hash, content->body_hash, sizeof hash) == 0;
}

static void
keep_message(struct rig *rig, const struct message_commit *commit)
{
	struct rig_message *to = &rig->messages[rig->count++ % RIG_MESSAGES_MAX];
	const struct message_envelope *envelope = &commit->envelope;

	buf_fini(&to->header);
	buf_fini(&to->body);
	*to = (struct rig_message){ .recipients = envelope->recipient_count,
		.in_file = commit->content.in_file,
		.hold = commit->hold,
		.over_since_ms = commit->over_since_ms,
		.eightbit = envelope->body_kind == BODY_8BITMIME,
		.sender_changed = commit->sender_changed,
		.added = commit->added_count,
		.first_added = commit->added_count ? commit->added[0] : 0,
		.ret = (uint8_t)envelope->ret,
		.notify = envelope->recipients[0].notify };
	snprintf(to->id, sizeof to->id, "%s", commit->id);
	snprintf(to->sender, sizeof to->sender, "%s", envelope->sender);
	snprintf(to->allowed_sender, sizeof to->allowed_sender, "%s", commit->allowed_sender);
	snprintf(to->first_recipient, sizeof to->first_recipient, "%s",
		envelope->recipients[0].path);
	snprintf(to->login, sizeof to->login, "%s", commit->login);
	snprintf(to->protocol, sizeof to->protocol, "%s", commit->protocol);
	snprintf(to->envid, sizeof to->envid, "%s", envelope->envid);
	snprintf(to->orcpt, sizeof to->orcpt, "%s", envelope->recipients[0].orcpt);
	snprintf(to->grant, sizeof to->grant, "%.*s", SPAN_PRINT(commit->grant));
	buf_add_span(&to->header, commit->content.header);
	read_body(rig, to, &commit->content);
}

static void
on_commit(struct rig *rig, struct channel_message *message, struct arena *arena)
{
	struct message_commit commit;

	assert_true(message_commit_unpack(message->bytes, arena, &commit));
	rig->commits++;
	if (rig->queue_mode == RIG_QUEUE_REFUSES) {
		channel_refuse(rig->queue, message->request, 452, "4.3.1", "The disk is full");
		return;
	}
	keep_message(rig, &commit);
	if (rig->queue_mode == RIG_QUEUE_SILENT)
		rig->waiting_commit = message->request;
	else
		answer_committed(rig, message->request,
			rig->queue_mode == RIG_QUEUE_OTHER_ID ? "other" : commit.id);
}

static void
answer_body(struct rig *rig, uint32_t request)
{
	struct message_body body = { .file = ++rig->body_count };
	struct buf content = BUF_INIT(0);
	int fd = memfd_create("body", MFD_CLOEXEC);

	rig->body_fds[rig->body_count % 8] = dup(fd);
	message_body_pack(&content, &body);
	channel_answer(rig->queue, request, MSG_BODY_FILE, &content, fd);
	buf_fini(&content);
}

void
rig_answer_body(struct rig *rig)
{
	answer_body(rig, rig->waiting_body);
	rig_turns(rig, 4);
}

static void
open_body(struct rig *rig, const struct channel_message *message)
{
	if (rig->queue_mode == RIG_QUEUE_NO_FILES)
		channel_refuse(rig->queue, message->request, 452, "4.3.1", "No room");
	else if (rig->queue_mode == RIG_QUEUE_LATE_FILES)
		rig->waiting_body = message->request;
	else
		answer_body(rig, message->request);
}

static bool
on_queue_message(void *context, struct channel_message *message)
{
	struct rig *rig = context;
	struct arena *arena = arena_new(0);

	if (message->id == MSG_COMMIT)
		on_commit(rig, message, arena);
	else if (message->id == MSG_BODY_OPEN)
		open_body(rig, message);
	else if (message->id == MSG_BODY_DROP)
		rig->drops++;
	else if (message->id == MSG_RECIPIENT_ASK && ++rig->asked_queue)
		rig_tell_recipient(rig, rig->queue, message, arena);
	else
		fail_msg("queue got %s", message_rule(message->id)->name);
	arena_free(&arena);
	return true;
}

static void
on_queue_closed(void *context, const struct fault *why)
{
	struct rig *rig = context;

	(void)why;
	channel_free(&rig->queue);
}

void
rig_link_queue(struct rig *rig)
{
	static const struct channel_events events = { .on_message = on_queue_message,
		.on_closed = on_queue_closed };
	int fds[2];

	assert_true(sock_pair(fds, NULL));
	channel_free(&rig->queue);
	rig->queue = channel_new(rig->loop, fds[0], ROLE_QUEUE, ROLE_SMTP, &events, rig);
	queue_link_set(rig->service.queue, fds[1]);
}

void
rig_kill_queue(struct rig *rig)
{
	channel_free(&rig->queue);
}

void
rig_press(struct rig *rig, bool is_short)
{
	struct message_pressure pressure = { .short_of_space = is_short, .text = "Disk full" };
	struct buf content = BUF_INIT(0);

	message_pressure_pack(&content, &pressure);
	channel_send(rig->queue, MSG_PRESSURE, &content, -1);
	buf_fini(&content);
	rig_turns(rig, 4);
}

struct rig_message *
rig_last(struct rig *rig)
{
	assert_true(rig->count > 0);
	return &rig->messages[(rig->count - 1) % RIG_MESSAGES_MAX];
}
