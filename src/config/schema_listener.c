/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of listeners, and who may do what there and everywhere. */
#include "config/schema_rows.h"

#include "config/principal.h"

static const struct schema_word rights_words[] = {
	{ "submit", RIGHT_SUBMIT },
	{ "relay", RIGHT_RELAY },
	{ "any-sender", RIGHT_ANY_SENDER },
	{ "own-domain-sender", RIGHT_OWN_DOMAIN_SENDER },
	{ "bypass-size", RIGHT_BYPASS_SIZE },
	{ "bypass-limits", RIGHT_BYPASS_LIMITS },
	{ "bypass-milters", RIGHT_BYPASS_MILTERS },
	{ NULL, 0 },
};

/* queue judges the envelope again and auth answers explain, so both know the rights. */
enum { TO_JUDGES = TO_SMTP | TO_AUTH | TO_QUEUE };

#define ITEM struct settings_permit
#define RIGHTS_ROWS(verb)                                                                          \
	FLAGS("rights", rights, rights_words, "", TO_JUDGES, "What the principal " verb " do"),      \
	TEXTS("send-as", send_as, syntax_pattern, 1000, "", TO_JUDGES,                              \
		"Addresses that the principal " verb " use as its own: \"user@example.org\", "           \
		"\"@example.org\", \".example.org\" (below it), \"*\""),      \
	TEXTS("on-behalf", on_behalf, syntax_pattern, 1000, "", TO_JUDGES,                          \
		"Addresses that the principal " verb " put in From while Sender is its own")

static const struct schema_row permit_rows[] = {
	RIGHTS_ROWS("may"),
	CHOICE("wrong-sender", wrong_sender,
		WORDS({ "next", WRONG_SENDER_NEXT }, { "refuse", WRONG_SENDER_REFUSE },
			{ "rewrite", WRONG_SENDER_REWRITE },
			{ "on-behalf", WRONG_SENDER_ON_BEHALF }, { "hold", WRONG_SENDER_HOLD }),
		"next", TO_JUDGES,
		"What happens to mail with a sender that the principal may not use: refused, replaced "
		"by its primary address, given a Sender field if on-behalf names the sender, held; or "
		"as the next permit says that fits the client, refused if none does"),
	CHOICE("posing-name", posing_name,
		WORDS({ "next", POSING_NAME_NEXT }, { "allow", POSING_NAME_ALLOW },
			{ "strip", POSING_NAME_STRIP }, { "refuse", POSING_NAME_REFUSE }),
		"next", TO_JUDGES,
		"What happens to a display name that shows an address which the principal may not use: "
		"it stays, is taken out, or the mail is refused; or as the next permit says that fits "
		"the client, it stays if none does"),
	TEXT("limits", limits, syntax_name_or_empty, "", TO_SMTP | TO_AUTH | TO_QUEUE,
		"Limits section that holds for the principal; empty is that of the listener"),
};

static const struct schema_row deny_rows[] = {
	RIGHTS_ROWS("may not"),
};
#undef ITEM

#define PERMIT_SECTION(name_, list_, rows_, help_)                                                 \
	{                                                                                           \
		.name = name_, .titled = true, .offset = list_,                                     \
		.size = sizeof(struct settings_permit), .most = 1000, .title = syntax_text,         \
		.on_title = principal_on_title,                                                     \
		.rows = rows_, .row_count = COUNT_OF(rows_), .title_word = "PRINCIPAL",             \
		.help = help_,                                                                      \
	}

const struct schema_section schema_permit = PERMIT_SECTION("permit",
	offsetof(struct settings, permit), permit_rows,
	"Rights of a principal on every listener that inherits: anonymous, authenticated, "
	"login:NAME, group:NAME, network:CIDR, certificate:NAME");
const struct schema_section schema_deny = PERMIT_SECTION("deny",
	offsetof(struct settings, deny), deny_rows,
	"What a principal may not do on every listener that inherits, whatever else permits it");
const struct schema_section schema_listener_permit = PERMIT_SECTION("permit",
	offsetof(struct settings_listener, permit), permit_rows,
	"Rights of a principal on this listener");
const struct schema_section schema_listener_deny = PERMIT_SECTION("deny",
	offsetof(struct settings_listener, deny), deny_rows,
	"What a principal may not do on this listener");

