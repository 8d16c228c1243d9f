/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of TLS, logins, directories, domains and limits. */
#include "config/schema_rows.h"

#define ITEM struct settings_tls
static const struct schema_row tls_rows[] = {
	TEXTS("certificate", certificate, syntax_path, 2, NULL, TO_SUPER | TO_FRONT | TO_KEYS,
		"PEM file of the certificate with its chain; two for an RSA and an ECDSA pair"),
	TEXTS("key", key, syntax_path, 2, NULL, TO_SUPER | TO_KEYS,
		"PEM file of the private key, one for each certificate"),
	TEXTS("names", names, syntax_sni, 1000, "", TO_FRONT | TO_KEYS,
		"Host names that it is offered for, * for one label; empty is those it certifies"),
	DURATION("expiry-warning", expiry_warning, HOUR, 90 * DAY, "14d", TO_SUPER | TO_FRONT,
		"How long before its end the log warns"),
};
#undef ITEM

const struct schema_section schema_tls = {
	.name = "tls",
	.titled = true,
	.offset = offsetof(struct settings, tls),
	.size = sizeof(struct settings_tls),
	.most = 1000,
	.title = syntax_name,
	.rows = tls_rows,
	.row_count = COUNT_OF(tls_rows),
	.title_word = "NAME",
	.help = "A certificate and its key",
};

#define ITEM struct settings_sasl
static const struct schema_row sasl_rows[] = {
	TEXTS("mechanisms", mechanisms, syntax_mechanism, 20,
		"SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN", TO_FRONT | TO_AUTH,
		"SASL mechanisms that may be offered, best first"),
	TEXT("realm", realm, syntax_realm, "", TO_AUTH,
		"Realm of the accounts, which is cut off a login that has it; empty is the host name"),
	TEXT("service-host", service_host, syntax_hostname_or_empty, "", TO_AUTH,
		"Host part of the GSSAPI service name; empty is the host name"),
	TEXT("keytab", keytab, syntax_path_or_empty, "", TO_SUPER | TO_AUTH,
		"Kerberos keytab with the service's key; GSSAPI needs it"),
	CHOICE("ntlm", ntlm, WORDS({ "off", SASL_NTLM_OFF }), "off", TO_FRONT | TO_AUTH,
		"How NTLM logins are checked"),
	NUMBER("iterations", iterations, 4096, 1000000, "10000", TO_AUTH,
		"PBKDF2 rounds of newly stored passwords; more is slower to guess and to log in"),
	DURATION("exchange-wait", exchange_wait, SECOND, 10 * MINUTE, "1m", TO_FRONT | TO_AUTH,
		"Longest login exchange"),
	DURATION("answer-wait", answer_wait, SECOND, MINUTE, "10s", TO_FRONT | TO_AUTH,
		"Longest wait for the back end; then the login is put off, not refused"),
	DURATION("cache-life", cache_life, 0, HOUR, "5m", TO_AUTH,
		"How long a verified password is remembered, as a keyed hash; 0 is not at all"),
	NUMBER("workers", workers, 1, 64, "2", TO_AUTH, "Threads that check passwords"),
	DURATION("failure-delay", failure_delay, 0, MINUTE, "1s", TO_AUTH,
		"Wait before a failed login is answered"),
	NUMBER("failures-per-address", failures_per_address, 3, 100000, "30", TO_FRONT | TO_AUTH,
		"Failed logins from one address in failure-window before it is turned away"),
	NUMBER("failures-per-login", failures_per_login, 1, 100000, "10", TO_AUTH,
		"Failed logins of one name from one address before each try waits longer"),
	DURATION("failure-window", failure_window, MINUTE, HOUR, "10m", TO_FRONT | TO_AUTH,
		"How long a failed login counts"),
};
#undef ITEM

const struct schema_section schema_sasl = {
	.name = "sasl",
	.offset = offsetof(struct settings, sasl),
	.size = sizeof(struct settings_sasl),
	.rows = sasl_rows,
	.row_count = COUNT_OF(sasl_rows),
	.help = "How logins are checked, and how failed ones are slowed down",
};

#define ITEM struct settings_directory
static const struct schema_row directory_rows[] = {
	CHOICE("type", type, WORDS({ "local", DIRECTORY_LOCAL }), "local", TO_AUTH | TO_DIAL,
		"The database that sallyportctl account writes"),
};
#undef ITEM

const struct schema_section schema_directory = {
	.name = "directory",
	.titled = true,
	.offset = offsetof(struct settings, directory),
	.size = sizeof(struct settings_directory),
	.most = 16,
	.title = syntax_name,
	.rows = directory_rows,
	.row_count = COUNT_OF(directory_rows),
	.title_word = "NAME",
	.help = "Where accounts are looked up; \"local\" is there if none is written",
};

#define ITEM struct settings_lookup
static const struct schema_row lookup_rows[] = {
	TEXT("socket", socket, syntax_path_or_empty, "", TO_SUPER | TO_AUTH,
		"Unix socket where they ask, in a folder that nobody else may write to; it gets the "
		"folder's group; empty is none"),
	TEXTS("users", users, syntax_user, 100, "", TO_AUTH,
		"System users who may ask, beside root and the user of the accounts"),
};
#undef ITEM

