/* SPDX-License-Identifier: BSD-2-Clause */
/* From an account to a session. */
#include "auth/admission.h"

#include <stdio.h>

#include "auth/expiry.h"
#include "auth/login_rule.h"
#include "ipc/grant.h"
#include "policy/limits.h"
#include "policy/rights.h"

static bool
describe(const struct auth *auth, const struct admission *admission,
	const struct identity *identity, struct mail_session *session_out)
{
	*session_out = (struct mail_session){
		.settings = auth->settings,
		.listener = settings_find_listener(auth->settings, admission->listener),
		.id = admission->session,
		.identity = identity,
		.helo = "",
		.client_address = admission->client_address,
		.certificates = { admission->certificates.items, admission->certificates.count },
		.tls_version = "",
		.tls_cipher = "",
		.tls_group = "",
	};
	login_rule_address(admission->client_address, session_out->client_network);
	return session_out->listener;
}

static const struct settings_limits *
find_limits(const struct auth *auth, const struct admission *admission,
	const struct identity *identity)
{
	struct mail_session session;

	/* A reload may have taken the listener away; its sessions go on. */
	if (describe(auth, admission, identity, &session))
		return limits_of(&session);
	return settings_find_limits(auth->settings, "default");
}

const struct settings_limits *
admission_limits_of_stranger(const struct auth *auth, const struct admission *admission)
{
	struct mail_session session;

	if (!describe(auth, admission, NULL, &session) ||
		(rights_of(&session) & RIGHT_BYPASS_LIMITS))
		return NULL;
	return limits_of_stranger(&session);
}

bool
admission_check(const struct auth *auth, const struct admission *admission,
	const struct identity *identity, char text_out[ADMISSION_TEXT_SIZE])
{
	uint64_t most = find_limits(auth, admission, identity)->connections_per_login;
	unsigned count = sessions_count_of(auth->sessions, identity->login, admission->protocol);

	if (most == 0 || count < most)
		return true;
	snprintf(text_out, ADMISSION_TEXT_SIZE,
		"Too many connections of this login, the most is %llu", (unsigned long long)most);
	return false;
}

void
admission_enter(struct auth *auth, const struct login_request *request,
	const struct admission *admission, const struct identity *identity, int64_t since_ms)
{
	struct mail_session session;
	struct login_session_facts facts = {
		.id = admission->session,
		.login = identity->login,
		.listener = admission->listener,
		.client_address = admission->client_address,
		.mechanism = identity->mechanism,
		.credential = admission->credential,
		.credential_id = admission->credential_id,
		.limits = find_limits(auth, admission, identity)->title,
		.protocol = admission->protocol,
		.epoch = identity->epoch,
		.since_ms = since_ms,
		.expires_ms = admission->expires_ms,
	};

	if (describe(auth, admission, identity, &session))
		facts.bypass_limits = rights_of(&session) & RIGHT_BYPASS_LIMITS;
	sessions_add(auth->sessions, request, &facts);
	expiry_consider(auth, facts.expires_ms);
}

int64_t
admission_expiry(const struct account *account, const struct app_password *app)
{
	int64_t expires = account->expires_ms;

	if (app && app->expires_ms && (!expires || app->expires_ms < expires))
		expires = app->expires_ms;
	return expires;
}

struct identity
admission_identity(const struct admission *admission, const struct account *account)
{
	struct identity identity = account->identity;

	identity.mechanism = admission->mechanism;
	identity.credential = admission->credential;
	identity.credential_id = admission->credential_id;
	return identity;
}

/* No grant outlives the account. */
static int64_t
grant_expiry(const struct admission *admission, int64_t now_ms)
{
	int64_t expires = now_ms + AUTH_GRANT_LIFE_MS;

	return admission->expires_ms && admission->expires_ms < expires ? admission->expires_ms
									: expires;
}

bool
admission_pack(const struct auth *auth, const struct admission *admission,
	const struct account *account, int64_t now_ms, struct buf *to)
{
	struct identity identity = admission_identity(admission, account);
	struct buf packed = BUF_INIT(IPC_IDENTITY_MAX_BYTES / 2);
	struct buf signed_grant = BUF_INIT(IPC_IDENTITY_MAX_BYTES);
	struct buf certificates = BUF_INIT(IPC_SHORT_MAX_BYTES);
	struct message_login_done done;
	bool fits;

	identity_pack(&packed, &identity);
	certificate_names_pack(&certificates, &admission->certificates);
	grant_sign(&signed_grant, secret_span(auth->grant_key),
		&(const struct grant){
			.session = span_text(admission->session),
			.login = span_text(identity.login),
			.listener = span_text(admission->listener),
			.identity = buf_span(&packed),
			.certificates = buf_span(&certificates),
			.expires_ms = grant_expiry(admission, now_ms),
			.epoch = identity.epoch,
		});
	done = (struct message_login_done){
		.identity = buf_span(&packed),
		.grant = buf_span(&signed_grant),
	};
	fits = !packed.overflow && !signed_grant.overflow && !certificates.overflow;
	if (fits)
		message_login_done_pack(to, &done);
	buf_fini(&packed);
	buf_fini(&certificates);
	buf_wipe(&signed_grant);
	buf_fini(&signed_grant);
	return fits && buf_length(to) <= IPC_IDENTITY_MAX_BYTES;
}
