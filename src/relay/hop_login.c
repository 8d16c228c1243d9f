/* SPDX-License-Identifier: BSD-2-Clause */
/* AUTH on a connection to a hop. */
#include "relay/hop_login.h"

#include <stdio.h>

#include "wire/base64.h"

enum { HOP_LOGIN_STEPS_MAX = 10 };

static bool
may_use(struct stream *stream, const struct settings_route *route, struct span mechanism, bool local)
{
	if (local)
		return true;
	if (!stream_is_secure(stream))
		return false;
	return route->tls == ROUTE_TLS_VERIFY || span_starts_nocase(mechanism, "SCRAM-");
}

static void
choose_mechanisms(struct hop_login *login, struct stream *stream, const struct settings_route *route,
	const struct offer *offer, bool local)
{
	size_t used = 0;

	login->mechanisms[0] = '\0';
	for (size_t i = 0; i < route->mechanisms.count; i++) {
		const char *name = route->mechanisms.items[i];
		struct span word = span_text(name);

		if (!offer_has_mechanism(offer, word) || !may_use(stream, route, word, local) ||
			used + word.length + 2 > sizeof login->mechanisms)
			continue;
		used += (size_t)snprintf(login->mechanisms + used, sizeof login->mechanisms - used,
			"%s%s", used ? " " : "", name);
	}
}

/* The line holds a secret: it is wiped here, and by the stream after it was sent. */
static void
send_words(struct stream *stream, const char *before, const struct secret *words)
{
	struct buf line = BUF_INIT(0);

	buf_add_text(&line, before);
	if (words && secret_span(words).length == 0 && before[0])
		buf_add_text(&line, "="); /* RFC 4954 4: an initial response of no length */
	else if (words)
		base64_format(secret_span(words), &line);
	buf_add_text(&line, "\r\n");
	stream_write(stream, buf_span(&line));
	buf_wipe(&line);
	buf_fini(&line);
}

enum hop_login_step
hop_login_start(struct hop_login *login, struct stream *stream, const struct settings_route *route,
	const char *host, const struct secret *password, const struct offer *offer, bool local,
	struct fault *fault_out)
{
	struct secret *initial = NULL;
	const char *mechanism;
	char verb[64];

	choose_mechanisms(login, stream, route, offer, local);
	if (!login->mechanisms[0]) {
		fault_set(fault_out, FAULT_DENIED,
			"login: the next hop offers no mechanism that may be used on this connection");
		return HOP_LOGIN_FAILED;
	}
	login->steps = 0;
	login->login = login_new(host, route->user, password, login->mechanisms, fault_out);
	if (!login->login || !login_start(login->login, &mechanism, &initial, fault_out))
		return HOP_LOGIN_FAILED;
	snprintf(verb, sizeof verb, "AUTH %s%s", mechanism, initial ? " " : "");
	send_words(stream, verb, initial);
	secret_free(&initial);
	return HOP_LOGIN_MORE;
}

static enum hop_login_step
step(struct hop_login *login, struct stream *stream, struct span text, struct fault *fault_out)
{
	struct secret *challenge = base64_parse_secret(text);
	struct secret *response = NULL;
	bool good = false;

	if (!challenge || login->steps++ >= HOP_LOGIN_STEPS_MAX)
		fault_set(fault_out, FAULT_PEER, "login: a bad challenge");
	else
		good = login_step(login->login, secret_span(challenge), &response, fault_out);
	if (good)
		send_words(stream, "", response);
	secret_free(&challenge);
	secret_free(&response);
	return good ? HOP_LOGIN_MORE : HOP_LOGIN_FAILED;
}

enum hop_login_step
hop_login_reply(struct hop_login *login, struct stream *stream,
	const struct smtp_reply_reader *reply, struct fault *fault_out)
{
	struct span text = buf_span(&reply->text);

	if (reply->code == 334)
		return step(login, stream, text, fault_out);
	hop_login_fini(login);
	if (reply->code == 235)
		return HOP_LOGIN_DONE;
	fault_set(fault_out, FAULT_DENIED, "login refused: %u %s %.*s", reply->code, reply->enhanced,
		SPAN_PRINT(span_first(text, 300)));
	return HOP_LOGIN_FAILED;
}

void
hop_login_fini(struct hop_login *login)
{
	login_free(&login->login);
}
