/* SPDX-License-Identifier: BSD-2-Clause */
/* The safe pieces of a notice: what others chose cannot end a line, a field or a part. */
#ifndef QUEUE_NOTICE_TEXT_H
#define QUEUE_NOTICE_TEXT_H

#include "base/buffer.h"

/* One line of printable ASCII: other bytes as \xNN, cut to fit a field. */
void notice_text_add(struct buf *to, struct span text);
/* "Name: Fri, 21 Nov 1997 09:55:06 +0000" and CRLF. */
void notice_text_add_date(struct buf *to, const char *name, int64_t when_ms);
/* For people: UTF-8 that holds no control byte stands as it is, anything else as above. */
void notice_text_add_readable(struct buf *to, struct span text);
/* ENVID and ORCPT of type rfc822: decoded if that gives printable ASCII, else as it came. */
void notice_text_add_xtext(struct buf *to, struct span xtext);
/*
 * An address with its type (RFC 3464 2.3.2, RFC 6533 3): "rfc822; a@b" if it is ASCII; else "utf-8; "
 * and UTF-8 where the report is global, or else its form in ASCII, "\x{F6}".
 */
void notice_text_add_address(struct buf *to, struct span path, bool global);
/* The same of an ORCPT as smtp kept it, "type;value". */
void notice_text_add_orcpt(struct buf *to, struct span orcpt, bool global);

bool notice_text_has_8bit(struct span bytes);

#endif
