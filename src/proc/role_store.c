/* SPDX-License-Identifier: BSD-2-Clause */
/* The files and secrets that super passed to a role. */
#include "proc/role_store.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { STORE_MAX = 4096 }; /* of each; a listener may have many addresses */

struct stored_file {
	enum file_kind kind;
	unsigned index;
	char *name;
	int fd; /* -1: taken */
};

struct stored_secret {
	enum secret_kind kind;
	char *name;
	struct secret *bytes;
};

struct role_store {
	struct stored_file *files;
	size_t file_count;
	struct stored_secret *secrets;
	size_t secret_count;
};

struct role_store *
role_store_new(void)
{
	return mem_alloc(sizeof(struct role_store));
}

void
role_store_free(struct role_store **store)
{
	struct role_store *old = *store;

	if (!old)
		return;
	for (size_t i = 0; i < old->file_count; i++) {
		if (old->files[i].fd >= 0)
			close(old->files[i].fd);
		mem_free(&old->files[i].name);
	}
	for (size_t i = 0; i < old->secret_count; i++) {
		secret_free(&old->secrets[i].bytes);
		mem_free(&old->secrets[i].name);
	}
	mem_free(&old->files);
	mem_free(&old->secrets);
	mem_free(store);
}

static struct stored_file *
find_file(struct role_store *store, enum file_kind kind, const char *name, unsigned index)
{
	for (size_t i = 0; i < store->file_count; i++) {
		struct stored_file *file = &store->files[i];

		if (file->kind == kind && file->index == index && strcmp(file->name, name) == 0)
			return file;
	}
	return NULL;
}

bool
role_store_add_file(struct role_store *store, const struct message_file *file, int fd)
{
	struct stored_file *stored = find_file(store, file->kind, file->name, file->index);

	if (!stored && store->file_count == STORE_MAX) {
		close(fd);
		return false;
	}
	if (!stored) {
		store->files = mem_grow_array(
			store->files, store->file_count + 1, sizeof *store->files);
		stored = &store->files[store->file_count++];
		*stored = (struct stored_file){ .kind = file->kind,
			.index = file->index,
			.name = mem_strdup(file->name),
			.fd = -1 };
	}
	if (stored->fd >= 0)
		close(stored->fd);
	stored->fd = fd;
	return true;
}

int
role_store_take_file(struct role_store *store, enum file_kind kind, const char *name,
	unsigned index)
{
	struct stored_file *file = find_file(store, kind, name, index);
	int fd = file ? file->fd : -1;

	if (fd < 0)
		return -1;
	/* What several parts of a role may read, each from its beginning. */
	if (kind == FILE_TRUST || kind == FILE_CERTIFICATE) {
		lseek(fd, 0, SEEK_SET);
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	}
	file->fd = -1;
	return fd;
}

static struct stored_secret *
find_secret(const struct role_store *store, enum secret_kind kind, const char *name)
{
	for (size_t i = 0; i < store->secret_count; i++) {
		if (store->secrets[i].kind == kind && strcmp(store->secrets[i].name, name) == 0)
			return &store->secrets[i];
	}
	return NULL;
}

bool
role_store_add_secret(struct role_store *store, const struct message_secret *secret)
{
	struct stored_secret *stored = find_secret(store, secret->kind, secret->name);

	if (!stored && store->secret_count == STORE_MAX)
		return false;
	if (!stored) {
		store->secrets = mem_grow_array(
			store->secrets, store->secret_count + 1, sizeof *store->secrets);
		stored = &store->secrets[store->secret_count++];
		*stored = (struct stored_secret){ .kind = secret->kind,
			.name = mem_strdup(secret->name) };
	}
	secret_free(&stored->bytes);
	stored->bytes = secret_new(secret->bytes);
	return true;
}

struct span
role_store_secret(const struct role_store *store, enum secret_kind kind, const char *name)
{
	const struct stored_secret *stored = find_secret(store, kind, name);

	return stored ? secret_span(stored->bytes) : SPAN_EMPTY;
}
