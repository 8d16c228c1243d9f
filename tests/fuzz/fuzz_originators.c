/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may send as whom: what passes, changed or not, shows nobody but whom a slow reader of the same
 * rights, and a careless reader of the same bytes, would let the session be.
 */
#include "fuzz.h"

#include <strings.h>

#include "base/buffer.h"
#include "policy/originators.h"
#include "policy/rights.h"
#include "wire/mailboxes.h"

#define TEXTS(...)                                                                                  \
	{ .items = (const char *const[]){ __VA_ARGS__ },                                            \
		.count = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *) }

/* ---- one world --------------------------------------------------------------------------------- */

static const struct settings_permit permits[] = {
	{ .where = "f:1", .principal = { .kind = PRINCIPAL_AUTHENTICATED },
		.rights = RIGHT_SUBMIT | RIGHT_RELAY, .limits = "" },
	{ .where = "f:2", .principal = { .kind = PRINCIPAL_GROUP, .name = "support" },
		.send_as = TEXTS("support@example.org", "@help.example.org"),
		.on_behalf = TEXTS("ceo@example.org"), .limits = "",
		.wrong_sender = WRONG_SENDER_ON_BEHALF },
	{ .where = "f:3", .principal = { .kind = PRINCIPAL_LOGIN, .name = "gateway" },
		.rights = RIGHT_ANY_SENDER, .limits = "" },
	{ .where = "f:4", .principal = { .kind = PRINCIPAL_LOGIN, .name = "pia" },
		.wrong_sender = WRONG_SENDER_REWRITE, .posing_name = POSING_NAME_STRIP, .limits = "" },
};
static const struct settings_permit denies[] = {
	{ .where = "f:5", .principal = { .kind = PRINCIPAL_GROUP, .name = "support" },
		.send_as = TEXTS("root@help.example.org"), .limits = "" },
};
static const struct settings_permit mx_permits[] = {
	{ .where = "f:6", .principal = { .kind = PRINCIPAL_ANONYMOUS },
		.rights = RIGHT_SUBMIT | RIGHT_ANY_SENDER, .limits = "" },
};
static const struct settings_permit device_permits[] = {
	{ .where = "f:7", .principal = { .kind = PRINCIPAL_ANONYMOUS },
		.rights = RIGHT_SUBMIT | RIGHT_RELAY, .send_as = TEXTS("scanner@example.org"),
		.wrong_sender = WRONG_SENDER_REWRITE, .limits = "" },
};
static const struct settings_listener listeners[] = {
	{ .title = "submission", .where = "f:10", .login = LOGIN_SECURE, .inherit = true,
		.limits = "" },
	{ .title = "mx", .where = "f:11", .limits = "", .permit = { mx_permits, 1 },
		.stranger_from = STRANGER_FROM_REFUSE },
	{ .title = "devices", .where = "f:12", .limits = "", .permit = { device_permits, 1 } },
};
static const struct settings_domain domains[] = {
	{ .title = "plus.example.org", .plus_address = "+" },
};
static const struct settings settings = {
	.hostname = "mail.example.org",
	.authoritative_domains = TEXTS("example.org", "help.example.org", "plus.example.org"),
	.domain = { domains, 1 },
	.permit = { permits, 4 },
	.deny = { denies, 1 },
};
static const struct identity identities[] = {
	{ .login = "alice", .limits = "", .addresses = TEXTS("alice@example.org", "ali@example.org") },
	{ .login = "bob", .limits = "", .addresses = TEXTS("bob@example.org"),
		.groups = TEXTS("support") },
	{ .login = "gateway", .limits = "", .addresses = TEXTS("gateway@example.org") },
	{ .login = "pia", .limits = "", .addresses = TEXTS("pia@plus.example.org") },
};

#define SESSION(who, where)                                                                        \
	{ .settings = &settings, .listener = &listeners[where], .identity = who, .helo = "",       \
		.client_address = "192.0.2.1" }

/* The same world again, as plain lists: whom a session may be, besides whom, and whom never. */
struct player {
	struct mail_session session;
	const char *own[4];       /* addresses, or "@domain" */
	const char *on_behalf[2];
	const char *never[2];
	bool anybody_else;        /* outside the domains of ours */
};

