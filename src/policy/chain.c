/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the stages in order over the events of one session. */
#include "policy/chain.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

enum { CHAIN_PIECE_BYTES = 65535 }; /* of a body; the largest a milter takes */

enum event {
	EVENT_NONE,
	EVENT_CONNECT,
	EVENT_HELO,
	EVENT_AUTH,
	EVENT_ENVFROM,
	EVENT_ENVRCPT,
	EVENT_UNKNOWN,
	EVENT_DATA,
	/* The whole message is replayed to one stage after the other, so these four come last. */
	EVENT_HEADER,
	EVENT_EOH,
	EVENT_BODY,
	EVENT_EOM,
};

struct member {
	struct stage *stage;
	bool deaf; /* said ACCEPT: hears no more of this message */
};

struct chain {
	enum event event;
	size_t current;  /* member being asked */
	bool asking;     /* inside a stage's event: its answer must not recurse */
	bool answered;
	struct verdict answer;

	struct mail *mail;
	const struct mail_recipient *recipient;
	struct buf line; /* EVENT_UNKNOWN */
	size_t field;    /* EVENT_HEADER: the next field */
	uint64_t offset; /* EVENT_BODY: the next byte */
	char *piece;     /* of a body that lives in a file */
	struct verdict hold;

	stage_done_fn done;
	void *context;
	size_t count;
	struct member members[];
};

struct chain *
chain_new(const struct mail_session *session, const struct chain_link *links, size_t count)
{
	struct chain *chain = mem_alloc(sizeof *chain + count * sizeof *chain->members);

	chain->count = count;
	chain->line = BUF_INIT(0);
	for (size_t i = 0; i < count; i++)
		chain->members[i].stage = links[i].type->open(session, links[i].service);
	return chain;
}

void
chain_free(struct chain **chain)
{
	if (!*chain)
		return;
	for (size_t i = 0; i < (*chain)->count; i++)
		(*chain)->members[i].stage->type->close(&(*chain)->members[i].stage);
	mem_free(&(*chain)->piece);
	buf_fini(&(*chain)->line);
	mem_free(chain);
}

static void
finish(struct chain *chain, const struct verdict *verdict)
{
	stage_done_fn done = chain->done;
	struct verdict final = *verdict;

	if (final.kind == VERDICT_CONTINUE && chain->hold.kind == VERDICT_HOLD)
		final = chain->hold;
	chain->event = EVENT_NONE;
	chain->hold = VERDICT_PASS;
	chain->done = NULL;
	done(chain->context, &final);
}

static bool
is_replay(const struct chain *chain)
{
	return chain->event >= EVENT_HEADER;
}

/* The next member takes the replay from its start. */
static void
next_member(struct chain *chain)
{
	chain->current++;
	chain->field = 0;
	chain->offset = 0;
	if (is_replay(chain))
		chain->event = EVENT_HEADER;
}

/* After a CONTINUE: what this member hears next, or the next member. */
static void
advance(struct chain *chain)
{
	const struct mail *mail = chain->mail;

	if (!is_replay(chain)) {
		next_member(chain);
		return;
	}
	if (chain->event == EVENT_HEADER && chain->field < mail->header.count)
		return;
	if (chain->event == EVENT_BODY && chain->offset < mail->body_length)
		return;
	if (chain->event == EVENT_EOM)
		next_member(chain);
	else
		chain->event++;
}

/* The members from this one on, for some keep count of the recipients there were. */
static void
tell_refused(const struct chain *chain, size_t from, const struct verdict *verdict)
{
	for (size_t i = from; i < chain->count; i++) {
		struct stage *stage = chain->members[i].stage;

		if (stage->type->refused && !chain->members[i].deaf)
			stage->type->refused(stage, chain->mail, chain->recipient, verdict);
	}
}

/* True if the chain goes on. */
static bool
take_answer(struct chain *chain)
{
	struct member *member = &chain->members[chain->current];
	struct verdict answer = chain->answer;

	chain->answered = false;
	switch (answer.kind) {
	case VERDICT_CONTINUE:
		advance(chain);
		return true;
	case VERDICT_ACCEPT:
		member->deaf = true;
		next_member(chain);
		return true;
	case VERDICT_HOLD:
		if (chain->mail && !chain->mail->hold) {
			chain->mail->hold = true;
			chain->mail->hold_reason = arena_strdup(chain->mail->arena, answer.text);
		}
		if (chain->hold.kind != VERDICT_HOLD)
			chain->hold = answer;
		advance(chain);
		return true;
	case VERDICT_REJECT:
	case VERDICT_TEMPFAIL:
		if (chain->event == EVENT_ENVRCPT)
			tell_refused(chain, chain->current + 1, &answer);
		break;
	case VERDICT_DISCARD:
		break;
	}
	finish(chain, &answer);
	return false;
}

static void step(struct chain *chain);

static void
on_answer(void *context, const struct verdict *verdict)
{
	struct chain *chain = context;

	chain->answer = *verdict;
	chain->answered = true;
	if (!chain->asking && take_answer(chain))
		step(chain);
}

static struct span
read_piece(struct chain *chain)
{
	struct mail *mail = chain->mail;
	ssize_t got;

	if (mail->body_fd < 0)
		return span_first(
			span_from(buf_span(&mail->body), chain->offset), CHAIN_PIECE_BYTES);
	if (!chain->piece)
		chain->piece = mem_alloc(CHAIN_PIECE_BYTES);
	do {
		got = pread(mail->body_fd, chain->piece, CHAIN_PIECE_BYTES, (off_t)chain->offset);
	} while (got < 0 && errno == EINTR);
	return span_of(chain->piece, got > 0 ? (size_t)got : 0);
}

