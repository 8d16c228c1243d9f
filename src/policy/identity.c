/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has logged in, and what the directory says of them. */
#include "policy/identity.h"

enum {
	NAME_MAX_BYTES = 255,
	ADDRESS_MAX_BYTES = 320,
};

static void
pack_texts(struct buf *to, const struct settings_texts *texts)
{
	pack_count(to, texts->count);
	for (size_t i = 0; i < texts->count; i++)
		pack_text(to, texts->items[i]);
}

static struct settings_texts
unpack_texts(struct unpack *from, struct arena *arena)
{
	size_t count = unpack_count(from, IDENTITY_TEXTS_MAX);
	const char **items = arena_alloc(arena, count * sizeof *items);

	for (size_t i = 0; i < count; i++)
		items[i] = unpack_text(from, ADDRESS_MAX_BYTES, arena);
	return (struct settings_texts){ .items = items, .count = count };
}

static void
pack_grants(struct buf *to, const struct identity_grants *grants)
{
	pack_count(to, grants->count);
	for (size_t i = 0; i < grants->count; i++) {
		pack_text(to, grants->items[i].pattern);
		pack_u16(to, grants->items[i].group);
	}
}

struct identity_grant
identity_grant_make(struct arena *arena, const char *pattern, const struct settings_texts *groups,
	uint16_t group)
{
	return (struct identity_grant){
		.pattern = pattern,
		.where = group ? arena_printf(arena, "grant of group %s", groups->items[group - 1])
			       : "directory grant",
		.group = group,
	};
}

static struct identity_grants
unpack_grants(struct unpack *from, const struct settings_texts *groups, struct arena *arena)
{
	size_t count = unpack_count(from, IDENTITY_TEXTS_MAX);
	struct identity_grant *items = arena_alloc(arena, count * sizeof *items);

	for (size_t i = 0; i < count; i++) {
		const char *pattern = unpack_text(from, ADDRESS_MAX_BYTES, arena);
		uint16_t group = unpack_u16(from);

		if (group > groups->count)
			from->bad = true;
		items[i] = identity_grant_make(arena, pattern, groups, from->bad ? 0 : group);
	}
	return (struct identity_grants){ .items = items, .count = count };
}

void
identity_pack(struct buf *to, const struct identity *identity)
{
	pack_text(to, identity->login);
	pack_text(to, identity->mechanism);
	pack_text(to, identity->credential);
	pack_u64(to, identity->credential_id);
	pack_texts(to, &identity->addresses);
	pack_texts(to, &identity->groups);
	pack_grants(to, &identity->send_as);
	pack_grants(to, &identity->on_behalf);
	pack_text(to, identity->limits);
	pack_u8(to, identity->protocols);
	pack_u64(to, identity->epoch);
}

bool
identity_unpack(struct span bytes, struct arena *arena, struct identity *identity_out)
{
	struct unpack from = unpack_start(bytes);
	struct identity identity;

	identity.login = unpack_text(&from, NAME_MAX_BYTES, arena);
	identity.mechanism = unpack_text(&from, NAME_MAX_BYTES, arena);
	identity.credential = unpack_text(&from, NAME_MAX_BYTES, arena);
	identity.credential_id = unpack_u64(&from);
	identity.addresses = unpack_texts(&from, arena);
	identity.groups = unpack_texts(&from, arena);
	identity.send_as = unpack_grants(&from, &identity.groups, arena);
	identity.on_behalf = unpack_grants(&from, &identity.groups, arena);
	identity.limits = unpack_text(&from, NAME_MAX_BYTES, arena);
	identity.protocols =
		unpack_u8_max(&from, IDENTITY_SMTP | IDENTITY_IMAP | IDENTITY_POP3);
	identity.epoch = unpack_u64(&from);
	if (!unpack_done(&from) || !identity.login[0])
		return false;
	*identity_out = identity;
	return true;
}

const char *
identity_primary(const struct identity *identity)
{
	return identity->addresses.count ? identity->addresses.items[0] : "";
}
