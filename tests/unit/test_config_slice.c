/* SPDX-License-Identifier: BSD-2-Clause */
/* Slices: each role gets what its bit allows and zeros for the rest, in the same bytes each time. */
#include "config_file.h"

#include "config/config.h"
#include "config/schema.h"
#include "config/slice.h"
#include "config/value.h"

static const char text[] =
	"hostname = \"mail.example.org\"\n"
	"authoritative-domains = { \"example.org\", \"example.net\" }\n"
	"control-users = { admin }\n"
	"tls \"main\" { certificate = { \"/c1\", \"/c2\" } key = { \"/k1\", \"/k2\" }\n"
	"  names = \"*.example.org\" }\n"
	"domain \"example.org\" { plus-address = \"+\" }\n"
	"listener \"in\" { address = { \"*:587\", \"unix:/run/in\" } proxy-networks = \"10.0.0.0/8\"\n"
	"  permit \"network:10.0.0.0/8\" { rights = { submit, relay } send-as = \"@a.org\" } }\n"
	"listener \"out\" { address = { \"[::1]:25\" } tls = none login = off inherit = no }\n"
	"permit \"login:alice\" { rights = bypass-limits }\n"
	"deny \"group:guests\" { rights = relay }\n"
	"limits \"strict\" { over = refuse messages-per-hour = 1 }\n"
	"milter \"dkim\" { address = \"inet:127.0.0.1:8891\" macros = \"j=x\" logins = only\n"
	"  networks = \"10.0.0.0/8\" change-envelope = yes }\n"
	"policy { milters = dkim }\n"
	"policy \"none\" { }\n"
	"queue { retry = { 1m, 2m } sync = no }\n"
	"route \"*\" { to = \"smtps:relay.example.net\" user = u secret-file = \"/secret\" }\n";

static struct settings *
load(const char *from)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings;

	config_file_write("c.conf", from);
	settings = config_load("c.conf", &fault);
	if (!settings)
		fail_msg("%s", fault.text);
	return settings;
}

static void
compare_row(const struct schema_row *row, const void *whole, const void *part, enum role role)
{
	static const uint64_t zeros[512];
	struct buf wanted = BUF_INIT(0);
	struct buf actual = BUF_INIT(0);

	if (row->roles & ROLE_BIT(role)) {
		value_format(row, whole, &wanted);
		value_format(row, part, &actual);
		assert_string_equal(buf_text(&wanted), buf_text(&actual));
	} else if (row->kind == SCHEMA_TEXT) {
		assert_string_equal(*(const char *const *)(const void *)((const char *)part + row->offset),
			"");
	} else if (row->kind == SCHEMA_ENDPOINT || row->kind == SCHEMA_TARGET) {
		value_format(row, part, &actual);
		assert_string_equal(buf_text(&actual), "\"\"");
	} else {
		value_format(row, zeros, &wanted);
		value_format(row, part, &actual);
		assert_string_equal(buf_text(&wanted), buf_text(&actual));
	}
	buf_fini(&wanted);
	buf_fini(&actual);
}

static void
compare(const struct schema_section *section, const void *whole, const void *part, enum role role)
{
	for (size_t i = 0; i < section->row_count; i++)
		compare_row(&section->rows[i], whole, part, role);
	for (size_t i = 0; i < section->section_count; i++) {
		const struct schema_section *inner = section->sections[i];
		const char *left = (const char *)whole + inner->offset;
		const char *right = (const char *)part + inner->offset;
		const struct schema_list *wanted = (const void *)left;
		const struct schema_list *actual = (const void *)right;

		if (!inner->titled) {
			compare(inner, left, right, role);
			continue;
		}
		assert_int_equal(actual->count,
			schema_section_has_role(inner, role) ? wanted->count : 0);
		for (size_t n = 0; n < actual->count; n++) {
			const char *from = (const char *)wanted->items + n * inner->size;
			const char *to = (const char *)actual->items + n * inner->size;
			assert_string_equal(((const struct schema_item *)(const void *)from)->title,
				((const struct schema_item *)(const void *)to)->title);
			assert_string_equal(((const struct schema_item *)(const void *)from)->where,
				((const struct schema_item *)(const void *)to)->where);
			compare(inner, from, to, role);
		}
	}
}

static void
each_role(void **state)
{
	struct settings *settings = load(text);

	(void)state;
	for (int role = 0; role <= ROLE_CTL; role++) {
		struct buf once = BUF_INIT(SLICE_MAX_BYTES);
		struct buf twice = BUF_INIT(SLICE_MAX_BYTES);
		struct fault fault = FAULT_INIT;
		struct settings *part;

		assert_true(settings_pack(settings, (enum role)role, &once));
		assert_true(settings_pack(settings, (enum role)role, &twice));
		assert_true(span_equal(buf_span(&once), buf_span(&twice)));
		part = settings_unpack(buf_span(&once), &fault);
		if (!part)
			fail_msg("%s: %s", role_name((enum role)role), fault.text);
		assert_string_equal(part->file, "c.conf");
		compare(&schema_root, settings, part, (enum role)role);
		settings_free(&part);
		buf_fini(&once);
		buf_fini(&twice);
	}
	settings_free(&settings);
}

