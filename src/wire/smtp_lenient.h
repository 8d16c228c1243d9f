/* SPDX-License-Identifier: BSD-2-Clause */
/* What old devices say in an SMTP dialogue, put into the words that the strict parsers read. */
#ifndef WIRE_SMTP_LENIENT_H
#define WIRE_SMTP_LENIENT_H

#include "base/buffer.h"
#include "base/secret.h"

/*
 * Where a listener is lenient, each line goes through here on its way to smtp_command_parse(). True
 * if out holds what is to be read in its place (the same, if it was right); false if it is to be
 * read as it is, for nobody can say what was meant. Nothing is guessed that could be read in
 * two ways, and what is put out is judged by the strict parser like any other line.
 *
 * HELO and EHLO: a name that is none keeps its letters, digits and dots; other bytes become
 * hyphens ("HP LaserJet_4" is "HP-LaserJet-4"), an IPv6 address becomes a literal, and what is left
 * without a name is "unknown".
 * MAIL and RCPT: blanks around the colon, or none at all before "<"; blanks inside the brackets; no
 * brackets; and a local part without a domain gets qualify_domain, unless that is "".
 * Lines of other verbs, AUTH above all, are never copied.
 */
bool smtp_lenient_rewrite(struct span line, const char *qualify_domain, struct buf *out);

/*
 * Base64 with blanks around it, or with the padding missing or too long. NULL for what still is
 * none.
 */
struct secret *smtp_lenient_base64(struct span text);

#endif