const struct schema_section schema_lookup = {
	.name = "lookup",
	.offset = offsetof(struct settings, lookup),
	.size = sizeof(struct settings_lookup),
	.rows = lookup_rows,
	.row_count = COUNT_OF(lookup_rows),
	.help = "Other programs of this machine, as sallyport-milter, that may look up accounts",
};

#define ITEM struct settings_domain
static const struct schema_row domain_rows[] = {
	TEXT("plus-address", plus_address, syntax_delimiter, "", TO_SMTP | TO_AUTH | TO_QUEUE,
		"Character behind which anything may stand in an own address: user+anything; empty is "
		"none"),
	CHOICE("recipients", recipients,
		WORDS({ "call-ahead", RECIPIENTS_CALL_AHEAD },
			{ "directory", RECIPIENTS_DIRECTORY }, { "any", RECIPIENTS_ANY }),
		"call-ahead", TO_SMTP | TO_AUTH | TO_QUEUE,
		"Who tells which recipients there are, where the domain is authoritative: the next hop "
		"of its route, the accounts' addresses, or nobody, so that any is taken"),
	CHOICE("unsure", unsure,
		WORDS({ "tempfail", UNSURE_TEMPFAIL }, { "accept", UNSURE_ACCEPT }), "tempfail",
		TO_SMTP,
		"What happens to a stranger's mail while that cannot be told: put off, or taken"),
};
#undef ITEM

const struct schema_section schema_domain = {
	.name = "domain",
	.titled = true,
	.offset = offsetof(struct settings, domain),
	.size = sizeof(struct settings_domain),
	.most = 10000,
	.title = syntax_domain,
	.rows = domain_rows,
	.row_count = COUNT_OF(domain_rows),
	.title_word = "DOMAIN",
	.help = "What is special about addresses in a domain",
};

#define ITEM struct settings_limits
static const struct schema_row limits_rows[] = {
	NUMBER("connections-per-login", connections_per_login, 0, 1000000, "16", TO_FRONT | TO_AUTH,
		"Most connections of one login, per protocol; 0 is no limit"),
	NUMBER("connections-per-address", connections_per_address, 0, 1000000, "0",
		TO_FRONT | TO_AUTH,
		"Most connections from one address of clients to which this section applies before "
		"they log in; 0 is the listener's limit"),
	NUMBER("messages-per-hour", messages_per_hour, 0, 10000000, "500", TO_SMTP | TO_AUTH,
		"Messages per hour of a login, or of an address without one; 0 is no limit"),
	NUMBER("messages-per-day", messages_per_day, 0, 10000000, "0", TO_SMTP | TO_AUTH,
		"Messages per day, counted beside those per hour; 0 is no limit"),
	NUMBER("recipients-per-hour", recipients_per_hour, 0, 100000000, "5000", TO_SMTP | TO_AUTH,
		"Recipients per hour of a login, or of an address without one; 0 is no limit"),
	NUMBER("recipients-per-day", recipients_per_day, 0, 100000000, "0", TO_SMTP | TO_AUTH,
		"Recipients per day, counted beside those per hour; 0 is no limit"),
	NUMBER("new-recipients-per-day", new_recipients_per_day, 0, 100000000, "0",
		TO_SMTP | TO_AUTH,
		"Recipients per day to whom the login never wrote before; 0 is no limit, and nobody "
		"remembers them"),
	NUMBER("burst", burst, 1, 1000, "100", TO_SMTP | TO_AUTH,
		"How much of an hour's or a day's amount may be used at once, in percent"),
	NUMBER("cut-off", cut_off, 0, 1000, "0", TO_SMTP | TO_AUTH,
		"How much of the amount may be held beyond it, in percent, before everything is "
		"refused until there is room again; 0 is as much as held-messages allows"),
	NUMBER("recipients-per-message", recipients_per_message, 0, 50000, "0", TO_SMTP | TO_AUTH,
		"Most recipients of one message; 0 is the listener's limit alone"),
	SIZE("message-size", message_size, 0, 2 * GIB, "0", TO_SMTP | TO_AUTH,
		"Largest message; 0 is the listener's limit alone"),
	NUMBER("held-messages", held_messages, 0, 1000000, "1000", TO_QUEUE,
		"Most messages of one login that lie held as they came; beyond, they are put off"),
	CHOICE("over", over,
		WORDS({ "hold", LIMITS_OVER_HOLD }, { "tempfail", LIMITS_OVER_TEMPFAIL },
			{ "refuse", LIMITS_OVER_REFUSE }),
		"hold", TO_SMTP | TO_AUTH,
		"What happens to mail beyond a budget: held for the administrator (put off where "
		"there is no login), put off, refused"),
};
#undef ITEM

const struct schema_section schema_limits = {
	.name = "limits",
	.titled = true,
	.offset = offsetof(struct settings, limits),
	.size = sizeof(struct settings_limits),
	.most = 1000,
	.title = syntax_name,
	.rows = limits_rows,
	.row_count = COUNT_OF(limits_rows),
	.title_word = "NAME",
	.help = "What one login may use up; \"default\" is always there"
};
