/* SPDX-License-Identifier: BSD-2-Clause */
/* The channel to one front end. */
#include "auth/front_link.h"

#include <string.h>

#include "auth/admission.h"
#include "auth/front_link_private.h"
#include "base/clock.h"
#include "base/log.h"

/* ---- logins under way ------------------------------------------------------------------------ */

/* One LOGIN_START that is not answered yet. */
struct pending_login {
	struct table_entry by_request;
	struct front_link *link;
	uint32_t request;
	struct exchange *exchange;
	bool waiting; /* until it is known who is logged in */
};

static struct pending_login *
pending_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct pending_login, by_request);
}

static struct span
request_key(const uint32_t *request)
{
	return span_of(request, sizeof *request);
}

static struct pending_login *
find_login(struct front_link *link, uint32_t request)
{
	return pending_of(table_find(&link->logins, request_key(&request)));
}

static void
end_login(struct pending_login *login)
{
	table_take(&login->link->logins, &login->by_request);
	exchange_free(&login->exchange);
	mem_free(&login);
}

void
front_link_answer_failed(struct front_link *link, uint32_t request,
	const struct exchange_failure *failure)
{
	struct message_login_failed failed = {
		.failure = failure->failure,
		.delay_ms = failure->delay_ms,
		.login = failure->login,
		.text = failure->text,
	};
	struct buf content = BUF_INIT(0);

	message_login_failed_pack(&content, &failed);
	channel_answer(link->channel, request, MSG_LOGIN_FAILED, &content, -1);
	buf_fini(&content);
}

static void
on_challenge(void *context, struct span challenge)
{
	struct pending_login *login = context;
	struct message_login_challenge message = { .challenge = challenge };
	struct buf content = BUF_INIT(0);

	message_login_challenge_pack(&content, &message);
	channel_answer(login->link->channel, login->request, MSG_LOGIN_CHALLENGE, &content, -1);
	buf_fini(&content);
}

/* Who is not known by name met it by address. */
static void
report(const struct pending_login *login, const char *limit, const char *name, const char *text)
{
	const char *client = exchange_start(login->exchange)->client_address;

	limit_report_add(login->link->auth->report,
		&(const struct limit_met){
			.who = name[0] ? name : client,
			.limit = limit,
			.outcome = "refused",
			.text = text,
			.client_address = client,
		},
		(uint64_t)clock_wall_ms());
}

/* For the reports. */
static void
note_seen(const struct pending_login *login, const char *name, uint64_t credential, bool good)
{
	const struct message_login_start *start = exchange_start(login->exchange);
	int64_t now = clock_wall_ms();

	seen_note(login->link->auth->seen,
		&(const struct login_seen){
			.login = name,
			.credential = credential,
			.protocol = exchange_protocol(login->exchange),
			.listener = start->listener,
			.mechanism = start->mechanism,
			.tls = start->tls_version,
			.address = start->client_address,
			.first_ms = now,
			.last_ms = good ? now : 0,
			.failed_ms = good ? 0 : now,
			.successes = good,
			.failures = !good,
		});
}

static void
on_failed(void *context, const struct exchange_failure *failure)
{
	struct pending_login *login = context;

	if (failure->known)
		note_seen(login, failure->login, 0, false);
	if (failure->failure == LOGIN_LIMIT)
		report(login, "failures-per-login", failure->login, failure->text);
	front_link_answer_failed(login->link, login->request, failure);
	end_login(login);
}

/* The account is good, and yet it is not to be now. */
static void
refuse(struct pending_login *login, enum login_failure failure, const char *name, const char *text)
{
	front_link_answer_failed(login->link, login->request,
		&(const struct exchange_failure){
			.failure = failure,
			.login = name,
			.text = text,
		});
}

/* An id that is another front end's must not push its session out. */
static bool
is_of_another(const struct pending_login *login, const char *id)
{
	const struct login_session *session = sessions_find(login->link->auth->sessions, id);

	return session && session->request.front != login->link;
}

