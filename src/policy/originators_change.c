/* SPDX-License-Identifier: BSD-2-Clause */
/* How originator fields are changed: rewritten, given a Sender, rid of names that pose. */
#include "policy/originators_change.h"

#include "policy/from_rewrite.h"
#include "policy/originators.h"
#include "policy/rights.h"

bool
originators_parse(const struct originators *message, size_t at, unsigned rules,
	struct mailboxes *list_out, struct fault *fault_out)
{
	if (message->smtputf8)
		rules |= MAILBOXES_UTF8;
	return mailboxes_parse(message->header->fields[at].value, rules, message->arena, list_out,
		fault_out);
}

/* ---- wrong-sender ------------------------------------------------------------------------------ */

/* Every field of this name that is wrong becomes the primary address. */
static bool
rewrite_fields(struct originators *message, const char *name, unsigned rules, bool on_behalf_ok)
{
	struct header *header = message->header;

	for (size_t at = header_next(header, name, 0); at < header->count;
		at = header_next(header, name, at + 1)) {
		if (originators_check_field(message, name, at, rules, on_behalf_ok).kind !=
			FIELD_WRONG)
			continue;
		if (!header_replace(header, at, span_text(message->remedy.instead)))
			return false;
	}
	return true;
}

bool
originators_rewrite(struct originators *message)
{
	struct header *header = message->header;
	size_t from = header_find(header, "From", 0);
	size_t sender = header_find(header, "Sender", 0);
	bool has_sender = sender < header->count &&
		originators_check_field(message, "Sender", sender, MAILBOXES_ONE, false).kind ==
			FIELD_FINE;

	if (originators_check_field(message, "From", from, 0, has_sender).kind == FIELD_WRONG &&
		!from_rewrite(header, message->remedy.instead))
		return false;
	return rewrite_fields(message, "Sender", MAILBOXES_ONE, false) &&
		rewrite_fields(message, "Resent-Sender", MAILBOXES_ONE, false) &&
		rewrite_fields(message, "Resent-From", 0, false);
}

/* RFC 6409 8.1 and RFC 5322 3.6.2. */
bool
originators_add_sender(struct originators *message)
{
	struct header *header = message->header;
	size_t from = header_find(header, "From", 0);

	return header_count(header, "Sender") == 0 &&
		originators_check_field(message, "From", from, 0, true).kind == FIELD_FINE &&
		header_insert(header, from + 1, SPAN_LITERAL("Sender"),
			span_text(message->remedy.instead));
}

/* ---- posing-name ------------------------------------------------------------------------------- */

static bool
has_word(const struct settings_permit *permit)
{
	return permit->posing_name != POSING_NAME_NEXT;
}

/* Many programs repeat the address as the name; what the client may use as its own poses as nobody. */
static bool
poses(const struct originators *message, const struct mailbox *mailbox)
{
	struct address shown;

	if (!mailbox->poses)
		return false;
	if (address_parse(span_trim(mailbox->display), ADDRESS_UTF8, &shown) != ADDRESS_OK)
		return true;
	return !address_equal_own(&shown, &mailbox->address) &&
		!claim_check(message->session, &shown, CLAIM_SEND_AS).allowed;
}

static bool
has_posing(const struct originators *message, const struct mailboxes *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (poses(message, &list->list[i]))
			return true;
	return false;
}

/* The addresses of the field alone. */
static bool
strip(struct originators *message, size_t at, const struct mailboxes *list)
{
	struct buf value = BUF_INIT(HEADER_FIELD_MAX_BYTES);
	char text[ADDRESS_TEXT_SIZE];
	bool replaced;

	for (size_t i = 0; i < list->count; i++) {
		address_format(&list->list[i].address, text);
		buf_printf(&value, "%s%s", i ? ", " : "", text);
	}
	replaced = header_replace(message->header, at,
		header_fold(message->header->fields[at].name, buf_span(&value),
			message->header->arena));
	buf_fini(&value);
	return replaced;
}

/* All fields of one name. */
static struct verdict
check_names_of(struct originators *message, const struct settings_permit *permit, const char *name,
	struct verdict verdict)
{
	struct header *header = message->header;

	for (size_t at = header_next(header, name, 0); at < header->count;
		at = header_next(header, name, at + 1)) {
		struct fault fault = FAULT_INIT;
		struct mailboxes list;

		if (!originators_parse(message, at, 0, &list, &fault) || !has_posing(message, &list))
			continue;
		if (permit->posing_name == POSING_NAME_REFUSE || !strip(message, at, &list))
			return verdict_refuse(550, "5.7.1", permit->where,
				"%s field refused: its display name shows another address", name);
		if (verdict.kind == VERDICT_CONTINUE && !verdict.changed)
			verdict = verdict_pass(permit->where);
		verdict.changed |= VERDICT_STRIPPED;
	}
	return verdict;
}

struct verdict
originators_check_names(struct originators *message, struct verdict verdict)
{
	const struct settings_permit *permit = rights_find_permit(message->session, has_word);

	if (!permit || permit->posing_name == POSING_NAME_ALLOW)
		return verdict;
	for (size_t i = 0; i < ORIGINATORS_JUDGED; i++)
		if (verdict.kind == VERDICT_CONTINUE || verdict.kind == VERDICT_HOLD)
			verdict = check_names_of(message, permit, originators_names[i], verdict);
	return verdict;
}
