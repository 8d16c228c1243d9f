/* SPDX-License-Identifier: BSD-2-Clause */
/* One front end's channel: body files, commits, and what it must be told. */
#include "queue/intake.h"

#include "base/clock.h"
#include "proc/needs.h"
#include "queue/body_loans.h"

#include <string.h>
#include <unistd.h>

enum { BYTES_MAX = 64 * 1024 * 1024 }; /* of COMMITs that wait for the disk */

struct intake {
	struct intake_means *means;
	struct channel *channel;  /* NULL once it is closed */
	uint8_t instance;
	struct body_loans loans;
	size_t opening;           /* files that are being made */
	size_t busy;
	size_t bytes;
	bool freed;               /* goes when nothing is under way any more */
	void (*on_closed)(void *context, struct intake *intake);
	void *context;
};

static void
release(struct intake *intake)
{
	if (!intake->freed || intake->busy)
		return;
	body_loans_fini(&intake->loans);
	mem_free(&intake);
}

static void
refuse(struct intake *intake, uint32_t request, unsigned code, const char *enhanced,
	const char *text)
{
	if (intake->channel)
		channel_refuse(intake->channel, request, code, enhanced, text);
}

/* ---- body files */

/* A file that was asked for, on its way. */
struct opening {
	struct intake *intake;
	uint32_t request;
};

static void
on_made(void *context, uint64_t number, int fd)
{
	struct opening *opening = context;
	struct intake *intake = opening->intake;
	intake->busy--;
	intake->opening--;
	if (fd >= 0 && intake->channel) {
		struct message_body body = { .file = number };
		struct buf content = BUF_INIT(0);
		body_loans_add(&intake->loans, number);
		message_body_pack(&content, &body);
		channel_answer(intake->channel, opening->request, MSG_BODY_FILE, &content, fd);
		buf_fini(&content);
	} else {
		refuse(intake, opening->request, 452, "4.3.1", "No room for the message");
		if (fd >= 0) {
			close(fd);
			bodies_remove(intake->means->bodies, number);
		}
	}
	mem_free(&opening);
	release(intake);
}

static void
on_body_open(struct intake *intake, uint32_t request)
{
	struct intake_means *means = intake->means;
	if (means->pressure.is_short ||
		body_loans_count(&intake->loans) + intake->opening >= NEEDS_BODY_FILES_MOST) {
		refuse(intake, request, 452, "4.3.1", "No room for the message");
		return;
	}
	uint64_t number = spool_next_file(means->spool);
	struct opening *opening = mem_alloc(sizeof(*opening));
	*opening = (struct opening){ intake, request };
	if (number && bodies_make(means->bodies, number, on_made, opening)) {
		intake->busy++;
		intake->opening++;
		return;
	}
	mem_free(&opening);
	refuse(intake, request, 451, "4.3.0", "The queue's disk is slow");
}

static bool
on_body_drop(struct intake *intake, struct span bytes)
{
	struct message_body body;
	if (!message_body_unpack(bytes, NULL, &body))
		return false;
	if (body_loans_drop(&intake->loans, body.file))
		bodies_remove(intake->means->bodies, body.file);
	return true;
}

/* ---- commits */

struct commit {
	struct spool_commit spool;
	struct intake *intake;
	uint32_t request;
	size_t bytes;
	bool held;
	uint64_t over_since_ms; /* held for the budget of its login */
	const char *owner;      /* whom to tell; in the parcel's arena */
	char hold_reason[VERDICT_TEXT_MAX_BYTES];
};

static void
free_commit(struct commit *commit)
{
	struct intake *intake = commit->intake;
	intake->busy--;
	intake->bytes -= commit->bytes;
	parcel_drop(&commit->spool.parcel);
	mem_free(&commit);
	release(intake);
}

static void
answer_committed(struct commit *commit)
{
	const char *first_id = commit->spool.first_id;
	struct message_committed committed = {
		.id = first_id[0] ? first_id : commit->spool.parcel->record.id };
	struct buf content = BUF_INIT(0);
	if (!commit->intake->channel)
		return;
	message_committed_pack(&content, &committed);
	channel_answer(
		commit->intake->channel, commit->request, MSG_COMMITTED, &content, -1);
	buf_fini(&content);
}

static void
tell_held(const struct commit *commit)
{
	const struct intake_means *means = commit->intake->means;
	const struct herald_news news = { means->admission.settings, commit->spool.parcel,
		commit->owner, commit->hold_reason, commit->over_since_ms };
	if (commit->over_since_ms && news.parcel->record.login[0])
		herald_tell(means->herald, &news);
}

/* The file of a message that was not taken: smtp may bring it again as long as it is there. */
static void
give_file_back(struct commit *commit)
{
	struct intake *intake = commit->intake;
	uint64_t number = commit->spool.parcel->record.file;
	if (body_loans_reopen(&intake->loans, number, intake->channel != NULL))
		bodies_remove(intake->means->bodies, number);
}

