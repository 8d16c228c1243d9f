/* SPDX-License-Identifier: BSD-2-Clause */
/* The verb queue backup. */
#include "queue/control_backup.h"

#include "base/log.h"
#include "ipc/control.h"
#include "queue/folder_backup.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

enum { SIGN_OF_LIFE_MS = 10 * 1000 }; /* whoever waits gets a page now and then */

struct backup {
	struct spool_backup spool;
	struct control_means *means;
	uint32_t request;
	struct loop_timer alive;
	char name[FOLDER_BACKUP_NAME_MAX + 1];
};

static void
answer(struct backup *backup, json_t *page, bool more)
{
	struct control_means *means = backup->means;
	char *text = json_dumps(page, JSON_COMPACT);
	means->answer(means->context, backup->request, span_text(text), more);
	free(text);
	json_decref(page);
}

static void
on_alive(void *context)
{
	struct backup *backup = context;
	answer(backup, json_pack("{s:s}", "name", backup->name), true);
	loop_timer_start(&backup->alive, SIGN_OF_LIFE_MS);
}

static void
on_done(struct spool_request *request)
{
	struct backup *backup = (struct backup *)request;
	struct control_means *means = backup->means;
	const struct spool_backup *done = &backup->spool;
	loop_timer_stop(&backup->alive);
	if (request->result == SPOOL_DONE) {
		log_event(EV_QUEUE_BACKUP, kv_str("name", backup->name),
			kv_int("messages", (int64_t)done->messages),
			kv_int("bodies", (int64_t)done->bodies),
			kv_int("missing", (int64_t)done->missing),
			kv_int("bytes", (int64_t)done->bytes));
		answer(backup,
			json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", backup->name, "messages",
				(json_int_t)done->messages, "bodies", (json_int_t)done->bodies,
				"missing", (json_int_t)done->missing, "bytes",
				(json_int_t)done->bytes),
			false);
	} else if (request->result == SPOOL_CROWDED) {
		means->refuse(means->context, backup->request, "busy",
			"another backup is under way");
	} else {
		means->refuse(means->context, backup->request,
			control_kind_name(done->fault.kind),
			done->fault.kind ? done->fault.text : "the spool ends");
	}
	mem_free(&backup);
}

void
control_backup(struct control_means *means, uint32_t request, const char *name)
{
	time_t now = (time_t)(means->now(means->context) / 1000);
	struct tm utc;
	if (name[0] && !folder_backup_is_name(name)) {
		means->refuse(means->context, request, "usage",
			"a name has letters, digits, '-', '_' and '.', at most 64 of them");
		return;
	}
	struct backup *backup = mem_alloc(sizeof(*backup));
	if (name[0])
		snprintf(backup->name, sizeof(backup->name), "%s", name);
	else
		strftime(backup->name, sizeof(backup->name), "%Y%m%dT%H%M%SZ",
			gmtime_r(&now, &utc));
	backup->means = means;
	backup->request = request;
	backup->spool.request =
		(struct spool_request){ .verb = SPOOL_BACKUP, .on_done = on_done };
	backup->spool.name = backup->name;
	backup->spool.keep_free = means->keep_free;
	loop_timer_init(&backup->alive, means->loop, on_alive, backup);
	loop_timer_start(&backup->alive, SIGN_OF_LIFE_MS);
	spool_ask(means->spool, &backup->spool.request);
}
