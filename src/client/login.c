/* SPDX-License-Identifier: BSD-2-Clause */
/* One SASL exchange over the channel to auth, and its result. */
#include "client/login.h"

#include <string.h>

#include "base/log.h"
#include "client/auth_link.h"
#include "client/login_end.h"
#include "client/session_private.h"
#include "wire/base64.h"
#include "wire/smtp_lenient.h"

static void on_timer(void *context);

void
login_init(struct login *login, struct session *session, struct loop *loop)
{
	login->session = session;
	loop_timer_init(&login->timer, loop, on_timer, login);
}

static struct channel *
auth_of(const struct login *login)
{
	return auth_link_channel(login->session->front->auth);
}

/* If auth still waits for the client. */
static void
cancel(struct login *login)
{
	struct message_login_cancel message = { .exchange = login->exchange };
	struct channel *auth = auth_of(login);
	struct buf content = BUF_INIT(0);

	auth_link_forget(login->session->front->auth, login->exchange);
	if (auth && login->exchange) {
		message_login_cancel_pack(&content, &message);
		channel_send(auth, MSG_LOGIN_CANCEL, &content, -1);
		buf_fini(&content);
	}
	login->exchange = 0;
}

void
login_fini(struct login *login)
{
	cancel(login);
	loop_timer_stop(&login->timer);
	secret_free(&login->user);
	mem_free(&login->text);
}

/* ---- the end of an exchange ------------------------------------------------------------------ */

static void
finish(struct login *login, enum login_end end, const char *text)
{
	struct session *session = login->session;

	cancel(login);
	login->step = LOGIN_STEP_NONE;
	login->mechanism = NULL;
	loop_timer_stop(&login->timer);
	secret_free(&login->user);
	if (end == LOGIN_END_DONE)
		session_welcome(session);
	if (login_end_is_failure(end)) {
		login->failures++;
		login_end_count(session);
	}
	session->protocol->on_login(end, text, session->context);
	if (login_end_is_failure(end) &&
		login->failures >= session->listener->settings->login_tries)
		session_bye(session, SESSION_END_LOGINS, NULL);
}

static void
end_exchange(struct login *login, enum login_end end, const char *name, const char *text)
{
	login_end_log(login->session, login->mechanism, end, name, text);
	finish(login, end, text);
}

/* ---- talking to the client ------------------------------------------------------------------- */

static void
challenge(struct login *login, enum login_step step, struct span bytes)
{
	struct buf text = BUF_INIT(0);
	struct session *session = login->session;

	base64_format(bytes, &text);
	login->step = step;
	session->protocol->on_challenge(buf_span(&text), session->context);
	session_expect(session, SESSION_SECRET);
	buf_wipe(&text);
	buf_fini(&text);
}

/* NULL, and the exchange ended, for what is no base64 or too long. */
static struct secret *
decode(struct login *login, struct span text)
{
	struct secret *bytes;

	if (text.length > base64_length(LOGIN_RESPONSE_MAX_BYTES)) {
		end_exchange(login, LOGIN_END_LONG, NULL, NULL);
		return NULL;
	}
	bytes = login->session->listener->settings->lenient ? smtp_lenient_base64(text)
							    : base64_parse_secret(text);
	if (!bytes)
		end_exchange(login, LOGIN_END_BASE64, NULL, NULL);
	return bytes;
}

/* ---- talking to auth ------------------------------------------------------------------------- */

/* What auth says does not unpack: nothing it says counts any more. */
static void
distrust(struct login *login)
{
	struct channel *auth = auth_of(login);

	if (auth)
		channel_drop(auth, "malformed answer to a login");
	end_exchange(login, LOGIN_END_TEMPORARY, NULL, "malformed answer");
}

static void
wait_for_auth(struct login *login)
{
	login->step = LOGIN_STEP_ASKED;
	loop_timer_start(&login->timer, login->session->setup->settings->sasl.answer_wait);
	session_expect(login->session, SESSION_WAITING);
}

static void
on_done(struct login *login, struct span bytes)
{
	struct message_login_done done;
	struct arena *arena = arena_new(0);

	if (!message_login_done_unpack(bytes, arena, &done) ||
		!standing_take(&login->session->standing, &done))
		distrust(login);
	else
		end_exchange(login, LOGIN_END_DONE, NULL, NULL);
	arena_free(&arena);
}

static const enum login_end ends_of[LOGIN_FAILURE_COUNT] = {
	[LOGIN_BAD_CREDENTIALS] = LOGIN_END_CREDENTIALS,
	[LOGIN_BAD_SYNTAX] = LOGIN_END_BASE64,
	[LOGIN_NO_MECHANISM] = LOGIN_END_MECHANISM,
	[LOGIN_TEMPORARY] = LOGIN_END_TEMPORARY,
	[LOGIN_TOO_WEAK] = LOGIN_END_WEAK,
	[LOGIN_LIMIT] = LOGIN_END_LIMIT,
	[LOGIN_REFUSED] = LOGIN_END_REFUSED,
};

