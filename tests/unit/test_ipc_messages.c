/* SPDX-License-Identifier: BSD-2-Clause */
/* Every message there and back, and the table of who may send what to whom. */
#include "unit.h"

#include "base/buffer.h"
#include "ipc/message_login.h"
#include "ipc/message_mail.h"
#include "ipc/message_recipient.h"
#include "ipc/message_super.h"

/* One filled struct of each kind; what pack makes of it, unpack must give back. */
static const struct message_refused refused_case = { 451, "4.3.0", "not now" };
static const struct message_settings settings_case = { 7, 3, "sallyport-smtp", { "slice", 5 } };
static const struct message_link link_case = { ROLE_AUTH, 2, LINK_SIGN };
static const struct message_file file_case = { FILE_KEY, 1, "main" };
static const struct message_secret secret_case = { SECRET_TICKET_KEY, "submission", { "k\0y", 3 } };
static const struct message_lost lost_case = { ROLE_QUEUE, 3 };
static const struct message_stop stop_case = { 30000 };
static const struct message_control control_case = { { "{}", 2 }, true };
static const struct message_ready ready_case = { 7, true };

static const char *const certificate_names[] = { "printer-7", "sha256:aa" };
static const struct message_login_start login_start_case = { "S1", "submission", "smtp", "PLAIN",
	"192.0.2.1:999", true, { certificate_names, 2 }, "TLS1.3", { "exp", 3 }, { "end", 3 }, true, { "\0a\0b", 4 } };
static const struct message_login_step login_step_case = { 9, { "resp", 4 } };
static const struct message_login_cancel login_cancel_case = { 9 };
static const struct message_login_challenge login_challenge_case = { { "chal", 4 } };
static const struct message_login_done login_done_case = { { "id", 2 }, { "grant", 5 } };
static const struct message_login_failed login_failed_case = { LOGIN_LIMIT, 1500, "alice", "16" };
static const struct message_session session_case = { "S1", "alice", "submission", "smtp", "192.0.2.1:9", 4,
	-5, { "grant", 5 } };
static const struct message_session_end session_end_case = { "S1", "alice" };
static const struct message_session_kick session_kick_case = { "S1", "bye" };
static const struct message_revoke revoke_case = { "alice", 5, 12 };
static const struct message_charge charge_case = { "S1", "alice", "submission", "192.0.2.1:9", 2,
	{ "sixteen bytes...another sixteen.", 2 * MESSAGE_MARK_BYTES }, { certificate_names, 2 } };
static const struct message_charged charged_case = { CHARGE_REFUSE, "500 an hour", 1u << 30 };
static const struct message_refund refund_case = { "S1", 7 };
static const struct message_held_seen held_seen_case = { "alice" };
static const struct message_sign sign_case = { { "an identifier of thirty-two bytes", 32 }, 4, { "hash", 4 } };
static const struct message_signed signed_case = { { "sig", 3 } };
static const struct message_dial dial_case = { "milter:opendkim", 3000 };
static const struct message_dialed dialed_case = { "127.0.0.1:8891" };
static const struct message_dial_cancel dial_cancel_case = { 9 };

static const struct message_recipient recipients[] = {
	{ 0, "a@example.org", NOTIFY_NEVER, "" },
	{ 5, "b@example.org", NOTIFY_SUCCESS | NOTIFY_DELAY, "rfc822;b@example.org" },
};
static const uint32_t added[] = { 0, 1 };
#define ENVELOPE                                                                                   \
	{                                                                                          \
		"s@example.org", "id+2B", RETURN_HEADERS, BODY_8BITMIME, true, 2, recipients       \
	}
#define IN_ROW { { "H: x\r\n\r\n", 8 }, false, { "body\r\n", 6 }, 0, 6, { 1, 2, 3 } }
#define IN_FILE { { "H: x\r\n\r\n", 8 }, true, { NULL, 0 }, 77, 1u << 30, { 1, 2, 3 } }
static const struct message_body body_case = { UINT64_MAX };
static const struct message_commit commit_case = { "M1", "S1", "submission", "ESMTPSA", "192.0.2.1:9",
	{ certificate_names, 1 }, "alice", { "grant", 5 }, true, "over", 1u << 30, true, { 4, 5, 6 }, ENVELOPE, true, "r@example.org",
	2, added, IN_ROW };
static const struct message_committed committed_case = { "M1" };
static const struct message_pressure pressure_case = { true, "disk" };
static const struct message_job job_case = { 8, "M1", "example.org", ENVELOPE, IN_FILE };
static const struct message_recipient_result results[] = {
	{ 0, OUTCOME_FAILED, 550, "5.1.1", "no such user" },
	{ 5, OUTCOME_DEFERRED, 0, "", "timed out" },
};
static const struct message_result result_case = { 8, "M1", "mx.example.org", "192.0.2.9:25", "TLS1.3", 2,
	results };
