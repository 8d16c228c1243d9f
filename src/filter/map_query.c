/* SPDX-License-Identifier: BSD-2-Clause */
/* How a database is asked. */
#include "filter/map_query.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "filter/text_lines.h"

enum {
	FILE_MAX_BYTES = 256 * 1024,
	LIMIT_MAX = 1000000,
	LABELS_MAX = 9, /* %1 to %9 */
};

/* What is written, each "" if it is not. */
enum word {
	WORD_DATABASE,
	WORD_QUERY,
	WORD_RESULT,
	WORD_LIMIT,
	WORD_DOMAIN,
	WORD_TABLE,
	WORD_SELECT,
	WORD_WHERE,
	WORD_CONDITIONS,
	WORD_COUNT,
};
static const char *const words[WORD_COUNT] = {
	[WORD_DATABASE] = "dbpath",
	[WORD_QUERY] = "query",
	[WORD_RESULT] = "result_format",
	[WORD_LIMIT] = "expansion_limit",
	[WORD_DOMAIN] = "domain",
	[WORD_TABLE] = "table",
	[WORD_SELECT] = "select_field",
	[WORD_WHERE] = "where_field",
	[WORD_CONDITIONS] = "additional_conditions",
};

struct map_query {
	struct arena *arena; /* owns all below, and this struct itself */
	const char *database;
	const char *query;
	const char *result;
	const char *domains; /* names between blanks or commas; "": all keys */
	uint64_t limit;
	/* what the two templates need of a key, and of a value */
	bool key_domain;
	bool key_user;
	bool value_domain;
	bool value_user;
	size_t labels;
};

/* ---- the file --------------------------------------------------------------------------------- */

/* Postfix passes it over too. */
static void
log_unknown(const char *path, unsigned line, struct span name)
{
	struct fault why = FAULT_INIT;

	fault_set(&why, FAULT_CONFIG, "there is no setting %.*s", SPAN_PRINT(name));
	log_event(EV_FILTER_PASSED_OVER, kv_str("table", path), kv_int("line", line), kv_fault(&why));
}

/* False: it is none, or there was one of this name. */
static bool
take_line(struct arena *arena, struct span text, const char *values[WORD_COUNT], bool *known_out)
{
	struct span value;
	struct span name = text_lines_trim(span_cut(text, '=', &value));

	if (name.length == 0 || span_find(text, '=') == text.length)
		return false;
	value = text_lines_trim(value);
	*known_out = false;
	for (size_t i = 0; i < WORD_COUNT; i++) {
		if (!span_is(name, words[i]))
			continue;
		if (values[i][0])
			return false;
		*known_out = true;
		values[i] = arena_strndup(arena, value.start, value.length);
	}
	return true;
}

static bool
parse_file(struct arena *arena, const char *path, struct span bytes,
	const char *values[WORD_COUNT], struct fault *fault)
{
	struct text_lines lines = text_lines_start(bytes);
	enum text_lines_result result;
	bool good = true;
	struct span text;
	unsigned line = 0;

	while (good && (result = text_lines_next(&lines, &text, &line)) != TEXT_LINES_END) {
		bool known = true;

		good = result == TEXT_LINES_DONE && take_line(arena, text, values, &known);
		if (good && !known && fault)
			log_unknown(path, line, text_lines_trim(span_cut(text, '=', &text)));
	}
	text_lines_fini(&lines);
	return good ||
		fault_set(fault, FAULT_CONFIG, "%s:%u: is no \"name = value\", or one that stands twice",
			path, line);
}

static bool
read_file(const char *path, struct buf *bytes, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t size = -1;
	char *room;

	if (fd < 0)
		return fault_set_errno(fault, "%s", path);
	while ((room = buf_reserve(bytes, 4096)) && (size = read(fd, room, 4096)) > 0)
		buf_claim(bytes, (size_t)size);
	if (!room)
		errno = EFBIG;
	close(fd);
	return (room && size == 0) || fault_set_errno(fault, "%s", path);
}

