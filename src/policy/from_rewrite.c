/* SPDX-License-Identifier: BSD-2-Clause */
/* Another From in place of the one that was written. */
#include "policy/from_rewrite.h"

#include "wire/mailboxes.h"

bool
from_rewrite(struct header *header, const char *instead)
{
	size_t at = header_find(header, "From", 0);
	struct span old;

	if (header_count(header, "From") != 1)
		return false;
	old = header->fields[at].value;
	if (header_count(header, "Reply-To") == 0 &&
		!header_add(header, SPAN_LITERAL("Reply-To"), old))
		return false;
	header_delete_all(header, "Sender");
	return header_replace(header, header_find(header, "From", 0), span_text(instead));
}

/* Is there one From that can be read, of anybody but the new one alone? */
static bool
is_worth_a_reply(const struct mail *mail, const struct address *instead)
{
	const struct header *header = &mail->header;
	unsigned rules = mail->smtputf8 ? MAILBOXES_UTF8 : 0;
	struct fault fault = FAULT_INIT;
	struct mailboxes list;
	size_t at = header_find(header, "From", 0);

	if (header_count(header, "From") != 1 ||
		!mailboxes_parse(header->fields[at].value, rules, mail->arena, &list, &fault))
		return false;
	return list.count != 1 || !address_equal_own(&list.list[0].address, instead);
}

bool
from_fix(struct mail *mail, const char *instead)
{
	struct header *header = &mail->header;
	struct address address;

	if (address_parse(span_text(instead), ADDRESS_UTF8, &address) != ADDRESS_OK)
		return false;
	if (is_worth_a_reply(mail, &address))
		return from_rewrite(header, instead);
	header_delete_all(header, "From");
	header_delete_all(header, "Sender");
	return header_add(header, SPAN_LITERAL("From"), span_text(instead));
}
