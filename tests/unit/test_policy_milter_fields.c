/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter makes of a header: places, numbers that stay, values. */
#include "milter_change_fixture.h"

enum { MAX = INT32_MAX };

#define H MILTER_ADD_HEADER
#define I MILTER_INSERT_HEADER
#define M MILTER_CHANGE_HEADER

struct want {
	enum milter_answer what;
	uint32_t index;
	const char *name;
	const char *value;
};

struct row {
	const char *title;
	struct want wants[6];
	const char *header; /* afterwards */
};

/* Our own Received, then what the client sent: A, B, a again, B again. */
#define OWN "Received: own\r\n"
#define SENT "A: 1\r\nB: 2\r\na: 3\r\nB:4\r\n"

static const struct row rows[] = {
	{ "add", { { H, 0, "X", "1" } }, OWN SENT "X: 1\r\n" },
	{ "add twice", { { H, 0, "X", "1" }, { H, 0, "X", "2" } }, OWN SENT "X: 1\r\nX: 2\r\n" },
	{ "add the name of another", { { H, 0, "A", "5" } }, OWN SENT "A: 5\r\n" },
	{ "insert at the top", { { I, 0, "X", "1" } }, "X: 1\r\n" OWN SENT },
	{ "insert behind our Received", { { I, 1, "X", "1" } }, OWN "X: 1\r\n" SENT },
	{ "insert in the midst", { { I, 3, "X", "1" } },
		OWN "A: 1\r\nB: 2\r\nX: 1\r\na: 3\r\nB:4\r\n" },
	{ "insert at the end", { { I, 5, "X", "1" } }, OWN SENT "X: 1\r\n" },
	{ "insert far behind", { { I, MAX, "X", "1" } }, OWN SENT "X: 1\r\n" },
	{ "insert several, each before the last", { { I, 1, "X", "1" }, { I, 1, "Y", "2" } },
		OWN "Y: 2\r\nX: 1\r\n" SENT },
	{ "insert above our Received, then behind it", { { I, 0, "X", "1" }, { I, 2, "Y", "2" } },
		"X: 1\r\n" OWN "Y: 2\r\n" SENT },
	{ "change the first", { { M, 1, "A", "x" } }, OWN "A: x\r\nB: 2\r\na: 3\r\nB:4\r\n" },
	{ "change none is the first", { { M, 0, "A", "x" } },
		OWN "A: x\r\nB: 2\r\na: 3\r\nB:4\r\n" },
	{ "change the second, in any case", { { M, 2, "A", "x" } },
		OWN "A: 1\r\nB: 2\r\na: x\r\nB:4\r\n" },
	{ "change one that is not there", { { M, 3, "A", "x" } }, OWN SENT "A: x\r\n" },
	{ "change far behind", { { M, MAX, "A", "x" } }, OWN SENT "A: x\r\n" },
	{ "change another name", { { M, 1, "C", "x" } }, OWN SENT "C: x\r\n" },
	{ "delete", { { M, 1, "B", "" } }, OWN "A: 1\r\na: 3\r\nB:4\r\n" },
	{ "delete one that is not there", { { M, 9, "B", "" } }, OWN SENT },
	{ "delete another name", { { M, 1, "C", "" } }, OWN SENT },
	{ "delete ascending", { { M, 1, "B", "" }, { M, 2, "B", "" } }, OWN "A: 1\r\na: 3\r\n" },
	{ "delete descending", { { M, 2, "B", "" }, { M, 1, "B", "" } }, OWN "A: 1\r\na: 3\r\n" },
	{ "delete the same twice", { { M, 1, "B", "" }, { M, 1, "B", "" }, { M, 2, "B", "" } },
		OWN "A: 1\r\na: 3\r\n" },
	{ "what was deleted comes back in its place",
		{ { M, 1, "A", "" }, { M, 2, "A", "" }, { M, 1, "A", "x" } },
		OWN "A: x\r\nB: 2\r\nB:4\r\n" },
	{ "what was deleted counts for insert", { { M, 1, "A", "" }, { I, 2, "X", "1" } },
		OWN "X: 1\r\nB: 2\r\na: 3\r\nB:4\r\n" },
	{ "what was added can be changed", { { H, 0, "X", "1" }, { M, 1, "X", "2" } },
		OWN SENT "X: 2\r\n" },
	{ "what was inserted is the first of its name", { { I, 1, "A", "0" }, { M, 2, "A", "x" } },
		OWN "A: 0\r\nA: x\r\nB: 2\r\na: 3\r\nB:4\r\n" },
	{ "a part of a name is another", { { M, 1, "Receive", "" }, { M, 1, "AA", "" } }, OWN SENT },
	{ "our own Received is not to be had", { { M, 1, "Received", "" }, { M, 0, "received", "" } },
		OWN SENT },
	{ "nor after something came above it", { { I, 0, "X", "1" }, { M, 1, "Received", "" } },
		"X: 1\r\n" OWN SENT },
	{ "a Received of the filter's own is", { { I, 0, "Received", "1" }, { M, 1, "Received", "2" } },
		"Received: 2\r\n" OWN SENT },
	{ "a value of nothing", { { H, 0, "X", "" } }, OWN SENT "X: \r\n" },
	{ "a blank of its own", { { H, 0, "X", " 1" } }, OWN SENT "X: 1\r\n" },
	{ "folded with LF", { { H, 0, "X", "1\n\t2\n 3" } }, OWN SENT "X: 1\r\n\t2\r\n 3\r\n" },
	{ "folded with CRLF", { { H, 0, "X", "1\r\n 2" } }, OWN SENT "X: 1\r\n 2\r\n" },
	{ "folded from the start", { { H, 0, "X", "\n 2" } }, OWN SENT "X: \r\n 2\r\n" },
	{ "no second field behind a line end", { { H, 0, "X", "1\r\nBcc: v@x.y" } },
		OWN SENT "X: 1\r\n\tBcc: v@x.y\r\n" },
	{ "nor behind a CR", { { H, 0, "X", "1\rBcc: v@x.y" } },
		OWN SENT "X: 1\r\n\tBcc: v@x.y\r\n" },
	{ "no end of the header", { { H, 0, "X", "1\r\n\r\nbody" } },
		OWN SENT "X: 1\r\n\tbody\r\n" },
	{ "8-bit", { { H, 0, "X", "caf\xc3\xa9 \xff" } }, OWN SENT "X: caf?? ?\r\n" },
	{ "a line end of Unicode", { { M, 1, "A", "1\xc2\x85" "Bcc: v@x.y" } },
		OWN "A: 1??Bcc: v@x.y\r\nB: 2\r\na: 3\r\nB:4\r\n" },
};

