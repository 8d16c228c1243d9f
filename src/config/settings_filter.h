/* SPDX-License-Identifier: BSD-2-Clause */
/* What sallyport-milter is told, the rights under another server: settings.h has the units. */
#ifndef CONFIG_SETTINGS_FILTER_H
#define CONFIG_SETTINGS_FILTER_H

#include "config/settings_list.h"

enum filter_source {
	FILTER_SOURCE_DIRECTORY, /* the accounts of this program */
	FILTER_SOURCE_MAPS,      /* those of Postfix */
};

enum filter_mode {
	FILTER_MODE_ENFORCE,
	FILTER_MODE_LOG, /* everything passes, and the log tells what would not */
};

enum filter_realm {
	FILTER_REALM_STRIP, /* "alice@REALM" is alice */
	FILTER_REALM_KEEP,
	FILTER_REALM_ADD,   /* alice is "alice@REALM" */
};

enum filter_strangers {
	FILTER_STRANGERS_PASS,
	FILTER_STRANGERS_CHECK,
};

/* filter { … } */
struct settings_filter {
	struct endpoint socket;
	unsigned int socket_mode;            /* of a unix socket: 0660 */
	const char *socket_group;            /* "": the group of user */
	const char *user;                    /* used only when started as root */
	enum filter_mode mode;
	enum filter_source source;
	const char *lookup_socket;           /* DIRECTORY; "": that of lookup */
	struct settings_texts sender_maps;   /* MAPS: "texthash:/etc/postfix/senders", in their order */
	const char *recipient_delimiter;     /* MAPS: each byte is one; "": none */
	struct settings_texts local_domains; /* MAPS: "user" stands for user@ each of these */
	uint64_t lookup_wait;                /* ms for one whole answer of the source */
	enum filter_realm login_realm;       /* of the sasl section */
	enum filter_strangers strangers;     /* who has not logged in */
	struct settings_networks exempt_networks; /* strangers from there pass unasked */
	const char *listener;                /* whose permits hold where the server names none; "" */
	const char *log_file;                /* "": standard error */
};

#endif