#define ITEM struct settings_listener
static const struct schema_row listener_rows[] = {
	CHOICE("protocol", protocol, WORDS({ "smtp", LISTENER_SMTP }), "smtp",
		TO_SUPER | TO_FRONT | TO_AUTH, "What is spoken here"),
	ROW(SCHEMA_ENDPOINTS, "address", address, NULL, TO_SUPER | TO_FRONT | TO_RELAY,
		"Where to listen: \"*:587\", \"192.0.2.1:25\", \"[::1]:25\"; port 0 is any free one",
		.most = 64),
	NETWORKS("networks", networks, 1000, "", TO_FRONT | TO_JUDGES,
		"Clients there alone are served; empty is everybody"),
	CHOICE("tls", tls,
		WORDS({ "none", LISTENER_TLS_NONE }, { "starttls", LISTENER_TLS_STARTTLS },
			{ "implicit", LISTENER_TLS_IMPLICIT }),
		"starttls", TO_SUPER | TO_FRONT | TO_AUTH,
		"No TLS, after the STARTTLS command, or from the first byte"),
	TEXTS("certificates", certificates, syntax_name, 1000, "", TO_SUPER | TO_FRONT | TO_KEYS,
		"Names of the tls sections offered here, the first to clients that name none; empty is "
		"all"),
	CHOICE("tls-minimum", tls_minimum,
		WORDS({ "1.0", LISTENER_TLS_1_0 }, { "1.1", LISTENER_TLS_1_1 },
			{ "1.2", LISTENER_TLS_1_2 }, { "1.3", LISTENER_TLS_1_3 }),
		"1.2", TO_FRONT | TO_KEYS,
		"Oldest version of TLS that is spoken; 1.0 and 1.1 are for devices that know no better"),
	TEXT("tls-priority", tls_priority, NULL, "", TO_FRONT | TO_KEYS,
		"GnuTLS priority string in place of the usual one, which offers ECDHE and AEAD alone"),
	DURATION("tls-ticket-life", tls_ticket_life, 0, 7 * DAY, "6h", TO_SUPER | TO_FRONT,
		"How long a client may resume a TLS session; 0 is no resumption"),
	CHOICE("client-certificate", client_certificate,
		WORDS({ "off", CLIENT_CERTIFICATE_OFF }, { "ask", CLIENT_CERTIFICATE_ASK },
			{ "require", CLIENT_CERTIFICATE_REQUIRE }),
		"off", TO_FRONT | TO_JUDGES,
		"Whether clients are asked for a certificate, which then is a principal, and whether "
		"they must show one that holds"),
	TEXT("client-trust-file", client_trust_file, syntax_path_or_empty, "", TO_SUPER,
		"PEM file of the authorities that sign certificates of clients, or of such certificates "
		"themselves"),
	YES_NO("require-tls", require_tls, "no", TO_FRONT,
		"Whether nothing but EHLO, NOOP, STARTTLS and QUIT is answered before TLS"),
	CHOICE("login", login,
		WORDS({ "off", LOGIN_OFF }, { "secure", LOGIN_SECURE },
			{ "secure-or-challenge", LOGIN_SECURE_OR_CHALLENGE },
			{ "plain", LOGIN_PLAIN }),
		"secure", TO_SUPER | TO_FRONT | TO_AUTH,
		"No logins; only under TLS; SCRAM and GSSAPI also without; any from insecure-networks"),
	NETWORKS("insecure-networks", insecure_networks, 1000, "", TO_FRONT | TO_AUTH,
		"Clients there may log in without TLS where login is plain"),
	CHOICE("insecure-login", insecure_login,
		WORDS({ "deny", INSECURE_LOGIN_DENY }, { "warn", INSECURE_LOGIN_WARN },
			{ "allow", INSECURE_LOGIN_ALLOW }),
		"warn", TO_FRONT | TO_AUTH,
		"What happens to such a login: refused, done with a warning in the log, done"),
	TEXT("identity", identity, syntax_login_or_empty, "", TO_FRONT | TO_AUTH,
		"Account that clients from networks count as while they have not logged in themselves"),
	TEXTS("mechanisms", mechanisms, syntax_mechanism, 20, "", TO_FRONT | TO_AUTH,
		"SASL mechanisms offered here; empty is those of the sasl section"),
	NUMBER("login-tries", login_tries, 1, 100, "5", TO_FRONT,
		"Failed logins on one connection before it is closed"),
	TEXT("banner", banner, syntax_banner, "", TO_FRONT,
		"Text behind the host name in the greeting"),
	YES_NO("hide-client", hide_client, "no", TO_FRONT,
		"Whether the Received field of a logged-in client names neither its address nor its "
		"greeting"),
	NETWORKS("proxy-networks", proxy_networks, 1000, "", TO_FRONT,
		"Clients there are proxies and must begin with a PROXY header of version 2"),
	CHOICE("bare-newline", bare_newline,
		WORDS({ "reject", BARE_NEWLINE_REJECT }, { "normalize", BARE_NEWLINE_NORMALIZE }),
		"reject", TO_FRONT,
		"What happens to mail with a CR or LF that is not a line end: refused, or corrected"),
	YES_NO("lenient", lenient, "no", TO_FRONT | TO_AUTH,
		"Whether the dialogue of old devices is understood: odd names after HELO, paths without "
		"brackets, AUTH after HELO, base64 without padding, no From"),
	TEXT("qualify-domain", qualify_domain, syntax_hostname_or_empty, "", TO_FRONT | TO_AUTH,
		"Domain of addresses that have none, in the envelope and in the header, where lenient is "
		"yes"),
	TEXT("fixed-from", fixed_from, syntax_address, "", TO_FRONT | TO_AUTH,
		"Address that takes the place of MAIL FROM and From in all mail"),
	TEXTS("recipients-allowed", recipients_allowed, syntax_pattern, 1000, "", TO_JUDGES,
		"Recipients that are taken here, of those that the rights allow; empty is all of them"),
	CHOICE("priority", priority,
		WORDS({ "normal", PRIORITY_NORMAL }, { "high", PRIORITY_HIGH },
			{ "low", PRIORITY_LOW }),
		"normal", TO_QUEUE,
		"Which of the mail that waits for one next hop has more turns; none waits for ever"),
	SIZE("command-line-max", command_line_max, 512, 64 * KIB, "4K", TO_FRONT,
		"Longest command line"),
	SIZE("auth-line-max", auth_line_max, 12 * KIB, 256 * KIB, "16K", TO_FRONT,
		"Longest line of a login exchange"),
	SIZE("message-size", message_size, KIB, 2 * GIB, "25M", TO_FRONT,
		"Largest message"),
	SIZE("header-size", header_size, KIB, 240 * KIB, "192K", TO_FRONT,
		"Largest header of a message; never more than message-size"),
	NUMBER("recipients", recipients, 100, 1000, "1000", TO_FRONT,
		"Most recipients of one message"),
	NUMBER("transactions", transactions, 0, 1000000, "1000", TO_FRONT,
		"Most messages on one connection; 0 is no limit"),
	NUMBER("errors", errors, 3, 1000, "20", TO_FRONT,
		"Refused commands on one connection before it is closed"),
	NUMBER("hops", hops, 10, 1000, "50", TO_FRONT,
		"Received fields in a message at which it counts as looping"),
	DURATION("greet-delay", greet_delay, 0, MINUTE, "0", TO_FRONT,
		"Pause before the greeting; a client that talks earlier is cut off"),
	DURATION("handshake-wait", handshake_wait, SECOND, 5 * MINUTE, "30s", TO_FRONT,
		"Longest TLS handshake"),
	DURATION("before-login-wait", before_login_wait, SECOND, HOUR, "1m", TO_FRONT,
		"Longest time from connecting to a login or an accepted sender"),
	DURATION("idle-wait", idle_wait, SECOND, DAY, "5m", TO_FRONT,
		"Longest silence between commands"),
	DURATION("command-wait", command_wait, SECOND, HOUR, "1m", TO_FRONT,
		"Longest time for one command line to arrive"),
	DURATION("data-wait", data_wait, SECOND, HOUR, "2m", TO_FRONT,
		"Longest silence inside a message"),
	DURATION("send-wait", send_wait, SECOND, HOUR, "1m", TO_FRONT,
		"Longest time that the client leaves replies unread"),
	SIZE("minimum-rate", minimum_rate, 0, MIB, "500", TO_FRONT,
		"Bytes per second that a message must arrive with; 0 is no minimum"),
	DURATION("rate-window", rate_window, SECOND, HOUR, "1m", TO_FRONT,
		"Time over which the rate is averaged"),
	NUMBER("connections", connections, 1, 1000000, "2000", TO_SUPER | TO_FRONT,
		"Most connections in all"),
	NUMBER("connections-per-address", connections_per_address, 1, 1000000, "50",
		TO_SUPER | TO_FRONT, "Most connections from one address; of IPv6, from one /64"),
	NUMBER("connections-before-login", connections_before_login, 1, 1000000, "1000",
		TO_SUPER | TO_FRONT, "Most connections that have not logged in"),
	YES_NO("inherit", inherit, "yes", TO_JUDGES,
		"Whether the permit and deny sections of the file hold here as well"),
	CHOICE("stranger-from", stranger_from,
		WORDS({ "off", STRANGER_FROM_OFF }, { "hold", STRANGER_FROM_HOLD },
			{ "refuse", STRANGER_FROM_REFUSE }),
		"off", TO_JUDGES,
		"What happens to mail from strangers whose From field names an authoritative domain, or "
		"cannot be read with certainty"),
	TEXT("limits", limits, syntax_name, "default", TO_FRONT | TO_AUTH | TO_QUEUE,
		"Limits section for sessions that have none of their own"),
	TEXT("policy", policy, syntax_name, "default", TO_JUDGES,
		"Policy section that names the filters which mail passes here"),
};
#undef ITEM

static const struct schema_section *const listener_sections[] = {
	&schema_listener_permit,
	&schema_listener_deny,
};

const struct schema_section schema_listener = {
	.name = "listener",
	.titled = true,
	.offset = offsetof(struct settings, listener),
	.size = sizeof(struct settings_listener),
	.most = 64,
	.title = syntax_name,
	.rows = listener_rows,
	.row_count = COUNT_OF(listener_rows),
	.sections = listener_sections,
	.section_count = COUNT_OF(listener_sections),
	.title_word = "NAME",
	.help = "A service: where it listens, and how it treats its clients",
};
