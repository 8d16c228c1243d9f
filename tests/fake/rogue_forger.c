/* SPDX-License-Identifier: BSD-2-Clause */
/* What a captured smtp process could try to have mail queued that its sessions may not send. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/loop.h"
#include "io/sock.h"
#include "ipc/message_login.h"
#include "ipc/message_mail.h"
#include "rogue_role.h"

enum { WAIT_MS = 5000, NAME_MAX_BYTES = 64 };

#define SESSION "rogue0001"
#define OTHER_SESSION "rogue0002"

struct forger {
	struct role_context *context;
	struct channel *auth;
	struct channel *queue;
	char login[NAME_MAX_BYTES];
	char password[NAME_MAX_BYTES];
	char sender[NAME_MAX_BYTES];
	char other[NAME_MAX_BYTES];
	struct buf grant;
	struct arena *arena;
	unsigned turn;       /* so that each round has ids of its own */
	size_t try;          /* which is under way */
	size_t flipped;      /* byte of the grant that is wrong in this one */
	uint32_t request;    /* to be answered at the end of the round; 0: none */
	json_t *results;
};

/* ---- the tries ------------------------------------------------------------------------------- */

typedef void try_fn(struct forger *forger, struct message_commit *commit);

static void
as_it_should_be(struct forger *forger, struct message_commit *commit)
{
	(void)forger;
	(void)commit;
}

static void
other_sender(struct forger *forger, struct message_commit *commit)
{
	commit->envelope.sender = forger->other;
}

/* "A filter put it there." */
static void
changed_sender(struct forger *forger, struct message_commit *commit)
{
	commit->sender_changed = true;
	commit->allowed_sender = commit->envelope.sender;
	commit->envelope.sender = forger->other;
}

static void
added_recipient(struct forger *forger, struct message_commit *commit)
{
	static const uint32_t first[] = { 0 };

	(void)forger;
	commit->added = first;
	commit->added_count = 1;
}

static void
other_login(struct forger *forger, struct message_commit *commit)
{
	commit->login = "bob";
	commit->envelope.sender = forger->other;
}

static void
other_session(struct forger *forger, struct message_commit *commit)
{
	(void)forger;
	commit->session = OTHER_SESSION;
}

static void
other_listener(struct forger *forger, struct message_commit *commit)
{
	(void)forger;
	commit->listener = "submissions";
}

static void
no_grant(struct forger *forger, struct message_commit *commit)
{
	(void)forger;
	commit->grant = SPAN_EMPTY;
}

static void
no_login(struct forger *forger, struct message_commit *commit)
{
	(void)forger;
	commit->login = "";
	commit->grant = SPAN_EMPTY;
}

static void
grant_without_login(struct forger *forger, struct message_commit *commit)
{
	(void)forger;
	commit->login = "";
}

static void
made_up(struct forger *forger, struct message_commit *commit)
{
	char *bytes = arena_alloc(forger->arena, 200);

	memset(bytes, 'g', 200);
	commit->grant = span_of(bytes, 200);
}

static void
cut(struct forger *forger, struct message_commit *commit)
{
	(void)forger;
	commit->grant.length--;
}

/* A longer life: nothing of what is signed may be another. */
static void
flipped(struct forger *forger, struct message_commit *commit)
{
	char *bytes = arena_dup(forger->arena, commit->grant.start, commit->grant.length);

	bytes[forger->flipped] ^= 1;
	commit->grant = span_of(bytes, commit->grant.length);
}

static void
others_body(struct forger *forger, struct message_commit *commit)
{
	(void)forger;
	commit->content.in_file = true;
	commit->content.file = 1;
	commit->content.body = SPAN_EMPTY;
	commit->content.body_length = 10;
}

static void
two_lines_for_an_id(struct forger *forger, struct message_commit *commit)
{
	(void)forger;
	commit->id = "../../etc/x\r\ny";
}

static const struct {
	const char *name;
	try_fn *change;
} tries[] = {
	{ "own", as_it_should_be },
	{ "again", as_it_should_be }, /* the same id */
	{ "other sender", other_sender },
	{ "changed sender", changed_sender },
	{ "added recipient", added_recipient },
	{ "other login", other_login },
	{ "other session", other_session },
	{ "other listener", other_listener },
	{ "no grant", no_grant },
	{ "no login", no_login },
	{ "grant without login", grant_without_login },
	{ "made up", made_up },
	{ "cut", cut },
	{ "others body", others_body },
	{ "odd id", two_lines_for_an_id },
	{ "flipped", flipped }, /* once for each byte */
};
enum { TRIES = sizeof tries / sizeof *tries };

static void next_try(struct forger *forger);

static void
end_round(struct forger *forger)
{
	char *text = json_dumps(forger->results, JSON_COMPACT);

	role_answer(forger->context, forger->request, span_text(text), false);
	free(text);
	json_decref(forger->results);
	forger->results = NULL;
	forger->request = 0;
}

/* One code for each try; of those with a flipped byte the one that a single success would leave. */
static void
note(struct forger *forger, unsigned code)
{
	json_t *before = json_object_get(forger->results, tries[forger->try].name);

	if (!before || code < 300)
		json_object_set_new(forger->results, tries[forger->try].name, json_integer(code));
	if (tries[forger->try].change == flipped && ++forger->flipped < buf_length(&forger->grant))
		return;
	forger->try++;
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct forger *forger = context;
	struct message_refused refused;
	unsigned code = 0;

	if (answer && answer->id == MSG_COMMITTED)
		code = 250;
	else if (answer && answer->id == MSG_REFUSED &&
		 message_refused_unpack(answer->bytes, forger->arena, &refused))
		code = refused.code;
	note(forger, code);
	next_try(forger);
	return true;
}