/* ---- templates -------------------------------------------------------------------------------- */

/* What an expansion needs; false if there is no such expansion. */
static bool
note_expansion(struct map_query *query, char letter, bool in_query)
{
	switch (letter) {
	case '%':
	case 's':
	case 'S':
		return true;
	case 'u':
		*(in_query ? &query->key_user : &query->value_user) = true;
		return true;
	case 'd':
		*(in_query ? &query->key_domain : &query->value_domain) = true;
		return true;
	case 'U':
		query->key_user = true;
		return true;
	case 'D':
		query->key_domain = true;
		return true;
	default:
		break;
	}
	if (letter < '1' || letter > '0' + LABELS_MAX)
		return false;
	query->key_domain = true;
	if (query->labels < (size_t)(letter - '0'))
		query->labels = (size_t)(letter - '0');
	return true;
}

/* Why the template cannot be used; NULL: it can. */
static const char *
check_template(struct map_query *query, const char *template, bool in_query)
{
	char quote = '\0';

	for (const char *at = template; *at; at++) {
		if (in_query && (*at == '\'' || *at == '"') && (!quote || quote == *at))
			quote = quote ? '\0' : *at;
		if (*at != '%')
			continue;
		at++;
		if (!note_expansion(query, *at, in_query))
			return in_query ? "the query has an expansion that there is not"
					: "result_format has an expansion that there is not";
		if (in_query && *at != '%' && quote != '\'')
			return "the query has an expansion outside of '...', where it could not be escaped";
	}
	return NULL;
}

static const char *
query_of(struct arena *arena, const char *values[WORD_COUNT])
{
	if (values[WORD_QUERY][0])
		return values[WORD_QUERY];
	if (!values[WORD_TABLE][0] || !values[WORD_SELECT][0] || !values[WORD_WHERE][0])
		return "";
	return arena_printf(arena, "SELECT %s FROM %s WHERE %s = '%%s' %s", values[WORD_SELECT],
		values[WORD_TABLE], values[WORD_WHERE], values[WORD_CONDITIONS]);
}

/* Why what is written cannot be used; NULL: it can. */
static const char *
take_values(struct map_query *query, const char *values[WORD_COUNT])
{
	const char *wrong;

	query->database = values[WORD_DATABASE];
	query->query = query_of(query->arena, values);
	query->result = values[WORD_RESULT][0] ? values[WORD_RESULT] : "%s";
	query->domains = values[WORD_DOMAIN];
	if (query->database[0] != '/')
		return "dbpath is no absolute path";
	if (query->query[0] == '\0')
		return "there is no query";
	wrong = check_template(query, query->query, true);
	if (!wrong)
		wrong = check_template(query, query->result, false);
	if (wrong)
		return wrong;
	if (strpbrk(query->domains, "/:!"))
		return "domain may have names alone here, no files, tables or exceptions";
	if (values[WORD_LIMIT][0] &&
		!text_parse_number(span_text(values[WORD_LIMIT]), LIMIT_MAX, &query->limit))
		return "expansion_limit is no number";
	return NULL;
}

struct map_query *
map_query_load(const char *path, struct fault *fault_out)
{
	struct arena *arena = arena_new(0);
	struct map_query *query = arena_alloc(arena, sizeof *query);
	struct buf bytes = BUF_INIT(FILE_MAX_BYTES);
	const char *values[WORD_COUNT];
	const char *wrong = NULL;
	bool done;

	query->arena = arena;
	for (size_t i = 0; i < WORD_COUNT; i++)
		values[i] = "";
	done = read_file(path, &bytes, fault_out) &&
		parse_file(arena, path, buf_span(&bytes), values, fault_out);
	if (done)
		wrong = take_values(query, values);
	if (wrong)
		done = fault_set(fault_out, FAULT_CONFIG, "%s: %s", path, wrong);
	buf_fini(&bytes);
	if (!done)
		map_query_free(&query);
	return query;
}

