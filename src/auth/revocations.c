/* SPDX-License-Identifier: BSD-2-Clause */
/* What was taken away a short while ago. */
#include "auth/revocations.h"

#include "auth/table.h"
#include "base/memory.h"

struct revocation {
	struct table_entry entry;
	char *login;
	uint64_t epoch;
	uint64_t credential; /* 0: the whole login */
	char *key;
	uint64_t since_ms;
};

struct revocations {
	struct table table;
	uint64_t life_ms;
};

struct revocations *
revocations_new(uint64_t life_ms)
{
	struct revocations *revocations = mem_alloc(sizeof *revocations);

	table_init(&revocations->table);
	revocations->life_ms = life_ms;
	return revocations;
}

static struct revocation *
owner_of(struct table_entry *entry)
{
	return TABLE_OWNER(entry, struct revocation, entry);
}

static void
forget(struct revocations *revocations, struct revocation *revocation)
{
	table_take(&revocations->table, &revocation->entry);
	mem_free(&revocation->login);
	mem_free(&revocation->key);
	mem_free(&revocation);
}

void
revocations_free(struct revocations **revocations)
{
	if (!*revocations)
		return;
	while ((*revocations)->table.oldest)
		forget(*revocations, owner_of((*revocations)->table.oldest));
	table_fini(&(*revocations)->table);
	mem_free(revocations);
}

/* Takes the key. */
static void
add(struct revocations *revocations, char *key, const char *login, uint64_t epoch,
	uint64_t credential, uint64_t now_ms)
{
	struct revocation *revocation = owner_of(table_find(&revocations->table, span_text(key)));

	if (revocation) {
		mem_free(&key);
	} else {
		revocation = mem_alloc(sizeof *revocation);
		revocation->key = key;
		revocation->login = mem_strdup(login);
		revocation->credential = credential;
		table_add(&revocations->table, &revocation->entry, span_text(key));
	}
	table_renew(&revocations->table, &revocation->entry);
	revocation->epoch = epoch;
	revocation->since_ms = now_ms;
}

void
revocations_add(struct revocations *revocations, const char *login, uint64_t epoch, uint64_t now_ms)
{
	add(revocations, mem_strdup(login), login, epoch, 0, now_ms);
}

/* No login has a "/" in it. */
void
revocations_add_credential(struct revocations *revocations, const char *login, uint64_t credential,
	uint64_t now_ms)
{
	add(revocations, mem_printf("%s/%llu", login, (unsigned long long)credential), login, 0,
		credential, now_ms);
}

void
revocations_each(struct revocations *revocations, uint64_t now_ms,
	void (*each)(void *context, const char *login, uint64_t epoch, uint64_t credential),
	void *context)
{
	struct revocation *revocation = owner_of(revocations->table.oldest);

	while (revocation && now_ms - revocation->since_ms > revocations->life_ms) {
		forget(revocations, revocation);
		revocation = owner_of(revocations->table.oldest);
	}
	for (struct table_entry *entry = revocations->table.oldest; entry; entry = entry->newer) {
		revocation = owner_of(entry);
		each(context, revocation->login, revocation->epoch, revocation->credential);
	}
}