static struct mail *
sent(const char *header)
{
	struct mail *mail = mail_with(header, "x\r\n");

	mail->trace = mail->header.fields[0].whole.start;
	return mail;
}

/* Up to one without a name. */
static void
want_all(struct milter_change *change, const struct want *wants)
{
	for (; wants->name; wants++)
		assert_int_equal(take_field(change, wants->what, wants->index,
					 span_text(wants->name), span_text(wants->value)),
			MILTER_TAKEN);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mail *mail = sent(OWN SENT);
		struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);

		want_all(change, rows[i].wants);
		assert_string_equal(header_of(mail), OWN SENT);
		assert_int_equal(apply(change, "plain"), VERDICT_CONTINUE);
		if (strcmp(header_of(mail), rows[i].header) != 0)
			print_error("%s\n", rows[i].title);
		assert_string_equal(header_of(mail), rows[i].header);
		assert_int_equal(mail->header.bytes, strlen(rows[i].header));
		mail_free(&mail);
	}
}

/* LEADING_SPACE: the filter says itself what stands behind the colon. */
static void
test_as_is(void **state)
{
	static const struct want wants[] = { { H, 0, "X", "1" }, { H, 0, "Y", " 2" },
		{ H, 0, "Z", "" }, { M, 1, "A", "x\n y" }, { I, 1, "W", "\t3" }, { M, 1, "B", "" }, { 0 } };
	struct mail *mail = sent(OWN SENT);
	struct milter_change *change = change_new(mail, MILTER_MAY_ALL, MILTER_LEADING_SPACE, 0);

	(void)state;
	want_all(change, wants);
	assert_int_equal(apply(change, "plain"), VERDICT_CONTINUE);
	assert_string_equal(header_of(mail),
		OWN "W:\t3\r\nA:x\r\n y\r\na: 3\r\nB:4\r\nX:1\r\nY: 2\r\nZ:\r\n");
	mail_free(&mail);
}

