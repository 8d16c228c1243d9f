/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of the file's top level, and walking the table. */
#include "config/schema.h"

#include <string.h>

#include "config/schema_rows.h"

#define ITEM struct settings
static const struct schema_row root_rows[] = {
	TEXT("hostname", hostname, syntax_hostname, NULL, TO_ALL,
		"Name that this server greets with and signs its trace with; clients check "
		"that a certificate has it"),
	TEXT("state-dir", state_dir, syntax_path, "/var/lib/sallyport",
		TO_SUPER | TO_AUTH | TO_QUEUE,
		"Directory of the accounts and the queue; each role has its own part, mode 0700"),
	TEXT("run-dir", run_dir, syntax_path, "/run/sallyport", TO_SUPER,
		"Directory of the control socket and the pid file"),
	TEXT("postmaster", postmaster, syntax_address, "", TO_SMTP | TO_QUEUE,
		"Address of the people who run this; empty is postmaster at the host name"),
	NUMBER("workers", workers, 1, 64, "2", TO_SUPER,
		"Number of processes that serve SMTP clients"),
	DURATION("heartbeat", heartbeat, 100, 5 * MINUTE, "5s", TO_SUPER,
		"How often each role is asked whether it still answers"),
	DURATION("heartbeat-wait", heartbeat_wait, 100, 5 * MINUTE, "25s", TO_SUPER,
		"How long it has for its answer; then it is killed and started again"),
	TEXTS("authoritative-domains", authoritative_domains, syntax_domain, 10000, "",
		TO_SUPER | TO_SMTP | TO_AUTH | TO_QUEUE | TO_RELAY,
		"Domains whose mail is ours: strangers may not name them as sender"),
	TEXTS("control-users", control_users, syntax_user, 100, "", TO_SUPER,
		"System users who may use the control socket, beside root and the daemon's own user"),
};
#undef ITEM

static const struct schema_section *const root_sections[] = {
	&schema_users,
	&schema_tls,
	&schema_sasl,
	&schema_directory,
	&schema_lookup,
	&schema_domain,
	&schema_listener,
	&schema_permit,
	&schema_deny,
	&schema_limits,
	&schema_policy,
	&schema_milter,
	&schema_queue,
	&schema_relay,
	&schema_route,
	&schema_filter,
	&schema_log,
};

const struct schema_section schema_root = {
	.name = "",
	.size = sizeof(struct settings),
	.rows = root_rows,
	.row_count = COUNT_OF(root_rows),
	.sections = root_sections,
	.section_count = COUNT_OF(root_sections),
	.help = "The file itself",
};

#define ITEM struct settings_users
static const struct schema_row users_rows[] = {
	TEXT("smtp", smtp, syntax_user, "sallyport-smtp", TO_SUPER,
		"System user of the processes that serve SMTP clients"),
	TEXT("mailbox", mailbox, syntax_user, "sallyport-mailbox", TO_SUPER,
		"System user of the processes that serve POP3 and IMAP4 clients"),
	TEXT("auth", auth, syntax_user, "sallyport-auth", TO_SUPER,
		"System user of the process that holds the accounts"),
	TEXT("keys", keys, syntax_user, "sallyport-keys", TO_SUPER,
		"System user of the process that holds the TLS keys"),
	TEXT("dial", dial, syntax_user, "sallyport-dial", TO_SUPER,
		"System user of the process that connects named endpoints"),
	TEXT("queue", queue, syntax_user, "sallyport-queue", TO_SUPER,
		"System user of the process that holds the queue"),
	TEXT("relay", relay, syntax_user, "sallyport-relay", TO_SUPER,
		"System user of the process that delivers"),
};
#undef ITEM

const struct schema_section schema_users = {
	.name = "users",
	.offset = offsetof(struct settings, users),
	.size = sizeof(struct settings_users),
	.rows = users_rows,
	.row_count = COUNT_OF(users_rows),
	.help = "System user of each role; used when started as root, all different",
};

const struct schema_row *
schema_find_row(const struct schema_section *section, const char *name)
{
	for (size_t i = 0; i < section->row_count; i++) {
		if (strcmp(section->rows[i].name, name) == 0)
			return &section->rows[i];
	}
	return NULL;
}

const struct schema_section *
schema_find_section(const struct schema_section *section, const char *name)
{
	for (size_t i = 0; i < section->section_count; i++) {
		if (strcmp(section->sections[i]->name, name) == 0)
			return section->sections[i];
	}
	return NULL;
}

static const struct {
	const char *name;
	bool list;
} kinds[SCHEMA_KIND_COUNT] = {
	[SCHEMA_TEXT] = { "text", false },
	[SCHEMA_NUMBER] = { "number", false },
	[SCHEMA_DURATION] = { "duration", false },
	[SCHEMA_SIZE] = { "size", false },
	[SCHEMA_YES_NO] = { "yes or no", false },
	[SCHEMA_CHOICE] = { "one word", false },
	[SCHEMA_FLAGS] = { "list of words", true },
	[SCHEMA_TEXTS] = { "list of texts", true },
	[SCHEMA_DURATIONS] = { "list of durations", true },
	[SCHEMA_NETWORKS] = { "list of networks", true },
	[SCHEMA_ENDPOINTS] = { "list of addresses", true },
	[SCHEMA_ENDPOINT] = { "address", false },
	[SCHEMA_TARGET] = { "next hop", false },
};

bool
schema_is_list(const struct schema_row *row)
{
	return kinds[row->kind].list;
}

const char *
schema_kind_name(enum schema_kind kind)
{
	return kinds[kind].name;
}

bool
schema_section_has_role(const struct schema_section *section, enum role role)
{
	for (size_t i = 0; i < section->row_count; i++) {
		if (section->rows[i].roles & ROLE_BIT(role))
			return true;
	}
	for (size_t i = 0; i < section->section_count; i++) {
		if (schema_section_has_role(section->sections[i], role))
			return true;
	}
	return false;
}

static bool
walk(const struct schema_section *section, struct schema_path *path, schema_visit *visit,
	void *context)
{
	for (size_t i = 0; i < section->row_count; i++) {
		if (!visit(path, &section->rows[i], context))
			return false;
	}
	for (size_t i = 0; i < section->section_count; i++) {
		path->sections[path->depth++] = section->sections[i];
		bool more = walk(section->sections[i], path, visit, context);
		path->depth--;
		if (!more)
			return false;
	}
	return true;
}

bool
schema_walk(schema_visit *visit, void *context)
{
	struct schema_path path = { .depth = 0 };
	return walk(&schema_root, &path, visit, context);
}
