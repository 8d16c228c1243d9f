/* SPDX-License-Identifier: BSD-2-Clause */
/* Best practice of files: who may read and write them, and whether certificates are any good. */
#include "ctl/practice_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "io/tls_certificate.h"

enum { PEM_MAX_BYTES = 256 * 1024 };

void
practice_file_private(struct practice *practice, const char *where, const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0) {
		if (errno == EACCES)
			practice_note(practice, where, "%s: cannot be looked at by this user", path);
		else
			practice_warn(practice, where, "%s: %s", path, strerror(errno));
		return;
	}
	if (status.st_mode & (S_IROTH | S_IWOTH))
		practice_warn(practice, where, "%s: every user of this machine may read or write it",
			path);
	else if (status.st_mode & S_IWGRP)
		practice_warn(practice, where, "%s: its group may write it", path);
}

/* The whole file; false if this user cannot read it, which has been told. */
static bool
read_pem(struct practice *practice, const char *where, const char *path, struct buf *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool done = fd >= 0 && file_read_all(fd, to);

	if (!done && errno == EACCES)
		practice_note(practice, where, "%s: cannot be read by this user", path);
	else if (!done)
		practice_warn(practice, where, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return done;
}

static void
check_dates(struct practice *practice, const struct settings_tls *tls, const char *path,
	const struct tls_certificate *certificate)
{
	int64_t now_s = clock_wall_ms() / 1000;
	int days = tls_certificate_days_left(certificate, now_s);
	struct fault fault = FAULT_INIT;

	if (!tls_certificate_check(certificate, now_s, &fault))
		practice_warn(practice, tls->where, "%s: %s", path, fault.text);
	else if ((uint64_t)days * 86400000 < tls->expiry_warning)
		practice_warn(practice, tls->where, "%s: expires in %d days", path, days);
}

static void
check_key(struct practice *practice, const struct settings_tls *tls, const char *path,
	const struct tls_certificate *certificate)
{
	struct buf pem = BUF_INIT(PEM_MAX_BYTES);
	struct fault fault = FAULT_INIT;

	practice_file_private(practice, tls->where, path);
	if (access(path, R_OK) == 0 && read_pem(practice, tls->where, path, &pem) &&
		!tls_certificate_fits_key(certificate, buf_span(&pem), &fault))
		practice_warn(practice, tls->where, "%s: %s", path, fault.text);
	buf_wipe(&pem);
	buf_fini(&pem);
}

/* Gives whether the certificate is for the host name. */
static bool
check_pair(struct practice *practice, const struct settings_tls *tls, size_t index)
{
	const char *path = tls->certificate.items[index];
	struct buf pem = BUF_INIT(PEM_MAX_BYTES);
	struct fault fault = FAULT_INIT;
	struct tls_certificate *certificate = NULL;
	bool named = true;

	if (read_pem(practice, tls->where, path, &pem)) {
		certificate = tls_certificate_load(buf_span(&pem), &fault);
		if (!certificate)
			practice_warn(practice, tls->where, "%s: %s", path, fault.text);
	}
	if (certificate) {
		check_dates(practice, tls, path, certificate);
		check_key(practice, tls, tls->key.items[index], certificate);
		named = tls_certificate_has_name(certificate,
			span_text(practice->settings->hostname));
	}
	tls_certificate_free(&certificate);
	buf_fini(&pem);
	return named;
}

void
practice_check_files(struct practice *practice)
{
	const struct settings *settings = practice->settings;
	bool named = settings->tls.count == 0;
	struct stat status;

	if (stat(settings->file, &status) == 0 && (status.st_mode & (S_IWOTH | S_IWGRP)))
		practice_warn(practice, settings->file, "others than its owner may write it");
	for (size_t i = 0; i < settings->tls.count; i++) {
		for (size_t n = 0; n < settings->tls.items[i].certificate.count; n++)
			named |= check_pair(practice, &settings->tls.items[i], n);
	}
	if (!named)
		practice_warn(practice, settings->file,
			"no certificate is for the host name %s, so clients will refuse it",
			settings->hostname);
}