/* Who it is was proved; now for the limits, the identity and the grant. */
static void
on_done(void *context, struct account *account, const struct app_password *app)
{
	struct pending_login *login = context;
	struct auth *auth = login->link->auth;
	const struct message_login_start *start = exchange_start(login->exchange);
	struct admission admission = {
		.session = start->session,
		.listener = start->listener,
		.client_address = start->client_address,
		.mechanism = start->mechanism,
		.credential = app ? app->label : "",
		.credential_id = app ? app->id : 0,
		.protocol = exchange_protocol(login->exchange),
		.certificates = start->certificates,
		.expires_ms = admission_expiry(account, app),
	};
	struct identity identity = admission_identity(&admission, account);
	struct buf content = BUF_INIT(0);
	char text[ADMISSION_TEXT_SIZE];
	int64_t now = clock_wall_ms();

	if (!admission_check(auth, &admission, &identity, text)) {
		report(login, "connections-per-login", identity.login, text);
		refuse(login, LOGIN_LIMIT, identity.login, text);
	} else if (is_of_another(login, start->session)) {
		refuse(login, LOGIN_TEMPORARY, identity.login, "this session is logged in elsewhere");
	} else if (!admission_pack(auth, &admission, account, now, &content)) {
		log_event(EV_ACCOUNT_TOO_LARGE, kv_str("login", identity.login));
		refuse(login, LOGIN_TEMPORARY, identity.login,
			"the account has too many addresses, groups and grants");
	} else {
		admission_enter(auth,
			&(const struct login_request){ login->link, login->request }, &admission,
			&identity, now);
		note_seen(login, identity.login, admission.credential_id, true);
		channel_answer(login->link->channel, login->request, MSG_LOGIN_DONE, &content, -1);
	}
	buf_wipe(&content);
	buf_fini(&content);
	end_login(login);
}

static const struct exchange_events exchange_events = {
	.on_challenge = on_challenge,
	.on_done = on_done,
	.on_failed = on_failed,
};

static bool
on_login_start(struct front_link *link, const struct channel_message *message)
{
	struct message_login_start start;
	struct pending_login *login;

	if (message->request == 0 || find_login(link, message->request) ||
		!message_login_start_unpack(message->bytes, link->arena, &start))
		return false;
	if (link->logins.count >= FRONT_LINK_EXCHANGES_MAX) {
		front_link_answer_failed(link, message->request,
			&(const struct exchange_failure){
				.failure = LOGIN_TEMPORARY,
				.login = "",
				.text = "too many logins at once",
			});
		return true;
	}
	login = mem_alloc(sizeof *login);
	login->link = link;
	login->request = message->request;
	login->exchange = exchange_new(&link->auth->exchanges, &start, &exchange_events, login);
	table_add(&link->logins, &login->by_request, request_key(&login->request));
	login->waiting = !link->auth->sessions_known;
	if (!login->waiting)
		exchange_begin(login->exchange);
	return true;
}

/* Begins all that wait; each may end, and free itself, at once. */
static void
begin_waiting(struct front_link *link)
{
	struct table_entry *entry = link->logins.oldest;

	while (entry) {
		struct pending_login *login = pending_of(entry);

		entry = entry->newer;
		if (login->waiting) {
			login->waiting = false;
			exchange_begin(login->exchange);
		}
	}
}

void
front_link_begin_waiting(struct auth *auth)
{
	for (struct front_link *link = auth->fronts; link; link = link->next)
		begin_waiting(link);
}

static bool
on_login_step(struct front_link *link, struct span bytes)
{
	struct message_login_step step;
	struct pending_login *login;

	if (!message_login_step_unpack(bytes, link->arena, &step))
		return false;
	login = find_login(link, step.exchange);
	return login && !login->waiting && exchange_respond(login->exchange, step.response);
}

static bool
on_login_cancel(struct front_link *link, struct span bytes)
{
	struct message_login_cancel cancel;
	struct pending_login *login;
	struct login_session *session;

	if (!message_login_cancel_unpack(bytes, link->arena, &cancel))
		return false;
	login = find_login(link, cancel.exchange);
	/* It may just have been answered: then there is a session that nobody will end. */
	session = sessions_find_request(link->auth->sessions,
		&(const struct login_request){ link, cancel.exchange });
	if (login)
		end_login(login);
	else if (session)
		sessions_end(link->auth->sessions, session);
	return true;
}

static bool
on_session_end(struct front_link *link, struct span bytes)
{
	struct message_session_end end;
	struct login_session *session;

	if (!message_session_end_unpack(bytes, link->arena, &end))
		return false;
	session = sessions_find(link->auth->sessions, end.session);
	if (session && session->request.front == link)
		sessions_end(link->auth->sessions, session);
	return true;
}

/* ---- the link -------------------------------------------------------------------------------- */

