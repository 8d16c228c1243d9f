/* SPDX-License-Identifier: BSD-2-Clause */
/* Every setting, checked and frozen: plain structs in one arena, read-only after load. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "config/settings_filter.h"
#include "config/settings_list.h"
#include "config/settings_mail.h"
#include "base/role.h"

/*
 * Durations are milliseconds, sizes are bytes, counts are plain; all uint64_t. A text that was not
 * written is "" where it has no default, never NULL. A number of 0 means "no limit" only where the
 * help line of the setting says so. In a role's slice (schema.h) everything the role may not see has
 * its zero: an empty list, "", 0.
 *
 * where is "file:line" of the section, for the log and for explain; it is "default" where the
 * section was not written.
 */

/* ---- who may do what -------------------------------------------------------------------------- */

enum right {
	RIGHT_SUBMIT = 1u << 0,
	RIGHT_RELAY = 1u << 1,
	RIGHT_ANY_SENDER = 1u << 2,
	RIGHT_OWN_DOMAIN_SENDER = 1u << 3,
	RIGHT_BYPASS_SIZE = 1u << 4,
	RIGHT_BYPASS_LIMITS = 1u << 5,
	RIGHT_BYPASS_MILTERS = 1u << 6,
};

enum principal_kind {
	PRINCIPAL_ANONYMOUS,
	PRINCIPAL_AUTHENTICATED,
	PRINCIPAL_LOGIN,
	PRINCIPAL_GROUP,
	PRINCIPAL_NETWORK,
	PRINCIPAL_CERTIFICATE,
};

struct principal {
	enum principal_kind kind;
	const char *text;       /* as written: "login:alice" */
	const char *name;       /* behind the colon; "" for ANONYMOUS and AUTHENTICATED */
	struct network network; /* NETWORK only */
};

enum wrong_sender {
	WRONG_SENDER_NEXT,      /* as the next permit that fits says; refuse if none does */
	WRONG_SENDER_REFUSE,
	WRONG_SENDER_REWRITE,   /* it becomes the client's primary address */
	WRONG_SENDER_ON_BEHALF, /* what is granted on behalf gets a Sender field */
	WRONG_SENDER_HOLD,
};

/* A display name that shows an address which is not the client's own. */
enum posing_name {
	POSING_NAME_NEXT,       /* as the next permit that fits says; allow if none does */
	POSING_NAME_ALLOW,
	POSING_NAME_STRIP,
	POSING_NAME_REFUSE,
};

/* permit or deny "PRINCIPAL" { … } */
struct settings_permit {
	const char *title;
	const char *where;
	struct principal principal;
	uint32_t rights;                /* enum right bits */
	struct settings_texts send_as;  /* as address_pattern_format() writes them */
	struct settings_texts on_behalf;
	enum wrong_sender wrong_sender; /* permit only */
	enum posing_name posing_name;   /* permit only */
	const char *limits;             /* permit only: name of a limits section, or "" */
};

struct settings_permits {
	const struct settings_permit *items;
	size_t count;
};

/* ---- listeners -------------------------------------------------------------------------------- */

enum listener_protocol {
	LISTENER_SMTP,
	LISTENER_IMAP,
	LISTENER_POP3,
};

enum listener_tls {
	LISTENER_TLS_NONE,
	LISTENER_TLS_STARTTLS,
	LISTENER_TLS_IMPLICIT,
};

/* 1.2 first: it is what everybody has who says nothing. */
enum listener_tls_minimum {
	LISTENER_TLS_1_2,
	LISTENER_TLS_1_0,
	LISTENER_TLS_1_1,
	LISTENER_TLS_1_3,
};

enum login_policy {
	LOGIN_OFF,                 /* no AUTH on this listener */
	LOGIN_SECURE,              /* no mechanism without TLS */
	LOGIN_SECURE_OR_CHALLENGE, /* SCRAM and GSSAPI also without TLS */
	LOGIN_PLAIN,               /* any, from insecure-networks */
};

enum insecure_login {
	INSECURE_LOGIN_DENY,
	INSECURE_LOGIN_WARN,
	INSECURE_LOGIN_ALLOW,
};

/* Is the client asked for a certificate, and must it show one that holds? */
enum client_certificate {
	CLIENT_CERTIFICATE_OFF,
	CLIENT_CERTIFICATE_ASK,
	CLIENT_CERTIFICATE_REQUIRE,
};

enum bare_newline {
	BARE_NEWLINE_REJECT,
	BARE_NEWLINE_NORMALIZE,
};

enum priority {
	PRIORITY_NORMAL,
	PRIORITY_HIGH,
	PRIORITY_LOW,
};

