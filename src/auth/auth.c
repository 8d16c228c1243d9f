/* SPDX-License-Identifier: BSD-2-Clause */
/* The auth role: its parts put together, and its links. */
#include "auth/auth.h"

#include "auth/directory_local_app.h"
#include "auth/expiry.h"
#include "auth/front_link.h"
#include "auth/mech.h"
#include "base/clock.h"
#include "base/log.h"
#include "ipc/message_login.h"

enum {
	OPEN_WAIT_MS = 5000,       /* for the accounts, while a process that ends still has them */
	WORK_QUEUE_MAX = 1000,
	CACHE_MAX_ENTRIES = 20000,
	BRAKE_MAX_ENTRIES = 10000,
	USAGE_MAX_ROWS = 20000,
	KNOWN_MAX_LOGINS = 500,    /* of which the recipients are in memory: 80 KiB each at most */
	REPORT_MAX_ROWS = 2000,
	SWEEP_MS = 10 * 60 * 1000,
	FREE_WAIT_MS = 2000,
};

/* ---- what the settings say ------------------------------------------------------------------- */

static struct brake_rule
brake_rule_of(const struct settings_sasl *sasl)
{
	return (struct brake_rule){
		.base_ms = sasl->failure_delay,
		.per_login = sasl->failures_per_login,
		.per_address = sasl->failures_per_address,
		.window_ms = sasl->failure_window,
		/* The front end waits for each answer as long as for any, and must not give up. */
		.wait_max_ms = sasl->answer_wait / 2,
	};
}

void
auth_set_settings(struct auth *auth, const struct settings *settings)
{
	struct brake_rule rule = brake_rule_of(&settings->sasl);
	struct settings *old = auth->settings;

	auth->settings = settings_hold(settings);
	settings_free(&old);
	auth->exchanges.settings = auth->settings;
	brake_set_rule(auth->exchanges.brake, &rule);
	login_cache_set_life(auth->exchanges.cache, settings->sasl.cache_life);
	directory_set_wait(auth->directory, settings->sasl.answer_wait);
}

void
auth_set_grant_key(struct auth *auth, struct span grant_key)
{
	secret_free(&auth->grant_key);
	auth->grant_key = secret_new(grant_key);
}

/* ---- open and close -------------------------------------------------------------------------- */

static void
on_sweep(void *context)
{
	struct auth *auth = context;

	usage_sweep(auth->usage, usage_now_ms(loop_now_ms(auth->loop)));
	loop_timer_start(&auth->sweep, SWEEP_MS);
}

static void
set_known(struct auth *auth)
{
	auth->sessions_known = true;
	loop_timer_stop(&auth->announce_wait);
	front_link_begin_waiting(auth);
}

static void
on_announce_late(void *context)
{
	struct auth *auth = context;

	if (auth->fronts)
		log_event(EV_SESSIONS_LATE);
	set_known(auth);
}

void
auth_check_announced(struct auth *auth)
{
	if (!auth->sessions_known && front_link_all_announced(auth) && auth->fronts)
		set_known(auth);
}

static void
remember_revoked(void *context, const char *login, uint64_t epoch)
{
	struct auth *auth = context;

	revocations_add(auth->revocations, login, epoch, loop_now_ms(auth->loop));
}

static void
remember_revoked_app(void *context, const char *login, uint64_t credential)
{
	struct auth *auth = context;

	revocations_add_credential(auth->revocations, login, credential,
		loop_now_ms(auth->loop));
}

