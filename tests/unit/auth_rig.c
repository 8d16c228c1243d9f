/* SPDX-License-Identifier: BSD-2-Clause */
/* The auth role, its accounts and the front ends of its tests. */
#include "auth_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

const char *rig_keytab = "";

/* ---- settings -------------------------------------------------------------------------------- */

static const char *const rig_mechanisms[] = {
	"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "LOGIN",
	"GSSAPI",
};
static const char *const rig_without_plus[] = { "SCRAM-SHA-256", "PLAIN" };
static const char *const rig_domains[] = { "example.org" };
static const struct network rig_devices[] = {
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 0, 0 }, 112 },
};

static void
rig_settings(struct rig *rig)
{
	struct settings *settings = &rig->settings;

	rig->listeners[0] = (struct settings_listener){ .title = "submission",
		.login = LOGIN_SECURE };
	rig->listeners[1] = (struct settings_listener){ .title = "off", .login = LOGIN_OFF };
	rig->listeners[2] = (struct settings_listener){ .title = "challenge",
		.login = LOGIN_SECURE_OR_CHALLENGE };
	rig->listeners[3] = (struct settings_listener){ .title = "devices", .login = LOGIN_PLAIN,
		.insecure_networks = { rig_devices, 1 }, .insecure_login = INSECURE_LOGIN_ALLOW };
	rig->listeners[4] = (struct settings_listener){ .title = "few", .login = LOGIN_SECURE,
		.mechanisms = { rig_without_plus, 2 } };
	rig->listeners[5] = (struct settings_listener){ .title = "imaps", .login = LOGIN_SECURE,
		.protocol = LISTENER_IMAP };
	for (int i = 0; i < 6; i++) {
		rig->listeners[i].inherit = true;
		rig->listeners[i].where = "rig.conf:1";
		rig->listeners[i].limits = "";
		rig->listeners[i].identity = "";
		rig->listeners[i].fixed_from = "";
		rig->listeners[i].qualify_domain = "";
	}
	rig->limits[0] = (struct settings_limits){ .title = "default", .where = "rig.conf:2",
		.connections_per_login = 3, .messages_per_hour = 5, .recipients_per_hour = 20,
		.held_messages = 100, .over = LIMITS_OVER_HOLD };
	rig->limits[1] = (struct settings_limits){ .title = "strict", .where = "rig.conf:3",
		.connections_per_login = 1, .messages_per_hour = 1, .over = LIMITS_OVER_REFUSE };
	rig->permits[0] = (struct settings_permit){ .title = "authenticated", .where = "rig.conf:4",
		.principal = { .kind = PRINCIPAL_AUTHENTICATED, .text = "authenticated", .name = "" },
		.rights = RIGHT_SUBMIT | RIGHT_RELAY, .limits = "" };
	rig->permits[1] = (struct settings_permit){ .title = "login:robot", .where = "rig.conf:5",
		.principal = { .kind = PRINCIPAL_LOGIN, .text = "login:robot", .name = "robot" },
		.rights = RIGHT_BYPASS_LIMITS, .limits = "" };
	*settings = (struct settings){
		.file = "rig.conf",
		.hostname = "mail.example.org",
		.state_dir = rig->state_dir,
		.authoritative_domains = { rig_domains, 1 },
		.listener = { rig->listeners, 6 },
		.limits = { rig->limits, 2 },
		.permit = { rig->permits, 2 },
		.sasl = {
			.mechanisms = { rig_mechanisms, 7 },
			.realm = "example.org",
			.service_host = "",
			.keytab = "",
			.iterations = RIG_ITERATIONS,
			.exchange_wait = 60000,
			.answer_wait = 8000,
			.cache_life = 60000,
			.workers = 2,
			.failure_delay = 1000,
			.failures_per_address = 1000,
			.failures_per_login = 100,
			.failure_window = 600000,
		},
	};
}

/* ---- accounts -------------------------------------------------------------------------------- */

