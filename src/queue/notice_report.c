/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's part of a notice: message/delivery-status (RFC 3464), or its global form (RFC 6533). */
#include "queue/notice_report.h"

#include "queue/notice_text.h"

#include <stdio.h>
#include <string.h>

/* Beyond it recipients have the required fields alone, so that all of a thousand always fit. */
enum { REPORT_BRIEF_BYTES = 1024 * 1024 };

/* RFC 3464 2.3.3 */
static const char *
action_of(const struct notice *notice)
{
	switch (notice->kind) {
	case NOTICE_DELAY:
		return "delayed";
	case NOTICE_SUCCESS:
		return notice->at_mailbox ? "delivered" : "relayed";
	case NOTICE_FAILURE:
	case NOTICE_DOUBLE:
	case NOTICE_KIND_COUNT:
		break;
	}
	return "failed";
}

static char
class_of(const struct notice *notice)
{
	if (notice->kind == NOTICE_DELAY)
		return '4';
	return notice->kind == NOTICE_SUCCESS ? '2' : '5';
}

void
notice_report_status(const struct notice *notice, const struct recipient *recipient,
	char status_out[NOTICE_STATUS_SIZE])
{
	const char *enhanced = recipient->enhanced ? recipient->enhanced : "";
	char class = class_of(notice);
	bool fits = enhanced[0] && strlen(enhanced) < NOTICE_STATUS_SIZE;
	if (fits && (enhanced[0] == class || (class == '5' && enhanced[0] == '4')))
		snprintf(status_out, NOTICE_STATUS_SIZE, "%s", enhanced);
	else
		snprintf(status_out, NOTICE_STATUS_SIZE, "%c.0.0", class);
}

bool
notice_report_has_hop(const struct recipient *recipient)
{
	return recipient->hop && recipient->hop[0] && recipient->hop[0] != '/';
}

void
notice_report_add_reply(struct buf *to, const struct recipient *recipient)
{
	if (recipient->code)
		buf_printf(to, "%u ", recipient->code);
	/* The hop's own; ours, of a deferral that has expired, has another class. */
	if (recipient->code && recipient->enhanced &&
		recipient->enhanced[0] == '0' + recipient->code / 100)
		buf_printf(to, "%s ", recipient->enhanced);
	notice_text_add(to, span_text(recipient->text));
}

/* RFC 3464 2.3.5: a name, or an address in brackets. */
static void
add_remote(struct buf *to, const char *hop)
{
	bool is_v6 = strchr(hop, ':') != NULL;
	bool is_v4 = hop[strspn(hop, "0123456789.")] == '\0';
	buf_printf(to, "Remote-MTA: dns; %s%s", is_v6 || is_v4 ? "[" : "", is_v6 ? "IPv6:" : "");
	notice_text_add(to, span_text(hop));
	buf_printf(to, "%s\r\n", is_v6 || is_v4 ? "]" : "");
}

static void
add_recipient(struct buf *to, const struct notice *notice, const struct recipient *recipient,
	bool global)
{
	const struct message_recipient *addressed =
		&notice->parcel->record.envelope.recipients[recipient->number];
	bool brief = buf_length(to) > REPORT_BRIEF_BYTES;
	char status[NOTICE_STATUS_SIZE];
	notice_report_status(notice, recipient, status);
	buf_add_text(to, "\r\n");
	if (addressed->orcpt[0] && !brief) {
		buf_add_text(to, "Original-Recipient: ");
		notice_text_add_orcpt(to, span_text(addressed->orcpt), global);
		buf_add_text(to, "\r\n");
	}
	buf_add_text(to, "Final-Recipient: ");
	notice_text_add_address(to, span_text(addressed->path), global);
	buf_printf(to, "\r\nAction: %s\r\nStatus: %s\r\n", action_of(notice), status);
	if (brief)
		return;
	if (notice_report_has_hop(recipient))
		add_remote(to, recipient->hop);
	if (recipient->code) {
		buf_add_text(to, "Diagnostic-Code: smtp; ");
		notice_report_add_reply(to, recipient);
		buf_add_text(to, "\r\n");
	}
	if (recipient->tried_ms)
		notice_text_add_date(to, "Last-Attempt-Date", recipient->tried_ms);
	if (notice->kind == NOTICE_DELAY)
		notice_text_add_date(to, "Will-Retry-Until", notice->until_ms);
}

void
notice_report_add(struct buf *to, const struct notice *notice, bool global)
{
	const struct message_envelope *envelope = &notice->parcel->record.envelope;
	if (envelope->envid[0]) {
		buf_add_text(to, "Original-Envelope-Id: ");
		notice_text_add_xtext(to, span_text(envelope->envid));
		buf_add_text(to, "\r\n");
	}
	buf_printf(to, "Reporting-MTA: dns; %s\r\n", notice->hostname);
	notice_text_add_date(to, "Arrival-Date", notice->parcel->received_ms);
	for (size_t i = 0; i < notice->recipient_count; i++)
		add_recipient(to, notice, &notice->recipients[i], global);
}
