/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages under another mail server: what the rights say of them, and what the server is told. */
#include "filter_fixture.h"

#include "filter/transaction.h"

#define HEAD                                                                                       \
	"hostname = \"mail.example.org\"\n"                                                        \
	"authoritative-domains = { \"example.org\", \"plus.example.org\" }\n"                      \
	"domain \"plus.example.org\" { plus-address = \"+\" }\n"                                   \
	"permit \"authenticated\" { rights = submit }\n"                                           \
	"permit \"login:dave\" { wrong-sender = rewrite }\n"                                       \
	"permit \"login:erin\" { wrong-sender = hold }\n"                                          \
	"permit \"network:192.0.2.0/24\" { rights = submit  send-as = \"box@example.org\" }\n"     \
	"listener \"mx\" { address = \"*:25\" permit \"anonymous\" { rights = { submit, "          \
	"any-sender } } }\n"

enum { EVERYTHING = TRANSACTION_CHANGE_HEADER | TRANSACTION_CHANGE_SENDER | TRANSACTION_HOLD };

/* One message; from: the value of From, NULL: no header at all. */
struct message {
	const char *login;
	const char *client;
	const char *listener;
	const char *sender;
	const char *from;
	enum transaction_answer answer;
	unsigned code;
	const char *where;
};

static struct transaction *transaction;

static enum transaction_answer
begin(const struct message *message)
{
	struct transaction_facts facts = {
		.login = message->login,
		.client = message->client,
		.listener = message->listener,
		.sender = message->sender,
	};

	transaction = transaction_new();
	return transaction_envelope(transaction, &facts);
}

static enum transaction_answer
ask(const struct message *message)
{
	enum transaction_answer answer = begin(message);

	if (answer != TRANSACTION_GO_ON)
		return answer;
	if (message->from)
		transaction_add_field(transaction, "From", message->from, false);
	transaction_add_field(transaction, "Subject", "folded\n twice\r\n\tand more", false);
	return transaction_header(transaction, "4QUEUE", EVERYTHING);
}

static void
check(const struct message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct message *message = &messages[i];
		enum transaction_answer answer = ask(message);
		const struct verdict *verdict = transaction_verdict(transaction);

		if (answer != message->answer || verdict->code != message->code ||
			(message->where && strcmp(verdict->where, message->where) != 0))
			fail_msg("%zu (%s): answer %d, code %u, where %s, text %s", i,
				message->sender, answer, verdict->code, verdict->where,
				verdict->text);
		transaction_free(&transaction);
	}
}

static void
verdicts(void **state)
{
	static const struct message messages[] = {
		{ "alice", NULL, NULL, "<alice@example.org>", "alice@example.org",
			TRANSACTION_PASS, 0, "own address" },
		{ "alice", NULL, NULL, "alice@example.org", "Alice <ALICE@example.org>",
			TRANSACTION_PASS, 0, "own address" },
		{ "alice@MAIL.example.org", NULL, NULL, "<alice@example.org>", "alice@example.org",
			TRANSACTION_PASS, 0, "own address" },
		{ "alice", NULL, NULL, "<bob@example.org>", "alice@example.org",
			TRANSACTION_REFUSE, 550, "no permit names this sender of ours" },
		{ "alice", NULL, NULL, "<alice@example.org>", "bob@example.org",
			TRANSACTION_REFUSE, 550, "no permit names this sender of ours" },
		{ "alice", NULL, NULL, "<>", "alice@example.org",
			TRANSACTION_PASS, 0, "own address" },
		{ "alice", NULL, NULL, "<>", "bob@example.org",
			TRANSACTION_REFUSE, 550, "no permit names this sender of ours" },
		{ "alice", NULL, NULL, "<alice@example.org>", NULL,
			TRANSACTION_REFUSE, 554, "header grammar" },
		{ "alice", NULL, NULL, "<alice@example.org>", "<alice@example.org>:<bob@example.org>",
			TRANSACTION_REFUSE, 554, "header grammar" },
		{ "alice", NULL, NULL, "<alice>", "alice@example.org",
			TRANSACTION_REFUSE, 553, "address grammar" },
		{ "alice", NULL, NULL, "<@relay.example:alice@example.org>", "alice@example.org",
			TRANSACTION_REFUSE, 553, "address grammar" },
		{ "alice", NULL, NULL, "<\xc3\xa4@example.org>", "alice@example.org",
			TRANSACTION_REFUSE, 553, "address grammar" },
		{ "nobody", NULL, NULL, "<nobody@example.org>", "nobody@example.org",
			TRANSACTION_REFUSE, 550, "no permit names this sender of ours" },
		{ "nobody", NULL, NULL, "<>", "nobody@example.org",
			TRANSACTION_REFUSE, 550, "no permit names this sender of ours" },
		{ "away", NULL, NULL, "<away@example.org>", "away@example.org",
			TRANSACTION_REFUSE, 451, "source of identities" },
	};

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\" }");
	check(messages, sizeof messages / sizeof *messages);
}

