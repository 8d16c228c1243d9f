/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of settings is sound, and the sample file and the manual tell all of it. */
#include "config_file.h"

#include "config/schema.h"
#include "config/show.h"
#include "config/value.h"

/* Room for the struct of any section. */
enum { ITEM_MAX_BYTES = 4096 };

static const struct schema_section *
section_of(const struct schema_path *path)
{
	return path->depth ? path->sections[path->depth - 1] : &schema_root;
}

static bool
row_is_sound(const struct schema_path *path, const struct schema_row *row, void *context)
{
	const struct schema_section *section = section_of(path);
	static uint64_t item[ITEM_MAX_BYTES / 8];
	struct arena *arena = arena_new(1024);
	struct buf value = BUF_INIT(0);
	size_t *rows = context;

	(*rows)++;
	assert_ptr_equal(schema_find_row(section, row->name), row);
	assert_true(row->offset < section->size && section->size <= sizeof item);
	assert_true(row->roles & ROLE_BIT(ROLE_CTL));
	assert_true(row->roles & ~ROLE_BIT(ROLE_CTL));
	assert_true(schema_is_list(row) || row->least <= row->most);
	assert_true(row->help[0] >= 'A' && row->help[0] <= 'Z');
	assert_true(row->help[strlen(row->help) - 1] != '.');
	assert_int_equal(row->words != NULL,
		row->kind == SCHEMA_CHOICE || row->kind == SCHEMA_FLAGS);
	assert_true(row->check == NULL || row->kind == SCHEMA_TEXT || row->kind == SCHEMA_TEXTS);
	if (row->standard) {
		/* a default is in its range and is written as it would be shown */
		value_store_standard(row, item, arena);
		value_format(row, item, &value);
		if (!schema_is_list(row) && row->kind != SCHEMA_TEXT &&
			row->kind != SCHEMA_ENDPOINT)
			assert_string_equal(buf_text(&value), row->standard);
	}
	buf_fini(&value);
	arena_free(&arena);
	return true;
}

static void
sound(void **state)
{
	size_t rows = 0;

	(void)state;
	assert_true(schema_walk(row_is_sound, &rows));
	assert_true(rows > 140);
}

static bool
stop_at_once(const struct schema_path *path, const struct schema_row *row, void *context)
{
	(void)path;
	(void)row;
	++*(size_t *)context;
	return false;
}

static void
walking(void **state)
{
	size_t rows = 0;

	(void)state;
	assert_false(schema_walk(stop_at_once, &rows));
	assert_int_equal(rows, 1);
	assert_ptr_equal(schema_find_section(&schema_root, "listener"), &schema_listener);
	assert_ptr_equal(schema_find_section(&schema_listener, "deny"), &schema_listener_deny);
	assert_null(schema_find_section(&schema_root, "banana"));
	assert_null(schema_find_row(&schema_root, "banana"));
}

static void
roles(void **state)
{
	(void)state;
	assert_true(schema_section_has_role(&schema_tls, ROLE_KEYS));
	assert_false(schema_section_has_role(&schema_tls, ROLE_QUEUE));
	assert_false(schema_section_has_role(&schema_queue, ROLE_SMTP));
	/* of a listener queue sees what it judges by, and relay where it must not connect to */
	assert_true(schema_section_has_role(&schema_listener, ROLE_QUEUE));
	assert_true(schema_find_row(&schema_listener, "address")->roles & ROLE_BIT(ROLE_RELAY));
	assert_false(schema_section_has_role(&schema_listener_permit, ROLE_RELAY));
	/* where keys and passwords lie is told only to those who open or use them */
	assert_int_equal(schema_find_row(&schema_tls, "key")->roles,
		ROLE_BIT(ROLE_SUPER) | ROLE_BIT(ROLE_KEYS) | ROLE_BIT(ROLE_CTL));
	assert_int_equal(schema_find_row(&schema_route, "secret-file")->roles,
		ROLE_BIT(ROLE_SUPER) | ROLE_BIT(ROLE_RELAY) | ROLE_BIT(ROLE_CTL));
}

/* ---- the sample ------------------------------------------------------------------------------- */

static char *
read_source(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[8192];

	snprintf(path, sizeof path, "%s%s%s/%s", srcdir && srcdir[0] == '/' ? "" : config_file_home,
		srcdir && srcdir[0] == '/' ? "" : "/", srcdir ? srcdir : ".", name);
	return config_file_read(path);
}

