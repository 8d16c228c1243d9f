/* SPDX-License-Identifier: BSD-2-Clause */
/* Sample messages for the queue's tests, and a folder to spool them in. */
#include "mail_samples.h"

#include "../unit/folder_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char sample_header[] = "From: <alice@example.org>\r\nSubject: sample\r\n\r\n";

static char folder_path[300];

static struct parcel *
start(const char *id, const char *const *recipients, size_t body_length)
{
	struct parcel *parcel = parcel_new(sizeof(sample_header) + body_length);
	struct message_recipient *list;
	size_t count = 0;
	while (recipients[count])
		count++;
	list = arena_alloc(parcel->arena, count * sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		list[i].number = (uint32_t)i;
		list[i].path = arena_strdup(parcel->arena, recipients[i]);
		list[i].orcpt = "";
	}
	parcel->record = (struct record){
		.id = arena_strdup(parcel->arena, id),
		.parent = "",
		.session = "s1",
		.listener = "submission",
		.protocol = "ESMTPSA",
		.client_address = "192.0.2.1",
		.login = "alice",
		.envelope = { .sender = "alice@example.org",
			.envid = "",
			.recipient_count = count,
			.recipients = list },
	};
	return parcel;
}

struct parcel *
sample_parcel(const char *id, const char *body, const char *const *recipients)
{
	struct parcel *parcel = start(id, recipients, strlen(body));
	parcel_seal(parcel, span_text(sample_header), span_text(body), SAMPLE_RECEIVED_MS);
	return parcel;
}

struct parcel *
sample_parcel_to(const char *id, const char *recipient)
{
	return sample_parcel(id, "Hello.\r\n", (const char *const[]){ recipient, NULL });
}

struct parcel *
sample_parcel_of(const char *login, const char *id)
{
	struct parcel *parcel = start(id, (const char *const[]){ "bob@example.net", NULL }, 0);
	parcel->record.login = login;
	parcel_seal(parcel, span_text(sample_header), span_text("Hello.\r\n"), SAMPLE_RECEIVED_MS);
	return parcel;
}

struct parcel *
sample_parcel_file(const char *id, uint64_t file, struct span body)
{
	struct parcel *parcel = start(id, (const char *const[]){ "bob@example.net", NULL }, 0);
	struct digest digest;
	digest_init(&digest);
	digest_add(&digest, body);
	digest_final(&digest, parcel->record.body_hash);
	parcel->record.file = file;
	parcel->record.body_length = body.length;
	parcel_seal(parcel, span_text(sample_header), SPAN_EMPTY, SAMPLE_RECEIVED_MS);
	return parcel;
}

const char *
sample_folder_make(void)
{
	const char *base = getenv("TMPDIR");
	snprintf(folder_path, sizeof(folder_path), "%s/sallyport-unit-XXXXXX",
		base && *base ? base : "/tmp");
	if (!mkdtemp(folder_path))
		abort();
	return folder_path;
}

void
sample_folder_remove(void)
{
	remove_folder(folder_path);
}