static void
strangers_pass(void **state)
{
	static const struct message messages[] = {
		{ NULL, "203.0.113.9", NULL, "<alice@example.org>", "x", TRANSACTION_PASS, 0,
			"unauthenticated = pass" },
		{ "", "203.0.113.9", "mx", "<junk", "x", TRANSACTION_PASS, 0,
			"unauthenticated = pass" },
	};

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\" }");
	check(messages, sizeof messages / sizeof *messages);
}

/* A login whose name the server keeps to itself is no stranger. */
static void
login_without_name(void **state)
{
	static const char *const names[] = { NULL, "" };

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\" }");
	for (size_t i = 0; i < 2; i++) {
		struct transaction_facts facts = { .login = names[i],
			.mechanism = "PLAIN",
			.sender = "<alice@example.org>" };

		transaction = transaction_new();
		assert_int_equal(transaction_envelope(transaction, &facts), TRANSACTION_REFUSE);
		assert_int_equal(transaction_verdict(transaction)->code, 451);
		transaction_free(&transaction);
	}
}

/* What a server has cut off behind it nobody knows. */
static void
long_fields(void **state)
{
	static const struct message own = { .login = "alice", .sender = "<alice@example.org>" };
	static const char *const names[] = { "From", "sender", "Resent-From", "Resent-Sender" };
	char value[60000];

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\" }");
	memset(value, ' ', sizeof value);
	memcpy(value, "alice@example.org", 17);
	value[sizeof value - 1] = '\0';
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(begin(&own), TRANSACTION_GO_ON);
		if (i > 0)
			transaction_add_field(transaction, "From", "alice@example.org", false);
		transaction_add_field(transaction, names[i], value, false);
		assert_int_equal(transaction_header(transaction, NULL, EVERYTHING),
			TRANSACTION_REFUSE);
		assert_int_equal(transaction_verdict(transaction)->code, 552);
		transaction_free(&transaction);
	}
	assert_int_equal(begin(&own), TRANSACTION_GO_ON);
	transaction_add_field(transaction, "From", "alice@example.org", false);
	transaction_add_field(transaction, "To", value, false);
	assert_int_equal(transaction_header(transaction, NULL, EVERYTHING), TRANSACTION_PASS);
	transaction_free(&transaction);
}

static void
strangers_checked(void **state)
{
	static const struct message messages[] = {
		/* as on a listener without permits of its own */
		{ NULL, "203.0.113.9", NULL, "<a@example.com>", "a@example.com",
			TRANSACTION_REFUSE, 530, "no permit gives submit" },
		{ NULL, "203.0.113.9", "unheard-of", "<a@example.com>", "a@example.com",
			TRANSACTION_REFUSE, 530, "no permit gives submit" },
		/* as the listener that is named says */
		{ NULL, "203.0.113.9", "mx", "<a@example.com>", "x", TRANSACTION_PASS, 0,
			"filter.conf:8" },
		{ NULL, "203.0.113.9", "mx", "<a@example.org>", "x", TRANSACTION_REFUSE, 550,
			"no permit names this sender of ours" },
		/* by network */
		{ NULL, "192.0.2.7", NULL, "<box@example.org>", "box@example.org",
			TRANSACTION_PASS, 0, "filter.conf:7" },
		{ NULL, "IPv6:::ffff:192.0.2.7", NULL, "<box@example.org>", "box@example.org",
			TRANSACTION_PASS, 0, "filter.conf:7" },
		{ NULL, "192.0.2.7", NULL, "<alice@example.org>", "box@example.org",
			TRANSACTION_REFUSE, 550, "no permit names this sender of ours" },
		/* exempt, but not with a login; and what has no address is not exempt */
		{ NULL, "198.51.100.1", NULL, "<a@example.org>", "x", TRANSACTION_PASS, 0,
			"exempt-networks" },
		{ "alice", "198.51.100.1", NULL, "<bob@example.org>", "x", TRANSACTION_REFUSE, 550,
			"no permit names this sender of ours" },
		{ NULL, NULL, NULL, "<a@example.org>", "x", TRANSACTION_REFUSE, 530,
			"no permit gives submit" },
		{ NULL, "127.0.0.1.evil", NULL, "<a@example.org>", "x", TRANSACTION_REFUSE, 530,
			"no permit gives submit" },
	};

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\"  unauthenticated = check\n"
			  "exempt-networks = { \"198.51.100.0/24\" } }");
	check(messages, sizeof messages / sizeof *messages);
}