/* What one filter did is all the next one sees; the numbers begin anew. */
static void
test_next_filter(void **state)
{
	static const struct want first[] = { { M, 1, "B", "" }, { I, 0, "X", "1" }, { 0 } };
	static const struct want second[] = { { M, 1, "B", "x" }, { M, 1, "X", "y" },
		{ M, 1, "Received", "" }, { 0 } };
	struct mail *mail = sent(OWN SENT);
	struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);

	(void)state;
	want_all(change, first);
	assert_int_equal(apply(change, "plain"), VERDICT_CONTINUE);
	change = change_new(mail, MILTER_MAY_ALL, 0, 0);
	want_all(change, second);
	assert_int_equal(apply(change, "plain"), VERDICT_CONTINUE);
	assert_string_equal(header_of(mail), "X: y\r\n" OWN "A: 1\r\na: 3\r\nB: x\r\n");
	mail_free(&mail);
}

/* Bytes over 127 stay where they can be sent, and are as they came. */
static void
test_8bit(void **state)
{
	static const struct {
		bool smtputf8;
		const char *sent;
		const char *value;
		const char *written;
	} cases[] = {
		{ true, "A: 1\r\n", "caf\xc3\xa9", "X: caf\xc3\xa9\r\n" },
		{ true, "A: 1\r\n", "caf\xe9", "X: caf?\r\n" },
		{ true, "A: 1\r\n", "1\xe2\x80\xa8" "2", "X: 1???2\r\n" },
		{ false, "A: \xe9\r\n", "caf\xe9", "X: caf\xe9\r\n" },
		{ false, "A: 1\r\n", "caf\xc3\xa9", "X: caf??\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mail *mail = sent(cases[i].sent);
		struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);

		mail->smtputf8 = cases[i].smtputf8;
		take_field(change, H, 0, SPAN_LITERAL("X"), span_text(cases[i].value));
		assert_int_equal(apply(change, "plain"), VERDICT_CONTINUE);
		assert_non_null(strstr(header_of(mail), cases[i].written));
		mail_free(&mail);
	}
}

/* A line over the longest is folded where it can be, and else nothing is changed at all. */
static void
test_long_values(void **state)
{
	static const struct {
		size_t length;
		bool blanks;
		bool good;
	} cases[] = { { 990, false, true }, { 1500, false, false }, { 1500, true, true },
		{ 60 * 1000, true, true }, { 65 * 1024, true, false }, { 65 * 1024, false, false } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mail *mail = sent(OWN SENT);
		struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);
		char *value = mem_alloc(cases[i].length + 1);

		for (size_t at = 0; at < cases[i].length; at++)
			value[at] = cases[i].blanks && at % 50 == 49 ? ' ' : 'x';
		take_field(change, H, 0, SPAN_LITERAL("Y"), SPAN_LITERAL("1"));
		assert_int_equal(take_field(change, H, 0, SPAN_LITERAL("X"), span_text(value)),
			MILTER_TAKEN);
		assert_int_equal(
			apply(change, "plain"), cases[i].good ? VERDICT_CONTINUE : -1);
		if (!cases[i].good)
			assert_string_equal(header_of(mail), OWN SENT);
		mem_free(&value);
		mail_free(&mail);
	}
}

