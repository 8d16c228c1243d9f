/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates, keys, secrets. */
#include "super/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define FRONT_ENDS (ROLE_BIT(ROLE_SMTP) | ROLE_BIT(ROLE_MAILBOX))

enum {
	FILE_SIZE_MAX_BYTES = 16 * 1024 * 1024,
	COPY_BYTES = 1024 * 1024,
	MEMORY_NOT_RUN = 0x0008,   /* MFD_NOEXEC_SEAL, which older headers do not have */
	OPEN_TO_OTHERS = S_IWGRP | S_IRWXO, /* a group may read: ssl-cert */
};

static bool
visit_tls(const struct settings *settings, files_visit_fn *visit, void *context)
{
	for (size_t i = 0; i < settings->tls.count; i++) {
		const struct settings_tls *tls = &settings->tls.items[i];

		for (unsigned index = 0; index < tls->certificate.count; index++) {
			struct files_entry certificate = { FILE_CERTIFICATE, tls->title, index,
				tls->certificate.items[index], tls->where,
				FRONT_ENDS | ROLE_BIT(ROLE_KEYS) };

			if (!visit(context, &certificate))
				return false;
		}
		for (unsigned index = 0; index < tls->key.count; index++) {
			struct files_entry key = { FILE_KEY, tls->title, index,
				tls->key.items[index], tls->where, ROLE_BIT(ROLE_KEYS) };

			if (!visit(context, &key))
				return false;
		}
	}
	return true;
}

static bool
visit_trust(const char *path, const char *where, files_visit_fn *visit, void *context)
{
	struct files_entry trust = { FILE_TRUST, path, 0, path, where, ROLE_BIT(ROLE_RELAY) };

	return path[0] == '\0' || visit(context, &trust);
}

static bool
visit_routes(const struct settings *settings, files_visit_fn *visit, void *context)
{
	for (size_t i = 0; i < settings->route.count; i++) {
		const struct settings_route *route = &settings->route.items[i];
		char *name = mem_printf("route:%s", route->title);
		struct files_entry secret = { FILE_SECRET, name, 0, route->secret_file,
			route->where, ROLE_BIT(ROLE_RELAY) };
		bool done = (route->secret_file[0] == '\0' || visit(context, &secret)) &&
			visit_trust(route->trust_file, route->where, visit, context);

		mem_free(&name);
		if (!done)
			return false;
	}
	return true;
}

static bool
visit_listeners(const struct settings *settings, files_visit_fn *visit, void *context)
{
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];
		char *name = mem_printf("listener:%s", listener->title);
		struct files_entry trust = { FILE_TRUST, name, 0, listener->client_trust_file,
			listener->where, FRONT_ENDS };
		bool done = listener->client_trust_file[0] == '\0' || visit(context, &trust);

		mem_free(&name);
		if (!done)
			return false;
	}
	return true;
}

bool
files_visit(const struct settings *settings, files_visit_fn *visit, void *context)
{
	struct files_entry keytab = { FILE_KEYTAB, "", 0, settings->sasl.keytab, "sasl",
		ROLE_BIT(ROLE_AUTH) };

	return visit_tls(settings, visit, context) &&
		visit_listeners(settings, visit, context) &&
		(settings->sasl.keytab[0] == '\0' || visit(context, &keytab)) &&
		visit_trust(settings->relay.trust_file, "relay", visit, context) &&
		visit_routes(settings, visit, context);
}

static bool
is_private(enum file_kind kind)
{
	return kind == FILE_KEY || kind == FILE_SECRET || kind == FILE_KEYTAB;
}

static bool
check_file(int fd, const struct files_entry *entry, struct fault *fault)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return fault_set_errno(fault, "%s: %s", entry->where, entry->path);
	if (!S_ISREG(status.st_mode))
		return fault_set(fault, FAULT_CONFIG, "%s: %s is not a regular file", entry->where,
			entry->path);
	if (status.st_size > FILE_SIZE_MAX_BYTES)
		return fault_set(fault, FAULT_CONFIG, "%s: %s is too large", entry->where,
			entry->path);
	if (is_private(entry->kind) && (status.st_mode & OPEN_TO_OTHERS))
		return fault_set(fault, FAULT_CONFIG,
			"%s: %s is a secret, but its mode is %04o: others may read it or change it; "
			"it should be 0600",
			entry->where, entry->path, (unsigned)(status.st_mode & 07777));
	return true;
}

