/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of sallyport-milter. */
#include "config/schema_rows.h"

#define ITEM struct settings_filter
/* Another program reads them from the file itself; of the daemon only super sees them. */
static const struct schema_row filter_rows[] = {
	ROW(SCHEMA_ENDPOINT, "socket", socket, "unix:/run/sallyport-milter/milter.sock", TO_SUPER,
		"Where the mail server reaches it: \"unix:/path\", \"127.0.0.1:8895\""),
	CHOICE("socket-mode", socket_mode,
		WORDS({ "0660", 0660 }, { "0600", 0600 }, { "0666", 0666 }), "0660", TO_SUPER,
		"Who may connect to a unix socket"),
	TEXT("socket-group", socket_group, syntax_name_or_empty, "", TO_SUPER,
		"Group of a unix socket, that of the mail server; empty is the group of user"),
	TEXT("user", user, syntax_user, "sallyport-milter", TO_SUPER,
		"System user it changes to when started as root"),
	CHOICE("mode", mode, WORDS({ "enforce", FILTER_MODE_ENFORCE }, { "log", FILTER_MODE_LOG }),
		"enforce", TO_SUPER,
		"Whether wrong senders are refused, or only logged while everything passes"),
	CHOICE("source", source,
		WORDS({ "directory", FILTER_SOURCE_DIRECTORY }, { "maps", FILTER_SOURCE_MAPS }),
		"directory", TO_SUPER,
		"Who knows the addresses of a login: the accounts of sallyportd, or the maps of "
		"Postfix"),
	TEXT("lookup-socket", lookup_socket, syntax_path_or_empty, "", TO_SUPER,
		"Look-up socket of sallyportd; empty is that of the lookup section"),
	TEXTS("sender-maps", sender_maps, syntax_text, 16, "", TO_SUPER,
		"Maps as in smtpd_sender_login_maps, in their order: \"texthash:/etc/postfix/senders\", "
		"\"sqlite:/etc/postfix/senders.cf\""),
	TEXT("recipient-delimiter", recipient_delimiter, syntax_text, "", TO_SUPER,
		"Delimiters that Postfix has in recipient_delimiter, for the maps; empty is none"),
	TEXTS("local-domains", local_domains, syntax_domain, 10000, "", TO_SUPER,
		"Domains that Postfix has in mydestination, whose addresses may stand in the maps without "
		"a domain"),
	DURATION("lookup-wait", lookup_wait, 100, 5 * MINUTE, "5s", TO_SUPER,
		"Longest wait for the source; then mail is put off"),
	CHOICE("login-realm", login_realm,
		WORDS({ "strip", FILTER_REALM_STRIP }, { "keep", FILTER_REALM_KEEP },
			{ "add", FILTER_REALM_ADD }),
		"strip", TO_SUPER,
		"What becomes of the realm of the sasl section behind a login name: cut off, kept, put "
		"there where no realm is; unless written it is keep where source is maps"),
	CHOICE("unauthenticated", strangers,
		WORDS({ "pass", FILTER_STRANGERS_PASS }, { "check", FILTER_STRANGERS_CHECK }), "pass",
		TO_SUPER,
		"Whether mail of clients that have not logged in passes unasked, or by their permits"),
	NETWORKS("exempt-networks", exempt_networks, 1000, "127.0.0.0/8 ::1", TO_SUPER,
		"Clients without a login whose mail passes where others are checked"),
	TEXT("listener", listener, syntax_name_or_empty, "", TO_SUPER,
		"Listener whose permits hold where the mail server names none by {daemon_name}; empty is "
		"none but the permits of the file"),
	TEXT("log-file", log_file, syntax_path_or_empty, "", TO_SUPER,
		"File of its event log; empty is standard error"),
};
#undef ITEM

const struct schema_section schema_filter = {
	.name = "filter",
	.offset = offsetof(struct settings, filter),
	.size = sizeof(struct settings_filter),
	.rows = filter_rows,
	.row_count = COUNT_OF(filter_rows),
	.help = "The program sallyport-milter, which has the rights decide under another mail server",
};
