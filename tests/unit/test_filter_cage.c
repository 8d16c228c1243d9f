/* SPDX-License-Identifier: BSD-2-Clause */
/* Which folders the settings take into the cage, and which settings fit into it afterwards. */
#include "unit.h"

#include "folder_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "filter/cage.h"
#include "proc/confine.h"

enum { PATH_SIZE = 128, FAILED_IN_CHILD = 1, ORDINARY_UID = 65534 };

static char home[32];
static bool as_ordinary_user; /* whoever starts the test */
static char asked[4096]; /* "right path" of each place, a line each, without what is always there */

/* Instead of the walls. */
bool
confine_enter(enum role role, const struct confine_paths *paths, struct fault *fault)
{
	static const char rights[] = { [CONFINE_READ] = 'r', [CONFINE_APPEND] = 'a',
		[CONFINE_REMOVE] = 'x', [CONFINE_DATABASE] = 'd' };
	size_t used = 0;

	(void)fault;
	assert_int_equal(role, ROLE_MILTER);
	assert_null(paths->read_write[0]);
	assert_null(paths->read_only[0]);
	for (const struct confine_place *place = paths->places; place->path; place++) {
		if (strncmp(place->path, home, strlen(home)) == 0)
			used += (size_t)snprintf(asked + used, sizeof asked - used, "%c%s\n",
				rights[place->right], place->path + strlen(home));
	}
	return true;
}

static const char *
at(const char *name)
{
	static char paths[16][PATH_SIZE];
	static size_t next;
	char *path = paths[next++ % 16];

	snprintf(path, PATH_SIZE, "%s%s", home, name);
	return path;
}

