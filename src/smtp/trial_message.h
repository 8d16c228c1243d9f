/* SPDX-License-Identifier: BSD-2-Clause */
/* The made-up session and message of a trial. */
#ifndef SMTP_TRIAL_MESSAGE_H
#define SMTP_TRIAL_MESSAGE_H

#include "policy/mail.h"
#include "smtp/trial.h"

/* In its owner's storage; the mail's arena holds what it points to. */
struct trial_message {
	struct mail_session session;
	struct identity identity;
	struct mail *mail;       /* with one recipient */
};

/* settings are borrowed, the wish is copied. False with the reason if it cannot be. */
bool trial_message_init(struct trial_message *message, const struct settings *settings,
	const struct trial_wish *wish, int64_t now_ms, struct fault *fault_out);
void trial_message_fini(struct trial_message *message);

#endif