static void
send_commit(struct forger *forger, const struct message_commit *commit)
{
	struct buf content = BUF_INIT(0);

	message_commit_pack(&content, commit);
	if (!forger->queue || !channel_ask(forger->queue, MSG_COMMIT, &content, -1, WAIT_MS, on_answer, forger))
		on_answer(forger, NULL);
	buf_fini(&content);
}

static void
next_try(struct forger *forger)
{
	static const struct span header = SPAN_LITERAL("Subject: rogue\r\n\r\n");
	struct message_recipient to = { .path = "u@example.net", .orcpt = "" };
	struct message_commit commit = { .session = SESSION,
		.listener = "submission",
		.protocol = "ESMTPSA",
		.client_address = "198.51.100.7",
		.login = forger->login,
		.hold_reason = "",
		.envelope = { .sender = forger->sender,
			.envid = "",
			.recipient_count = 1,
			.recipients = &to },
		.content = { .header = header } };
	char id[32];

	if (forger->try == TRIES) {
		end_round(forger);
		return;
	}
	snprintf(id, sizeof id, "rogue-%u-%zu-%zu", forger->turn, forger->try < 2 ? 0 : forger->try,
		forger->flipped);
	commit.id = id;
	commit.grant = buf_span(&forger->grant);
	tries[forger->try].change(forger, &commit);
	send_commit(forger, &commit);
}

/* ---- the login ------------------------------------------------------------------------------- */

static void
start_round(struct forger *forger)
{
	forger->turn++;
	forger->try = 0;
	forger->flipped = 0;
	arena_reset(forger->arena);
	forger->results = json_object();
	/* Behind the walls: a file of another role, any file, and where the spool is. */
	json_object_set_new(forger->results, "open",
		json_integer(open("/etc/shells", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0));
	json_object_set_new(forger->results, "list",
		json_integer(open(role_settings(forger->context)->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0
				     ? errno
				     : 0));
	next_try(forger);
}

static bool
on_login(void *context, struct channel_message *answer)
{
	struct forger *forger = context;
	struct message_login_done done;

	if (answer && answer->id == MSG_LOGIN_DONE &&
		message_login_done_unpack(answer->bytes, forger->arena, &done)) {
		buf_clear(&forger->grant);
		buf_add_span(&forger->grant, done.grant);
		start_round(forger);
	} else {
		role_answer(forger->context, forger->request, SPAN_LITERAL("{\"login\":0}"), false);
		forger->request = 0;
	}
	return true;
}

static void
log_in(struct forger *forger)
{
	struct message_login_start start = { .session = SESSION,
		.listener = "submission",
		.protocol = "smtp",
		.mechanism = "PLAIN",
		.client_address = "198.51.100.7",
		.tls = true,
		.has_initial = true };
	struct buf plain = BUF_INIT(0);
	struct buf content = BUF_INIT(0);

	buf_add_byte(&plain, 0);
	buf_add_text(&plain, forger->login);
	buf_add_byte(&plain, 0);
	buf_add_text(&plain, forger->password);
	start.initial = buf_span(&plain);
	message_login_start_pack(&content, &start);
	if (!forger->auth || !channel_ask(forger->auth, MSG_LOGIN_START, &content, -1, WAIT_MS, on_login, forger))
		on_login(forger, NULL);
	buf_fini(&content);
	buf_fini(&plain);
}

void
forger_try(struct forger *forger, uint32_t request)
{
	if (forger->request) {
		role_answer(forger->context, request, SPAN_LITERAL("{}"), false);
		return;
	}
	forger->request = request;
	if (buf_length(&forger->grant))
		start_round(forger);
	else
		log_in(forger);
}

/* ---- links ----------------------------------------------------------------------------------- */

static bool
on_message(void *context, struct channel_message *message)
{
	(void)context;
	(void)message;
	return true; /* whatever auth takes away, an enemy keeps */
}

static void
on_closed(void *context, const struct fault *why)
{
	(void)context;
	(void)why;
}

static const struct channel_events events = { .on_message = on_message, .on_closed = on_closed };

void
forger_link(struct forger *forger, const struct message_link *link, int fd)
{
	struct channel **to = link->peer == ROLE_AUTH ? &forger->auth : &forger->queue;

	if (link->kind != LINK_CHANNEL || (link->peer != ROLE_AUTH && link->peer != ROLE_QUEUE)) {
		sock_close(&fd);
		return;
	}
	channel_hang_up(to);
	*to = channel_new(role_loop(forger->context), fd, ROLE_SMTP, link->peer, &events, forger);
	/* No session is announced: a new auth must not wait for it. */
	if (link->peer == ROLE_AUTH)
		channel_send(*to, MSG_SESSIONS_ANNOUNCED, NULL, -1);
}

struct forger *
forger_new(struct role_context *context, const char *words)
{
	struct forger *forger = mem_alloc(sizeof *forger);

	forger->context = context;
	forger->arena = arena_new(4096);
	buf_init(&forger->grant, 0);
	if (sscanf(words, "%63s %63s %63s %63s", forger->login, forger->password, forger->sender,
		    forger->other) != 4)
		forger->login[0] = '\0';
	return forger;
}

void
forger_free(struct forger **forger)
{
	struct forger *old = *forger;

	if (!old)
		return;
	*forger = NULL;
	channel_free(&old->auth);
	channel_free(&old->queue);
	buf_fini(&old->grant);
	arena_free(&old->arena);
	json_decref(old->results);
	mem_free(&old);
}