enum stranger_from {
	STRANGER_FROM_OFF,
	STRANGER_FROM_HOLD,
	STRANGER_FROM_REFUSE,
};

/* listener "NAME" { … } */
struct settings_listener {
	const char *title;
	const char *where;
	enum listener_protocol protocol;
	struct settings_endpoints address;
	struct settings_networks networks;  /* who is served; empty: everybody */

	enum listener_tls tls;
	struct settings_texts certificates; /* names of tls sections; empty: all of them */
	enum listener_tls_minimum tls_minimum;
	const char *tls_priority;           /* GnuTLS priority string; "": built from tls-minimum */
	uint64_t tls_ticket_life;           /* ms; 0: no session tickets */
	enum client_certificate client_certificate;
	const char *client_trust_file;      /* PEM: who may have signed it */
	bool require_tls;                   /* 530 5.7.0 to all but EHLO, NOOP, STARTTLS, QUIT */

	enum login_policy login;
	struct settings_networks insecure_networks;
	enum insecure_login insecure_login;
	const char *identity;             /* login of sessions from networks that have none; "" */
	struct settings_texts mechanisms; /* empty: those of sasl */
	uint64_t login_tries;             /* failed AUTH commands on one connection; then 421 */

	const char *banner;               /* behind "220 HOSTNAME "; "" means "ESMTP" */
	bool hide_client;                 /* Received names neither address nor EHLO name */
	struct settings_networks proxy_networks; /* these must begin with a PROXY v2 header */
	enum bare_newline bare_newline;
	bool lenient;                     /* grammar: wire/smtp_lenient.h */
	const char *qualify_domain;       /* for addresses without one, in envelope and header; "" */
	const char *fixed_from;           /* sender and From of all mail; "": as they come */
	struct settings_texts recipients_allowed; /* patterns; empty: whom the rights allow */
	enum priority priority;           /* of its mail, among what waits for one next hop */

	uint64_t command_line_max;   /* bytes, CRLF included */
	uint64_t auth_line_max;      /* bytes of an AUTH response line, CRLF included */
	uint64_t message_size;       /* bytes; SIZE */
	uint64_t header_size;        /* bytes of header as received */
	uint64_t recipients;         /* per transaction; 452 4.5.3 beyond */
	uint64_t transactions;       /* messages on one connection; 0: no limit */
	uint64_t errors;             /* refused or unknown commands; then 421 and close */
	uint64_t hops;               /* Received fields; 554 5.4.6 at that number */

	uint64_t greet_delay;        /* ms before the banner; who talks earlier is cut off; 0: none */
	uint64_t handshake_wait;     /* ms for a whole TLS handshake or PROXY header */
	uint64_t before_login_wait;  /* ms from accept to login or first accepted MAIL */
	uint64_t idle_wait;          /* ms without a byte between commands */
	uint64_t command_wait;       /* ms from first byte of a command line to its end */
	uint64_t data_wait;          /* ms without a byte inside a body */
	uint64_t send_wait;          /* ms that a reply may stay unread */
	uint64_t minimum_rate;       /* body bytes per second, averaged over rate_window; 0: none */
	uint64_t rate_window;        /* ms */

	uint64_t connections;              /* in all, on this listener */
	uint64_t connections_per_address;  /* IPv6 by /64 */
	uint64_t connections_before_login; /* in all, not yet logged in */

	bool inherit;                /* do the global permits and denies hold here too? */
	struct settings_permits permit;
	struct settings_permits deny;
	enum stranger_from stranger_from;
	const char *limits;          /* limits section for sessions of this listener without own one */
	const char *policy;          /* policy section that its mail passes */
};

struct settings_listeners {
	const struct settings_listener *items;
	size_t count;
};

/* ---- TLS, login, directories ------------------------------------------------------------------ */

/* tls "NAME" { … }: certificate[i] belongs to key[i]; one of each, or an RSA and an ECDSA pair. */
struct settings_tls {
	const char *title;
	const char *where;
	struct settings_texts certificate; /* paths of PEM files, chain included */
	struct settings_texts key;         /* paths of PEM files */
	struct settings_texts names;       /* SNI names, "*.example.org" too; empty: as certified */
	uint64_t expiry_warning;           /* ms before the end of validity */
};

struct settings_tls_list {
	const struct settings_tls *items;
	size_t count;
};

enum sasl_ntlm {
	SASL_NTLM_OFF,
};

