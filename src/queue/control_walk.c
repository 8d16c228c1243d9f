/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about many messages: list them, or hold, release, flush or delete them, a stretch at a time. */
#include "queue/control_walk.h"

#include "base/log.h"
#include "queue/control_json.h"
#include "wire/address_pattern.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 500,                /* messages read at once */
	LOOKED_AT = 10000,         /* in one request */
	LIST_MAX = 1000,           /* messages in one answer */
	ANSWER_BYTES = 512 * 1024, /* after which it ends */
};

struct filter {
	bool has_sender;
	bool has_recipient;
	bool held;
	struct address_pattern sender; /* they point into the texts */
	struct address_pattern recipient;
	char *sender_text;
	char *recipient_text;
	char *login;
};

struct walk {
	struct spool_page page; /* first: requests are walks */
	struct control_means *means;
	uint32_t request;
	struct filter filter;
	size_t looked_at;
	size_t most;            /* messages that are listed */
	size_t count;           /* listed or changed */
	bool full;              /* the answer is */
	struct buf json;        /* of a list */
	bool is_change;
	enum spool_change_kind kind;
	char *reason;
	size_t changing;
};

/* ---- which messages */

static const char *
text_of(json_t *args, const char *name)
{
	const char *text = json_string_value(json_object_get(args, name));
	return text ? text : "";
}

uint64_t
control_seq(const char *id)
{
	static const char prefix[] = "seq:";
	uint64_t seq = 0;
	if (strncmp(id, prefix, sizeof(prefix) - 1) == 0)
		text_parse_number(span_text(id + sizeof(prefix) - 1), INT64_MAX, &seq);
	return seq;
}

bool
control_is_filter(json_t *args)
{
	return text_of(args, "sender")[0] || text_of(args, "recipient")[0] ||
		text_of(args, "login")[0] || json_is_true(json_object_get(args, "all"));
}

static bool
filter_init(struct filter *filter, json_t *args)
{
	filter->sender_text = mem_strdup(text_of(args, "sender"));
	filter->recipient_text = mem_strdup(text_of(args, "recipient"));
	filter->login = mem_strdup(text_of(args, "login"));
	filter->held = json_is_true(json_object_get(args, "held"));
	filter->has_sender = filter->sender_text[0] != '\0';
	filter->has_recipient = filter->recipient_text[0] != '\0';
	/* "<>" is no pattern of addresses, but mail has it as a sender. */
	return (!filter->has_sender || strcmp(filter->sender_text, "<>") == 0 ||
		       address_pattern_parse(
			       span_text(filter->sender_text), &filter->sender)) &&
		(!filter->has_recipient ||
			address_pattern_parse(
				span_text(filter->recipient_text), &filter->recipient));
}

static void
filter_fini(struct filter *filter)
{
	mem_free(&filter->sender_text);
	mem_free(&filter->recipient_text);
	mem_free(&filter->login);
}

static bool
matches(const struct address_pattern *pattern, const char *path)
{
	struct address address;
	return address_parse(span_text(path), ADDRESS_UTF8, &address) == ADDRESS_OK &&
		address_pattern_matches(pattern, &address);
}

static bool
is_sender(const struct filter *filter, const char *sender)
{
	if (strcmp(filter->sender_text, "<>") == 0)
		return !sender[0];
	return matches(&filter->sender, sender);
}

static bool
is_recipient(const struct filter *filter, const struct message_envelope *envelope)
{
	for (size_t i = 0; i < envelope->recipient_count; i++) {
		if (matches(&filter->recipient, envelope->recipients[i].path))
			return true;
	}
	return false;
}

static bool
is_meant(const struct filter *filter, const struct spool_entry *entry)
{
	const struct record *record = &entry->record;
	if (filter->held && !entry->held)
		return false;
	if (!entry->good) /* nothing is known of it, so only "all" can mean it */
		return !filter->has_sender && !filter->has_recipient && !filter->login[0];
	return (!filter->has_sender || is_sender(filter, record->envelope.sender)) &&
		(!filter->has_recipient || is_recipient(filter, &record->envelope)) &&
		(!filter->login[0] || span_is_nocase(span_text(filter->login), record->login));
}

/* ---- the end */

static void
free_walk(struct walk *walk)
{
	arena_free(&walk->page.arena);
	filter_fini(&walk->filter);
	buf_fini(&walk->json);
	mem_free(&walk->reason);
	mem_free(&walk);
}

static void
refuse(struct walk *walk, const char *kind, const char *text)
{
	walk->means->refuse(walk->means->context, walk->request, kind, text);
	free_walk(walk);
}

static void
follow_changes(const struct walk *walk)
{
	static const char *const words[] = { "held", "released", "flushed", "deleted" };
	log_event(EV_QUEUE_CHANGED, kv_str("change", words[walk->kind]),
		kv_int("messages", (int64_t)walk->count), kv_str("sender", walk->filter.sender_text),
		kv_str("to", walk->filter.recipient_text), kv_str("login", walk->filter.login),
		kv_str("why", walk->reason));
	if (walk->kind == SPOOL_FLUSH)
		dispatch_flush(walk->means->dispatch);
	if (walk->kind == SPOOL_FLUSH || walk->kind == SPOOL_RELEASE)
		dispatch_restart(walk->means->dispatch);
}

/* Is nothing of a login held any more, because somebody wanted that? */
static bool
is_seen(const struct walk *walk)
{
	const struct filter *filter = &walk->filter;
	return walk->is_change && (walk->kind == SPOOL_RELEASE || walk->kind == SPOOL_DELETE) &&
		filter->login[0] && !filter->has_sender && !filter->has_recipient;
}