static bool
take_message(struct front_link *link, const struct channel_message *message)
{
	switch ((unsigned)message->id) {
	case MSG_LOGIN_START:
		return on_login_start(link, message);
	case MSG_LOGIN_STEP:
		return on_login_step(link, message->bytes);
	case MSG_LOGIN_CANCEL:
		return on_login_cancel(link, message->bytes);
	case MSG_CHARGE:
		return front_link_on_charge(link, message);
	case MSG_REFUND:
		return front_link_on_refund(link, message->bytes);
	case MSG_SESSION_END:
		return on_session_end(link, message->bytes);
	case MSG_SESSION_ANNOUNCE:
		return front_link_on_announce(link, message->bytes);
	case MSG_IDENTITY_GET:
		return message->request && front_link_on_identity_get(link, message);
	case MSG_RECIPIENT_ASK:
		return front_link_on_recipient_ask(link, message);
	case MSG_SESSIONS_ANNOUNCED:
		link->announced = true;
		auth_check_announced(link->auth);
		return message->bytes.length == 0;
	default:
		return false;
	}
}

static bool
on_message(void *context, struct channel_message *message)
{
	struct front_link *link = context;
	bool good = take_message(link, message);

	arena_reset(link->arena);
	return good;
}

static void
free_link(struct front_link *link)
{
	struct auth *auth = link->auth;
	struct front_link **at = &auth->fronts;

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	while (link->logins.oldest)
		end_login(pending_of(link->logins.oldest));
	table_fini(&link->logins);
	front_link_cancel_renewals(link);
	front_link_cancel_checks(link);
	front_link_forget_charges(link);
	sessions_drop_front(auth->sessions, link);
	channel_free(&link->channel);
	arena_free(&link->arena);
	mem_free(&link);
}

static void
on_closed(void *context, const struct fault *why)
{
	struct front_link *link = context;
	struct auth *auth = link->auth;

	log_event(EV_CHANNEL_CLOSED, kv_str("peer", role_name(link->role)), kv_fault(why));
	free_link(link);
	auth_check_announced(auth);
}

static const struct channel_events channel_events = {
	.on_message = on_message,
	.on_closed = on_closed,
};

static struct front_link *
find_link(struct auth *auth, enum role role, unsigned instance)
{
	struct front_link *link = auth->fronts;

	while (link && !(link->role == role && link->instance == instance))
		link = link->next;
	return link;
}

void
front_link_add(struct auth *auth, enum role role, unsigned instance, int fd)
{
	struct front_link *link;

	front_link_drop(auth, role, instance);
	link = mem_alloc(sizeof *link);
	link->auth = auth;
	link->role = role;
	link->instance = instance;
	link->arena = arena_new(8192);
	table_init(&link->logins);
	table_init(&link->charges);
	link->channel = channel_new(auth->loop, fd, ROLE_AUTH, role, &channel_events, link);
	link->next = auth->fronts;
	auth->fronts = link;
}

void
front_link_drop(struct auth *auth, enum role role, unsigned instance)
{
	struct front_link *link = find_link(auth, role, instance);

	if (link)
		free_link(link);
}

void
front_link_free_all(struct auth *auth)
{
	while (auth->fronts)
		free_link(auth->fronts);
}

bool
front_link_all_announced(const struct auth *auth)
{
	for (const struct front_link *link = auth->fronts; link; link = link->next) {
		if (!link->announced)
			return false;
	}
	return true;
}

static void
revoke(struct front_link *link, const char *login, uint64_t epoch)
{
	struct message_revoke message = { .login = login, .epoch = epoch };
	struct buf content = BUF_INIT(0);

	message_revoke_pack(&content, &message);
	channel_send(link->channel, MSG_REVOKE, &content, -1);
	buf_fini(&content);
}

void
front_link_revoke_all(struct auth *auth, const char *login, uint64_t epoch)
{
	for (struct front_link *link = auth->fronts; link; link = link->next)
		revoke(link, login, epoch);
}

void
front_link_kick_id(struct front_link *link, const char *id, const char *text)
{
	struct message_session_kick kick = { .session = id, .text = text };
	struct buf content = BUF_INIT(0);

	message_session_kick_pack(&content, &kick);
	channel_send(link->channel, MSG_SESSION_KICK, &content, -1);
	buf_fini(&content);
}

void
front_link_kick(struct auth *auth, const struct login_session *session, const char *text)
{
	for (struct front_link *link = auth->fronts; link; link = link->next) {
		if (link == session->request.front)
			front_link_kick_id(link, session->id, text);
	}
}
