/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords, keys and SASL messages: wiped when freed, left out of core files. */
#include "base/secret.h"

#include <assert.h>
#include <string.h>

#include <nettle/memops.h>

#include "base/memory.h"

struct secret {
	size_t length;
	size_t size;
	unsigned char bytes[];
};

struct secret *
secret_alloc(size_t size)
{
	struct secret *secret = mem_alloc(sizeof *secret + size + 1);

	secret->length = secret->size = size;
	return secret;
}

struct secret *
secret_new(struct span bytes)
{
	struct secret *secret = secret_alloc(bytes.length);

	if (bytes.length)
		memcpy(secret->bytes, bytes.start, bytes.length);
	return secret;
}

void
secret_free(struct secret **secret)
{
	if (!*secret)
		return;
	mem_wipe(*secret, sizeof **secret + (*secret)->size);
	mem_free(secret);
}

struct span
secret_span(const struct secret *secret)
{
	return secret ? span_of(secret->bytes, secret->length) : SPAN_EMPTY;
}

unsigned char *
secret_bytes(struct secret *secret)
{
	return secret->bytes;
}

void
secret_truncate(struct secret *secret, size_t length)
{
	assert(length <= secret->length);
	mem_wipe(secret->bytes + length, secret->length - length);
	secret->length = length;
}

bool
secret_equal(struct span a, struct span b)
{
	return a.length == b.length && (a.length == 0 || memeql_sec(a.start, b.start, a.length));
}
