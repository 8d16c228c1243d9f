/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a message that was taken: queue, routes, next hops. settings.h has the units. */
#ifndef CONFIG_SETTINGS_MAIL_H
#define CONFIG_SETTINGS_MAIL_H

#include "config/settings_list.h"

enum double_bounce {
	DOUBLE_BOUNCE_POSTMASTER,
	DOUBLE_BOUNCE_DROP,
};

struct settings_queue {
	struct settings_durations retry; /* wait after the 1st, 2nd, … failure; the last one repeats */
	uint64_t expiry;                 /* ms after which a message is returned */
	uint64_t notice_expiry;          /* ms after which a failure notice is given up */
	uint64_t delay_notice;           /* ms until the sender hears of a delay; 0: never */
	uint64_t return_size;            /* most bytes of a message that come back with a notice */
	enum double_bounce double_bounce; /* who hears of what failed and has no sender */
	uint64_t concurrency;            /* connections out, in all */
	uint64_t concurrency_per_destination;
	uint64_t destination_rest;       /* ms without a try after the first that did not reach it */
	uint64_t destination_rest_longest;
	uint64_t free_space;             /* bytes on the spool's disk; below, 452 4.3.1 */
	uint64_t free_space_resume;      /* bytes; accept again above */
	uint64_t free_files;             /* inodes; below, 452 4.3.1 */
	uint64_t messages;               /* most messages waiting; beyond, 452 4.3.1; 0: no limit */
	uint64_t history;                /* ms that results stay visible to track */
	uint64_t resend_window;          /* ms in which the same message again is the first; 0: off */
	bool sync;                       /* no: mail can be lost at power failure; for tests alone */
};

enum route_scheme {
	ROUTE_SMTP,
	ROUTE_SMTPS,
	ROUTE_LMTP,
};

enum route_tls {
	ROUTE_TLS_MAY,
	ROUTE_TLS_ENCRYPT,
	ROUTE_TLS_VERIFY,
	ROUTE_TLS_NONE,
};

struct route_target {
	enum route_scheme scheme;
	struct endpoint endpoint;
	const char *text; /* as written */
};

/* route "DOMAIN" { … }; "*" is every other domain, ".example.org" every domain below. */
struct settings_route {
	const char *title;
	const char *where;
	struct route_target to;
	enum route_tls tls;
	const char *tls_name;             /* name the certificate must have; "": the host of to */
	const char *trust_file;           /* PEM; "": the relay's */
	const char *user;                 /* login at the hop; "": none */
	const char *secret_file;          /* holds the password; only super and relay open it */
	struct settings_texts mechanisms; /* allowed towards the hop */
	uint64_t concurrency;             /* connections; 0: queue's concurrency-per-destination */
};

struct settings_routes {
	const struct settings_route *items;
	size_t count;
};

struct settings_relay {
	const char *helo;          /* "": hostname */
	const char *trust_file;    /* PEM; "": the system's */
	const char *source;        /* local address for connections; "": any */
	struct settings_texts resolvers; /* DNS servers, "192.0.2.1:53"; none: those of the system */
	uint64_t connect_wait;     /* ms, all below too */
	uint64_t handshake_wait;
	uint64_t greet_wait;
	uint64_t command_wait;     /* EHLO, AUTH, MAIL, RCPT, RSET */
	uint64_t data_wait;        /* reply to DATA, and the window of minimum_rate */
	uint64_t content_wait;     /* for a content to be taken */
	uint64_t minimum_rate;     /* bytes a second at which it is */
	uint64_t end_wait;         /* reply to the final dot */
	uint64_t reuse_messages;   /* on one connection */
	uint64_t reuse_idle;       /* how long an idle connection is kept */
	uint64_t call_ahead_wait;  /* for a hop to tell whether it has a recipient */
	uint64_t call_ahead_known; /* how long such a "yes" is remembered; 0: not at all */
	uint64_t call_ahead_unknown; /* and a "no" */
};

#endif
