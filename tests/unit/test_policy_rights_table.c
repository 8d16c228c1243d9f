/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of tests/rights, asked of the pure functions; tests/run/test_rights.py asks the others. */
#include "config_file.h"

#include <jansson.h>

#include "config/config.h"
#include "policy/originators.h"
#include "policy/rights.h"
#include "wire/address.h"

static char *world_text;
static struct settings *settings;
static json_t *table;
static struct arena *arena;

static void
source_path(const char *name, char path[4200])
{
	const char *srcdir = getenv("srcdir");
	bool absolute = srcdir && srcdir[0] == '/';

	snprintf(path, 4200, "%s%s%s/tests/rights/%s", absolute ? "" : config_file_home,
		absolute ? "" : "/", srcdir ? srcdir : ".", name);
}

/* The sections that the daemon of the run test has from elsewhere, and a path for the authority. */
static void
write_world(void)
{
	static const char head[] = "tls \"main\" { certificate = \"/c\" key = \"/k\" } ";
	static const char authority[] = "@AUTHORITY@";
	struct buf text = BUF_INIT(0);
	char path[4200];
	char *world;
	char *at;

	source_path("world.conf", path);
	world = config_file_read(path);
	at = strstr(world, authority);
	assert_non_null(at);
	buf_add_text(&text, head);
	buf_add(&text, world, (size_t)(at - world));
	buf_add_text(&text, "/authority");
	buf_add_text(&text, at + sizeof authority - 1);
	config_file_write_bytes("world.conf", buf_span(&text));
	world_text = strdup(buf_text(&text));
	buf_fini(&text);
	free(world);
}

static int
setup(void **state)
{
	struct fault fault = FAULT_INIT;
	char path[4200];

	config_file_setup(state);
	write_world();
	settings = config_load("world.conf", &fault);
	if (!settings)
		fail_msg("%s", fault.text);
	source_path("cases.json", path);
	table = json_load_file(path, 0, NULL);
	assert_non_null(table);
	return 0;
}

static int
teardown(void **state)
{
	json_decref(table);
	settings_free(&settings);
	free(world_text);
	return config_file_teardown(state);
}

static const char *
text_of(const json_t *object, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : otherwise;
}

/* "@name" is the line of world.conf whose end is "# =name". */
static const char *
where_of(const json_t *entry)
{
	const char *where = text_of(entry, "where", "");
	const char *label;
	const char *found;
	unsigned line = 1;

	if (where[0] != '@')
		return where;
	label = arena_printf(arena, "# =%s\n", where + 1);
	found = strstr(world_text, label);
	if (!found)
		fail_msg("world.conf has no %s", label);
	for (const char *at = world_text; at < found; at++)
		line += *at == '\n';
	return arena_printf(arena, "world.conf:%u", line);
}

/* ---- who asks ---------------------------------------------------------------------------------- */

static struct settings_texts
texts_of(const json_t *list)
{
	size_t count = json_array_size(list);
	const char **items = arena_alloc(arena, count * sizeof *items);

	for (size_t i = 0; i < count; i++)
		items[i] = json_string_value(json_array_get(list, i));
	return (struct settings_texts){ items, count };
}

/* As the directory keeps an address: in its canonical form. */
static struct settings_texts
addresses_of(const json_t *list)
{
	struct settings_texts texts = texts_of(list);
	const char **items = arena_alloc(arena, texts.count * sizeof *items);
	struct address address;
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < texts.count; i++) {
		assert_int_equal(address_parse(span_text(texts.items[i]), ADDRESS_UTF8, &address),
			ADDRESS_OK);
		address_format(&address, text);
		items[i] = arena_strdup(arena, text);
	}
	return (struct settings_texts){ items, texts.count };
}

static void
add_grants(struct identity_grants *grants, const json_t *list, const struct settings_texts *groups,
	uint16_t group)
{
	size_t count = json_array_size(list);
	struct identity_grant *items =
		arena_alloc(arena, (grants->count + count) * sizeof *items);

	if (grants->count)
		memcpy(items, grants->items, grants->count * sizeof *items);
	for (size_t i = 0; i < count; i++)
		items[grants->count++] = identity_grant_make(arena,
			json_string_value(json_array_get(list, i)), groups, group);
	grants->items = items;
}

static void
add_group_grants(struct identity *identity, uint16_t group)
{
	const json_t *each;
	size_t i;

	json_array_foreach(json_object_get(table, "groups"), i, each) {
		if (strcmp(text_of(each, "group", ""), identity->groups.items[group - 1]) != 0)
			continue;
		add_grants(&identity->send_as, json_object_get(each, "send_as"),
			&identity->groups, group);
		add_grants(&identity->on_behalf, json_object_get(each, "on_behalf"),
			&identity->groups, group);
	}
}

static const struct identity *
identity_of(const char *login)
{
	struct identity *identity = arena_alloc(arena, sizeof *identity);
	const json_t *each;
	size_t i;

	json_array_foreach(json_object_get(table, "accounts"), i, each) {
		if (strcmp(text_of(each, "login", ""), login) != 0)
			continue;
		*identity = (struct identity){
			.login = login, .mechanism = "PLAIN", .credential = "", .limits = "",
			.addresses = addresses_of(json_object_get(each, "addresses")),
			.groups = texts_of(json_object_get(each, "groups")),
			.protocols = IDENTITY_SMTP,
		};
		add_grants(&identity->send_as, json_object_get(each, "send_as"),
			&identity->groups, 0);
		add_grants(&identity->on_behalf, json_object_get(each, "on_behalf"),
			&identity->groups, 0);
		for (uint16_t group = 1; group <= identity->groups.count; group++)
			add_group_grants(identity, group);
		return identity;
	}
	fail_msg("there is no account %s", login);
	return NULL;
}