static void
on_committed(struct spool_request *request)
{
	struct commit *commit = (struct commit *)request;
	struct intake *intake = commit->intake;
	struct parcel *parcel = commit->spool.parcel;
	switch (request->result) {
	case SPOOL_DONE:
		/* What was sent before has a file of its own. */
		if (body_loans_take(&intake->loans, parcel->record.file) &&
			commit->spool.first_id[0])
			bodies_remove(intake->means->bodies, parcel->record.file);
		answer_committed(commit);
		if (!commit->spool.known && commit->held)
			tell_held(commit);
		else if (!commit->spool.known)
			intake->means->on_message(intake->means->context, parcel);
		break;
	case SPOOL_CLASH:
		give_file_back(commit);
		refuse(intake, commit->request, 451, "4.3.0", "Another message has this id");
		break;
	case SPOOL_MISSING:
		if (commit->spool.only_known && intake->means->pressure.is_short)
			refuse(intake, commit->request, 452, "4.3.1", intake->means->pressure.text);
		else
			refuse(intake, commit->request, 451, "4.3.0", "The body is gone");
		break;
	case SPOOL_CROWDED:
		give_file_back(commit);
		refuse(intake, commit->request, 452, "4.7.1",
			"Too many messages of this login are held; try again later");
		break;
	case SPOOL_FULL:
		give_file_back(commit);
		refuse(intake, commit->request, 452, "4.3.1", "Insufficient system storage");
		break;
	case SPOOL_UNDONE:
	case SPOOL_TORN:
	case SPOOL_BROKEN:
		give_file_back(commit);
		refuse(intake, commit->request, 451, "4.3.0", "The queue's disk does not work");
		break;
	}
	free_commit(commit);
}

static void
on_sealed(void *context, enum folder_result result)
{
	struct commit *commit = context;
	struct intake *intake = commit->intake;
	uint64_t number = commit->spool.parcel->record.file;
	if (result == FOLDER_DONE) {
		spool_ask(intake->means->spool, &commit->spool.request);
		return;
	}
	/* After a sync that failed the file is not believed again. */
	refuse(intake, commit->request, 451, "4.3.0",
		result == FOLDER_WRONG ? "The body is not what was announced" :
					 "The body could not be written");
	body_loans_take(&intake->loans, number);
	bodies_remove(intake->means->bodies, number);
	free_commit(commit);
}

static void
seal(struct commit *commit)
{
	struct intake *intake = commit->intake;
	const struct record *record = &commit->spool.parcel->record;
	if (bodies_seal(intake->means->bodies, record->file, record->body_length,
		    record->body_hash, on_sealed, commit)) {
		body_loans_seal(&intake->loans, record->file);
		return;
	}
	refuse(intake, commit->request, 451, "4.3.0", "The queue's disk is slow");
	free_commit(commit);
}

static void
fill_record(struct record *record, const struct message_commit *from)
{
	*record = (struct record){
		.id = from->id,
		.parent = "",
		.session = from->session,
		.listener = from->listener,
		.protocol = from->protocol,
		.client_address = from->client_address,
		.login = from->login,
		.envelope = from->envelope,
		.file = from->content.in_file ? from->content.file : 0,
		.body_length = from->content.body_length,
	};
	if (from->content.in_file)
		memcpy(record->body_hash, from->content.body_hash, sizeof(record->body_hash));
}

static struct resend
resend_of(const struct intake *intake, const struct message_commit *from)
{
	const struct intake_means *means = intake->means;
	uint64_t window = means->admission.settings->queue.resend_window;
	struct resend resend = { .since_ms = means->now(means->context) - (int64_t)window };
	resend.wanted = window && resend_key(from, resend.key);
	return resend;
}

/* What was asked is allowed; takes the parcel. */
static void
take_commit(struct intake *intake, uint32_t request, struct parcel *parcel,
	const struct message_commit *from, const struct verdict *verdict,
	const struct admitted *admitted)
{
	struct commit *commit = mem_alloc(sizeof(*commit));
	commit->intake = intake;
	commit->request = request;
	commit->bytes = parcel_size(parcel);
	commit->held = from->hold || verdict->kind == VERDICT_HOLD;
	const char *reason = from->hold ? from->hold_reason : verdict->text;
	text_escape(span_text(reason), commit->hold_reason, sizeof(commit->hold_reason));
	commit->spool.request =
		(struct spool_request){ .verb = SPOOL_COMMIT, .on_done = on_committed };
	commit->spool.parcel = parcel;
	commit->spool.hold_reason = commit->held ? commit->hold_reason : NULL;
	commit->spool.held_most = admitted->held_most;
	commit->over_since_ms = from->over_since_ms;
	commit->owner = arena_strdup(parcel->arena, admitted->owner);
	commit->spool.resend = resend_of(intake, from);
	intake->busy++;
	intake->bytes += commit->bytes;
	/* No room, or its file is of a queue before this one: only a repetition is good. */
	commit->spool.only_known = intake->means->pressure.is_short ||
		(from->content.in_file &&
			!body_loans_is_open(&intake->loans, parcel->record.file));
	if (from->content.in_file && !commit->spool.only_known)
		seal(commit);
	else
		spool_ask(intake->means->spool, &commit->spool.request);
}

