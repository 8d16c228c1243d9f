/* SPDX-License-Identifier: BSD-2-Clause */
/* Logins of which something was taken away: grants from before that are void. */
#include "queue/revoked.h"

#include <string.h>

#include "queue/index.h"

/* One login; those whose names have the same hash hang together. */
struct revoked_login {
	struct revoked_login *next;
	uint64_t epoch;
	size_t length;
	char name[];
};

struct revoked {
	struct index logins;
	bool known;
};

struct revoked *
revoked_new(void)
{
	return mem_alloc(sizeof(struct revoked));
}

void
revoked_free(struct revoked **revoked)
{
	struct revoked *old = *revoked;
	*revoked = NULL;
	if (!old)
		return;
	for (size_t i = 0; i < old->logins.room; i++) {
		struct revoked_login *first = old->logins.slots[i].value;
		for (struct revoked_login *login; (login = first);) {
			first = login->next;
			mem_free(&login);
		}
	}
	index_fini(&old->logins);
	mem_free(&old);
}

static uint64_t
hash_of(struct span login)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < login.length; i++)
		hash = index_mix(hash ^ (unsigned char)login.start[i]);
	return hash;
}

static struct revoked_login *
find(const struct revoked *revoked, struct span name)
{
	struct revoked_login *login = index_find(&revoked->logins, hash_of(name));
	while (login && !span_equal(span_of(login->name, login->length), name))
		login = login->next;
	return login;
}

void
revoked_add(struct revoked *revoked, struct span name, uint64_t epoch)
{
	struct revoked_login *login = find(revoked, name);
	if (!login) {
		uint64_t hash = hash_of(name);
		login = mem_alloc(sizeof(*login) + name.length);
		login->length = name.length;
		for (size_t i = 0; i < name.length; i++)
			login->name[i] = name.start[i];
		login->next = index_take(&revoked->logins, hash);
		index_add(&revoked->logins, hash, login);
	}
	if (epoch > login->epoch)
		login->epoch = epoch;
}

void
revoked_know(struct revoked *revoked)
{
	revoked->known = true;
}

bool
revoked_is_known(const struct revoked *revoked)
{
	return revoked->known;
}

bool
revoked_has(const struct revoked *revoked, struct span name, uint64_t epoch)
{
	const struct revoked_login *login = find(revoked, name);
	return login && epoch < login->epoch;
}

/* No login begins with a NUL. */
enum { CREDENTIAL_KEY_BYTES = 1 + sizeof(uint64_t) };

static struct span
credential_key(uint64_t credential, char key[CREDENTIAL_KEY_BYTES])
{
	key[0] = '\0';
	memcpy(key + 1, &credential, sizeof credential);
	return span_of(key, CREDENTIAL_KEY_BYTES);
}

void
revoked_add_credential(struct revoked *revoked, uint64_t credential)
{
	char key[CREDENTIAL_KEY_BYTES];

	revoked_add(revoked, credential_key(credential, key), 1);
}

bool
revoked_has_credential(const struct revoked *revoked, uint64_t credential)
{
	char key[CREDENTIAL_KEY_BYTES];

	return find(revoked, credential_key(credential, key));
}