static struct mail_session
session_of(const json_t *entry)
{
	const char *login = text_of(entry, "login", "");
	const char *ip = text_of(entry, "ip", "127.0.0.9");
	const char **certificate = arena_alloc(arena, sizeof *certificate);
	struct network network;
	struct mail_session session = {
		.settings = settings,
		.listener = settings_find_listener(settings, text_of(entry, "on", "")),
		.id = "s", .helo = "client", .client_address = ip,
		.identity = login[0] ? identity_of(login) : NULL,
		.tls_version = "", .tls_cipher = "", .tls_group = "",
	};

	assert_non_null(session.listener);
	assert_true(network_parse(span_text(ip), &network, NULL));
	memcpy(session.client_network, network.address, NETWORK_BYTES);
	*certificate = text_of(entry, "certificate", "");
	session.certificates = (struct settings_texts){ certificate, (*certificate)[0] != '\0' };
	return session;
}

/* ---- what is asked ----------------------------------------------------------------------------- */

/* The header of the entry, or a From like the sender, in wire form. */
static void
add_header(const json_t *entry, struct buf *to)
{
	const char *header = text_of(entry, "header",
		arena_printf(arena, "From: <%s>\n", text_of(entry, "mail", "")));

	for (; *header; header++) {
		if (*header == '\n')
			buf_add_byte(to, '\r');
		buf_add_byte(to, *header);
	}
}

static struct verdict
judge(const json_t *entry, struct mail *mail)
{
	const struct mail_session *session = mail->session;
	struct verdict envelope =
		rights_judge_sender(session, text_of(entry, "mail", ""), &mail->sender);
	struct verdict verdict = envelope;

	if (verdict.kind == VERDICT_CONTINUE || verdict.kind == VERDICT_HOLD)
		verdict = rights_check_recipient(session, text_of(entry, "to", "u@example.net"));
	else
		return verdict;
	if (verdict.kind != VERDICT_CONTINUE)
		return verdict;
	mail->smtputf8 = json_is_true(json_object_get(entry, "utf8"));
	add_header(entry, &mail->header_block);
	verdict = mail_judge_header(mail, rights_is_submission(session));
	if (verdict.kind == VERDICT_CONTINUE)
		verdict = originators_judge(session, &mail->header, mail->smtputf8);
	return rights_weigh(&envelope, &verdict);
}

static void
check_field(const char *name, const char *key, const json_t *becomes, const struct mail *mail,
	const char *field)
{
	size_t at = header_find(&mail->header, field, 0);
	const json_t *wanted = json_object_get(becomes, key);
	struct span value;

	if (!wanted)
		return;
	if (json_is_null(wanted)) {
		if (at < mail->header.count)
			fail_msg("%s: there still is %s", name, field);
		return;
	}
	if (at == mail->header.count)
		fail_msg("%s: there is no %s", name, field);
	value = header_unfold(mail->header.fields[at].value, arena);
	if (!span_is(value, json_string_value(wanted)))
		fail_msg("%s: %s: %.*s", name, field, SPAN_PRINT(value));
}

static unsigned
count_wrong(const json_t *entry)
{
	struct mail_session session = session_of(entry);
	struct mail *mail = mail_new(&session, "id", 0);
	struct verdict verdict = judge(entry, mail);
	const char *name = text_of(entry, "name", "");
	const json_t *becomes = json_object_get(entry, "becomes");
	const char *where = where_of(entry);
	unsigned code = (unsigned)json_integer_value(json_object_get(entry, "code"));
	bool right = strcmp(verdict_word(&verdict), text_of(entry, "verdict", "")) == 0 &&
		verdict.code == code && strcmp(verdict.where, where) == 0;

	if (!right) {
		print_error("%s: %s %u by %s (%s), not %s %u by %s\n", name, verdict_word(&verdict),
			verdict.code, verdict.where, verdict.text, text_of(entry, "verdict", ""),
			code, where);
	} else {
		if (json_object_get(becomes, "mail_from"))
			assert_string_equal(mail->sender, text_of(becomes, "mail_from", ""));
		check_field(name, "from", becomes, mail, "From");
		check_field(name, "sender", becomes, mail, "Sender");
		check_field(name, "reply_to", becomes, mail, "Reply-To");
		/* The client is told which kind of rule it met, never where it stands. */
		assert_null(strstr(verdict.text, "world.conf"));
	}
	mail_free(&mail);
	return !right;
}

static void
every_case(void **state)
{
	const json_t *cases = json_object_get(table, "cases");
	unsigned wrong = 0;
	const json_t *each;
	size_t i;

	(void)state;
	assert_true(json_array_size(cases) >= 300);
	json_array_foreach(cases, i, each) {
		arena = arena_new(0);
		wrong += count_wrong(each);
		arena_free(&arena);
	}
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