/* ---- copies ----------------------------------------------------------------------------------- */

struct kept {
	enum file_kind kind;
	unsigned index;
	unsigned roles;
	char *name;
	int fd;
};

struct files {
	struct kept *items;
	size_t count;
};

static int
open_file(const struct files_entry *entry, struct fault *fault)
{
	int fd = open(entry->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		fault_set_errno(fault, "%s: %s", entry->where, entry->path);
		return -1;
	}
	if (check_file(fd, entry, fault))
		return fd;
	close(fd);
	return -1;
}

/* Where the kernel knows of it: memory that can never be run. */
static int
make_memory(void)
{
	int fd = memfd_create("sallyport-file", MFD_CLOEXEC | MFD_ALLOW_SEALING | MEMORY_NOT_RUN);

	return fd >= 0 || errno != EINVAL
		? fd
		: memfd_create("sallyport-file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* By the kernel: a key does not come into the memory of this process. */
static bool
copy_sealed(int from, int to)
{
	size_t total = 0;
	ssize_t size;

	while ((size = sendfile(to, from, NULL, COPY_BYTES)) != 0) {
		if (size < 0 && errno != EINTR)
			return false;
		total += size > 0 ? (size_t)size : 0;
		if (total > FILE_SIZE_MAX_BYTES) {
			errno = EFBIG;
			return false;
		}
	}
	return fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

static int
read_file(const struct files_entry *entry, struct fault *fault)
{
	int from = open_file(entry, fault);
	int copy = from < 0 ? -1 : make_memory();

	if (from >= 0 && (copy < 0 || !copy_sealed(from, copy))) {
		fault_set_errno(fault, "%s: %s", entry->where, entry->path);
		if (copy >= 0)
			close(copy);
		copy = -1;
	}
	if (from >= 0)
		close(from);
	return copy;
}

struct reading {
	struct files *files;
	struct fault *fault;
};

static bool
is_known(const struct files *files, const struct files_entry *entry)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct kept *kept = &files->items[i];

		if (kept->kind == entry->kind && kept->index == entry->index &&
			strcmp(kept->name, entry->name) == 0)
			return true;
	}
	return false;
}

static bool
read_entry(void *context, const struct files_entry *entry)
{
	struct reading *reading = context;
	struct files *files = reading->files;
	int fd;

	/* Several routes may trust the same authorities. */
	if (is_known(files, entry))
		return true;
	fd = read_file(entry, reading->fault);
	if (fd < 0)
		return false;
	files->items = mem_grow_array(files->items, files->count + 1, sizeof *files->items);
	files->items[files->count++] = (struct kept){ entry->kind, entry->index, entry->roles,
		mem_strdup(entry->name), fd };
	return true;
}

struct files *
files_read(const struct settings *settings, struct fault *fault)
{
	struct reading reading = { mem_alloc(sizeof(struct files)), fault };

	if (!files_visit(settings, read_entry, &reading))
		files_free(&reading.files);
	return reading.files;
}

void
files_free(struct files **files)
{
	if (!*files)
		return;
	for (size_t i = 0; i < (*files)->count; i++) {
		close((*files)->items[i].fd);
		mem_free(&(*files)->items[i].name);
	}
	mem_free(&(*files)->items);
	mem_free(files);
}

bool
files_pass(const struct files *files, enum role role, files_pass_fn *pass, void *context,
	struct fault *fault)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct kept *kept = &files->items[i];
		char path[32];
		int fd;

		if (!(kept->roles & ROLE_BIT(role)))
			continue;
		/* Not a duplicate: several roles read it, each from its beginning. */
		snprintf(path, sizeof path, "/proc/self/fd/%d", kept->fd);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return fault_set_errno(fault, "%s: a copy of the file", kept->name);
		if (!pass(context, kept->kind, kept->name, kept->index, fd))
			return false;
	}
	return true;
}