static const struct player players[] = {
	{ .session = SESSION(&identities[0], 0), .own = { "alice@example.org", "ali@example.org" } },
	{ .session = SESSION(&identities[1], 0),
		.own = { "bob@example.org", "support@example.org", "@help.example.org" },
		.on_behalf = { "ceo@example.org" }, .never = { "root@help.example.org" } },
	{ .session = SESSION(&identities[2], 0), .own = { "gateway@example.org" },
		.anybody_else = true },
	{ .session = SESSION(&identities[3], 0), .own = { "pia@plus.example.org" } },
	{ .session = SESSION(NULL, 1), .anybody_else = true },
	{ .session = SESSION(NULL, 2), .own = { "scanner@example.org" } },
};

enum { PLAYERS = sizeof players / sizeof players[0] };

/* ---- the slow reader --------------------------------------------------------------------------- */

/* "pia+anything@plus.example.org" is pia's, whom "+" alone stands for. */
static bool
is_tagged(const char *listed, const char *local, size_t length)
{
	size_t base = strcspn(listed, "@");

	return strcasecmp(listed + base, "@plus.example.org") == 0 && length > base &&
		local[base] == '+' && strncasecmp(listed, local, base) == 0;
}

static bool
is_listed(const char *const *list, size_t count, const struct address *address)
{
	for (size_t i = 0; i < count && list[i]; i++) {
		const char *domain = strchr(list[i], '@') + 1;
		size_t local = (size_t)(domain - list[i]) - 1;

		if (strcasecmp(domain, address->domain) != 0)
			continue;
		if (local == 0 || is_tagged(list[i], address->local, address->local_length) ||
			(local == address->local_length &&
				strncasecmp(list[i], address->local, local) == 0))
			return true;
	}
	return false;
}

static bool
is_ours(const struct address *address)
{
	return strcasecmp(address->domain, "example.org") == 0 ||
		strcasecmp(address->domain, "help.example.org") == 0 ||
		strcasecmp(address->domain, "plus.example.org") == 0;
}

static bool
may_be(const struct player *player, const struct address *address, bool on_behalf)
{
	if (is_listed(player->never, 2, address))
		return false;
	return is_listed(player->own, 4, address) ||
		(on_behalf && is_listed(player->on_behalf, 2, address)) ||
		(player->anybody_else && !is_ours(address));
}

/* ---- what passed ------------------------------------------------------------------------------- */

/* Fields that a careless reader takes for this one: name, blanks, colon, at any start of a line. */
static size_t
grep(struct span text, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < text.length; i++) {
		struct span line = span_from(text, i);

		if (i && text.start[i - 1] != '\n' && text.start[i - 1] != '\r')
			continue;
		if (span_starts_nocase(line, name))
			count += span_starts(span_trim(span_from(line, strlen(name))), ":");
	}
	return count;
}

/* He takes every <x@y> without blanks for an author. */
static void
check_greedy(const struct player *player, struct span value, bool on_behalf)
{
	for (size_t i = 0; i < value.length; i++) {
		struct span rest;
		struct span inside;
		struct address address;

		if (value.start[i] != '<')
			continue;
		inside = span_cut(span_from(value, i + 1), '>', &rest);
		if (address_parse(inside, ADDRESS_UTF8, &address) == ADDRESS_OK &&
			!span_has_byte(inside, '"'))
			FUZZ_CHECK(may_be(player, &address, on_behalf));
	}
}

static void
check_fields(const struct player *player, const struct header *header, const char *name,
	unsigned rules, bool on_behalf)
{
	struct arena *arena = arena_new(1024);
	struct fault fault = FAULT_INIT;

	for (size_t at = header_next(header, name, 0); at < header->count;
		at = header_next(header, name, at + 1)) {
		struct mailboxes list;

		FUZZ_CHECK(mailboxes_parse(header->fields[at].value, rules | MAILBOXES_UTF8, arena,
			&list, &fault));
		for (size_t i = 0; i < list.count; i++)
			FUZZ_CHECK(may_be(player, &list.list[i].address, on_behalf));
		FUZZ_CHECK(list.count == 1 || on_behalf);
		check_greedy(player, header->fields[at].value, on_behalf);
	}
	arena_free(&arena);
}