static void
write_file(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(at(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* The first bytes are all that is looked at. */
static void
write_database(const char *name, char version)
{
	char head[20] = "SQLite format 3";

	head[18] = head[19] = version;
	write_file(name, head, sizeof head);
}

static void
write_query(const char *name, const char *database)
{
	char text[2 * PATH_SIZE];
	int length = snprintf(text, sizeof text,
		"dbpath = %s\nquery = SELECT l FROM o WHERE a = '%%s'\n", at(database));

	write_file(name, text, (size_t)length);
}

static struct settings
settings_of(const char *const *tables, size_t count)
{
	return (struct settings){
		.filter = {
			.source = FILTER_SOURCE_MAPS,
			.sender_maps = { tables, count },
			.log_file = "",
			.socket = { .kind = ENDPOINT_INET, .host = "127.0.0.1", .port = 1 },
		},
	};
}

/* In a process of its own, as nobody leaves a cage. */
static void
check_asked(const struct settings *settings, const char *wanted)
{
	struct fault fault = FAULT_INIT;
	pid_t child = fork();
	int status;

	if (child == 0) {
		bool done = (!as_ordinary_user || geteuid() != 0 || setuid(ORDINARY_UID) == 0) &&
			cage_enter(at("/conf/milter.conf"), settings, &fault);

		if (!done || strcmp(asked, wanted) != 0)
			dprintf(STDERR_FILENO, "asked:\n%swanted:\n%s", asked, wanted);
		_exit(done && strcmp(asked, wanted) == 0 ? 0 : FAILED_IN_CHILD);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
folders(void **state)
{
	static const struct {
		const char *table;
		const char *file;
		const char *wanted;
	} cases[] = {
		{ "", "/conf/senders", "r/conf\n" },
		{ "texthash:", "/maps/senders", "r/conf\nr/maps\n" },
		{ "proxy:texthash:", "/maps/none", "r/conf\nr/maps\n" },
		{ "texthash:", "/maps/link", "r/conf\nr/maps\nr/far\n" },
		{ "texthash:", "/road/senders", "r/conf\nr/maps\n" },
		{ "sqlite:", "/maps/plain.cf", "r/conf\nr/maps\nr/base\n" },
		{ "proxy:sqlite:", "/maps/logged.cf", "r/conf\nr/maps\nd/base\n" },
		{ "sqlite:", "/maps/none.cf", "r/conf\nr/maps\n" },
		{ "hash:", "/far/senders", "r/conf\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *name = mem_printf("%s%s", cases[i].table, at(cases[i].file));
		struct settings settings = settings_of((const char *const[]){ name }, 1);

		check_asked(&settings, cases[i].wanted);
		settings.filter.source = FILTER_SOURCE_DIRECTORY;
		check_asked(&settings, "r/conf\n");
		mem_free(&name);
	}
}

static void
log_and_socket(void **state)
{
	struct settings settings = settings_of(NULL, 0);

	(void)state;
	settings.filter.log_file = at("/logs/milter.log");
	check_asked(&settings, "r/conf\na/logs\n");
	settings.filter.socket.kind = ENDPOINT_UNIX;
	settings.filter.socket.path = at("/far/milter.sock");
	check_asked(&settings, "r/conf\na/logs\nx/far\n");
}

/* What nobody lets the user write to is only read. */
static void
a_log_of_others(void **state)
{
	char *name = mem_printf("sqlite:%s", at("/maps/logged.cf"));
	struct settings settings = settings_of((const char *const[]){ name }, 1);

	(void)state;
	as_ordinary_user = true;
	assert_int_equal(chmod(at("/base"), 0555), 0);
	check_asked(&settings, "r/conf\nr/maps\nr/base\n");
	assert_int_equal(chmod(at("/base"), 0777), 0);
	check_asked(&settings, "r/conf\nr/maps\nd/base\n");
	as_ordinary_user = false;
	mem_free(&name);
}

static void
reload(void **state)
{
	static const struct {
		const char *table;
		const char *file;
		const char *lacks; /* NULL: nothing */
	} cases[] = {
		{ "texthash:", "/maps/other", NULL },
		{ "texthash:", "/maps/below/senders", NULL },
		{ "texthash:", "/conf/senders", NULL },
		{ "texthash:", "/maps2/senders", "/maps2" },
		{ "texthash:", "/far/senders", "/far" },
		{ "texthash:", "/maps/link", "/far" },
		{ "sqlite:", "/maps/plain.cf", "/base" },
		{ "sqlite:", "/maps/near.cf", NULL },
		{ "sqlite:", "/maps/near-logged.cf", "/maps" },
		{ "texthash:", "/not/there/senders", NULL }, /* its opening has more to say */
	};
	char *first = mem_printf("texthash:%s", at("/maps/senders"));
	struct settings settings = settings_of((const char *const[]){ first }, 1);
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(cage_enter(at("/conf/milter.conf"), &settings, &fault));
	assert_true(cage_has(&settings, &fault));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *name = mem_printf("%s%s", cases[i].table, at(cases[i].file));
		const char *const names[] = { first, name };
		bool has;

		settings = settings_of(names, 2);
		has = cage_has(&settings, &fault);
		if (has != !cases[i].lacks)
			fail_msg("%s: %d", name, has);
		if (!has) {
			assert_non_null(strstr(fault.text, at(cases[i].lacks)));
			assert_non_null(strstr(fault.text, "restart"));
		}
		settings.filter.source = FILTER_SOURCE_DIRECTORY;
		assert_true(cage_has(&settings, &fault));
		mem_free(&name);
	}
	mem_free(&first);
}

static int
set_up(void **state)
{
	static const char *const folder_names[] = { "/conf", "/maps", "/maps/below", "/maps2",
		"/far", "/base", "/logs" };

	(void)state;
	umask(022);
	snprintf(home, sizeof home, "/tmp/sallyport-cage-XXXXXX");
	if (!mkdtemp(home) || chmod(home, 0755) != 0)
		return -1;
	for (size_t i = 0; i < sizeof folder_names / sizeof folder_names[0]; i++)
		assert_int_equal(mkdir(at(folder_names[i]), 0755), 0);
	write_file("/maps/senders", "", 0);
	write_file("/far/senders", "", 0);
	assert_int_equal(symlink(at("/far/senders"), at("/maps/link")), 0);
	assert_int_equal(symlink(at("/maps"), at("/road")), 0);
	write_database("/base/plain", 1);
	write_database("/base/logged", 2);
	write_database("/maps/plain", 1);
	write_database("/maps/logged", 2);
	write_query("/maps/plain.cf", "/base/plain");
	write_query("/maps/logged.cf", "/base/logged");
	write_query("/maps/near.cf", "/maps/plain");
	write_query("/maps/near-logged.cf", "/maps/logged");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	remove_folder(home);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders),
		cmocka_unit_test(log_and_socket),
		cmocka_unit_test(a_log_of_others),
		cmocka_unit_test(reload),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
