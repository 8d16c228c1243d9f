/* SPDX-License-Identifier: BSD-2-Clause */
/* What the milter protocol says in bits and bytes, in words for people. */
#ifndef WIRE_MILTER_WORDS_H
#define WIRE_MILTER_WORDS_H

#include <stddef.h>

#include "wire/milter_answer.h"
#include "wire/milter_packet.h"

/* Of the at-th bit that is set, from the lowest on: "add-header", "no-body"; NULL behind the last. */
const char *milter_words_action(uint32_t actions, size_t at);
const char *milter_words_step(uint32_t steps, size_t at);
/* "connect", "end-of-message"; where macros are sent. */
const char *milter_words_stage(enum milter_stage stage);
/* "add-header", "continue"; NULL for a byte that is no answer. */
const char *milter_words_answer(unsigned char answer);
/* "connect", "end-of-message". */
const char *milter_words_command(enum milter_command command);

#endif
