/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions of front ends, by their logins and by their grants. */
#ifndef UNIT_AUTH_SESSION_FIXTURE_H
#define UNIT_AUTH_SESSION_FIXTURE_H

#include "auth_rig.h"

static inline struct rig_front *
front_of(void **state, unsigned number)
{
	struct rig *rig = *state;

	return &rig->fronts[number];
}

static inline void
log_in(struct rig_front *front, const char *session, const char *login)
{
	char password[64];
	struct rig_heard *heard;

	snprintf(password, sizeof password, "%spw", login);
	heard = rig_plain(front, session, login, password);
	if (heard->id != MSG_LOGIN_DONE)
		fail_msg("%s: %s", session, heard->text);
}

/* Until something unasked came to this end. */
static inline void
await_unasked(struct rig_front *front, unsigned revokes, unsigned kicks)
{
	while (front->revokes < revokes || front->kicks < kicks)
		fixture_run(front->rig->loop);
}

/* Everything sent before has been looked at when this comes back. */
static inline void
settle(struct rig_front *front)
{
	rig_plain(front, "settle", "nobody@sub.example.org", "x");
}

/* ---- charges --------------------------------------------------------------------------------- */

static inline struct rig_heard *
charge(struct rig_front *front, const char *session, const char *login, uint32_t recipients)
{
	struct message_charge message = { .session = session, .login = login,
		.listener = "submission", .client_address = RIG_ADDRESS, .recipients = recipients };
	struct buf content = BUF_INIT(0);

	message_charge_pack(&content, &message);
	rig_ask(front, MSG_CHARGE, &content);
	assert_int_equal(rig_hear(front)->id, MSG_CHARGED);
	return &front->heard;
}

/* ---- identities ------------------------------------------------------------------------------ */

static inline void
pack_session(struct buf *to, const char *session, const char *login, uint64_t epoch,
	struct span grant)
{
	struct message_session message = { .session = session, .login = login,
		.listener = "submission", .protocol = "smtp", .client_address = RIG_ADDRESS,
		.epoch = epoch, .since_ms = 1234, .grant = grant };

	message_session_pack(to, &message);
}

static inline uint64_t
epoch_of(const struct rig_heard *heard)
{
	struct arena *arena = arena_new(0);
	struct identity identity;
	uint64_t epoch;

	assert_true(identity_unpack(buf_span(&heard->identity), arena, &identity));
	epoch = identity.epoch;
	arena_free(&arena);
	return epoch;
}

#endif
