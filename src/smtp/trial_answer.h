/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter says, in a line for people. */
#ifndef SMTP_TRIAL_ANSWER_H
#define SMTP_TRIAL_ANSWER_H

#include "wire/milter_packet.h"

enum { TRIAL_ANSWER_SIZE = 400 };

/*
 * Printable ASCII, cut to fit; "" for an answer that is only a word, and "malformed" for one that is
 * not what it should be. body_bytes: how much of a new body there is by now.
 */
void trial_answer_format(
	const struct milter_packet *packet, size_t body_bytes, char to[TRIAL_ANSWER_SIZE]);

#endif
