/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's verbs about messages: queue list, show, hold, delete…; track. */
#include "queue/control.h"

#include "base/log.h"
#include "ipc/control.h"
#include "queue/control_backup.h"
#include "queue/control_json.h"
#include "queue/control_walk.h"

#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 200,                     /* messages looked at in one go */
	TRACK_PAGE = 5000,              /* rows of history */
	ANSWER_BYTES = 512 * 1024,      /* then a page of the answer is sent */
};

/* ---- answers in pages: {"messages":[…]} */

struct pages {
	struct control_means *means;
	uint32_t request;
	struct buf json;
	bool begun;
};

static void
pages_send(struct pages *pages, bool more)
{
	if (!buf_length(&pages->json))
		buf_add_text(&pages->json, "{\"messages\":[");
	buf_add_text(&pages->json, "]}");
	pages->means->answer(
		pages->means->context, pages->request, buf_span(&pages->json), more);
	buf_clear(&pages->json);
}

/* Takes the reference. */
static void
pages_add(struct pages *pages, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	buf_add_text(&pages->json, buf_length(&pages->json) ? "," : "{\"messages\":[");
	buf_add_text(&pages->json, text);
	free(text);
	if (buf_length(&pages->json) > ANSWER_BYTES)
		pages_send(pages, true);
}

/* ---- one message by its id */

static void
set_id(char to[MESSAGE_ID_MAX_BYTES + 1], const char *id)
{
	/* One that is too long is nobody's; cut, it could be somebody's. */
	size_t length = strlen(id);
	memcpy(to, id, length <= MESSAGE_ID_MAX_BYTES ? length + 1 : 0);
}

struct show {
	struct spool_fetch fetch;
	struct control_means *means;
	uint32_t request;
};

static void
on_shown(struct spool_request *request)
{
	struct show *show = (struct show *)request;
	struct control_means *means = show->means;
	if (request->result == SPOOL_DONE) {
		json_t *message = control_json_fetched(&show->fetch);
		char *text = json_dumps(message, JSON_COMPACT);
		means->answer(means->context, show->request, span_text(text), false);
		free(text);
		json_decref(message);
	} else if (request->result == SPOOL_MISSING) {
		means->refuse(means->context, show->request, "missing", "no such message");
	} else {
		means->refuse(means->context, show->request, "failed",
			request->result == SPOOL_TORN ? show->fetch.hold_reason :
							"the spool cannot be read");
	}
	parcel_drop(&show->fetch.parcel);
	arena_free(&show->fetch.arena);
	mem_free(&show);
}

static void
show_message(struct control_means *means, uint32_t request, const char *id)
{
	struct show *show = mem_alloc(sizeof(*show));
	show->means = means;
	show->request = request;
	show->fetch.request =
		(struct spool_request){ .verb = SPOOL_FETCH, .on_done = on_shown };
	show->fetch.fd = -1;
	show->fetch.seq = control_seq(id);
	set_id(show->fetch.id, id);
	spool_ask(means->spool, &show->fetch.request);
}

struct change {
	struct spool_change spool;
	struct control_means *means;
	uint32_t request;
	char *reason;
	char *id;
};

static void
follow_change(const struct change *change)
{
	struct dispatch *dispatch = change->means->dispatch;
	static const char *const words[] = { "held", "released", "flushed", "deleted" };
	log_event(EV_QUEUE_CHANGED, kv_str("id", change->id),
		kv_str("change", words[change->spool.kind]), kv_str("why", change->reason));
	if (change->spool.kind == SPOOL_HOLD || change->spool.kind == SPOOL_DELETE)
		dispatch_park(dispatch, change->spool.seq);
	else
		dispatch_wake(dispatch, change->spool.seq);
	if (change->spool.kind == SPOOL_FLUSH)
		dispatch_flush(dispatch);
}