static void
rig_account(struct directory_local *local, const char *login, const char *password,
	const struct directory_local_settings *settings)
{
	struct scram_keys keys[SCRAM_HASH_COUNT];
	struct fault fault;

	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++)
		scram_keys_derive(&keys[i], (enum scram_hash)i, RIG_ITERATIONS,
			span_text(i ? "a salt of sixteen" : "another of sixteen"),
			span_text(password));
	assert_true(directory_local_add(local, login, settings, keys, &fault));
}

static void
rig_accounts(struct rig *rig)
{
	struct fault fault = FAULT_INIT;
	struct directory_local *local = directory_local_open(rig->state_dir, 0, &fault);
	struct directory_local_settings usual = { .protocols = 7, .limits = "" };
	struct directory_local_settings disabled = { .protocols = 7, .limits = "", .disabled = true };
	struct directory_local_settings expired = { .protocols = 7, .limits = "", .expires_ms = 1 };
	struct directory_local_settings imap = { .protocols = IDENTITY_IMAP, .limits = "" };
	struct directory_local_settings strict = { .protocols = 7, .limits = "strict" };

	assert_non_null(local);
	rig_account(local, "alice", "alicepw", &usual);
	rig_account(local, "bob", "bobpw", &usual);
	rig_account(local, "robot", "robotpw", &usual);
	rig_account(local, "strict", "strictpw", &strict);
	rig_account(local, "disabled", "disabledpw", &disabled);
	rig_account(local, "expired", "expiredpw", &expired);
	rig_account(local, "reader", "readerpw", &imap);
	assert_true(directory_local_add(local, "nokeys", &usual, NULL, &fault));
	assert_true(directory_local_add_text(local, "alice", DIRECTORY_ADDRESSES,
		"alice@example.org", false, &fault));
	directory_local_close(&local);
}

/* ---- front ends ------------------------------------------------------------------------------ */

static void
rig_keep(struct buf *to, struct span bytes)
{
	buf_clear(to);
	buf_add_span(to, bytes);
}

static void
rig_take_answer(struct rig_heard *heard, const struct channel_message *message)
{
	struct arena *arena = arena_new(0);
	struct message_login_challenge challenge;
	struct message_login_failed failed;
	struct message_login_done done;
	struct message_charged charged;
	struct message_recipient_told told;
	struct identity identity;

	heard->id = message->id;
	if (message->id == MSG_LOGIN_CHALLENGE) {
		assert_true(message_login_challenge_unpack(message->bytes, arena, &challenge));
		rig_keep(&heard->bytes, challenge.challenge);
	} else if (message->id == MSG_LOGIN_FAILED) {
		assert_true(message_login_failed_unpack(message->bytes, arena, &failed));
		heard->failure = failed.failure;
		heard->delay_ms = failed.delay_ms;
		snprintf(heard->login, sizeof heard->login, "%s", failed.login);
		snprintf(heard->text, sizeof heard->text, "%s", failed.text);
	} else if (message->id == MSG_LOGIN_DONE) {
		assert_true(message_login_done_unpack(message->bytes, arena, &done));
		assert_true(identity_unpack(done.identity, arena, &identity));
		snprintf(heard->login, sizeof heard->login, "%s", identity.login);
		rig_keep(&heard->identity, done.identity);
		rig_keep(&heard->grant, done.grant);
	} else if (message->id == MSG_CHARGED) {
		assert_true(message_charged_unpack(message->bytes, arena, &charged));
		heard->verdict = charged.verdict;
		snprintf(heard->text, sizeof heard->text, "%s", charged.text);
	} else if (message->id == MSG_RECIPIENT_TOLD) {
		assert_true(message_recipient_told_unpack(message->bytes, arena, &told));
		heard->finding = told.finding;
		snprintf(heard->text, sizeof heard->text, "%s", told.enhanced);
	}
	arena_free(&arena);
}

static bool
rig_on_answer(void *context, struct channel_message *answer)
{
	struct rig_front *front = context;

	if (answer)
		rig_take_answer(&front->heard, answer);
	else
		front->heard.id = MESSAGE_COUNT;
	loop_stop(front->rig->loop);
	return front->heard.id != MSG_LOGIN_CHALLENGE;
}

