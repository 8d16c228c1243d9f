/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "super/files.h"

static char folder[64];

static const char *
path_of(const char *name)
{
	static char paths[8][128];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static void
make_file(const char *name, mode_t mode)
{
	int fd;

	/* Its last mode may forbid us to write it again. */
	unlink(path_of(name));
	fd = open(path_of(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static bool
opens(enum file_kind kind, const char *name, struct fault *fault)
{
	struct files_entry entry = { kind, "main", 0, path_of(name), "x.conf:7", 0 };
	int fd = files_open(&entry, fault);

	if (fd >= 0) {
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
	return fd >= 0;
}

static void
modes(void **state)
{
	static const struct {
		mode_t mode;
		bool key;
		bool certificate;
	} cases[] = {
		{ 0600, true, true },
		{ 0400, true, true },
		{ 0640, true, true }, /* ssl-cert of Debian */
		{ 0660, false, true },
		{ 0644, false, true },
		{ 0604, false, true },
		{ 0602, false, true },
		{ 0601, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault fault = FAULT_INIT;

		make_file("file", cases[i].mode);
		assert_int_equal(opens(FILE_KEY, "file", &fault), cases[i].key);
		if (!cases[i].key)
			assert_non_null(strstr(fault.text, "x.conf:7: "));
		assert_int_equal(opens(FILE_SECRET, "file", &fault), cases[i].key);
		assert_int_equal(opens(FILE_KEYTAB, "file", &fault), cases[i].key);
		assert_int_equal(opens(FILE_CERTIFICATE, "file", &fault), cases[i].certificate);
		assert_int_equal(opens(FILE_TRUST, "file", &fault), cases[i].certificate);
	}
}

static void
not_a_file(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_false(opens(FILE_KEY, "absent", &fault));
	mkdir(path_of("folder"), 0700);
	assert_false(opens(FILE_KEY, "folder", &fault));
	/* Does not hang. */
	mkfifo(path_of("fifo"), 0600);
	assert_false(opens(FILE_KEY, "fifo", &fault));
	/* Where certbot keeps them, names are links. */
	make_file("file", 0600);
	assert_int_equal(symlink(path_of("file"), path_of("link")), 0);
	assert_true(opens(FILE_KEY, "link", &fault));
	assert_int_equal(truncate(path_of("file"), 64 * 1024 * 1024), 0);
	assert_false(opens(FILE_KEY, "file", &fault));
}

struct seen {
	char text[1024];
};

static bool
note(void *context, const struct files_entry *entry)
{
	struct seen *seen = context;
	size_t length = strlen(seen->text);

	snprintf(seen->text + length, sizeof seen->text - length, "%d %s %u %s %x\n", entry->kind,
		entry->name, entry->index, entry->path, entry->roles);
	return true;
}

static void
who_gets_what(void **state)
{
	static const char *const certificates[] = { "/rsa.pem", "/ec.pem" };
	static const char *const keys[] = { "/rsa.key", "/ec.key" };
	static const struct settings_tls tls = { .title = "main",
		.certificate = { certificates, 2 },
		.key = { keys, 2 } };
	static const struct settings_route routes[] = {
		{ .title = "*", .secret_file = "/hop.secret", .trust_file = "" },
		{ .title = "a.org", .secret_file = "", .trust_file = "/ca.pem" },
	};
	static const struct settings settings = { .tls = { &tls, 1 },
		.sasl = { .keytab = "/mail.keytab" },
		.relay = { .trust_file = "" },
		.route = { routes, 2 } };
	struct seen seen = { "" };
	char wanted[1024];
	unsigned front = ROLE_BIT(ROLE_SMTP) | ROLE_BIT(ROLE_MAILBOX);
	unsigned keys_role = ROLE_BIT(ROLE_KEYS);

	(void)state;
	assert_true(files_visit(&settings, note, &seen));
	snprintf(wanted, sizeof wanted,
		"%d main 0 /rsa.pem %x\n%d main 1 /ec.pem %x\n"
		"%d main 0 /rsa.key %x\n%d main 1 /ec.key %x\n"
		"%d  0 /mail.keytab %x\n%d route:* 0 /hop.secret %x\n%d /ca.pem 0 /ca.pem %x\n",
		FILE_CERTIFICATE, front | keys_role, FILE_CERTIFICATE, front | keys_role, FILE_KEY,
		keys_role, FILE_KEY, keys_role, FILE_KEYTAB, ROLE_BIT(ROLE_AUTH), FILE_SECRET,
		ROLE_BIT(ROLE_RELAY), FILE_TRUST, ROLE_BIT(ROLE_RELAY));
	assert_string_equal(seen.text, wanted);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/sallyport-files-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path_of("file"));
	unlink(path_of("link"));
	unlink(path_of("fifo"));
	rmdir(path_of("folder"));
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes),
		cmocka_unit_test(not_a_file),
		cmocka_unit_test(who_gets_what),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
