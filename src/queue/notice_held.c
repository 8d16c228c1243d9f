/* SPDX-License-Identifier: BSD-2-Clause */
/* The notice that the mail of a login is held: to the owner, and to the postmaster; pure. */
#include "queue/notice_held.h"

#include "queue/notice.h"
#include "queue/notice_text.h"
#include "wire/mail_date.h"

#include <stdio.h>

enum { ID_HASH_BYTES = 12 };

/* A letter that no other notice has, so that ids never meet. */
static void
make_id(const struct notice_held *notice, char id[MESSAGE_ID_MAX_BYTES + 1])
{
	unsigned char bytes[DIGEST_BYTES];
	struct digest digest;
	char since[32];
	char hex[2 * ID_HASH_BYTES + 1];
	int length = snprintf(since, sizeof(since), "%lld", (long long)notice->since_ms);
	digest_init(&digest);
	digest_add(&digest, span_of(since, (size_t)length + 1));
	digest_add(&digest, span_text(notice->parcel->record.login));
	digest_final(&digest, bytes);
	text_hex(bytes, ID_HASH_BYTES, hex, sizeof(hex));
	snprintf(id, MESSAGE_ID_MAX_BYTES + 1, "%s.%c", hex, notice->to_owner ? 'O' : 'M');
}

static void
add_line(struct buf *to, const char *before, const char *text)
{
	buf_add_text(to, before);
	notice_text_add(to, span_text(text));
	buf_add_text(to, "\r\n");
}

static void
add_head(struct buf *to, const struct notice_held *notice, const char *id)
{
	char date[MAIL_DATE_SIZE];
	mail_date_format(notice->now_ms / 1000, 0, date);
	buf_printf(to, "Received: by %s with local id %s; %s\r\n", notice->hostname, id, date);
	buf_printf(to, "Date: %s\r\n", date);
	buf_printf(to, "From: Mail Delivery System <%s>\r\n", notice->postmaster);
	buf_printf(to, "To: <%s>\r\n", notice->to);
	if (notice->to_owner)
		buf_add_text(to, "Subject: Your mail is held\r\n");
	else
		add_line(to, "Subject: Mail is held: login ", notice->parcel->record.login);
	buf_printf(to, "Message-ID: <%s@%s>\r\n", id, notice->hostname);
	buf_add_text(to,
		"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=us-ascii\r\n\r\n");
}

static void
add_facts(struct buf *to, const struct notice_held *notice)
{
	const struct record *record = &notice->parcel->record;
	add_line(to, "  Limit: ", notice->reason);
	add_line(to, "  Login: ", record->login);
	notice_text_add_date(to, "  Held since", notice->since_ms);
	add_line(to, "  Sent from: ", record->client_address);
	add_line(to, "  First message held: ", record->id);
}

static void
add_owner_words(struct buf *to, const struct notice_held *notice)
{
	buf_add_text(to,
		"More mail was sent with your login than is allowed, and what came beyond that is\r\n"
		"held:\r\n\r\n");
	add_facts(to, notice);
	buf_printf(to,
		"\r\n"
		"It is neither lost nor delivered: it waits until somebody who runs this mail system\r\n"
		"has looked at it. You need not send it again.\r\n"
		"\r\n"
		"If you did not send so much, somebody else knows your password. Change it now, and\r\n"
		"tell <%s>.\r\n"
		"\r\n"
		"There is no further notice of this.\r\n",
		notice->postmaster);
}

static void
add_command(struct buf *to, const char *command, const char *login, const char *option,
	const char *meaning)
{
	buf_printf(to, "  sallyportctl %s ", command);
	notice_text_add(to, span_text(login));
	buf_printf(to, "%s\r\n      %s\r\n", option, meaning);
}

static void
add_postmaster_words(struct buf *to, const struct notice_held *notice)
{
	const char *login = notice->parcel->record.login;
	buf_add_text(to, "A login has met its budget, and what it sends beyond that is held:\r\n\r\n");
	add_facts(to, notice);
	buf_add_text(to,
		"\r\n"
		"Its owner has been told, if there is an address to tell. If the password was stolen,\r\n"
		"change it or disable the account first; mail that comes meanwhile is held as well.\r\n"
		"\r\n");
	add_command(to, "queue list --login", login, "", "shows what waits");
	add_command(to, "queue release --login", login, "", "lets all of it go");
	add_command(to, "queue delete --login", login, " --held", "throws all of it away");
	add_command(to, "limits show", login, "", "shows what is spent");
	add_command(to, "limits reset", login, "", "makes its budgets whole at once");
	add_command(to, "account disable", login, "", "ends its sessions and lets nobody log in");
	buf_add_text(to,
		"\r\n"
		"There is no further notice of this until all of it was released or thrown away, or\r\n"
		"its budgets were whole again.\r\n");
}

struct parcel *
notice_held_make(const struct notice_held *notice)
{
	char id[MESSAGE_ID_MAX_BYTES + 1];
	struct buf header = BUF_INIT(0);
	struct buf body = BUF_INIT(0);
	make_id(notice, id);
	add_head(&header, notice, id);
	if (notice->to_owner)
		add_owner_words(&body, notice);
	else
		add_postmaster_words(&body, notice);
	struct parcel *parcel = parcel_new(buf_length(&header) + buf_length(&body));
	notice_set_record(parcel, id, notice->parcel->record.id, notice->to, false);
	parcel_seal(parcel, buf_span(&header), buf_span(&body), notice->now_ms);
	buf_fini(&body);
	buf_fini(&header);
	return parcel;
}