static bool
rig_on_message(void *context, struct channel_message *message)
{
	struct rig_front *front = context;
	struct arena *arena = arena_new(0);
	struct message_session_kick kick;
	struct message_revoke revoke;

	if (message->id == MSG_REVOKE) {
		assert_true(message_revoke_unpack(message->bytes, arena, &revoke));
		if (revoke.epoch)
			front->revokes++;
		else
			front->renewals++;
		front->revoked_epoch = revoke.epoch;
		snprintf(front->about, sizeof front->about, "%s", revoke.login);
	} else if (message->id == MSG_SESSION_KICK) {
		assert_true(message_session_kick_unpack(message->bytes, arena, &kick));
		front->kicks++;
		snprintf(front->about, sizeof front->about, "%s", kick.session);
	}
	arena_free(&arena);
	loop_stop(front->rig->loop);
	return true;
}

static void
rig_on_closed(void *context, const struct fault *why)
{
	struct rig_front *front = context;

	(void)why;
	front->closed = true;
	channel_free(&front->channel);
	loop_stop(front->rig->loop);
}

static const struct channel_events rig_events = {
	.on_message = rig_on_message,
	.on_closed = rig_on_closed,
};

void
rig_connect(struct rig *rig, struct rig_front *front, enum role role, unsigned instance)
{
	struct fault fault;
	int fds[2];

	assert_true(sock_pair(fds, &fault));
	channel_free(&front->channel);
	front->rig = rig;
	front->closed = false;
	front->channel = channel_new(rig->loop, fds[0], role, ROLE_AUTH, &rig_events, front);
	auth_add_link(rig->auth, role, instance, fds[1]);
}

void
rig_send(struct rig_front *front, enum message_id id, struct buf *content)
{
	assert_true(channel_send(front->channel, id, content, -1));
	if (content)
		buf_fini(content);
}

void
rig_ask(struct rig_front *front, enum message_id id, struct buf *content)
{
	front->heard.id = MSG_NONE;
	front->heard.login[0] = '\0';
	front->heard.text[0] = '\0';
	front->request = channel_ask(front->channel, id, content, -1, 0, rig_on_answer, front);
	assert_int_not_equal(front->request, 0);
	buf_fini(content);
}

struct rig_heard *
rig_hear(struct rig_front *front)
{
	while (front->heard.id == MSG_NONE)
		fixture_run(front->rig->loop);
	return &front->heard;
}

/* ---- logins ---------------------------------------------------------------------------------- */

struct message_login_start
rig_start(const char *session, const char *mechanism)
{
	return (struct message_login_start){
		.session = session,
		.listener = "submission",
		.protocol = "smtp",
		.mechanism = mechanism,
		.client_address = RIG_ADDRESS,
		.tls = true,
		.tls_version = "TLS1.3",
		.bind_exporter = RIG_EXPORTER,
		.bind_endpoint = RIG_ENDPOINT,
	};
}

void
rig_begin(struct rig_front *front, const struct message_login_start *start)
{
	struct buf content = BUF_INIT(0);

	message_login_start_pack(&content, start);
	rig_ask(front, MSG_LOGIN_START, &content);
}

struct rig_heard *
rig_login(struct rig_front *front, struct message_login_start start, struct span initial)
{
	start.has_initial = true;
	start.initial = initial;
	rig_begin(front, &start);
	return rig_hear(front);
}

struct rig_heard *
rig_plain(struct rig_front *front, const char *session, const char *login, const char *password)
{
	char message[600];
	int length = snprintf(message, sizeof message, "%c%s%c%s", 0, login, 0, password);

	return rig_login(front, rig_start(session, "PLAIN"), span_of(message, (size_t)length));
}

struct rig_heard *
rig_step(struct rig_front *front, struct span response)
{
	struct message_login_step step = { .exchange = front->request, .response = response };
	struct buf content = BUF_INIT(0);

	message_login_step_pack(&content, &step);
	front->heard.id = MSG_NONE;
	rig_send(front, MSG_LOGIN_STEP, &content);
	return rig_hear(front);
}