static bool
on_commit(struct intake *intake, const struct channel_message *message)
{
	struct intake_means *means = intake->means;
	struct parcel *parcel = parcel_new(message->bytes.length);
	struct message_commit commit;
	if (!message_commit_unpack(message->bytes, parcel->arena, &commit) ||
		(commit.content.in_file && !commit.content.file)) {
		parcel_drop(&parcel);
		return false;
	}
	struct admitted admitted;
	struct verdict verdict =
		admission_check(&means->admission, &commit, clock_wall_ms(), &admitted);
	if (intake->bytes > BYTES_MAX)
		verdict = verdict_refuse(452, "4.3.1", "queue", "Too much mail at once");
	if (verdict.kind == VERDICT_CONTINUE || verdict.kind == VERDICT_HOLD) {
		fill_record(&parcel->record, &commit);
		parcel_seal(parcel, commit.content.header, commit.content.body,
			means->now(means->context));
		take_commit(intake, message->request, parcel, &commit, &verdict, &admitted);
		return true;
	}
	refuse(intake, message->request, verdict.code, verdict.enhanced, verdict.text);
	parcel_drop(&parcel);
	return true;
}

/* ---- recipients */

static void
on_told(void *context, uint32_t request, const struct message_recipient_told *told)
{
	struct intake *intake = context;
	struct buf content = BUF_INIT(0);
	intake->busy--;
	if (intake->channel) {
		message_recipient_told_pack(&content, told);
		channel_answer(intake->channel, request, MSG_RECIPIENT_TOLD, &content, -1);
		buf_fini(&content);
	}
	release(intake);
}

static bool
on_recipient_ask(struct intake *intake, const struct channel_message *message)
{
	struct arena *arena = arena_new(0);
	struct message_recipient_ask asked;
	bool good = message->request &&
		message_recipient_ask_unpack(message->bytes, arena, &asked);
	if (good) {
		intake->busy++;
		inquiry_ask(&intake->means->inquiry, asked.path, on_told, intake, message->request);
	}
	arena_free(&arena);
	return good;
}

/* ---- the channel */

static bool
on_message(void *context, struct channel_message *message)
{
	struct intake *intake = context;
	switch ((unsigned)message->id) {
	case MSG_BODY_OPEN:
		on_body_open(intake, message->request);
		return true;
	case MSG_BODY_DROP:
		return on_body_drop(intake, message->bytes);
	case MSG_RECIPIENT_ASK:
		return on_recipient_ask(intake, message);
	case MSG_COMMIT:
		return message->request != 0 && on_commit(intake, message);
	default:
		return false;
	}
}

static void
on_channel_closed(void *context, const struct fault *why)
{
	struct intake *intake = context;
	(void)why;
	channel_free(&intake->channel);
	intake->on_closed(intake->context, intake);
}

void
intake_tell_pressure(struct intake *intake)
{
	struct message_pressure pressure = {
		.short_of_space = intake->means->pressure.is_short,
		.text = intake->means->pressure.text,
	};
	struct buf content = BUF_INIT(0);
	if (!intake->channel)
		return;
	message_pressure_pack(&content, &pressure);
	channel_send(intake->channel, MSG_PRESSURE, &content, -1);
	buf_fini(&content);
}

struct intake *
intake_new(struct intake_means *means, int fd, uint8_t instance,
	void (*on_closed)(void *context, struct intake *intake), void *context)
{
	static const struct channel_events events = { .on_message = on_message,
		.on_closed = on_channel_closed };
	struct intake *intake = mem_alloc(sizeof(*intake));
	intake->means = means;
	intake->instance = instance;
	intake->on_closed = on_closed;
	intake->context = context;
	intake->channel = channel_new(means->loop, fd, ROLE_QUEUE, ROLE_SMTP, &events, intake);
	if (means->pressure.is_short)
		intake_tell_pressure(intake);
	return intake;
}

void
intake_free(struct intake **intake)
{
	struct intake *old = *intake;
	*intake = NULL;
	if (!old)
		return;
	channel_free(&old->channel);
	/* Those that a COMMIT under way names are seen to when it is done. */
	size_t count;
	uint64_t *open = body_loans_take_open(&old->loans, &count);
	for (size_t i = 0; i < count; i++)
		bodies_remove(old->means->bodies, open[i]);
	mem_free(&open);
	old->freed = true;
	release(old);
}

uint8_t
intake_instance(const struct intake *intake)
{
	return intake->instance;
}

size_t
intake_busy(const struct intake *intake)
{
	return intake->busy;
}