static void
log_mode(void **state)
{
	static const struct message messages[] = {
		{ "alice", NULL, NULL, "<bob@example.org>", "x", TRANSACTION_PASS, 550,
			"no permit names this sender of ours" },
		{ "alice", NULL, NULL, "<alice@example.org>", "bob@example.org", TRANSACTION_PASS,
			550, "no permit names this sender of ours" },
		{ "dave", NULL, NULL, "<dave@example.org>", "bob@example.org", TRANSACTION_PASS, 0,
			"filter.conf:5" },
		{ "erin", NULL, NULL, "<bob@example.org>", "bob@example.org", TRANSACTION_PASS, 0,
			"filter.conf:6" },
		{ "away", NULL, NULL, "<bob@example.org>", "bob@example.org", TRANSACTION_PASS, 451,
			"source of identities" },
	};

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\"  mode = log }");
	check(messages, sizeof messages / sizeof *messages);
}

static void
changes(void **state)
{
	static const struct message wrong_from = { .login = "dave",
		.sender = "<bob@example.org>", .from = "Bob <bob@example.org>" };
	struct edits edits;

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\" }");
	assert_int_equal(ask(&wrong_from), TRANSACTION_CHANGE);
	assert_int_equal(transaction_needs(transaction),
		TRANSACTION_CHANGE_SENDER | TRANSACTION_CHANGE_HEADER);
	assert_string_equal(transaction_sender(transaction), "dave@example.org");
	edits = transaction_edits(transaction, false);
	assert_int_equal(edits.count, 2);
	assert_string_equal(edits.items[0].name, "From");
	assert_int_equal(edits.items[0].index, 1);
	assert_string_equal(edits.items[0].value, "dave@example.org");
	assert_string_equal(edits.items[1].name, "Reply-To");
	assert_int_equal(edits.items[1].index, 0);
	assert_string_equal(edits.items[1].value, "Bob <bob@example.org>");
	transaction_free(&transaction);

	static const struct message held = { .login = "erin", .sender = "<erin@example.org>",
		.from = "bob@example.org" };
	assert_int_equal(ask(&held), TRANSACTION_CHANGE);
	assert_int_equal(transaction_needs(transaction), TRANSACTION_HOLD);
	assert_non_null(strstr(transaction_verdict(transaction)->text, "From"));
	transaction_free(&transaction);
}

/* A server that lets nothing be changed: neither passed as it is, nor refused for good. */
static void
not_able(void **state)
{
	static const struct message held = { .login = "erin", .sender = "<bob@example.org>" };
	static const struct message rewritten = { .login = "dave", .sender = "<bob@example.org>" };

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\" }");
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(begin(i ? &held : &rewritten), TRANSACTION_GO_ON);
		transaction_add_field(transaction, "From", i ? "erin@example.org" : "dave@example.org",
			false);
		assert_int_equal(transaction_header(transaction, NULL, TRANSACTION_CHANGE_HEADER),
			TRANSACTION_REFUSE);
		assert_int_equal(transaction_verdict(transaction)->code, 451);
		transaction_free(&transaction);
	}
}

/* Maps are asked again, of everybody in the header, the sender first. */
static void
maps(void **state)
{
	static const struct message own = { .login = "alice", .sender = "<alice@example.org>" };

	(void)state;
	fixture_load(HEAD "filter { source = maps  sender-maps = \"hash:/m\" }");
	fixture_questions = 0;
	assert_int_equal(begin(&own), TRANSACTION_GO_ON);
	assert_string_equal(fixture_candidates, "alice@example.org");
	transaction_add_field(transaction, "From",
		" \"shown@example.org\" <a+tag@plus.example.org>, b@example.org", true);
	transaction_add_field(transaction, "Sender", " alice@example.org", true);
	transaction_add_field(transaction, "Resent-From", " c@example.org", true);
	transaction_add_field(transaction, "Resent-Sender", " who can read this", true);
	assert_int_equal(transaction_header(transaction, "", EVERYTHING), TRANSACTION_REFUSE);
	assert_int_equal(fixture_questions, 2);
	assert_string_equal(fixture_candidates, "alice@example.org a+tag@plus.example.org "
						"a@plus.example.org shown@example.org "
						"b@example.org c@example.org");
	transaction_free(&transaction);
}

