/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's part of a notice: message/delivery-status (RFC 3464), or its global form (RFC 6533). */
#ifndef QUEUE_NOTICE_REPORT_H
#define QUEUE_NOTICE_REPORT_H

#include "queue/notice.h"

enum { NOTICE_STATUS_SIZE = 16 };

/* global: UTF-8 stands as it is. */
void notice_report_add(struct buf *to, const struct notice *notice, bool global);
/* RFC 3464 2.3.4: what the hop said, or a general code, but always of the class of the notice. */
void notice_report_status(const struct notice *notice, const struct recipient *recipient,
	char status_out[NOTICE_STATUS_SIZE]);
/* "550 5.1.1 no such user", the code and text of the hop; nothing if it said none. */
void notice_report_add_reply(struct buf *to, const struct recipient *recipient);
/* Is there a name of the hop that may be told? That of a local socket is nobody's business. */
bool notice_report_has_hop(const struct recipient *recipient);

#endif
