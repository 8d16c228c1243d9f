/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS towards hops, shared by routes: the system's authorities alone take some megabytes. */
#include "relay/trusts.h"

#include <string.h>

#include "base/memory.h"

struct entry {
	struct entry *next;
	enum tls_verify verify;
	char *file;
	struct tls_client *client;
};

struct trusts {
	struct entry *first;
};

struct trusts *
trusts_new(void)
{
	return mem_alloc(sizeof(struct trusts));
}

static void
entry_free(struct entry *entry)
{
	tls_client_free(&entry->client);
	mem_free(&entry->file);
	mem_free(&entry);
}

void
trusts_free(struct trusts **trusts)
{
	if (!*trusts)
		return;
	while ((*trusts)->first) {
		struct entry *entry = (*trusts)->first;

		(*trusts)->first = entry->next;
		entry_free(entry);
	}
	mem_free(trusts);
}

struct tls_client *
trusts_find(const struct trusts *trusts, enum tls_verify verify, const char *file)
{
	for (const struct entry *entry = trusts->first; entry; entry = entry->next)
		if (entry->verify == verify && strcmp(entry->file, file) == 0)
			return entry->client;
	return NULL;
}

struct tls_client *
trusts_add(struct trusts *trusts, enum tls_verify verify, const char *file, struct span trust_pem,
	struct fault *fault_out)
{
	struct tls_client_settings settings = {
		.verify = verify, .trust_pem = trust_pem, .minimum = TLS_VERSION_1_2
	};
	struct tls_client *client = tls_client_new(&settings, fault_out);
	struct entry *entry;

	if (!client)
		return NULL;
	entry = mem_alloc(sizeof *entry);
	entry->verify = verify;
	entry->file = mem_strdup(file);
	entry->client = client;
	entry->next = trusts->first;
	trusts->first = entry;
	return client;
}
