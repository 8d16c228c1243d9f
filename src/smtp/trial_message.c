/* SPDX-License-Identifier: BSD-2-Clause */
/* The made-up session and message of a trial. */
#include "smtp/trial_message.h"

#include <stdio.h>
#include <string.h>

#include "config/network.h"
#include "wire/address.h"
#include "wire/mail_date.h"

/* What the administrator wished, or what is usual. */
static const char *
either(const char *wished, const char *usual)
{
	return wished && wished[0] ? wished : usual;
}

static const struct settings_listener *
find_listener(const struct settings *settings, const char *title)
{
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];

		if (listener->protocol == LISTENER_SMTP &&
			(!title || span_is(span_text(title), listener->title)))
			return listener;
	}
	return NULL;
}

static bool
set_address(struct mail *mail, const char *text, const char **to, struct fault *fault)
{
	char path[ADDRESS_TEXT_SIZE];
	struct address address;

	if (address_parse(span_text(text), ADDRESS_UTF8, &address) != ADDRESS_OK)
		return fault_set(fault, FAULT_CONFIG, "\"%s\" is not an address", text);
	address_format(&address, path);
	*to = arena_strdup(mail->arena, path);
	return true;
}

static void
write_content(struct mail *mail, const char *recipient, const char *filter)
{
	char date[MAIL_DATE_SIZE];

	mail_date_format(mail->now_ms / 1000, 0, date);
	buf_printf(&mail->header_block,
		"Date: %s\r\n"
		"From: <%s>\r\n"
		"To: <%s>\r\n"
		"Subject: Test of the filter %s\r\n"
		"Message-ID: <%s@%s>\r\n",
		date, mail->sender, recipient, filter, mail->id, mail->session->settings->hostname);
	buf_printf(&mail->body,
		"This message was made up to see whether a filter works. It goes nowhere.\r\n");
	mail->body_length = buf_length(&mail->body);
}

static bool
set_session(struct trial_message *message, const struct settings *settings,
	const struct trial_wish *wish, struct fault *fault)
{
	struct mail_session *session = &message->session;
	const char *ip = either(wish->ip, "127.0.0.1");
	struct network network;

	*session = (struct mail_session){ .settings = settings,
		.listener = find_listener(settings, wish->listener),
		.id = "trial",
		.helo = settings->hostname,
		.esmtp = true,
		.tls_version = "",
		.tls_cipher = "",
		.tls_group = "",
		.local_address = "",
		.certificate_subject = "",
		.certificate_issuer = "" };
	if (!session->listener)
		return fault_set(fault, FAULT_MISSING, "there is no listener %s that speaks SMTP",
			either(wish->listener, ""));
	if (!network_parse(span_text(ip), &network, NULL) || network.bits != NETWORK_BITS)
		return fault_set(fault, FAULT_CONFIG, "\"%s\" is not an IP address", ip);
	memcpy(session->client_network, network.address, NETWORK_BYTES);
	return true;
}

bool
trial_message_init(struct trial_message *message, const struct settings *settings,
	const struct trial_wish *wish, int64_t now_ms, struct fault *fault)
{
	char postmaster[ADDRESS_TEXT_SIZE];
	const char *recipient;
	struct mail *mail;

	*message = (struct trial_message){ .mail = NULL };
	if (!set_session(message, settings, wish, fault))
		return false;
	mail = message->mail = mail_new(&message->session, "trial", now_ms);
	message->session.client_address =
		arena_strdup(mail->arena, either(wish->ip, "127.0.0.1"));
	if (wish->login && wish->login[0]) {
		message->identity = (struct identity){
			.login = arena_strdup(mail->arena, wish->login),
			.mechanism = "PLAIN",
			.credential = "",
			.limits = "",
			.protocols = IDENTITY_SMTP };
		message->session.identity = &message->identity;
	}
	snprintf(postmaster, sizeof postmaster, "postmaster@%s", settings->hostname);
	if (!set_address(mail, either(wish->sender, postmaster), &mail->sender, fault) ||
		!set_address(mail, either(wish->recipient, postmaster), &recipient, fault))
		return false;
	write_content(mail, recipient, wish->filter);
	mail_add_recipient(mail, recipient, "", 0);
	return mail_parse_header(mail, false, fault);
}

void
trial_message_fini(struct trial_message *message)
{
	mail_free(&message->mail);
}