static void
on_changed(struct spool_request *request)
{
	struct change *change = (struct change *)request;
	struct control_means *means = change->means;
	if (request->result == SPOOL_DONE) {
		follow_change(change);
		means->answer(means->context, change->request,
			change->spool.kind == SPOOL_FLUSH ? SPAN_LITERAL("{\"messages\":1}") :
							    SPAN_LITERAL("null"),
			false);
	} else if (request->result == SPOOL_MISSING) {
		static const char *const why[] = { "no such message", "no such message is held",
			"no such message, or it is held", "no such message" };
		means->refuse(
			means->context, change->request, "missing", why[change->spool.kind]);
	} else {
		means->refuse(means->context, change->request, "failed", "the spool is broken");
	}
	mem_free(&change->reason);
	mem_free(&change->id);
	mem_free(&change);
}

static void
change_message(struct control_means *means, uint32_t request, enum spool_change_kind kind,
	const char *id, const char *reason)
{
	struct change *change = mem_alloc(sizeof(*change));
	change->means = means;
	change->request = request;
	change->id = mem_strdup(id);
	change->reason = mem_strdup(reason);
	change->spool.request =
		(struct spool_request){ .verb = SPOOL_CHANGE, .on_done = on_changed };
	change->spool.kind = kind;
	change->spool.seq = control_seq(id);
	set_id(change->spool.id, id);
	change->spool.reason = change->reason;
	change->spool.now_ms = means->now(means->context);
	spool_ask(means->spool, &change->spool.request);
}

/* ---- track: what is queued, then what has left */

struct walk {
	struct spool_page page;      /* first: requests are walks */
	struct pages pages;
	struct spool_track track;    /* TRACK: history behind the queue */
	char *text;                  /* TRACK: what is looked for */
	void (*on_entry)(struct walk *walk, const struct spool_entry *entry);
	void (*on_end)(struct walk *walk);
};

static void
free_walk(struct walk *walk)
{
	buf_fini(&walk->pages.json);
	mem_free(&walk->text);
	mem_free(&walk);
}

static void
go_on(struct walk *walk)
{
	arena_free(&walk->page.arena);
	if (walk->page.more)
		spool_ask(walk->pages.means->spool, &walk->page.request);
	else
		walk->on_end(walk);
}

static void
fail_walk(struct walk *walk)
{
	arena_free(&walk->page.arena);
	arena_free(&walk->track.arena);
	struct control_means *means = walk->pages.means;
	means->refuse(means->context, walk->pages.request, "failed", "the spool cannot be read");
	free_walk(walk);
}

static void
on_page(struct spool_request *request)
{
	struct walk *walk = (struct walk *)request;
	struct spool_page *page = &walk->page;
	if (request->result != SPOOL_DONE) {
		fail_walk(walk);
		return;
	}
	for (size_t i = 0; i < page->entry_count; i++) {
		page->after_seq = page->entries[i].seq;
		walk->on_entry(walk, &page->entries[i]);
	}
	go_on(walk);
}

static struct walk *
new_walk(struct control_means *means, uint32_t request)
{
	struct walk *walk = mem_alloc(sizeof(*walk));
	walk->pages.means = means;
	walk->pages.request = request;
	walk->page = (struct spool_page){
		.request = { .verb = SPOOL_PAGE, .on_done = on_page },
		.kind = SPOOL_PAGE_ALL,
		.limit = PAGE,
	};
	return walk;
}

static void
end_pages(struct walk *walk)
{
	pages_send(&walk->pages, false);
	free_walk(walk);
}

static bool
is_about(const struct record *record, struct span text)
{
	if (span_is_nocase(text, record->id) || span_is_nocase(text, record->parent) ||
		span_is_nocase(text, record->login) ||
		span_is_nocase(text, record->envelope.sender))
		return true;
	for (size_t i = 0; i < record->envelope.recipient_count; i++) {
		if (span_is_nocase(text, record->envelope.recipients[i].path))
			return true;
	}
	return false;
}

static void
track_entry(struct walk *walk, const struct spool_entry *entry)
{
	if (entry->good && is_about(&entry->record, span_text(walk->text)))
		pages_add(&walk->pages, control_json_message(entry));
}

