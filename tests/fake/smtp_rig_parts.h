/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the SMTP rig have of each other, and tests do not need. */
#ifndef SMTP_RIG_PARTS_H
#define SMTP_RIG_PARTS_H

#include "smtp_rig.h"

struct channel_message;

/* The certificate of mail.example.org, made once: super passes it, keys signs with its key. */
void rig_make_pair(void);
void rig_link_keys(struct rig *rig);
/* auth and queue alike tell of a recipient what the test has put into finding. */
void rig_tell_recipient(struct rig *rig, struct channel *channel,
	const struct channel_message *message, struct arena *arena);
/* Something came: the loop ends if it is what rig_wait() waits for. */
void rig_stop_if_done(struct rig *rig);

#endif
