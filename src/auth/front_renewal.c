/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions that are there already: announced after a restart, and their identities renewed. */
#include <string.h>

#include "auth/admission.h"
#include "auth/front_link_private.h"
#include "base/clock.h"
#include "base/log.h"
#include "ipc/grant.h"

/* A question to the directory about a session. */
struct renewal {
	struct renewal *next;
	struct front_link *link;
	uint32_t request; /* of IDENTITY_GET; 0 after an announcement, which is not answered */
	struct directory_question *question;
	struct arena *arena;
	struct admission admission;
	const char *login;
	uint64_t epoch;
	int64_t since_ms;
};

static void
free_renewal(struct renewal *renewal)
{
	struct renewal **at = &renewal->link->renewals;

	while (*at != renewal)
		at = &(*at)->next;
	*at = renewal->next;
	directory_cancel(&renewal->question);
	arena_free(&renewal->arena);
	mem_free(&renewal);
}

void
front_link_cancel_renewals(struct front_link *link)
{
	while (link->renewals)
		free_renewal(link->renewals);
}

/* What was signed when a session logged in. */
struct believed {
	struct identity identity;
	enum identity_protocol protocol;
	struct certificate_names certificates;
};

/*
 * A front end may be in the hands of an enemy: what it says of a session must be what was signed
 * when that session logged in.
 */
static bool
is_believed(struct front_link *link, const struct message_session *session,
	struct believed *believed_out)
{
	struct fault fault = FAULT_INIT;
	struct grant grant;

	if (!grant_check(session->grant, secret_span(link->auth->grant_key), clock_wall_ms(),
		    &grant, &fault)) {
		log_event(EV_SESSION_DOUBTED, kv_str("sid", session->session),
			kv_str("login", session->login), kv_fault(&fault));
		return false;
	}
	if (!certificate_names_read(
		    grant.certificates, link->arena, &believed_out->certificates) ||
		!span_is(grant.session, session->session) ||
		!span_is(grant.login, session->login) ||
		!span_is(grant.listener, session->listener) || grant.epoch != session->epoch ||
		!identity_unpack(grant.identity, link->arena, &believed_out->identity) ||
		!account_find_protocol(span_text(session->protocol), &believed_out->protocol)) {
		log_event(EV_SESSION_DOUBTED, kv_str("sid", session->session),
			kv_str("login", session->login),
			kv_str("reason", "its grant says something else"));
		return false;
	}
	return true;
}

/* Why a session may not go on; NULL if it may. */
static const char *
find_end(const struct renewal *renewal, enum directory_result result,
	const struct account *account, const struct app_password *app)
{
	enum identity_protocol protocol = renewal->admission.protocol;
	int64_t now = clock_wall_ms();
	const char *refusal;

	if (result == DIRECTORY_UNKNOWN)
		return "account is gone";
	if (account->identity.epoch > renewal->epoch)
		return "account has changed";
	if (renewal->admission.credential_id && !app)
		return "app password is revoked";
	refusal = account_refusal(account, protocol, now);
	return !refusal && app ? app_password_refusal(app, protocol, now) : refusal;
}

static void
answer_failed(const struct renewal *renewal, enum login_failure failure, const char *text)
{
	front_link_answer_failed(renewal->link, renewal->request,
		&(const struct exchange_failure){
			.failure = failure,
			.login = renewal->login,
			.text = text,
		});
}

/* What changed while nobody could hear of it is told now. */
static void
end_announced(const struct renewal *renewal, const struct account *account)
{
	if (!account)
		auth_revoke(renewal->link->auth, renewal->login, renewal->epoch + 1);
	else if (account->identity.epoch > renewal->epoch)
		auth_revoke(renewal->link->auth, renewal->login, account->identity.epoch);
	else
		front_link_kick_id(renewal->link, renewal->admission.session,
			"Your login is no longer valid");
}

/* It was entered with what it said of itself; now it is known until when it may go on. */
static void
keep_announced(const struct renewal *renewal, const struct account *account)
{
	struct auth *auth = renewal->link->auth;
	struct login_session *session = sessions_find(auth->sessions, renewal->admission.session);
	struct identity identity = admission_identity(&renewal->admission, account);
	struct login_request request;

	if (!session || session->request.front != renewal->link)
		return;
	request = session->request;
	admission_enter(auth, &request, &renewal->admission, &identity, renewal->since_ms);
}

