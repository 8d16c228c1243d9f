/* SPDX-License-Identifier: BSD-2-Clause */
/* Who got in, and who did not. */
#ifndef UNIT_AUTH_EXCHANGE_FIXTURE_H
#define UNIT_AUTH_EXCHANGE_FIXTURE_H

#include "auth_rig.h"

static inline struct rig_front *
front_of(void **state)
{
	struct rig *rig = *state;

	return &rig->fronts[0];
}

static inline void
assert_failed(const struct rig_heard *heard, enum login_failure wanted)
{
	assert_int_equal(heard->id, MSG_LOGIN_FAILED);
	assert_int_equal(heard->failure, wanted);
}

static inline void
assert_in(const struct rig_heard *heard, const char *login)
{
	if (heard->id == MSG_LOGIN_FAILED)
		fail_msg("%s", heard->text);
	assert_int_equal(heard->id, MSG_LOGIN_DONE);
	assert_string_equal(heard->login, login);
}

#endif
