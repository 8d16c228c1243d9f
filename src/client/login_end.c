/* SPDX-License-Identifier: BSD-2-Clause */
/* How a login ended. */
#include "client/login_end.h"

#include "base/clock.h"
#include "base/log.h"
#include "client/session_private.h"

static const char *const names[LOGIN_END_COUNT] = { [LOGIN_END_DONE] = "done",
	[LOGIN_END_ABORTED] = "aborted",
	[LOGIN_END_BASE64] = "syntax",
	[LOGIN_END_LONG] = "long",
	[LOGIN_END_CREDENTIALS] = "credentials",
	[LOGIN_END_MECHANISM] = "mechanism",
	[LOGIN_END_TEMPORARY] = "temporary",
	[LOGIN_END_WEAK] = "weak",
	[LOGIN_END_LIMIT] = "limit",
	[LOGIN_END_REFUSED] = "refused" };

bool
login_end_is_failure(enum login_end end)
{
	return end != LOGIN_END_DONE && end != LOGIN_END_ABORTED && end != LOGIN_END_TEMPORARY &&
	       end != LOGIN_END_LIMIT && end != LOGIN_END_REFUSED;
}

void
login_end_count(const struct session *session)
{
	unsigned char key[SOCK_KEY_BYTES];

	sock_address_key(&session->client, key);
	gate_fail(session->front->gate, key, session->listener->gate.failure_window_ms,
		clock_steady_ms());
}

void
login_end_log(const struct session *session, const char *mechanism, enum login_end end,
	const char *name, const char *text)
{
	char tls[TLS_TEXT_MAX_BYTES] = "";

	if (session_tls(session))
		tls_session_describe(session_tls(session), tls);
	if (end == LOGIN_END_DONE)
		log_event(EV_CLIENT_LOGIN, kv_str("sid", session->id),
			kv_str("client", session->client_host),
			kv_str("login", session->standing.name),
			kv_str("credential", session->standing.credential), kv_str("mech", mechanism),
			kv_str("tls", tls));
	else
		log_event(EV_CLIENT_LOGIN_FAILED, kv_str("sid", session->id),
			kv_str("client", session->client_host), kv_str("login", name),
			kv_str("mech", mechanism), kv_str("why", names[end]),
			kv_str("reason", text), kv_str("tls", tls));
}