static void
answer_renewed(const struct renewal *renewal, const struct account *account)
{
	struct front_link *link = renewal->link;
	struct login_session *session =
		sessions_find(link->auth->sessions, renewal->admission.session);
	struct identity identity = admission_identity(&renewal->admission, account);
	struct buf content = BUF_INIT(0);
	struct login_request request;

	/* It may have ended while the directory was asked. */
	if (!session || session->request.front != link) {
		answer_failed(renewal, LOGIN_TEMPORARY, "the session is over");
	} else if (admission_pack(link->auth, &renewal->admission, account, clock_wall_ms(),
			   &content)) {
		request = session->request;
		admission_enter(link->auth, &request, &renewal->admission, &identity,
			renewal->since_ms);
		channel_answer(link->channel, renewal->request, MSG_LOGIN_DONE, &content, -1);
	} else {
		log_event(EV_ACCOUNT_TOO_LARGE, kv_str("login", renewal->login));
		answer_failed(renewal, LOGIN_TEMPORARY, "the account is too large");
	}
	buf_wipe(&content);
	buf_fini(&content);
}

static void
on_found(void *context, enum directory_result result, struct account *account)
{
	struct renewal *renewal = context;
	const struct app_password *app = NULL;
	const char *end;

	renewal->question = NULL;
	if (result == DIRECTORY_DOWN) {
		if (renewal->request)
			answer_failed(renewal, LOGIN_TEMPORARY, "the directory cannot be asked");
		free_renewal(renewal);
		return;
	}
	if (account) {
		app = account_find_app_id(account, renewal->admission.credential_id);
		renewal->admission.expires_ms = admission_expiry(account, app);
	}
	end = find_end(renewal, result, account, app);
	if (end && renewal->request)
		answer_failed(renewal, LOGIN_BAD_CREDENTIALS, end);
	else if (end)
		end_announced(renewal, account);
	else if (renewal->request)
		answer_renewed(renewal, account);
	else
		keep_announced(renewal, account);
	free_renewal(renewal);
}

static void
ask_directory(struct front_link *link, const struct message_session *session,
	const struct admission *admission, uint32_t request)
{
	struct renewal *renewal = mem_alloc(sizeof *renewal);
	struct directory_question *question;
	struct arena *arena = arena_new(512);

	renewal->link = link;
	renewal->request = request;
	renewal->arena = arena;
	renewal->admission = (struct admission){
		.session = arena_strdup(arena, admission->session),
		.listener = arena_strdup(arena, admission->listener),
		.client_address = arena_strdup(arena, admission->client_address),
		.mechanism = arena_strdup(arena, admission->mechanism),
		.credential = arena_strdup(arena, admission->credential),
		.credential_id = admission->credential_id,
		.protocol = admission->protocol,
		.certificates = certificate_names_copy(&admission->certificates, arena),
	};
	renewal->login = arena_strdup(arena, session->login);
	renewal->epoch = session->epoch;
	renewal->since_ms = session->since_ms;
	renewal->next = link->renewals;
	link->renewals = renewal;
	/* If it answers at once the renewal is gone: NULL then. */
	question = directory_find(link->auth->directory, renewal->login, false, on_found, renewal);
	if (question)
		renewal->question = question;
}

static struct admission
admission_of(const struct message_session *session, const struct believed *believed)
{
	return (struct admission){
		.session = session->session,
		.listener = session->listener,
		.client_address = session->client_address,
		.mechanism = believed->identity.mechanism,
		.credential = believed->identity.credential,
		.credential_id = believed->identity.credential_id,
		.protocol = believed->protocol,
		.certificates = believed->certificates,
	};
}

static void
enter(struct front_link *link, const struct admission *admission, const struct identity *identity,
	int64_t since_ms)
{
	admission_enter(link->auth, &(const struct login_request){ link, 0 }, admission, identity,
		since_ms);
}

bool
front_link_on_announce(struct front_link *link, struct span bytes)
{
	struct message_session session;
	struct believed believed;
	struct admission admission;

	if (!message_session_unpack(bytes, link->arena, &session))
		return false;
	if (!is_believed(link, &session, &believed)) {
		front_link_kick_id(link, session.session, "Please log in again");
		return true;
	}
	admission = admission_of(&session, &believed);
	enter(link, &admission, &believed.identity, session.since_ms);
	ask_directory(link, &session, &admission, 0);
	return true;
}

bool
front_link_on_identity_get(struct front_link *link, const struct channel_message *message)
{
	struct message_session session;
	struct believed believed;
	struct admission admission;

	if (!message_session_unpack(message->bytes, link->arena, &session))
		return false;
	if (!is_believed(link, &session, &believed)) {
		front_link_answer_failed(link, message->request,
			&(const struct exchange_failure){
				.failure = LOGIN_BAD_CREDENTIALS,
				.login = "",
				.text = "the grant is not valid",
			});
		return true;
	}
	admission = admission_of(&session, &believed);
	if (!sessions_find(link->auth->sessions, session.session))
		enter(link, &admission, &believed.identity, session.since_ms);
	ask_directory(link, &session, &admission, message->request);
	return true;
}