/* Lines that begin with "#" and no blank are settings commented out. */
static void
uncomment(char *text)
{
	for (char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (at[0] == '#' && at[1] != ' ' && at[1] != '\n')
			at[0] = ' ';
	}
}

/* What the walk of the table looks for among what the sample says. */
struct sample {
	struct buf said;    /* "listener.tls = starttls\n" for each setting written */
};

static void
collect(const struct show_item *item, void *context)
{
	struct sample *sample = context;

	if (!item->written)
		return;
	buf_add_byte(&sample->said, '\n');
	show_name(&item->path, item->row->name, &sample->said);
	buf_printf(&sample->said, " = %s\n", item->value);
}

static bool
is_in_sample(const struct schema_path *path, const struct schema_row *row, void *context)
{
	struct sample *sample = context;
	struct arena *arena = arena_new(1024);
	static uint64_t item[ITEM_MAX_BYTES / 8];
	struct buf line = BUF_INIT(0);

	buf_add_byte(&line, '\n');
	show_name(path, row->name, &line);
	buf_add_text(&line, " = ");
	/* an empty default need not be shown where an example says more */
	if (row->standard && row->standard[0]) {
		value_store_standard(row, item, arena);
		value_format(row, item, &line);
		buf_add_byte(&line, '\n');
	}
	if (!strstr(buf_text(&sample->said), buf_text(&line)))
		fail_msg("the sample does not say%s", buf_text(&line));
	buf_fini(&line);
	arena_free(&arena);
	return true;
}

static void
sample_is_complete(void **state)
{
	struct sample sample = { BUF_INIT(0) };
	char *text = read_source("conf/sallyport.conf");
	struct fault fault = FAULT_INIT;

	(void)state;
	/* as it is, it loads */
	config_file_write("sample.conf", text);
	if (!show_settings("sample.conf", collect, &sample, &fault))
		fail_msg("%s", fault.text);
	/* and with everything that is commented out */
	uncomment(text);
	buf_clear(&sample.said);
	config_file_write("sample.conf", text);
	if (!show_settings("sample.conf", collect, &sample, &fault))
		fail_msg("%s", fault.text);
	assert_true(schema_walk(is_in_sample, &sample));
	buf_fini(&sample.said);
	free(text);
}

/* ---- the manual ------------------------------------------------------------------------------- */

/* Every run of blanks and line ends is one blank, so that line breaks do not count. */
static void
join_lines(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		bool blank = *from == ' ' || *from == '\n';
		if (blank && to > text && to[-1] == ' ')
			continue;
		*to++ = blank ? ' ' : *from;
	}
	*to = '\0';
}

static bool
is_in_manual(const struct schema_path *path, const struct schema_row *row, void *context)
{
	const char *manual = context;
	struct buf title = BUF_INIT(0);
	struct buf entry = BUF_INIT(0);

	buf_add_text(&title, path->depth ? ".Ss " : ".Ss The file itself");
	for (size_t i = 0; i < path->depth; i++) {
		buf_printf(&title, "%s%s", i ? ", " : "", path->sections[i]->name);
		if (path->sections[i]->titled)
			buf_printf(&title, " \\(dq%s\\(dq", path->sections[i]->title_word);
	}
	buf_add_byte(&title, ' ');
	buf_printf(&entry, ".It Cm %s %s. .br Kind: ", row->name, row->help);
	show_summary(row, &entry);
	buf_add_byte(&entry, '.');

	const char *section = strstr(manual, buf_text(&title));
	if (!section)
		fail_msg("the manual has no %s", buf_text(&title));
	const char *found = strstr(section, buf_text(&entry));
	const char *end = strstr(section, ".El ");
	if (!found || found > end)
		fail_msg("the manual does not say in %s: %s", buf_text(&title), buf_text(&entry));
	buf_fini(&title);
	buf_fini(&entry);
	return true;
}

static void
manual_is_complete(void **state)
{
	char *manual = read_source("doc/sallyport.conf.5");

	(void)state;
	join_lines(manual);
	assert_true(schema_walk(is_in_manual, manual));
	free(manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound),
		cmocka_unit_test(walking),
		cmocka_unit_test(roles),
		cmocka_unit_test(sample_is_complete),
		cmocka_unit_test(manual_is_complete),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