static void
on_failed(struct login *login, struct span bytes)
{
	struct message_login_failed failed;
	struct arena *arena = arena_new(0);

	if (!message_login_failed_unpack(bytes, arena, &failed)) {
		distrust(login);
	} else if (failed.delay_ms == 0) {
		end_exchange(login, ends_of[failed.failure], failed.login, failed.text);
	} else {
		login_end_log(login->session, login->mechanism, ends_of[failed.failure],
			failed.login, failed.text);
		mem_free(&login->text);
		login->text = mem_strdup(failed.text);
		login->delayed = ends_of[failed.failure];
		login->step = LOGIN_STEP_DELAY;
		loop_timer_start(&login->timer, failed.delay_ms);
	}
	arena_free(&arena);
}

static void
on_auth_challenge(struct login *login, struct span bytes)
{
	struct message_login_challenge asked;
	struct arena *arena = arena_new(0);

	if (message_login_challenge_unpack(bytes, arena, &asked))
		challenge(login, LOGIN_STEP_RESPONSE, asked.challenge);
	else
		distrust(login);
	arena_free(&arena);
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct login *login = context;

	if (!answer) {
		/* The client's turn: it hears of it when it has said its part. */
		login->exchange = 0;
		if (login->step == LOGIN_STEP_ASKED)
			end_exchange(login, LOGIN_END_TEMPORARY, NULL, "auth went away");
		return true;
	}
	if (login->step != LOGIN_STEP_ASKED) {
		distrust(login);
		return true;
	}
	loop_timer_stop(&login->timer);
	if (answer->id == MSG_LOGIN_CHALLENGE) {
		on_auth_challenge(login, answer->bytes);
		return login->step != LOGIN_STEP_RESPONSE;
	}
	login->exchange = 0;
	if (answer->id == MSG_LOGIN_DONE)
		on_done(login, answer->bytes);
	else if (answer->id == MSG_LOGIN_FAILED)
		on_failed(login, answer->bytes);
	else
		end_exchange(login, LOGIN_END_TEMPORARY, NULL, "refused");
	return true;
}

static void
on_timer(void *context)
{
	struct login *login = context;

	if (login->step == LOGIN_STEP_ASKED)
		end_exchange(login, LOGIN_END_TEMPORARY, NULL, "auth is slow");
	else if (login->step == LOGIN_STEP_DELAY)
		finish(login, login->delayed, login->text);
}

/* Does it reach auth as one message, with name and password in it? */
static bool
is_whole(const char *mechanism)
{
	return strcmp(mechanism, "PLAIN") == 0 || strcmp(mechanism, "LOGIN") == 0;
}

static void
ask_auth(struct login *login, bool has_initial, struct span initial)
{
	const struct session *session = login->session;
	unsigned char exporter[TLS_BINDING_MAX_BYTES];
	unsigned char endpoint[TLS_BINDING_MAX_BYTES];
	size_t exporter_size = 0;
	size_t endpoint_size = 0;
	struct channel *auth = auth_of(login);
	struct buf content = BUF_INIT(0);
	struct message_login_start start = { .session = session->id,
		.listener = session->listener->settings->title,
		.protocol = session->protocol->name,
		.mechanism = login->mechanism,
		.client_address = session->client_host,
		.tls = session_is_secure(session),
		.certificates = session_certificates(session),
		.tls_version = session_is_secure(session)
			? tls_session_version(session_tls(session))
			: "",
		.has_initial = has_initial,
		.initial = initial };

	/* They cost as much as the rest of it, and a password is not bound. */
	if (start.tls && !is_whole(login->mechanism) &&
		strcmp(login->mechanism, LOGIN_BY_NETWORK) != 0) {
		tls_session_binding(
			session_tls(session), TLS_BINDING_EXPORTER, exporter, &exporter_size);
		tls_session_binding(session_tls(session), TLS_BINDING_SERVER_END_POINT, endpoint,
			&endpoint_size);
	}
	start.bind_exporter = span_of((const char *)exporter, exporter_size);
	start.bind_endpoint = span_of((const char *)endpoint, endpoint_size);
	message_login_start_pack(&content, &start);
	if (auth)
		login->exchange =
			channel_ask(auth, MSG_LOGIN_START, &content, -1, 0, on_answer, login);
	buf_wipe(&content);
	buf_fini(&content);
	if (login->exchange)
		wait_for_auth(login);
	else
		end_exchange(login, LOGIN_END_TEMPORARY, NULL, "auth is away");
}

static void
answer_auth(struct login *login, struct span response)
{
	struct message_login_step step = { .exchange = login->exchange, .response = response };
	struct channel *auth = auth_of(login);
	struct buf content = BUF_INIT(0);
	bool sent = false;

	message_login_step_pack(&content, &step);
	if (auth && login->exchange)
		sent = channel_send(auth, MSG_LOGIN_STEP, &content, -1);
	buf_wipe(&content);
	buf_fini(&content);
	if (sent)
		wait_for_auth(login);
	else
		end_exchange(login, LOGIN_END_TEMPORARY, NULL, "auth went away");
}