/* What the directory says holds for the whole message. */
static void
directory(void **state)
{
	static const struct message own = { .login = "alice", .sender = "<alice@example.org>",
		.from = "alice@example.org" };

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\" }");
	fixture_questions = 0;
	assert_int_equal(ask(&own), TRANSACTION_PASS);
	assert_int_equal(fixture_questions, 1);
	transaction_free(&transaction);
}

static void
hostile_headers(void **state)
{
	static const struct message own = { .login = "alice", .sender = "<alice@example.org>" };
	char *long_value = mem_alloc(HEADER_FIELD_MAX_BYTES);

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\" }");
	memset(long_value, 'x', HEADER_FIELD_MAX_BYTES - 1);
	begin(&own);
	for (size_t i = 0; i < 6; i++)
		transaction_add_field(transaction, "X", long_value, false);
	transaction_add_field(transaction, "From", "alice@example.org", false);
	assert_int_equal(transaction_header(transaction, NULL, EVERYTHING), TRANSACTION_REFUSE);
	assert_int_equal(transaction_verdict(transaction)->code, 552);
	transaction_free(&transaction);
	mem_free(&long_value);

	static const struct {
		const char *name;
		const char *value;
	} cases[] = {
		{ "From", "bob@example.org" },        /* a second one */
		{ "From ", "bob@example.org" },
		{ "X", "a\nFrom: bob@example.org" },  /* a line that is no continuation */
		{ "X", "a\rFrom: bob@example.org" },
		{ "", "x" },
		{ "X\r\nFrom", "bob@example.org" },
		{ "X", "\xff" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(&own);
		transaction_add_field(transaction, "From", "alice@example.org", false);
		transaction_add_field(transaction, cases[i].name, cases[i].value, false);
		if (transaction_header(transaction, NULL, EVERYTHING) != TRANSACTION_REFUSE ||
			transaction_verdict(transaction)->code != 554)
			fail_msg("case %zu passes", i);
		transaction_free(&transaction);
	}
}

/* Who began with the old settings ends with them; nothing of them is left then. */
static void
reload(void **state)
{
	static const struct message wrong = { .login = "alice", .sender = "<bob@example.org>" };
	static const struct message own = { .login = "alice", .sender = "<alice@example.org>" };
	struct transaction *older;
	struct fault fault = FAULT_INIT;

	(void)state;
	fixture_load(HEAD "filter { lookup-socket = \"/s\" }");
	assert_int_equal(begin(&own), TRANSACTION_GO_ON);
	older = transaction;
	fixture_load(HEAD "filter { lookup-socket = \"/s\"  mode = log }");
	assert_int_equal(fixture_open, 2);
	assert_int_equal(begin(&wrong), TRANSACTION_PASS);
	transaction_free(&transaction);
	transaction_add_field(older, "From", "bob@example.org", false);
	assert_int_equal(transaction_header(older, NULL, EVERYTHING), TRANSACTION_REFUSE);
	transaction_free(&older);
	assert_int_equal(fixture_open, 1);
	/* what cannot be loaded changes nothing */
	config_file_write("filter.conf", "banana");
	assert_false(snapshot_load("filter.conf", &fault));
	config_file_write("filter.conf", HEAD "filter { lookup-socket = \"/broken\" }");
	assert_false(snapshot_load("filter.conf", &fault));
	assert_string_equal(fault.text, "the source is broken");
	assert_int_equal(begin(&wrong), TRANSACTION_PASS);
	transaction_free(&transaction);
	snapshot_end();
	assert_int_equal(fixture_open, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(strangers_pass),
		cmocka_unit_test(login_without_name),
		cmocka_unit_test(long_fields),
		cmocka_unit_test(strangers_checked),
		cmocka_unit_test(log_mode),
		cmocka_unit_test(changes),
		cmocka_unit_test(not_able),
		cmocka_unit_test(maps),
		cmocka_unit_test(directory),
		cmocka_unit_test(hostile_headers),
		cmocka_unit_test(reload),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
