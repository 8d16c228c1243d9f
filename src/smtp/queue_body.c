/* SPDX-License-Identifier: BSD-2-Clause */
/* A body file that is asked of the queue. */
#include "smtp/queue_body.h"

struct queue_body {
	struct queue_link *link;
	queue_body_fn *done; /* NULL: nobody wants it any more */
	void *context;
	struct loop_timer deadline;
};

void
queue_body_drop(struct queue_link *link, uint64_t file)
{
	struct message_body body = { .file = file };
	struct channel *queue = queue_link_channel(link);
	struct buf content = BUF_INIT(0);

	if (!queue)
		return;
	message_body_pack(&content, &body);
	channel_send(queue, MSG_BODY_DROP, &content, -1);
	buf_fini(&content);
}

static void
on_late(void *context)
{
	struct queue_body *body = context;
	queue_body_fn *done = body->done;

	body->done = NULL;
	done(body->context, 0, -1, false);
}

static bool
read_file(const struct channel_message *answer, uint64_t *file_out)
{
	struct arena *arena = arena_new(0);
	struct message_body file;
	bool good = answer && answer->id == MSG_BODY_FILE &&
		    message_body_unpack(answer->bytes, arena, &file);

	if (good)
		*file_out = file.file;
	arena_free(&arena);
	return good;
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct queue_body *body = context;
	struct queue_link *link = body->link;
	queue_body_fn *done = body->done;
	void *asker = body->context;
	uint64_t file = 0;
	bool opened = read_file(answer, &file);
	int fd = -1;

	loop_timer_stop(&body->deadline);
	mem_free(&body);
	if (opened && !done)
		queue_body_drop(link, file);
	if (!done)
		return true;
	if (opened) {
		fd = answer->fd;
		answer->fd = -1;
	}
	done(asker, file, fd, answer && answer->id == MSG_REFUSED);
	return true;
}

struct queue_body *
queue_body_open(struct queue_link *link, queue_body_fn *done, void *context)
{
	struct channel *queue = queue_link_channel(link);
	struct queue_body *body;

	if (!queue)
		return NULL;
	body = mem_alloc(sizeof *body);
	body->link = link;
	body->done = done;
	body->context = context;
	loop_timer_init(&body->deadline, queue_link_loop(link), on_late, body);
	if (channel_ask(queue, MSG_BODY_OPEN, NULL, -1, 0, on_answer, body))
		loop_timer_start(&body->deadline, QUEUE_LINK_BODY_WAIT_MS);
	else
		mem_free(&body);
	return body;
}

void
queue_body_forget(struct queue_body **body)
{
	if (*body) {
		(*body)->done = NULL;
		loop_timer_stop(&(*body)->deadline);
	}
	*body = NULL;
}
