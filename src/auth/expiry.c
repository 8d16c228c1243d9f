/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions whose account or app password comes to its end while they last. */
#include "auth/expiry.h"

#include "auth/front_link.h"
#include "base/clock.h"
#include "base/log.h"

/* The wall clock may be set meanwhile. */
enum { LOOK_MS = 60 * 1000 };

static void
wait_for(struct auth *auth, int64_t expires_ms)
{
	int64_t wait = expires_ms - clock_wall_ms();

	auth->expiry_ms = expires_ms;
	if (wait > LOOK_MS)
		wait = LOOK_MS;
	loop_timer_start(&auth->expiry, wait > 0 ? (uint64_t)wait : 1);
}

void
expiry_consider(struct auth *auth, int64_t expires_ms)
{
	if (expires_ms && (!auth->expiry_ms || expires_ms < auth->expiry_ms))
		wait_for(auth, expires_ms);
}

static void
end_session(struct auth *auth, struct login_session *session)
{
	log_event(EV_LOGIN_EXPIRED, kv_str("sid", session->id), kv_str("login", session->use->login),
		kv_str("credential", session->credential));
	sessions_set_expiry(session, 0);
	front_link_kick(auth, session, "Your login has expired");
}

static void
on_time(void *context)
{
	struct auth *auth = context;
	int64_t now = clock_wall_ms();
	int64_t next = 0;

	for (struct login_session *session = sessions_next(auth->sessions, NULL); session;
		session = sessions_next(auth->sessions, session)) {
		if (session->expires_ms && session->expires_ms <= now)
			end_session(auth, session);
		else if (session->expires_ms && (!next || session->expires_ms < next))
			next = session->expires_ms;
	}
	auth->expiry_ms = 0;
	expiry_consider(auth, next);
}

void
expiry_init(struct auth *auth)
{
	loop_timer_init(&auth->expiry, auth->loop, on_time, auth);
}

void
expiry_fini(struct auth *auth)
{
	loop_timer_stop(&auth->expiry);
}
