/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of the way of a message behind the policy: queue, relay, routes; and of the log. */
#include "config/schema_rows.h"

#define ITEM struct settings_queue
static const struct schema_row queue_rows[] = {
	ROW(SCHEMA_DURATIONS, "retry", retry, "5m 10m 20m 40m 1h 2h 4h", TO_QUEUE,
		"Waits after the first, second and each further failed try; the last one repeats",
		.least = SECOND,
		.most = 32),
	DURATION("expiry", expiry, SECOND, 30 * DAY, "5d", TO_QUEUE,
		"Age at which a message that cannot be delivered is returned"),
	DURATION("notice-expiry", notice_expiry, SECOND, 30 * DAY, "2d", TO_QUEUE,
		"Age at which a notice that cannot be delivered is given up"),
	DURATION("delay-notice", delay_notice, 0, 30 * DAY, "4h", TO_QUEUE,
		"Age at which the sender is told that a message is late; 0 is never"),
	SIZE("return-size", return_size, 0, 50 * KIB, "50K", TO_QUEUE,
		"Most of a message that comes back with a notice; beyond, its header alone; 0 is "
		"nothing"),
	CHOICE("double-bounce", double_bounce,
		WORDS({ "postmaster", DOUBLE_BOUNCE_POSTMASTER }, { "drop", DOUBLE_BOUNCE_DROP }),
		"postmaster", TO_QUEUE,
		"Who hears of a notice that cannot be delivered: the postmaster, or nobody"),
	NUMBER("concurrency", concurrency, 1, 10000, "100", TO_QUEUE | TO_RELAY,
		"Most connections to next hops in all"),
	NUMBER("concurrency-per-destination", concurrency_per_destination, 1, 1000, "20",
		TO_QUEUE | TO_RELAY, "Most connections to one next hop"),
	DURATION("destination-rest", destination_rest, 100, HOUR, "5s", TO_QUEUE,
		"How long a next hop that cannot be reached is left alone; doubled with each failure"),
	DURATION("destination-rest-longest", destination_rest_longest, 100, DAY, "5m", TO_QUEUE,
		"The longest of these rests; from then on its mail is put off as if it had been tried"),
	SIZE("free-space", free_space, 0, 1024 * GIB, "128M", TO_QUEUE,
		"Room on the disk below which new mail is put off"),
	SIZE("free-space-resume", free_space_resume, 0, 1024 * GIB, "192M", TO_QUEUE,
		"Room on the disk above which it is taken again"),
	NUMBER("free-files", free_files, 0, 1000000000, "1000", TO_QUEUE,
		"Free inodes below which new mail is put off"),
	NUMBER("messages", messages, 0, 100000000, "1000000", TO_QUEUE,
		"Messages waiting at which new mail is put off; 0 is no limit"),
	DURATION("history", history, 0, 365 * DAY, "7d", TO_QUEUE,
		"How long sallyportctl track knows what became of a message"),
	DURATION("resend-window", resend_window, 0, DAY, "10m", TO_QUEUE,
		"How long the same message of the same login counts as sent again, and is queued "
		"once; 0 is never"),
	YES_NO("sync", sync, "yes", TO_QUEUE,
		"Whether mail is on the disk before it is accepted; without, a power failure loses "
		"mail"),
};
#undef ITEM

const struct schema_section schema_queue = {
	.name = "queue",
	.offset = offsetof(struct settings, queue),
	.size = sizeof(struct settings_queue),
	.rows = queue_rows,
	.row_count = COUNT_OF(queue_rows),
	.help = "How long and how often delivery is tried, and when new mail is put off",
};

#define ITEM struct settings_relay
static const struct schema_row relay_rows[] = {
	TEXT("helo", helo, syntax_hostname_or_empty, "", TO_RELAY,
		"Name given to next hops; empty is the host name"),
	TEXT("trust-file", trust_file, syntax_path_or_empty, "", TO_SUPER | TO_RELAY,
		"PEM file of the authorities that certify next hops; empty is the system's"),
	TEXT("source", source, syntax_ip_or_empty, "", TO_RELAY,
		"Own address to connect from; empty is any"),
	TEXTS("resolvers", resolvers, syntax_resolver, 8, "", TO_RELAY | TO_DIAL,
		"DNS servers to ask; empty are those of /etc/resolv.conf"),
	DURATION("connect-wait", connect_wait, SECOND, 10 * MINUTE, "30s", TO_RELAY,
		"Longest time to find and connect a next hop, over all its addresses"),
	DURATION("handshake-wait", handshake_wait, SECOND, 10 * MINUTE, "30s", TO_RELAY,
		"Longest TLS handshake"),
	DURATION("greet-wait", greet_wait, SECOND, HOUR, "5m", TO_RELAY,
		"Longest wait for the whole greeting"),
	DURATION("command-wait", command_wait, SECOND, HOUR, "5m", TO_RELAY,
		"Longest wait for the whole answer to a command"),
	DURATION("data-wait", data_wait, SECOND, HOUR, "3m", TO_RELAY,
		"Longest wait for the answer to DATA, and the time over which minimum-rate is averaged"),
	DURATION("content-wait", content_wait, SECOND, DAY, "2h", TO_RELAY,
		"Longest time in which a next hop takes the content of a message"),
	SIZE("minimum-rate", minimum_rate, 0, MIB, "500", TO_RELAY,
		"Bytes a second at which it must take it; 0 is no minimum"),
	DURATION("end-wait", end_wait, SECOND, 2 * HOUR, "10m", TO_RELAY,
		"Longest wait for the answer to the end of the message"),
	NUMBER("reuse-messages", reuse_messages, 1, 100000, "100", TO_RELAY,
		"Most messages over one connection"),
	DURATION("reuse-idle", reuse_idle, 0, 5 * MINUTE, "5s", TO_RELAY,
		"How long an idle connection is kept for the next message"),
	DURATION("call-ahead-wait", call_ahead_wait, SECOND, 5 * MINUTE, "20s",
		TO_SMTP | TO_QUEUE | TO_RELAY,
		"Longest wait for a next hop to tell whether it has a recipient"),
	DURATION("call-ahead-known", call_ahead_known, 0, 7 * DAY, "1h", TO_RELAY,
		"How long it is remembered that there is a recipient; 0 is not at all"),
	DURATION("call-ahead-unknown", call_ahead_unknown, 0, DAY, "5m", TO_RELAY,
		"How long it is remembered that there is not; 0 is not at all"),
};
#undef ITEM

