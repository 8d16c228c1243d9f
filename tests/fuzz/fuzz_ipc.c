/* SPDX-License-Identifier: BSD-2-Clause */
/* What another role sends: frames are refused or whole, and what unpacks packs to the same bytes. */
#include "fuzz.h"

#include "ipc/frame.h"
#include "ipc/grant.h"
#include "ipc/message_login.h"
#include "ipc/message_mail.h"
#include "ipc/message_recipient.h"
#include "ipc/message_super.h"

/* id, pair */
#define CONTENTS(CONTENT)                                                                          \
	CONTENT(SETTINGS, settings)                                                                \
	CONTENT(LINK, link)                                                                        \
	CONTENT(UNLINK, link)                                                                      \
	CONTENT(FILE, file)                                                                        \
	CONTENT(SECRET, secret)                                                                    \
	CONTENT(STOP, stop)                                                                        \
	CONTENT(CONTROL, control)                                                                  \
	CONTENT(READY, ready)                                                                      \
	CONTENT(ANSWER, control)                                                                   \
	CONTENT(LOST, lost)                                                                        \
	CONTENT(LOGIN_START, login_start)                                                          \
	CONTENT(LOGIN_STEP, login_step)                                                            \
	CONTENT(LOGIN_CANCEL, login_cancel)                                                        \
	CONTENT(LOGIN_CHALLENGE, login_challenge)                                                  \
	CONTENT(LOGIN_DONE, login_done)                                                            \
	CONTENT(LOGIN_FAILED, login_failed)                                                        \
	CONTENT(IDENTITY_GET, session)                                                             \
	CONTENT(SESSION_ANNOUNCE, session)                                                         \
	CONTENT(SESSION_END, session_end)                                                          \
	CONTENT(SESSION_KICK, session_kick)                                                        \
	CONTENT(REVOKE, revoke)                                                                    \
	CONTENT(CHARGE, charge)                                                                    \
	CONTENT(CHARGED, charged)                                                                  \
	CONTENT(REFUND, refund)                                                                    \
	CONTENT(HELD_SEEN, held_seen)                                                              \
	CONTENT(SIGN, sign)                                                                        \
	CONTENT(SIGNED, signed)                                                                    \
	CONTENT(DIAL, dial)                                                                        \
	CONTENT(DIALED, dialed)                                                                    \
	CONTENT(DIAL_CANCEL, dial_cancel)                                                          \
	CONTENT(BODY_FILE, body)                                                                   \
	CONTENT(BODY_DROP, body)                                                                   \
	CONTENT(COMMIT, commit)                                                                    \
	CONTENT(COMMITTED, committed)                                                              \
	CONTENT(PRESSURE, pressure)                                                                \
	CONTENT(RELAY_READY, relay_ready)                                                          \
	CONTENT(JOB, job)                                                                          \
	CONTENT(RESULT, result)                                                                    \
	CONTENT(RESULT_KEPT, result_kept)                                                          \
	CONTENT(RECIPIENT_ASK, recipient_ask)                                                      \
	CONTENT(CALL_AHEAD, call_ahead)                                                            \
	CONTENT(CALLED_AHEAD, recipient_told)                                                      \
	CONTENT(RECIPIENT_TOLD, recipient_told)                                                    \
	CONTENT(REFUSED, refused)

/* Those without a content. */
#define EMPTIES(EMPTY)                                                                             \
	EMPTY(START)                                                                               \
	EMPTY(CHECK)                                                                               \
	EMPTY(TAKE)                                                                                \
	EMPTY(FORGET)                                                                              \
	EMPTY(PING)                                                                                \
	EMPTY(PONG)                                                                                \
	EMPTY(SESSIONS_ANNOUNCED)                                                                  \
	EMPTY(BODY_OPEN)                                                                           \
	EMPTY(REVOKED_TOLD)

#define COUNT_CONTENT(id, noun) +1
#define COUNT_EMPTY(id) +1
_Static_assert(1 CONTENTS(COUNT_CONTENT) EMPTIES(COUNT_EMPTY) == MESSAGE_COUNT,
	"every message is decoded here");

/* What unpacks packs to the same bytes, and is whole: a byte less or more is not the message. */
#define CONTENT(id, noun)                                                                          \
	case MSG_##id: {                                                                           \
		struct message_##noun message;                                                     \
		good = message_##noun##_unpack(bytes, arena, &message);                            \
		if (!good)                                                                         \
			break;                                                                     \
		message_##noun##_pack(&again, &message);                                           \
		FUZZ_CHECK(!bytes.length ||                                                        \
			!message_##noun##_unpack(span_first(bytes, bytes.length - 1), arena,       \
				&message));                                                        \
		break;                                                                             \
	}

static void
check_content(unsigned id, struct span bytes)
{
	struct arena *arena = arena_new(0);
	struct buf again = BUF_INIT(0);
	bool good = false;

	switch (id) {
		CONTENTS(CONTENT)
	default:
		break;
	}
	if (good)
		FUZZ_CHECK(span_equal(buf_span(&again), bytes));
	buf_fini(&again);
	arena_free(&arena);
}

static void
check_frames(struct span bytes, unsigned from, unsigned to)
{
	struct fault fault = FAULT_INIT;
	struct frame frame;
	size_t size;

	while (frame_next(bytes, from, to, &frame, &size, &fault) == FRAME_DONE) {
		const struct message_rule *rule = message_rule(frame.id);
		struct span copy = fuzz_copy(frame.content);

		FUZZ_CHECK(rule && (rule->from & from) && (rule->to & to));
		FUZZ_CHECK(frame.content.length <= rule->max_bytes);
		FUZZ_CHECK(size == FRAME_HEAD_BYTES + frame.content.length);
		check_content(frame.id, copy);
		fuzz_free(copy);
		/* One byte less is not a frame yet. */
		FUZZ_CHECK(frame_next(span_first(bytes, size - 1), from, to, &frame, &size,
				   &fault) == FRAME_MORE);
		bytes = span_from(bytes, size);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct span in = fuzz_input(bytes, size);
	unsigned steer = fuzz_take(&in);
	struct fault fault = FAULT_INIT;
	struct grant grant;

	check_frames(in, ROLE_BIT(steer & 7), ROLE_BIT(steer >> 3 & 7));
	/* The content alone, for whoever got past the frame. */
	check_content(steer, in);
	FUZZ_CHECK(!grant_check(in, SPAN_LITERAL("a key that nobody knows"), 0, &grant, &fault));
	return 0;
}