static void
ask_header(struct chain *chain, struct stage *stage)
{
	struct mail *mail = chain->mail;
	const struct header_field *field;

	if (chain->field >= mail->header.count) {
		on_answer(chain, &VERDICT_PASS);
		return;
	}
	field = &mail->header.fields[chain->field++];
	stage->type->header(stage, mail, field->name, field->value, on_answer, chain);
}

static void
ask_body(struct chain *chain, struct stage *stage)
{
	struct verdict lost;
	struct span piece;

	if (chain->offset >= chain->mail->body_length) {
		on_answer(chain, &VERDICT_PASS);
		return;
	}
	piece = read_piece(chain);
	if (piece.length == 0) {
		lost = verdict_refuse(451, "4.3.0", "body", "The message cannot be read back");
		on_answer(chain, &lost);
		return;
	}
	chain->offset += piece.length;
	stage->type->body(stage, chain->mail, piece, on_answer, chain);
}

/* One event to one member; it answers now or later. An event that it does not have is passed. */
static void
ask(struct chain *chain, struct stage *stage)
{
	const struct stage_type *type = stage->type;

#define ASK(event, ...)                                                                             \
	if (!type->event) {                                                                         \
		on_answer(chain, &VERDICT_PASS);                                                    \
		return;                                                                             \
	}                                                                                           \
	type->event(stage, ##__VA_ARGS__, on_answer, chain);                                        \
	return
	switch (chain->event) {
	case EVENT_CONNECT:
		ASK(connect);
	case EVENT_HELO:
		ASK(helo);
	case EVENT_AUTH:
		ASK(auth);
	case EVENT_ENVFROM:
		ASK(envfrom, chain->mail);
	case EVENT_ENVRCPT:
		ASK(envrcpt, chain->mail, chain->recipient);
	case EVENT_UNKNOWN:
		ASK(unknown, buf_span(&chain->line));
	case EVENT_DATA:
		ASK(data, chain->mail);
	case EVENT_HEADER:
		if (type->header) {
			ask_header(chain, stage);
			return;
		}
		chain->field = chain->mail->header.count;
		break;
	case EVENT_EOH:
		ASK(eoh, chain->mail);
	case EVENT_BODY:
		if (type->body) {
			ask_body(chain, stage);
			return;
		}
		chain->offset = chain->mail->body_length;
		break;
	case EVENT_EOM:
		ASK(eom, chain->mail);
	case EVENT_NONE:
		assert(!"no event is under way");
	}
#undef ASK
	on_answer(chain, &VERDICT_PASS);
}

/* Goes on until a stage takes its time or the event is over; never recurses over stages. */
static void
step(struct chain *chain)
{
	for (;;) {
		struct member *member;

		if (chain->current >= chain->count) {
			finish(chain, &VERDICT_PASS);
			return;
		}
		member = &chain->members[chain->current];
		if (member->deaf) {
			next_member(chain);
			continue;
		}
		chain->asking = true;
		ask(chain, member->stage);
		chain->asking = false;
		if (!chain->answered || !take_answer(chain))
			return;
	}
}

static void
start(struct chain *chain, enum event event, stage_done_fn done, void *context)
{
	assert(chain->event == EVENT_NONE);
	chain->event = event;
	chain->current = 0;
	chain->field = 0;
	chain->offset = 0;
	chain->hold = VERDICT_PASS;
	chain->done = done;
	chain->context = context;
	step(chain);
}

void
chain_connect(struct chain *chain, stage_done_fn done, void *context)
{
	start(chain, EVENT_CONNECT, done, context);
}

void
chain_helo(struct chain *chain, stage_done_fn done, void *context)
{
	start(chain, EVENT_HELO, done, context);
}

void
chain_auth(struct chain *chain, stage_done_fn done, void *context)
{
	start(chain, EVENT_AUTH, done, context);
}

/* Who accepted a message hears of the next one, and of a HELO or a login before it. */
static void
listen_again(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		chain->members[i].deaf = false;
}

void
chain_envfrom(struct chain *chain, struct mail *mail, stage_done_fn done, void *context)
{
	listen_again(chain);
	chain->mail = mail;
	start(chain, EVENT_ENVFROM, done, context);
}

void
chain_envrcpt(struct chain *chain, struct mail *mail, const struct mail_recipient *recipient,
	stage_done_fn done, void *context)
{
	chain->mail = mail;
	chain->recipient = recipient;
	start(chain, EVENT_ENVRCPT, done, context);
}

void
chain_refused(struct chain *chain, struct mail *mail, const struct mail_recipient *recipient,
	const struct verdict *verdict)
{
	assert(chain->event == EVENT_NONE);
	chain->mail = mail;
	chain->recipient = recipient;
	tell_refused(chain, 0, verdict);
}

void
chain_unknown(struct chain *chain, struct span line, stage_done_fn done, void *context)
{
	buf_clear(&chain->line);
	buf_add_span(&chain->line, line);
	start(chain, EVENT_UNKNOWN, done, context);
}

void
chain_data(struct chain *chain, struct mail *mail, stage_done_fn done, void *context)
{
	chain->mail = mail;
	start(chain, EVENT_DATA, done, context);
}

void
chain_message(struct chain *chain, struct mail *mail, stage_done_fn done, void *context)
{
	chain->mail = mail;
	start(chain, EVENT_HEADER, done, context);
}

void
chain_abort(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->members[i].stage->type->abort)
			chain->members[i].stage->type->abort(chain->members[i].stage);
	listen_again(chain);
	chain->event = EVENT_NONE;
	chain->done = NULL;
	chain->mail = NULL;
	chain->answered = false;
}