static void
check_passed(const struct player *player, const struct header *header)
{
	bool sender = header_count(header, "Sender") == 1;
	bool resent = header_count(header, "Resent-Sender") > 0;
	struct buf block = BUF_INIT(0);

	FUZZ_CHECK(header_format(header, &block));
	FUZZ_CHECK(grep(buf_span(&block), "From") == 1);
	FUZZ_CHECK(grep(buf_span(&block), "Sender") == sender);
	check_fields(player, header, "From", 0, sender);
	check_fields(player, header, "Sender", MAILBOXES_ONE, false);
	check_fields(player, header, "Resent-From", 0, resent);
	check_fields(player, header, "Resent-Sender", MAILBOXES_ONE, false);
	buf_fini(&block);
}

/* Of a stranger's mail the From shows nobody of ours. */
static void
check_stranger(const struct player *player, const struct header *header)
{
	FUZZ_CHECK(header_count(header, "From") <= 1);
	if (header_count(header, "From"))
		check_fields(player, header, "From", 0, true);
}

/* What was changed is as if the client had sent it so. */
static void
check_settled(const struct player *player, const struct header *header, bool utf8)
{
	struct arena *arena = arena_new(1024);
	struct buf block = BUF_INIT(0);
	struct buf after = BUF_INIT(0);
	struct fault fault = FAULT_INIT;
	struct header again;
	struct verdict verdict;

	FUZZ_CHECK(header_format(header, &block));
	FUZZ_CHECK(header_parse(buf_span(&block), utf8 ? HEADER_UTF8 : 0, arena, &again, &fault));
	verdict = originators_judge(&player->session, &again, utf8);
	FUZZ_CHECK(verdict.kind == VERDICT_CONTINUE && verdict.changed == 0);
	FUZZ_CHECK(header_format(&again, &after));
	FUZZ_CHECK(span_equal(buf_span(&block), buf_span(&after)));
	buf_fini(&block);
	buf_fini(&after);
	arena_free(&arena);
}

static void
check_header(const struct player *player, struct span in, bool utf8)
{
	struct arena *arena = arena_new(1024);
	struct buf block = BUF_INIT(0);
	struct fault fault = FAULT_INIT;
	struct verdict verdict;
	struct header header;

	if (header_parse(in, utf8 ? HEADER_UTF8 : 0, arena, &header, &fault)) {
		verdict = originators_judge(&player->session, &header, utf8);
		if (verdict.kind == VERDICT_CONTINUE) {
			FUZZ_CHECK(header_format(&header, &block));
			FUZZ_CHECK(verdict.changed || span_equal(buf_span(&block), in));
			if (rights_is_submission(&player->session))
				check_passed(player, &header);
			else
				check_stranger(player, &header);
			check_settled(player, &header, utf8);
		} else {
			FUZZ_CHECK(verdict.kind == VERDICT_REJECT && verdict.changed == 0);
			FUZZ_CHECK(verdict.code == 550 || verdict.code == 554);
			FUZZ_CHECK(span_is_printable(span_text(verdict.text)) && verdict.where[0]);
		}
	}
	buf_fini(&block);
	arena_free(&arena);
}

/* The value of a From, as an address of the envelope. */
static void
check_sender(const struct player *player, struct span in)
{
	char sender[ADDRESS_TEXT_SIZE];
	struct address address;
	struct verdict verdict;

	if (address_parse(in, ADDRESS_UTF8, &address) != ADDRESS_OK)
		return;
	address_format(&address, sender);
	verdict = rights_check_sender(&player->session, sender);
	FUZZ_CHECK((verdict.kind == VERDICT_CONTINUE) == may_be(player, &address, false));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	unsigned steer = fuzz_take(&in);
	const struct player *player = &players[steer % 16 % PLAYERS];
	struct span line = span_cut(in, '\r', &(struct span){ 0 });
	struct span value;

	span_cut(line, ':', &value);
	check_header(player, in, steer & 16);
	check_sender(player, span_trim(value));
	return 0;
}
