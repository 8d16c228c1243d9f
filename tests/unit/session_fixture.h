/* SPDX-License-Identifier: BSD-2-Clause */
/* The session of the one client there is, and its listener. */
#ifndef UNIT_SESSION_FIXTURE_H
#define UNIT_SESSION_FIXTURE_H

#include "../fake/smtp_script.h"

/* Shorter waits than the configuration allows. */
static inline struct settings_listener *
listener_of(struct rig *rig)
{
	return (struct settings_listener *)(uintptr_t)rig->service.front->setup->listeners[0]
		.settings;
}

static inline enum session_phase
phase(struct rig *rig)
{
	assert_non_null(rig->service.front->sessions);
	return session_phase(rig->service.front->sessions);
}

static inline bool
is_empty(struct rig *rig)
{
	return rig->service.front->session_count == 0;
}

#endif
