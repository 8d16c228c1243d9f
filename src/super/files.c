/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates, keys, secrets. */
#include "super/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRONT_ENDS (ROLE_BIT(ROLE_SMTP) | ROLE_BIT(ROLE_MAILBOX))

enum {
	FILE_SIZE_MAX_BYTES = 16 * 1024 * 1024,
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

bool
files_visit(const struct settings *settings, files_visit_fn *visit, void *context)
{
	struct files_entry keytab = { FILE_KEYTAB, "", 0, settings->sasl.keytab, "sasl",
		ROLE_BIT(ROLE_AUTH) };

	return visit_tls(settings, visit, context) &&
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

int
files_open(const struct files_entry *entry, struct fault *fault)
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

static bool
check_entry(void *context, const struct files_entry *entry)
{
	int fd = files_open(entry, context);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool
files_check(const struct settings *settings, struct fault *fault)
{
	return files_visit(settings, check_entry, fault);
}