static void
on_tracked(struct spool_request *request)
{
	struct walk *walk = (struct walk *)((char *)request - offsetof(struct walk, track));
	struct spool_track *track = &walk->track;
	if (request->result != SPOOL_DONE) {
		fail_walk(walk);
		return;
	}
	for (size_t i = 0; i < track->brief_count; i++)
		pages_add(&walk->pages, control_json_brief(&track->briefs[i]));
	arena_free(&track->arena);
	track->before_seq = track->next_seq;
	if (track->next_seq)
		spool_ask(walk->pages.means->spool, request);
	else
		end_pages(walk);
}

static void
track_history(struct walk *walk)
{
	walk->track = (struct spool_track){
		.request = { .verb = SPOOL_TRACK, .on_done = on_tracked },
		.text = walk->text,
		.limit = TRACK_PAGE,
	};
	spool_ask(walk->pages.means->spool, &walk->track.request);
}

static void
track_messages(struct control_means *means, uint32_t request, const char *text)
{
	struct walk *walk = new_walk(means, request);
	walk->text = mem_strdup(text);
	walk->on_entry = track_entry;
	walk->on_end = track_history;
	spool_ask(means->spool, &walk->page.request);
}

/* ---- verbs */

static void
list_destinations(struct control_means *means, uint32_t request)
{
	json_t *data = json_object();
	json_object_set_new(data, "destinations",
		control_json_destinations(dispatch_schedule(means->dispatch)));
	char *text = json_dumps(data, JSON_COMPACT);
	means->answer(means->context, request, span_text(text), false);
	free(text);
	json_decref(data);
}

static void
change(struct control_means *means, uint32_t request, enum spool_change_kind kind, json_t *args,
	const char *id, const char *reason)
{
	bool is_filter = control_is_filter(args);
	if (id[0] && is_filter)
		means->refuse(means->context, request, "usage", "either an id or a filter");
	else if (id[0])
		change_message(means, request, kind, id, reason);
	else if (is_filter || kind == SPOOL_FLUSH)
		control_change_many(means, request, kind, reason, args);
	else
		means->refuse(means->context, request, "usage", "an id or a filter is missing");
}

static bool
find_change(const char *verb, enum spool_change_kind *kind_out)
{
	static const char *const verbs[] = { [SPOOL_HOLD] = "queue hold",
		[SPOOL_RELEASE] = "queue release",
		[SPOOL_FLUSH] = "queue flush",
		[SPOOL_DELETE] = "queue delete" };
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i]) == 0) {
			*kind_out = (enum spool_change_kind)i;
			return true;
		}
	}
	return false;
}

static const char *
argument(const struct control_request *request, const char *name)
{
	const char *text = json_string_value(json_object_get(request->args, name));
	return text ? text : "";
}

void
control_ask(struct control_means *means, uint32_t request, struct span json)
{
	struct control_request asked;
	struct fault fault = FAULT_INIT;
	if (!control_request_unpack(json, &asked, &fault)) {
		means->refuse(means->context, request, "usage", fault.text);
		return;
	}
	const char *text = argument(&asked, "text");
	const char *reason = argument(&asked, "reason");
	const char *id = argument(&asked, "id");
	enum spool_change_kind kind;
	if (find_change(asked.verb, &kind))
		change(means, request, kind, asked.args, id,
			reason[0] ? reason : "by the administrator");
	else if (strcmp(asked.verb, "queue list") == 0)
		control_list(means, request, asked.args);
	else if (strcmp(asked.verb, "queue destinations") == 0)
		list_destinations(means, request);
	else if (strcmp(asked.verb, "queue backup") == 0)
		control_backup(means, request, argument(&asked, "name"));
	else if (strcmp(asked.verb, "queue show") == 0 && id[0])
		show_message(means, request, id);
	else if (strcmp(asked.verb, "track") == 0 && text[0])
		track_messages(means, request, text);
	else
		means->refuse(means->context, request, "usage", "unknown verb, or nothing said of what");
	control_request_fini(&asked);
}