struct settings_sasl {
	struct settings_texts mechanisms; /* the only ones ever offered, best first */
	const char *realm;                /* "": hostname */
	const char *service_host;         /* host part of the GSSAPI service name; "": hostname */
	const char *keytab;               /* path; "" */
	enum sasl_ntlm ntlm;
	uint64_t iterations;              /* PBKDF2 of newly stored SCRAM keys */
	uint64_t exchange_wait;           /* ms for one whole exchange */
	uint64_t answer_wait;             /* ms for one step of the back end; then 454 4.7.0 */
	uint64_t cache_life;              /* ms that a verified PLAIN or LOGIN is remembered; 0: off */
	uint64_t workers;                 /* threads that derive keys */
	uint64_t failure_delay;           /* ms before a failed login is answered; grows */
	uint64_t failures_per_address;    /* failed logins in failure_window; then 421 before greeting */
	uint64_t failures_per_login;      /* per (address, login); then each try waits longer */
	uint64_t failure_window;          /* ms */
};

enum directory_type {
	DIRECTORY_LOCAL,
};

/* directory "NAME" { … }, asked in the order written; "local" is there if none is written. */
struct settings_directory {
	const char *title;
	const char *where;
	enum directory_type type;
};

struct settings_directories {
	const struct settings_directory *items;
	size_t count;
};

/* Other programs of this machine that may ask who a login is: ipc/lookup.h. */
struct settings_lookup {
	const char *socket;          /* path; "": nobody may ask */
	struct settings_texts users; /* system users who may, beside root and our own */
};

/* Who knows which recipients a domain of ours has. */
enum domain_recipients {
	RECIPIENTS_CALL_AHEAD, /* the next hop of its route */
	RECIPIENTS_DIRECTORY,  /* the addresses of the accounts */
	RECIPIENTS_ANY,        /* nobody: all are taken */
};

enum domain_unsure {
	UNSURE_TEMPFAIL,
	UNSURE_ACCEPT,
};

/* domain "EXAMPLE.ORG" { … } */
struct settings_domain {
	const char *title;
	const char *where;
	const char *plus_address; /* delimiter: one character, or "" for none */
	enum domain_recipients recipients;
	enum domain_unsure unsure; /* a stranger's mail while nobody can say */
};

struct settings_domains {
	const struct settings_domain *items;
	size_t count;
};

/* ---- limits, policy --------------------------------------------------------------------------- */

enum limits_over {
	LIMITS_OVER_HOLD,
	LIMITS_OVER_TEMPFAIL,
	LIMITS_OVER_REFUSE,
};

/* limits "NAME" { … }; "default" is there always. */
struct settings_limits {
	const char *title;
	const char *where;
	uint64_t connections_per_login;  /* per protocol; 0: no limit */
	uint64_t connections_per_address; /* of who has no login yet; 0: the listener's */
	uint64_t messages_per_hour;      /* budgets, per login or stranger's address; 0: no limit */
	uint64_t messages_per_day;
	uint64_t recipients_per_hour;
	uint64_t recipients_per_day;
	uint64_t new_recipients_per_day; /* logins alone; 0: nobody remembers who is new */
	uint64_t burst;                  /* percent of a budget that may be spent at once */
	uint64_t cut_off;                /* percent of it held beyond, then all is refused; 0: never */
	uint64_t recipients_per_message; /* 0: no limit but the listener's */
	uint64_t message_size;           /* bytes; 0: no limit but the listener's */
	uint64_t held_messages;          /* per login, held as they came; beyond that, tempfail */
	enum limits_over over;
};

struct settings_limits_list {
	const struct settings_limits *items;
	size_t count;
};

/* policy "NAME" { … }; "default" is there always, and is the one without a title in the file. */
struct settings_policy {
	const char *title;
	const char *where;
	struct settings_texts milters; /* names of milter sections, in the order they are asked */
	uint64_t budget;               /* ms that all of them have for one message; 0: as usual */
};

struct settings_policies {
	const struct settings_policy *items;
	size_t count;
};

enum milter_failure {
	MILTER_FAILURE_TEMPFAIL,
	MILTER_FAILURE_ACCEPT,
	MILTER_FAILURE_REJECT,
	MILTER_FAILURE_HOLD,
};

enum milter_logins {
	MILTER_LOGINS_ANY,
	MILTER_LOGINS_ONLY, /* mail of who has logged in */
	MILTER_LOGINS_NONE, /* mail of who has not */
};

/* milter "NAME" { … } */
struct settings_milter {
	const char *title;
	const char *where;
	struct endpoint address;
	enum milter_failure on_failure;
	uint64_t version;      /* of the protocol, 2 to 6: the highest that is offered */
	uint64_t connect_wait; /* ms */
	uint64_t command_wait; /* ms for one answer; negotiation and envelope */
	uint64_t content_wait; /* ms for one answer; header and body */
	uint64_t end_wait;     /* ms between two answers at the end of message */
	uint64_t budget;       /* ms in all for one message, connecting too; under two minutes */
	uint64_t rest;         /* ms; how long it is let alone after failures in a row, at first */
	struct settings_texts macros;     /* "{name}=value"; without a value it is never sent */
	/* Who it is asked about: everything that is set must hold. */
	struct settings_texts listeners;  /* names; empty: all that name it in their policy */
	enum milter_logins logins;
	struct settings_texts groups;     /* logins that are in one of them; empty: everybody */
	struct settings_networks networks; /* clients; empty: all */
	uint64_t smallest;     /* bytes of a message; 0: no bound */
	uint64_t largest;
	bool change_envelope;  /* may it name senders and recipients that the client may not? */
};