void
rig_cancel(struct rig_front *front)
{
	struct message_login_cancel cancel = { .exchange = front->request };
	struct buf content = BUF_INIT(0);

	channel_forget(front->channel, front->request);
	message_login_cancel_pack(&content, &cancel);
	rig_send(front, MSG_LOGIN_CANCEL, &content);
}

void
rig_end_session(struct rig_front *front, const char *session, const char *login)
{
	struct message_session_end end = { .session = session, .login = login };
	struct buf content = BUF_INIT(0);

	message_session_end_pack(&content, &end);
	rig_send(front, MSG_SESSION_END, &content);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static void
rig_on_page(void *context, uint32_t request, struct span json, bool more)
{
	struct rig *rig = context;
	json_error_t error;

	assert_int_equal(request, 77);
	json_array_append_new(rig->answer, json.length
			? json_loadb(json.start, json.length, JSON_DECODE_ANY, &error)
			: json_null());
	if (!more) {
		rig->answered = true;
		loop_stop(rig->loop);
	}
}

static void
rig_on_error(void *context, uint32_t request, const char *kind, const char *text)
{
	struct rig *rig = context;

	assert_int_equal(request, 77);
	snprintf(rig->error_kind, sizeof rig->error_kind, "%s", kind);
	json_array_append_new(rig->answer, json_string(text));
	rig->answered = true;
	loop_stop(rig->loop);
}

json_t *
rig_verb(struct rig *rig, const char *verb, json_t *args)
{
	struct buf request = BUF_INIT(0);

	json_decref(rig->answer);
	rig->answer = json_array();
	rig->answered = false;
	rig->error_kind[0] = '\0';
	rig->answers = (struct control_answers){ rig_on_page, rig_on_error, rig };
	assert_true(control_request_pack(&request, verb, args));
	json_decref(args);
	control_run(rig->auth, &rig->answers, 77, buf_span(&request));
	buf_fini(&request);
	while (!rig->answered)
		fixture_run(rig->loop);
	return rig->answer;
}

/* ---- the whole ------------------------------------------------------------------------------- */

void
rig_open_auth(struct rig *rig)
{
	struct fault fault = FAULT_INIT;

	rig->auth = auth_open(rig->loop, &rig->settings, rig_keytab, RIG_KEY, &fault);
	if (!rig->auth)
		fail_msg("%s", fault.text);
}

void
rig_announced(struct rig_front *front)
{
	rig_send(front, MSG_SESSIONS_ANNOUNCED, NULL);
}

int
rig_setup(void **state)
{
	struct rig *rig = mem_alloc(sizeof *rig);

	snprintf(rig->state_dir, sizeof rig->state_dir, "/tmp/auth-rig-XXXXXX");
	assert_non_null(mkdtemp(rig->state_dir));
	rig->loop = loop_new();
	rig_settings(rig);
	rig_accounts(rig);
	rig_open_auth(rig);
	for (unsigned i = 0; i < RIG_FRONTS; i++) {
		rig_connect(rig, &rig->fronts[i], ROLE_SMTP, i);
		rig_announced(&rig->fronts[i]);
	}
	rig_connect(rig, &rig->queue, ROLE_QUEUE, 0);
	*state = rig;
	return 0;
}

void
rig_fini_front(struct rig_front *front)
{
	channel_free(&front->channel);
	buf_fini(&front->heard.bytes);
	buf_fini(&front->heard.identity);
	buf_fini(&front->heard.grant);
}

int
rig_teardown(void **state)
{
	struct rig *rig = *state;

	auth_close(&rig->auth);
	for (unsigned i = 0; i < RIG_FRONTS; i++)
		rig_fini_front(&rig->fronts[i]);
	rig_fini_front(&rig->queue);
	json_decref(rig->answer);
	loop_free(&rig->loop);
	remove_folder(rig->state_dir);
	mem_free(&rig);
	return 0;
}