/* Past the caps of a header nothing is changed; a deletion makes room for an addition. */
static void
test_caps(void **state)
{
	struct buf block = BUF_INIT(0);
	struct mail *mail;
	struct milter_change *change;
	char value[60 * 1000];

	(void)state;
	for (unsigned i = 0; i < HEADER_MAX_FIELDS; i++)
		buf_add_text(&block, "A: 1\r\n");
	mail = mail_with(buf_text(&block), "x\r\n");
	change = change_new(mail, MILTER_MAY_ALL, 0, 0);
	take_field(change, H, 0, SPAN_LITERAL("X"), SPAN_LITERAL("1"));
	assert_int_equal(apply(change, "plain"), -1);
	assert_int_equal(mail->header.count, HEADER_MAX_FIELDS);
	change = change_new(mail, MILTER_MAY_ALL, 0, 0);
	take_field(change, H, 0, SPAN_LITERAL("X"), SPAN_LITERAL("1"));
	take_field(change, M, 7, SPAN_LITERAL("A"), SPAN_EMPTY);
	assert_int_equal(apply(change, "plain"), VERDICT_CONTINUE);
	assert_int_equal(mail->header.count, HEADER_MAX_FIELDS);
	mail_free(&mail);
	mail = mail_with("A: 1\r\n", "x\r\n");
	change = change_new(mail, MILTER_MAY_ALL, 0, 0);
	for (unsigned i = 0; i < 5; i++) {
		for (size_t at = 0; at < sizeof value; at++)
			value[at] = at % 50 == 49 ? ' ' : 'x';
		take_field(change, H, 0, SPAN_LITERAL("X"), span_of(value, sizeof value));
	}
	assert_int_equal(apply(change, "plain"), -1);
	assert_string_equal(header_of(mail), "A: 1\r\n");
	mail_free(&mail);
	buf_fini(&block);
}

/* The same in the plainest way: value 0 is a deleted field. */
struct model {
	char names[1000];
	unsigned values[1000];
	size_t count;
};

static void
model_insert(struct model *model, size_t at, char name, unsigned value)
{
	at = at < model->count ? at : model->count;
	memmove(model->names + at + 1, model->names + at, model->count - at);
	memmove(model->values + at + 1, model->values + at,
		(model->count++ - at) * sizeof *model->values);
	model->names[at] = name;
	model->values[at] = value;
}

static void
model_change(struct model *model, enum milter_answer what, uint32_t index, char name, unsigned value)
{
	size_t at = 1; /* behind our own Received */

	if (what != M) {
		model_insert(model, what == I ? index : model->count, name, value);
		return;
	}
	while (at < model->count && (model->names[at] != name || --index > 0))
		at++;
	if (at < model->count)
		model->values[at] = value;
	else if (value)
		model_insert(model, at, name, value);
}

static void
model_header(const struct model *model, struct buf *out)
{
	for (size_t i = 0; i < model->count; i++)
		if (model->names[i] == 'R')
			buf_add_text(out, OWN);
		else if (model->values[i])
			buf_printf(out, "%c: %u\r\n", model->names[i], model->values[i]);
}

/* Hundreds of fields of few names, and hundreds of changes. */
static void
test_many(void **state)
{
	struct model model = { .names = "R", .values = { 1 }, .count = 1 };
	struct buf text = BUF_INIT(0);
	struct milter_change *change;
	struct mail *mail;
	uint32_t dice = 1;

	(void)state;
	for (unsigned i = 1; i <= 300; i++)
		model_insert(&model, i, "ABCD"[i * i % 4], i);
	model_header(&model, &text);
	mail = sent(buf_text(&text));
	change = change_new(mail, MILTER_MAY_ALL, 0, 0);
	for (unsigned i = 301; i <= 600; i++) {
		static const enum milter_answer whats[] = { H, I, M, M };
		enum milter_answer what = whats[(dice = dice * 1103515245 + 12345) >> 30];
		/* Our own stays the first: nothing is put before it. */
		uint32_t index = 1 + ((dice = dice * 1103515245 + 12345) >> 16) % 280;
		char name = "ABCDE"[((dice = dice * 1103515245 + 12345) >> 16) % 5];
		unsigned value = what == M && i % 3 ? 0 : i;
		char digits[16] = "";

		if (value)
			snprintf(digits, sizeof digits, "%u", value);
		take_field(change, what, index, span_of(&name, 1), span_text(digits));
		model_change(&model, what, index, name, value);
	}
	assert_int_equal(apply(change, "plain"), VERDICT_CONTINUE);
	buf_clear(&text);
	model_header(&model, &text);
	assert_string_equal(header_of(mail), buf_text(&text));
	mail_free(&mail);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_as_is),
		cmocka_unit_test(test_next_filter),
		cmocka_unit_test(test_8bit),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_caps),
	};

	return cmocka_run_group_tests_name("policy/milter_fields", tests, NULL, NULL);
}
