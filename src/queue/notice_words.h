/* SPDX-License-Identifier: BSD-2-Clause */
/* The human's part of a notice: what happened, to whom, and what to do now. */
#ifndef QUEUE_NOTICE_WORDS_H
#define QUEUE_NOTICE_WORDS_H

#include "queue/notice.h"

void notice_words_add(struct buf *to, const struct notice *notice);
/* Of the notice: what happened, and the subject of the original if it can stand there. */
void notice_words_add_subject(struct buf *to, const struct notice *notice);

#endif