static const struct message_result_kept result_kept_case = { 8 };
static const struct message_relay_ready relay_ready_case = { 20 };
static const struct message_recipient_ask recipient_ask_case = { "a@example.org" };
static const struct message_call_ahead call_ahead_case = { "a@example.org", "example.org" };
static const struct message_recipient_told recipient_told_case = { FINDING_UNKNOWN, "5.1.1", "no" };

/* The typed pairs behind one untyped face, so that a table can hold them. */
#define FACE(noun)                                                                                 \
	static void noun##_fill(struct buf *to)                                                    \
	{                                                                                          \
		message_##noun##_pack(to, &noun##_case);                                          \
	}                                                                                          \
	static bool noun##_again(struct span bytes, struct arena *arena, struct buf *to)           \
	{                                                                                          \
		struct message_##noun got;                                                         \
		if (!message_##noun##_unpack(bytes, arena, &got))                                  \
			return false;                                                              \
		message_##noun##_pack(to, &got);                                                   \
		return true;                                                                       \
	}
#define FACES(FACE)                                                                                \
	FACE(refused)                                                                      \
	FACE(settings)                                                                     \
	FACE(link)                                                                         \
	FACE(file)                                                                         \
	FACE(secret)                                                                       \
	FACE(lost)                                                                         \
	FACE(stop)                                                                         \
	FACE(control)                                                                      \
	FACE(ready)                                                                        \
	FACE(login_start)                                                                  \
	FACE(login_step)                                                                   \
	FACE(login_cancel)                                                                 \
	FACE(login_challenge)                                                              \
	FACE(login_done)                                                                   \
	FACE(login_failed)                                                                 \
	FACE(session)                                                                      \
	FACE(session_end)                                                                  \
	FACE(session_kick)                                                                 \
	FACE(revoke)                                                                       \
	FACE(charge)                                                                       \
	FACE(charged)                                                                      \
	FACE(refund)                                                                       \
	FACE(held_seen)                                                                    \
	FACE(sign)                                                                         \
	FACE(signed)                                                                       \
	FACE(dial)                                                                         \
	FACE(dialed)                                                                       \
	FACE(dial_cancel)                                                                  \
	FACE(body)                                                                         \
	FACE(commit)                                                                       \
	FACE(committed)                                                                    \
	FACE(pressure)                                                                     \
	FACE(job)                                                                          \
	FACE(result)                                                                       \
	FACE(result_kept)                                                                  \
	FACE(relay_ready)                                                                  \
	FACE(recipient_ask)                                                                \
	FACE(call_ahead)                                                                   \
	FACE(recipient_told)
FACES(FACE)

#define ROW(noun) { #noun, noun##_fill, noun##_again },
static const struct {
	const char *name;
	void (*fill)(struct buf *to);
	bool (*again)(struct span bytes, struct arena *arena, struct buf *to);
} pairs[] = { FACES(ROW) };

static void
there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct arena *arena = arena_new(0);
		struct buf first = BUF_INIT(0);
		struct buf again = BUF_INIT(0);

		print_message("%s\n", pairs[i].name);
		pairs[i].fill(&first);
		assert_true(pairs[i].again(buf_span(&first), arena, &again));
		assert_true(span_equal(buf_span(&first), buf_span(&again)));
		for (size_t length = 0; length < buf_length(&first); length++)
			assert_false(pairs[i].again(
				span_first(buf_span(&first), length), arena, &again));
		buf_add_byte(&first, 0);
		assert_false(pairs[i].again(buf_span(&first), arena, &again));
		buf_fini(&first);
		buf_fini(&again);
		arena_free(&arena);
	}
}

/* Any bytes at all: no crash, and what is accepted packs to the very same bytes. */
static void
any_byte_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct arena *arena = arena_new(0);
		struct buf first = BUF_INIT(0);
		struct buf again = BUF_INIT(0);

		pairs[i].fill(&first);
		for (size_t at = 0; at < buf_length(&first); at++) {
			for (unsigned flip = 1; flip < 256; flip += 2) {
				first.bytes[first.begin + at] ^= (char)flip;
				buf_clear(&again);
				if (pairs[i].again(buf_span(&first), arena, &again))
					assert_true(span_equal(
						buf_span(&first), buf_span(&again)));
				first.bytes[first.begin + at] ^= (char)flip;
			}
		}
		buf_fini(&first);
		buf_fini(&again);
		arena_free(&arena);
	}
}

