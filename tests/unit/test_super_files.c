/* SPDX-License-Identifier: BSD-2-Clause */
/* Files are read if their modes are right, kept, and passed to who needs them. */
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

/* As the only file of its kind that the settings name. */
static struct settings_tls tls;
static struct settings_route route;

static struct settings
settings_with(enum file_kind kind, const char *path)
{
	static const char *paths[2];
	struct settings settings = { .sasl = { .keytab = "" }, .relay = { .trust_file = "" } };

	paths[0] = path;
	tls = (struct settings_tls){ .title = "main", .where = "x.conf:7" };
	route = (struct settings_route){ .title = "*", .where = "x.conf:7", .secret_file = "",
		.trust_file = "" };
	settings.tls = (struct settings_tls_list){ &tls, 1 };
	settings.route = (struct settings_routes){ &route, 1 };
	if (kind == FILE_KEY)
		tls.key = (struct settings_texts){ paths, 1 };
	else if (kind == FILE_CERTIFICATE)
		tls.certificate = (struct settings_texts){ paths, 1 };
	else if (kind == FILE_SECRET)
		route.secret_file = path;
	else if (kind == FILE_TRUST)
		route.trust_file = path;
	else
		settings.sasl.keytab = path;
	return settings;
}

static bool
opens(enum file_kind kind, const char *name, struct fault *fault)
{
	struct settings settings = settings_with(kind, path_of(name));
	struct files *files = files_read(&settings, fault);
	bool good = files;

	files_free(&files);
	return good;
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

static void
write_file(const char *name, const char *text)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static const char *const wanted_text = "the old key";
static unsigned passed;

static bool
read_whole(void *context, enum file_kind kind, const char *name, unsigned index, int fd)
{
	char text[64] = "";

	assert_null(context);
	assert_int_equal(kind, FILE_KEY);
	assert_string_equal(name, "main");
	assert_int_equal(index, 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof text - 1), strlen(wanted_text));
	assert_string_equal(text, wanted_text);
	close(fd);
	passed++;
	return true;
}

/* Whatever becomes of the file, each role that starts reads what was there, from its beginning. */
static void
what_was_read_is_kept(void **state)
{
	struct settings settings = settings_with(FILE_KEY, path_of("kept"));
	struct fault fault = FAULT_INIT;
	struct files *files;
	int fd;

	(void)state;
	write_file("kept", wanted_text);
	files = files_read(&settings, &fault);
	assert_non_null(files);
	write_file("kept", "a new key that is longer");
	assert_true(files_pass(files, ROLE_KEYS, read_whole, NULL, &fault));
	assert_true(files_pass(files, ROLE_KEYS, read_whole, NULL, &fault));
	assert_true(files_pass(files, ROLE_SMTP, read_whole, NULL, &fault));
	assert_int_equal(passed, 2);
	/* Who has a copy cannot change it for the next, whoever it is. */
	for (fd = 3; fd < 64; fd++) {
		const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
		int found = fcntl(fd, F_GET_SEALS);

		if (found > 0 && (found & seals) == seals)
			break;
	}
	assert_true(fd < 64);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	files_free(&files);
	unlink(path_of("kept"));
	assert_false(opens(FILE_KEY, "kept", &fault));
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
	static const struct settings_tls two = { .title = "main",
		.certificate = { certificates, 2 },
		.key = { keys, 2 } };
	static const struct settings_route routes[] = {
		{ .title = "*", .secret_file = "/hop.secret", .trust_file = "" },
		{ .title = "a.org", .secret_file = "", .trust_file = "/ca.pem" },
	};
	static const struct settings_listener listeners[] = {
		{ .title = "in", .client_trust_file = "" },
		{ .title = "plant", .client_trust_file = "/plant.pem" },
	};
	static const struct settings settings = { .tls = { &two, 1 },
		.listener = { listeners, 2 },
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
		"%d listener:plant 0 /plant.pem %x\n"
		"%d  0 /mail.keytab %x\n%d route:* 0 /hop.secret %x\n%d /ca.pem 0 /ca.pem %x\n",
		FILE_CERTIFICATE, front | keys_role, FILE_CERTIFICATE, front | keys_role, FILE_KEY,
		keys_role, FILE_KEY, keys_role, FILE_TRUST, front, FILE_KEYTAB, ROLE_BIT(ROLE_AUTH), FILE_SECRET,
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
		cmocka_unit_test(what_was_read_is_kept),
		cmocka_unit_test(who_gets_what),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