/* ---- the mechanisms that are one message ----------------------------------------------------- */

/* RFC 4616: authzid NUL authcid NUL password. */
static void
take_plain(struct login *login, struct span message)
{
	struct span password;
	struct span name;
	bool has_two;

	span_cut(message, '\0', &name);
	has_two = span_has_byte(message, '\0') && span_has_byte(name, '\0');
	name = span_cut(name, '\0', &password);
	if (!has_two || span_has_byte(password, '\0'))
		end_exchange(login, LOGIN_END_BASE64, NULL, NULL);
	else if (name.length == 0 || password.length == 0)
		end_exchange(login, LOGIN_END_CREDENTIALS, NULL, NULL);
	else
		ask_auth(login, true, message);
}

static void
take_password(struct login *login, struct span password)
{
	struct span user = secret_span(login->user);
	struct secret *message = secret_alloc(user.length + password.length + 2);
	unsigned char *to = secret_bytes(message);

	/* A NUL would make another user's name of a part of this one. */
	if (user.length == 0 || password.length == 0 || span_has_byte(user, '\0') ||
		span_has_byte(password, '\0')) {
		end_exchange(login, LOGIN_END_CREDENTIALS, NULL, NULL);
	} else {
		memcpy(to + 1, user.start, user.length);
		memcpy(to + user.length + 2, password.start, password.length);
		secret_free(&login->user);
		ask_auth(login, true, secret_span(message));
	}
	secret_free(&message);
}

/* ---- what the client says -------------------------------------------------------------------- */

void
login_offer(const struct login *login, struct offer *offer_out)
{
	const struct session *session = login->session;
	unsigned char network[NETWORK_BYTES];
	struct offer_case from = { .listener = session->listener->settings,
		.sasl = &session->setup->settings->sasl,
		.secure = session_is_secure(session) };

	if (network_address_of(&session->client.of.any, network))
		from.network = network;
	offer_make(&from, offer_out);
}

static void
begin(struct login *login, bool has_initial, struct span initial)
{
	static const struct span username = SPAN_LITERAL("Username:");
	static const struct span question = SPAN_LITERAL("Password:");
	bool is_plain = strcmp(login->mechanism, "PLAIN") == 0;

	if (!is_whole(login->mechanism)) {
		ask_auth(login, has_initial, initial);
	} else if (is_plain) {
		if (has_initial)
			take_plain(login, initial);
		else
			challenge(login, LOGIN_STEP_WHOLE, SPAN_EMPTY);
	} else if (has_initial) {
		login->user = secret_new(initial);
		challenge(login, LOGIN_STEP_PASSWORD, question);
	} else {
		challenge(login, LOGIN_STEP_USER, username);
	}
}

void
login_start(struct login *login, struct span mechanism, bool has_initial, struct span initial)
{
	struct secret *bytes = NULL;
	struct offer offer;

	login_offer(login, &offer);
	login->mechanism = offer_find(&offer, mechanism);
	if (!login->mechanism) {
		end_exchange(login, LOGIN_END_MECHANISM, NULL, NULL);
		return;
	}
	if (offer.insecure &&
		login->session->listener->settings->insecure_login == INSECURE_LOGIN_WARN)
		log_event(EV_CLIENT_LOGIN_INSECURE, kv_str("sid", login->session->id),
			kv_str("client", login->session->client_host),
			kv_str("mech", login->mechanism));
	/* RFC 4954 4: "=" is the initial response of no bytes. */
	if (has_initial && !span_is(initial, "=")) {
		bytes = decode(login, initial);
		if (!bytes)
			return;
	}
	begin(login, has_initial, secret_span(bytes));
	secret_free(&bytes);
}

void
login_by_network(struct login *login)
{
	login->mechanism = LOGIN_BY_NETWORK;
	ask_auth(login, false, SPAN_EMPTY);
}

static void
take_response(struct login *login, struct span response)
{
	static const struct span question = SPAN_LITERAL("Password:");

	switch (login->step) {
	case LOGIN_STEP_WHOLE:
		take_plain(login, response);
		break;
	case LOGIN_STEP_USER:
		login->user = secret_new(response);
		challenge(login, LOGIN_STEP_PASSWORD, question);
		break;
	case LOGIN_STEP_PASSWORD:
		take_password(login, response);
		break;
	case LOGIN_STEP_RESPONSE:
		answer_auth(login, response);
		break;
	case LOGIN_STEP_NONE:
	case LOGIN_STEP_ASKED:
	case LOGIN_STEP_DELAY:
		break;
	}
}

void
login_answer(struct login *login, struct span line)
{
	struct secret *bytes;

	if (span_is(line, "*")) {
		end_exchange(login, LOGIN_END_ABORTED, NULL, NULL);
		return;
	}
	bytes = decode(login, line);
	if (!bytes)
		return;
	take_response(login, secret_span(bytes));
	secret_free(&bytes);
}

void
login_answer_long(struct login *login)
{
	end_exchange(login, LOGIN_END_LONG, NULL, NULL);
}