static bool
open_directory(struct auth *auth, const struct settings *settings, struct fault *fault_out)
{
	auth->local = directory_local_open(settings->state_dir, OPEN_WAIT_MS, fault_out);
	if (!auth->local)
		return false;
	auth->directory = directory_new(auth->loop, AUTH_FRESH_MS, settings->sasl.answer_wait,
		fault_out);
	if (!auth->directory) {
		directory_local_close(&auth->local);
		return false;
	}
	directory_add(auth->directory, directory_local_source(auth->local));
	auth->known = known_new(auth->directory, auth->local, directory_local_secret(auth->local),
		KNOWN_MAX_LOGINS);
	auth->keeper = keeper_new(
		auth->loop, auth->directory, auth->local, auth->usage, auth->known);
	auth->seen = seen_new(auth->loop, auth->directory, auth->local);
	/* A queue that started as well has forgotten it too. */
	return keeper_load(auth->keeper, fault_out) &&
		directory_local_mix(auth->local, &auth->exchanges.mix, fault_out) &&
		directory_local_revoked(auth->local, clock_wall_ms() - AUTH_GRANT_LIFE_MS,
			remember_revoked, auth, fault_out) &&
		directory_local_revoked_apps(auth->local, clock_wall_ms() - AUTH_GRANT_LIFE_MS,
			remember_revoked_app, auth, fault_out);
}

static bool
open_exchanges(struct auth *auth, const struct settings *settings, const char *keytab,
	struct fault *fault_out)
{
	struct exchange_service *exchanges = &auth->exchanges;
	struct brake_rule brake = brake_rule_of(&settings->sasl);
	struct mech_rule mech = {
		.plugin_dir = "",
		.scram = true,
		.gssapi = keytab[0],
		.keytab = keytab,
	};

	if (!mech_start(&mech, fault_out))
		return false;
	exchanges->loop = auth->loop;
	exchanges->settings = auth->settings;
	exchanges->directory = auth->directory;
	exchanges->brake = brake_new(BRAKE_MAX_ENTRIES, &brake);
	exchanges->cache = login_cache_new(CACHE_MAX_ENTRIES, settings->sasl.cache_life);
	exchanges->decoy_secret = directory_local_secret(auth->local);
	exchanges->gssapi = mech.gssapi;
	exchanges->pool = worker_pool_new(auth->loop, "auth-login",
		(unsigned)settings->sasl.workers, WORK_QUEUE_MAX, fault_out);
	return exchanges->pool;
}

struct auth *
auth_open(struct loop *loop, const struct settings *settings, const char *keytab,
	struct span grant_key, struct fault *fault_out)
{
	struct auth *auth = mem_alloc(sizeof *auth);

	auth->loop = loop;
	auth->settings = settings_hold(settings);
	auth->grant_key = secret_new(grant_key);
	auth->sessions = sessions_new();
	auth->usage = usage_new(USAGE_MAX_ROWS);
	auth->report = limit_report_new(REPORT_MAX_ROWS);
	auth->revocations = revocations_new(AUTH_GRANT_LIFE_MS);
	loop_timer_init(&auth->sweep, loop, on_sweep, auth);
	loop_timer_init(&auth->announce_wait, loop, on_announce_late, auth);
	expiry_init(auth);
	if (!open_directory(auth, settings, fault_out) ||
		!open_exchanges(auth, settings, keytab, fault_out)) {
		auth_close(&auth);
		return NULL;
	}
	loop_timer_start(&auth->sweep, SWEEP_MS);
	loop_timer_start(&auth->announce_wait, AUTH_ANNOUNCE_WAIT_MS);
	return auth;
}

void
auth_close(struct auth **auth)
{
	struct auth *closed = *auth;

	if (!closed)
		return;
	front_link_free_all(closed);
	channel_free(&closed->queue);
	if (closed->exchanges.pool)
		worker_pool_free(&closed->exchanges.pool, FREE_WAIT_MS);
	keeper_free(&closed->keeper);
	known_free(&closed->known);
	if (closed->directory) {
		directory_stop(closed->directory);
		seen_write_now(closed->seen);
	}
	seen_free(&closed->seen);
	directory_free(&closed->directory);
	brake_free(&closed->exchanges.brake);
	login_cache_free(&closed->exchanges.cache);
	sessions_free(&closed->sessions);
	usage_free(&closed->usage);
	limit_report_free(&closed->report);
	revocations_free(&closed->revocations);
	loop_timer_stop(&closed->sweep);
	loop_timer_stop(&closed->announce_wait);
	expiry_fini(closed);
	secret_free(&closed->grant_key);
	settings_free(&closed->settings);
	mech_stop();
	mem_free(auth);
}