static bool
slice_has(const struct settings *settings, enum role role, const char *word)
{
	struct buf slice = BUF_INIT(SLICE_MAX_BYTES);
	bool has;

	assert_true(settings_pack(settings, role, &slice));
	has = memmem(slice.bytes, buf_length(&slice), word, strlen(word)) != NULL;
	buf_fini(&slice);
	return has;
}

static void
what_is_left_out(void **state)
{
	static const struct {
		const char *word;
		unsigned int roles;
	} cases[] = {
		{ "/k1", ROLE_BIT(ROLE_SUPER) | ROLE_BIT(ROLE_KEYS) },
		{ "/secret", ROLE_BIT(ROLE_SUPER) | ROLE_BIT(ROLE_RELAY) },
		{ "sallyport-queue", ROLE_BIT(ROLE_SUPER) },
		{ "unix:/run/in", ROLE_BIT(ROLE_SUPER) | ROLE_BIT(ROLE_SMTP) | ROLE_BIT(ROLE_MAILBOX) |
				ROLE_BIT(ROLE_RELAY) },
		{ "login:alice",
			ROLE_BIT(ROLE_SMTP) | ROLE_BIT(ROLE_AUTH) | ROLE_BIT(ROLE_QUEUE) },
		{ "relay.example.net",
			ROLE_BIT(ROLE_SUPER) | ROLE_BIT(ROLE_QUEUE) | ROLE_BIT(ROLE_RELAY) },
		{ "127.0.0.1:8891", ROLE_BIT(ROLE_SMTP) | ROLE_BIT(ROLE_DIAL) },
	};
	struct settings *settings = load(text);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int role = 0; role < ROLE_COUNT; role++)
			assert_int_equal(slice_has(settings, (enum role)role, cases[i].word),
				(cases[i].roles & ROLE_BIT(role)) != 0);
	}
	settings_free(&settings);
}

static void
unpacked_values(void **state)
{
	struct settings *settings = load(text);
	struct buf slice = BUF_INIT(SLICE_MAX_BYTES);
	struct settings *part;

	(void)state;
	assert_true(settings_pack(settings, ROLE_SMTP, &slice));
	part = settings_unpack(buf_span(&slice), NULL);
	settings_free(&settings);
	buf_fini(&slice);
	/* nothing of it points into the bytes or into the settings it came from */
	assert_int_equal(part->listener.items[0].permit.items[0].principal.kind, PRINCIPAL_NETWORK);
	assert_int_equal(part->listener.items[0].permit.items[0].principal.network.bits, 104);
	assert_string_equal(part->listener.items[0].address.items[1].path, "/run/in");
	assert_string_equal(part->permit.items[0].principal.name, "alice");
	assert_int_equal(part->listener.items[1].login, LOGIN_OFF);
	assert_false(part->listener.items[1].inherit);
	assert_string_equal(settings_find_limits(part, "default")->where, "default");
	settings_free(&part);
}

static void
only_what_changed(void **state)
{
	struct settings *before = load("hostname = \"a.b\" listener \"x\" { address = \"*:1\" tls = none "
				       "login = off }");
	struct settings *after = load("hostname = \"a.b\" listener \"x\" { address = \"*:1\" tls = none "
				      "login = off } queue { concurrency = 50 }");

	(void)state;
	for (int role = 0; role < ROLE_COUNT; role++) {
		struct buf left = BUF_INIT(SLICE_MAX_BYTES);
		struct buf right = BUF_INIT(SLICE_MAX_BYTES);
		bool concerned = role == ROLE_QUEUE || role == ROLE_RELAY;

		assert_true(settings_pack(before, (enum role)role, &left));
		assert_true(settings_pack(after, (enum role)role, &right));
		assert_int_equal(span_equal(buf_span(&left), buf_span(&right)), !concerned);
		buf_fini(&left);
		buf_fini(&right);
	}
	settings_free(&before);
	settings_free(&after);
}

static void
bad_bytes(void **state)
{
	struct settings *settings = load(text);
	struct buf slice = BUF_INIT(SLICE_MAX_BYTES);
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(settings_pack(settings, ROLE_SMTP, &slice));
	size_t length = buf_length(&slice);
	for (size_t i = 0; i < length; i++)
		assert_null(settings_unpack(span_of(slice.bytes, i), &fault));
	assert_string_equal(fault.text, "the settings are not a whole slice");
	/* a byte too many */
	buf_add_byte(&slice, '\0');
	assert_null(settings_unpack(buf_span(&slice), &fault));
	/* any byte changed is refused or gives other settings, and never harms */
	for (size_t i = 0; i < length; i++) {
		struct settings *other;

		slice.bytes[i] = (char)(slice.bytes[i] ^ 0xff);
		other = settings_unpack(span_of(slice.bytes, length), &fault);
		if (i < 32) {
			assert_null(other);
			assert_string_equal(fault.text,
				"the settings come from another version of this program");
		}
		settings_free(&other);
		slice.bytes[i] = (char)(slice.bytes[i] ^ 0xff);
	}
	buf_fini(&slice);
	/* what does not fit is said */
	struct buf small = BUF_INIT(100);
	assert_false(settings_pack(settings, ROLE_SMTP, &small));
	buf_fini(&small);
	settings_free(&settings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_role),
		cmocka_unit_test(what_is_left_out),
		cmocka_unit_test(unpacked_values),
		cmocka_unit_test(only_what_changed),
		cmocka_unit_test(bad_bytes),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