#define REFUSES(noun, ...)                                                                         \
	do {                                                                                       \
		struct message_##noun wrong = noun##_case;                                                \
		struct buf bytes = BUF_INIT(0);                                                    \
		struct message_##noun got;                                                         \
		__VA_ARGS__;                                                                       \
		message_##noun##_pack(&bytes, &wrong);                                             \
		assert_false(message_##noun##_unpack(buf_span(&bytes), arena, &got));              \
		buf_fini(&bytes);                                                                  \
	} while (0)

static char *
long_text(size_t length)
{
	char *text = mem_alloc(length + 1);

	memset(text, 'x', length);
	return text;
}

static void
out_of_range(void **state)
{
	struct arena *arena = arena_new(0);
	char *text = long_text(70000);
	struct message_recipient strange = { 0, "", 0, "" };
	const char *no_name[] = { "a", "" };
	const uint32_t twice[] = { 1, 1 };
	const uint32_t nobody[] = { 0, 2 };
	const uint32_t three[] = { 0, 1, 2 };
	const char *many_names[CERTIFICATE_NAMES_MAX + 1];

	(void)state;
	for (size_t i = 0; i <= CERTIFICATE_NAMES_MAX; i++)
		many_names[i] = "a";
	REFUSES(link, wrong.peer = ROLE_COUNT);
	REFUSES(login_start, wrong.certificates.items = no_name);
	REFUSES(commit, wrong.certificates = (struct certificate_names){ many_names,
				CERTIFICATE_NAMES_MAX + 1 });
	REFUSES(lost, wrong.peer = ROLE_COUNT);
	REFUSES(link, wrong.kind = LINK_KIND_COUNT);
	REFUSES(file, wrong.kind = FILE_KIND_COUNT);
	REFUSES(secret, wrong.kind = SECRET_KIND_COUNT);
	REFUSES(login_failed, wrong.failure = LOGIN_FAILURE_COUNT);
	REFUSES(charged, wrong.verdict = CHARGE_VERDICT_COUNT);
	REFUSES(charge, wrong.recipients = 3);
	REFUSES(charge, wrong.recipients = MESSAGE_RECIPIENTS_MAX + 1; wrong.marks = SPAN_EMPTY);
	REFUSES(refund, wrong.session = text);
	REFUSES(held_seen, wrong.login = text);
	REFUSES(job, wrong.envelope.ret = RETURN_KIND_COUNT);
	REFUSES(job, wrong.envelope.body_kind = BODY_KIND_COUNT);
	REFUSES(job, wrong.envelope.recipient_count = 0);
	REFUSES(job, wrong.envelope.recipients = &strange; wrong.envelope.recipient_count = 1);
	strange = (struct message_recipient){ 0, "a@b", NOTIFY_NEVER | NOTIFY_DELAY, "" };
	REFUSES(job, wrong.envelope.recipients = &strange; wrong.envelope.recipient_count = 1);
	REFUSES(job, wrong.content.body = span_text("x"));
	REFUSES(commit, wrong.content.body_length = 7);
	REFUSES(commit, wrong.allowed_sender = text);
	REFUSES(commit, wrong.added = twice);
	REFUSES(commit, wrong.added = nobody);
	REFUSES(commit, wrong.added = three; wrong.added_count = 3);
	REFUSES(commit, wrong.content.body = span_of(text, MESSAGE_BODY_MAX_BYTES + 1);
		wrong.content.body_length = MESSAGE_BODY_MAX_BYTES + 1);
	REFUSES(refused, wrong.text = text);
	REFUSES(recipient_ask, wrong.path = "");
	REFUSES(recipient_ask, wrong.path = text);
	REFUSES(call_ahead, wrong.path = "");
	REFUSES(recipient_told, wrong.finding = FINDING_COUNT);
	REFUSES(revoke, wrong.login = text);
	REFUSES(login_step, wrong.response = span_of(text, IPC_SASL_MAX_BYTES + 1));
	REFUSES(sign, wrong.key_id = SPAN_EMPTY);
	REFUSES(sign, wrong.key_id = span_of(text, MESSAGE_KEY_ID_BYTES - 1));
	REFUSES(sign, wrong.key_id = span_of(text, MESSAGE_KEY_ID_BYTES + 1));
	REFUSES(sign, wrong.hash = span_of(text, MESSAGE_SIGN_MAX_BYTES + 1));
	mem_free(&text);
	arena_free(&arena);
}

static void
table_is_sane(void **state)
{
	(void)state;
	assert_null(message_rule(MSG_NONE));
	assert_null(message_rule(MESSAGE_COUNT));
	assert_null(message_rule(65535));
	for (unsigned id = MSG_NONE + 1; id < MESSAGE_COUNT; id++) {
		const struct message_rule *rule = message_rule(id);

		assert_non_null(rule->name);
		assert_true(rule->from != 0 && rule->to != 0);
		assert_true(rule->max_bytes > 0 && rule->max_bytes <= IPC_SETTINGS_MAX_BYTES);
		assert_true(rule->fds >= -1 && rule->fds <= 1);
	}
	/* What carries a password, a key or an identity is wiped. */
	assert_true(message_rule(MSG_LOGIN_START)->secret);
	assert_true(message_rule(MSG_LOGIN_STEP)->secret);
	assert_true(message_rule(MSG_SECRET)->secret);
	assert_true(message_rule(MSG_CONTROL)->secret);
	assert_string_equal(message_rule(MSG_COMMIT)->name, "COMMIT");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(any_byte_changed),
		cmocka_unit_test(out_of_range),
		cmocka_unit_test(table_is_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