/* ---- revocation ------------------------------------------------------------------------------ */

static void
tell_queue(void *context, const char *login, uint64_t epoch, uint64_t credential)
{
	struct auth *auth = context;
	struct message_revoke revoke = {
		.login = login, .epoch = epoch, .credential = credential
	};
	struct buf content = BUF_INIT(0);

	if (!auth->queue)
		return;
	message_revoke_pack(&content, &revoke);
	channel_send(auth->queue, MSG_REVOKE, &content, -1);
	buf_fini(&content);
}

static void
forget(struct auth *auth, const char *login)
{
	directory_forget(auth->directory, login);
	login_cache_drop(auth->exchanges.cache, span_text(login));
}

void
auth_renew(struct auth *auth, const char *login)
{
	forget(auth, login);
	front_link_revoke_all(auth, login, 0);
}

void
auth_revoke(struct auth *auth, const char *login, uint64_t epoch)
{
	log_event(EV_LOGIN_REVOKED, kv_str("login", login), kv_int("epoch", (int64_t)epoch));
	forget(auth, login);
	revocations_add(auth->revocations, login, epoch, loop_now_ms(auth->loop));
	front_link_revoke_all(auth, login, epoch);
	tell_queue(auth, login, epoch, 0);
}

void
auth_revoke_credential(struct auth *auth, const char *login, uint64_t credential)
{
	struct login_use *use = sessions_find_login(auth->sessions, login);

	log_event(EV_LOGIN_REVOKED, kv_str("login", login), kv_int("credential", (int64_t)credential));
	forget(auth, login);
	revocations_add_credential(auth->revocations, login, credential, loop_now_ms(auth->loop));
	for (const struct login_session *session = use ? use->sessions : NULL; session;
		session = session->next) {
		if (session->credential_id == credential)
			front_link_kick(auth, session, "Your login is no longer valid");
	}
	tell_queue(auth, login, 0, credential);
}

/* ---- links ----------------------------------------------------------------------------------- */

/* The held mail of a login was seen to. */
static bool
on_queue_message(void *context, struct channel_message *message)
{
	struct auth *auth = context;
	struct arena *arena = arena_new(0);
	struct message_held_seen seen;
	bool good = message->id == MSG_HELD_SEEN &&
		message_held_seen_unpack(message->bytes, arena, &seen);
	struct usage_row *row = good ? usage_find(auth->usage, USAGE_LOGIN, seen.login) : NULL;

	if (row) {
		usage_seen(row);
		keeper_note(auth->keeper, false);
	}
	arena_free(&arena);
	return good;
}

static void
on_queue_closed(void *context, const struct fault *why)
{
	struct auth *auth = context;

	log_event(EV_CHANNEL_CLOSED, kv_str("peer", role_name(ROLE_QUEUE)), kv_fault(why));
	channel_free(&auth->queue);
}

static const struct channel_events queue_events = {
	.on_message = on_queue_message,
	.on_closed = on_queue_closed,
};

void
auth_add_link(struct auth *auth, enum role peer, unsigned instance, int fd)
{
	if (peer != ROLE_QUEUE) {
		front_link_add(auth, peer, instance, fd);
		return;
	}
	channel_free(&auth->queue);
	auth->queue = channel_new(auth->loop, fd, ROLE_AUTH, ROLE_QUEUE, &queue_events, auth);
	revocations_each(auth->revocations, loop_now_ms(auth->loop), tell_queue, auth);
	channel_send(auth->queue, MSG_REVOKED_TOLD, NULL, -1);
}

void
auth_drop_link(struct auth *auth, enum role peer, unsigned instance)
{
	if (peer == ROLE_QUEUE)
		channel_free(&auth->queue);
	else
		front_link_drop(auth, peer, instance);
	auth_check_announced(auth);
}