struct settings_milters {
	const struct settings_milter *items;
	size_t count;
};

/* ---- the daemon itself ------------------------------------------------------------------------ */

/* The system user of each role; used only when started as root. */
struct settings_users {
	const char *smtp;
	const char *mailbox;
	const char *auth;
	const char *keys;
	const char *dial;
	const char *queue;
	const char *relay;
};

enum log_text_format {
	LOG_TEXT,
	LOG_JSON,
};

enum log_least {
	LOG_LEAST_DEBUG,
	LOG_LEAST_INFO,
	LOG_LEAST_NOTICE,
	LOG_LEAST_WARNING,
	LOG_LEAST_ERROR,
};

enum log_protocol {
	LOG_PROTOCOL_OFF,
	LOG_PROTOCOL_CSV,
	LOG_PROTOCOL_JSON,
};

enum log_roll {
	LOG_ROLL_OFF,
	LOG_ROLL_HOUR,
	LOG_ROLL_DAY,
	LOG_ROLL_SIZE,
};

struct settings_log {
	enum log_text_format format;
	enum log_least level;
	const char *file;               /* "": standard error */
	enum log_protocol protocol_log;
	const char *protocol_directory; /* PROTOCOL.log in it, one per protocol */
	enum log_roll roll;
	uint64_t roll_size;             /* bytes */
	uint64_t keep;                  /* ms; 0: for ever */
	uint64_t keep_size;             /* bytes in all; 0: no limit */
};

struct settings {
	struct arena *arena;            /* owns everything below, and this struct itself */
	unsigned holds;                 /* beyond the first; settings_hold() */
	const char *file;               /* path of the configuration, as given */

	const char *hostname;
	const char *state_dir;
	const char *run_dir;
	const char *postmaster;         /* "": postmaster@hostname */
	uint64_t workers;               /* smtp processes, and as many mailbox ones */
	uint64_t heartbeat;             /* ms between two questions whether a role still answers */
	uint64_t heartbeat_wait;        /* ms for its answer; then it is killed */
	struct settings_texts authoritative_domains;
	struct settings_texts control_users; /* may use the control socket, beside root and our own */
	struct settings_users users;

	struct settings_tls_list tls;
	struct settings_sasl sasl;
	struct settings_directories directory;
	struct settings_lookup lookup;
	struct settings_domains domain;
	struct settings_listeners listener;
	struct settings_permits permit;
	struct settings_permits deny;
	struct settings_limits_list limits;
	struct settings_policies policy;
	struct settings_milters milter;
	struct settings_queue queue;
	struct settings_relay relay;
	struct settings_routes route;
	struct settings_filter filter;
	struct settings_log log;
};

/*
 * Gives up one hold; with the last one the arena and the settings go. Nulls the pointer, accepts NULL.
 * Whoever works on with settings that a reload has replaced takes a hold of its own.
 */
void settings_free(struct settings **settings);
struct settings *settings_hold(const struct settings *settings);

/* By name; NULL if there is none. The limits "default" is there always. */
const struct settings_tls *settings_find_tls(const struct settings *settings, const char *title);
const struct settings_listener *settings_find_listener(const struct settings *settings,
	const char *title);
const struct settings_limits *settings_find_limits(const struct settings *settings,
	const char *title);
const struct settings_milter *settings_find_milter(const struct settings *settings,
	const char *title);
/* What the mail of a listener passes; NULL in a role that is told of no policies. */
const struct settings_policy *settings_find_policy(const struct settings *settings,
	const struct settings_listener *listener);

/* Is the domain (any case) one of authoritative-domains? */
bool settings_is_authoritative(const struct settings *settings, struct span domain);
/* NULL if the file has no section on it; then everything is at its default. */
const struct settings_domain *settings_find_domain(const struct settings *settings,
	struct span domain);
/* Who knows the recipients of this domain: ANY for one that is not authoritative. */
enum domain_recipients settings_recipients(const struct settings *settings, struct span domain);
/* Delimiter of plus-addresses in this domain; 0 if it has none. */
char settings_plus_address(const struct settings *settings, struct span domain);
const char *settings_realm(const struct settings *settings); /* if none is set, the host name */

#endif