const struct schema_section schema_relay = {
	.name = "relay",
	.offset = offsetof(struct settings, relay),
	.size = sizeof(struct settings_relay),
	.rows = relay_rows,
	.row_count = COUNT_OF(relay_rows),
	.help = "How next hops are spoken to",
};

#define ITEM struct settings_route
static const struct schema_row route_rows[] = {
	ROW(SCHEMA_TARGET, "to", to, NULL, TO_SUPER | TO_QUEUE | TO_RELAY,
		"Next hop: smtp:HOST:PORT, smtps:HOST:PORT (TLS from the first byte), lmtp:HOST:PORT, "
		"lmtp:unix:PATH"),
	CHOICE("tls", tls,
		WORDS({ "may", ROUTE_TLS_MAY }, { "encrypt", ROUTE_TLS_ENCRYPT },
			{ "verify", ROUTE_TLS_VERIFY }, { "none", ROUTE_TLS_NONE }),
		"may", TO_RELAY,
		"TLS if offered, always, always with a verified certificate, never; unless written it "
		"is verify for smtps and where a user is given"),
	TEXT("tls-name", tls_name, syntax_hostname_or_empty, "", TO_RELAY,
		"Name that the certificate must have; empty is the host of to"),
	TEXT("trust-file", trust_file, syntax_path_or_empty, "", TO_SUPER | TO_RELAY,
		"PEM file of the authorities for this hop; empty is that of the relay section"),
	TEXT("user", user, syntax_login_or_empty, "", TO_RELAY,
		"Name to log in with at the hop; empty is no login"),
	TEXT("secret-file", secret_file, syntax_path_or_empty, "", TO_SUPER | TO_RELAY,
		"File whose first line is the password for user"),
	TEXTS("mechanisms", mechanisms, syntax_mechanism, 20,
		"SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN", TO_RELAY,
		"SASL mechanisms that may be used there, best first"),
	NUMBER("concurrency", concurrency, 0, 1000, "0", TO_QUEUE | TO_RELAY,
		"Most connections to this hop; 0 is concurrency-per-destination of the queue section"),
};
#undef ITEM

const struct schema_section schema_route = {
	.name = "route",
	.titled = true,
	.offset = offsetof(struct settings, route),
	.size = sizeof(struct settings_route),
	.most = 10000,
	.title = syntax_route_domain,
	.rows = route_rows,
	.row_count = COUNT_OF(route_rows),
	.title_word = "DOMAIN",
	.help = "The next hop for a domain; \".example.org\" is every domain below it, \"*\" every "
		"other",
};

#define ITEM struct settings_log
static const struct schema_row log_rows[] = {
	CHOICE("format", format, WORDS({ "text", LOG_TEXT }, { "json", LOG_JSON }), "text", TO_ALL,
		"How a line of the event log looks"),
	CHOICE("level", level,
		WORDS({ "debug", LOG_LEAST_DEBUG }, { "info", LOG_LEAST_INFO },
			{ "notice", LOG_LEAST_NOTICE }, { "warning", LOG_LEAST_WARNING },
			{ "error", LOG_LEAST_ERROR }),
		"info", TO_ALL, "The least important events that are logged"),
	TEXT("file", file, syntax_path_or_empty, "", TO_SUPER,
		"File of the event log; empty is standard error"),
	CHOICE("protocol-log", protocol_log,
		WORDS({ "off", LOG_PROTOCOL_OFF }, { "csv", LOG_PROTOCOL_CSV },
			{ "json", LOG_PROTOCOL_JSON }),
		"off", TO_SUPER | TO_FRONT | TO_RELAY,
		"Whether and how what is said on connections is logged, without credentials and "
		"content"),
	TEXT("protocol-directory", protocol_directory, syntax_path_or_empty, "", TO_SUPER,
		"Directory of the protocol logs, one file per protocol, and relay.log"),
	CHOICE("roll", roll,
		WORDS({ "off", LOG_ROLL_OFF }, { "hour", LOG_ROLL_HOUR }, { "day", LOG_ROLL_DAY },
			{ "size", LOG_ROLL_SIZE }),
		"off", TO_SUPER, "When a log file is renamed and a new one begun"),
	SIZE("roll-size", roll_size, 64 * KIB, 64 * GIB, "100M", TO_SUPER,
		"Size at which that happens where roll is size"),
	DURATION("keep", keep, 0, 3650 * DAY, "30d", TO_SUPER,
		"Age at which a rolled file is deleted; 0 is never"),
	SIZE("keep-size", keep_size, 0, 1024 * GIB, "1G", TO_SUPER,
		"Size of all rolled files at which the oldest is deleted; 0 is no limit"),
};
#undef ITEM

const struct schema_section schema_log = {
	.name = "log",
	.offset = offsetof(struct settings, log),
	.size = sizeof(struct settings_log),
	.rows = log_rows,
	.row_count = COUNT_OF(log_rows),
	.help = "What is logged, where and how long it is kept",
};