static void
finish(struct walk *walk)
{
	bool more = walk->full || walk->page.more;
	if (!more && is_seen(walk))
		walk->means->on_seen(walk->means->context, walk->filter.login);
	if (walk->is_change) {
		follow_changes(walk);
		buf_printf(&walk->json, "{\"messages\":%zu", walk->count);
	} else {
		buf_add_text(&walk->json, walk->count ? "]" : "{\"messages\":[]");
	}
	if (more)
		buf_printf(&walk->json, ",\"next\":\"seq:%" PRIu64 "\"", walk->page.after_seq);
	buf_add_text(&walk->json, "}");
	walk->means->answer(
		walk->means->context, walk->request, buf_span(&walk->json), false);
	free_walk(walk);
}

/* ---- one message */

static void
list_entry(struct walk *walk, const struct spool_entry *entry)
{
	json_t *message = control_json_entry(entry);
	char *text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	buf_add_text(&walk->json, walk->count++ ? "," : "{\"messages\":[");
	buf_add_text(&walk->json, text);
	free(text);
	walk->full = walk->count == walk->most || buf_length(&walk->json) > ANSWER_BYTES;
}

struct change {
	struct spool_change spool;
	struct walk *walk;
};

static void go_on(struct walk *walk);

static void
on_changed(struct spool_request *request)
{
	struct change *change = (struct change *)request;
	struct walk *walk = change->walk;
	walk->count += request->result == SPOOL_DONE;
	if (request->result == SPOOL_DONE &&
		(walk->kind == SPOOL_HOLD || walk->kind == SPOOL_DELETE))
		dispatch_park(walk->means->dispatch, change->spool.seq);
	mem_free(&change);
	if (--walk->changing == 0)
		go_on(walk);
}

static void
change_entry(struct walk *walk, const struct spool_entry *entry)
{
	bool held = entry->held;
	if ((walk->kind == SPOOL_HOLD && held) || (walk->kind == SPOOL_RELEASE && !held) ||
		(walk->kind == SPOOL_FLUSH && held))
		return;
	if (walk->kind == SPOOL_FLUSH && !entry->due_ms) {
		walk->count++; /* never tried: it is due already */
		return;
	}
	struct change *change = mem_alloc(sizeof(*change));
	change->walk = walk;
	change->spool = (struct spool_change){
		.request = { .verb = SPOOL_CHANGE, .on_done = on_changed },
		.kind = walk->kind,
		.seq = entry->seq,
		.reason = walk->reason,
		.now_ms = walk->means->now(walk->means->context),
	};
	walk->changing++;
	spool_ask(walk->means->spool, &change->spool.request);
}

/* ---- page by page */

static void
go_on(struct walk *walk)
{
	arena_free(&walk->page.arena);
	if (walk->full || !walk->page.more || walk->looked_at >= LOOKED_AT)
		finish(walk);
	else
		spool_ask(walk->means->spool, &walk->page.request);
}

static void
on_page(struct spool_request *request)
{
	struct walk *walk = (struct walk *)request;
	struct spool_page *page = &walk->page;
	if (request->result == SPOOL_MISSING) {
		refuse(walk, "missing", "no message has this id");
		return;
	}
	if (request->result != SPOOL_DONE) {
		refuse(walk, "failed", "the spool cannot be read");
		return;
	}
	page->after_id[0] = '\0';
	for (size_t i = 0; i < page->entry_count && !walk->full; i++) {
		const struct spool_entry *entry = &page->entries[i];
		page->after_seq = entry->seq;
		walk->looked_at++;
		if (!is_meant(&walk->filter, entry))
			continue;
		if (walk->is_change)
			change_entry(walk, entry);
		else
			list_entry(walk, entry);
	}
	if (!walk->changing)
		go_on(walk);
}

static void
begin(struct walk *walk, json_t *args)
{
	const char *after = text_of(args, "after");
	walk->page = (struct spool_page){
		.request = { .verb = SPOOL_PAGE, .on_done = on_page },
		.kind = SPOOL_PAGE_ALL,
		.after_seq = control_seq(after),
		.limit = walk->most < PAGE ? walk->most : PAGE,
	};
	if (!walk->page.after_seq && strlen(after) <= MESSAGE_ID_MAX_BYTES)
		memcpy(walk->page.after_id, after, strlen(after) + 1);
	if (!filter_init(&walk->filter, args))
		refuse(walk, "usage", "neither an address, \"@domain\", \".domain\" nor \"*\"");
	else
		spool_ask(walk->means->spool, &walk->page.request);
}

static struct walk *
new_walk(struct control_means *means, uint32_t request)
{
	struct walk *walk = mem_alloc(sizeof(*walk));
	walk->means = means;
	walk->request = request;
	walk->most = LIST_MAX;
	return walk;
}

void
control_list(struct control_means *means, uint32_t request, json_t *args)
{
	struct walk *walk = new_walk(means, request);
	const char *limit = text_of(args, "limit");
	uint64_t most = LIST_MAX;
	if (limit[0] && !text_parse_number(span_text(limit), UINT32_MAX, &most))
		most = 0;
	walk->most = most < LIST_MAX ? (size_t)most : LIST_MAX;
	if (walk->most)
		begin(walk, args);
	else
		refuse(walk, "usage", "the limit is a number from 1 on");
}

void
control_change_many(struct control_means *means, uint32_t request, enum spool_change_kind kind,
	const char *reason, json_t *args)
{
	struct walk *walk = new_walk(means, request);
	walk->is_change = true;
	walk->kind = kind;
	walk->reason = mem_strdup(reason);
	begin(walk, args);
}