void
map_query_free(struct map_query **query)
{
	struct arena *arena = *query ? (*query)->arena : NULL;

	*query = NULL;
	arena_free(&arena);
}

const char *
map_query_database(const struct map_query *query)
{
	return query->database;
}

uint64_t
map_query_limit(const struct map_query *query)
{
	return query->limit;
}

/* ---- expansion -------------------------------------------------------------------------------- */

/* A key or a value, in its two parts. */
struct parts {
	struct span whole;
	struct span user;   /* the whole if there is no domain */
	struct span domain; /* start NULL if there is none */
};

static struct parts
parts_of(const char *text)
{
	struct parts parts = { span_text(text), span_text(text), SPAN_EMPTY };
	const char *at = strrchr(text, '@');

	if (at) {
		parts.user = span_of(text, (size_t)(at - text));
		parts.domain = span_text(at + 1);
	}
	return parts;
}

static bool
has_needed(const struct parts *parts, bool domain, bool user)
{
	return (!domain || parts->domain.length) && (!user || parts->user.length);
}

/* The label so many from the right, 1 the last; empty if there is none. */
static struct span
label_of(struct span domain, size_t number)
{
	while (--number > 0) {
		while (domain.length && domain.start[domain.length - 1] != '.')
			domain.length--;
		if (domain.length)
			domain.length--;
	}
	for (size_t i = domain.length; i > 0; i--) {
		if (domain.start[i - 1] == '.')
			return span_from(domain, i);
	}
	return domain;
}

static bool
has_labels(struct span domain, size_t count)
{
	for (size_t i = 1; i <= count; i++) {
		if (label_of(domain, i).length == 0)
			return false;
	}
	return true;
}

static struct span
expansion_of(char letter, const struct parts *key, const struct parts *value)
{
	switch (letter) {
	case '%':
		return SPAN_LITERAL("%");
	case 's':
		return value->whole;
	case 'u':
		return value->user;
	case 'd':
		return value->domain;
	case 'S':
		return key->whole;
	case 'U':
		return key->user;
	case 'D':
		return key->domain;
	default:
		return label_of(key->domain, (size_t)(letter - '0'));
	}
}

/* Within '…' of SQL. */
static void
add_escaped(struct buf *to, struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.start[i] == '\'')
			buf_add_byte(to, '\'');
		buf_add_byte(to, text.start[i]);
	}
}

static void
expand(const char *template, const struct parts *key, const struct parts *value, bool escaped,
	struct buf *to)
{
	for (const char *at = template; *at; at++) {
		if (*at != '%')
			buf_add_byte(to, *at);
		else if (escaped)
			add_escaped(to, expansion_of(*++at, key, value));
		else
			buf_add_span(to, expansion_of(*++at, key, value));
	}
}

bool
map_query_wants(const struct map_query *query, const char *key)
{
	struct parts parts = parts_of(key);
	struct span rest = span_text(query->domains);

	if (rest.length == 0)
		return true;
	if (parts.domain.length == 0 || parts.user.length == 0)
		return false;
	while (rest.length) {
		size_t length = strcspn(rest.start, ", \t\r\n");

		if (span_equal_nocase(span_first(rest, length), parts.domain))
			return true;
		rest = span_from(rest, length + 1);
	}
	return false;
}

bool
map_query_expand(const struct map_query *query, const char *key, struct buf *sql)
{
	struct parts parts = parts_of(key);

	if (!has_needed(&parts, query->key_domain, query->key_user) ||
		!has_labels(parts.domain, query->labels))
		return false;
	expand(query->query, &parts, &parts, true, sql);
	return true;
}

bool
map_query_add_value(
	const struct map_query *query, const char *key, const char *value, struct buf *values)
{
	struct parts asked = parts_of(key);
	struct parts found = parts_of(value);

	if (value[0] == '\0' || !has_needed(&found, query->value_domain, query->value_user))
		return false;
	if (buf_length(values))
		buf_add_byte(values, ',');
	expand(query->result, &asked, &found, false, values);
	return true;
}
