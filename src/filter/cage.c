/* SPDX-License-Identifier: BSD-2-Clause */
/* The walls around the process that serves, and what is within them. */
#include "filter/cage.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "filter/maps.h"
#include "proc/confine.h"

/* Names without links; the last place has none. */
struct cage {
	struct confine_place *places;
	size_t count;
};

/* Of the process: there is no way out, nor a second one. */
static struct cage own;

/* ---- places ----------------------------------------------------------------------------------- */

static void
add(struct cage *cage, const char *path, enum confine_right right)
{
	for (size_t i = 0; i < cage->count; i++) {
		if (cage->places[i].right == right && strcmp(cage->places[i].path, path) == 0)
			return;
	}
	cage->places = mem_grow_array(cage->places, cage->count + 2, sizeof *cage->places);
	cage->places[cage->count++] = (struct confine_place){ mem_strdup(path), right };
	cage->places[cage->count] = (struct confine_place){ .path = NULL };
}

static void
cage_fini(struct cage *cage)
{
	for (size_t i = 0; i < cage->count; i++)
		mem_free(&cage->places[i].path);
	mem_free(&cage->places);
}

static bool
is_below(const char *path, const char *folder)
{
	size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool
has_place(const struct cage *cage, const struct confine_place *wanted)
{
	for (size_t i = 0; i < cage->count; i++) {
		const struct confine_place *place = &cage->places[i];

		if ((place->right == wanted->right || place->right == CONFINE_DATABASE) &&
			is_below(wanted->path, place->path))
			return true;
	}
	return false;
}

/* ---- what a file needs ------------------------------------------------------------------------ */

/* The folder that has the name; a link also needs the one that has the file. */
static void
add_folder_of(struct cage *cage, const char *path, enum confine_right right)
{
	char *copy = mem_strdup(path);
	char *folder = realpath(dirname(copy), NULL);
	char *file = realpath(path, NULL);

	if (folder)
		add(cage, folder, right);
	if (file)
		add(cage, dirname(file), right);
	free(file);
	free(folder);
	mem_free(&copy);
}

/*
 * The write-ahead log is there while somebody has the database open. Who comes first makes it anew, to
 * read as well; but not where nobody lets him.
 */
static bool
needs_writing(const char *database)
{
	enum { VERSIONS_AT = 18, WITH_LOG = 2 }; /* https://www.sqlite.org/fileformat.html 1.3 */
	unsigned char head[VERSIONS_AT + 2];
	char *file = realpath(database, NULL);
	int fd = open(database, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool needs = file && fd >= 0 && read(fd, head, sizeof head) == sizeof head &&
		(head[VERSIONS_AT] == WITH_LOG || head[VERSIONS_AT + 1] == WITH_LOG) &&
		access(dirname(file), W_OK | X_OK) == 0;

	if (fd >= 0)
		close(fd);
	free(file);
	return needs;
}

static void
on_file(const char *path, bool is_database, void *context)
{
	add_folder_of(context, path,
		is_database && needs_writing(path) ? CONFINE_DATABASE : CONFINE_READ);
}

static void
add_tables(struct cage *cage, const struct settings_filter *filter)
{
	if (filter->source == FILTER_SOURCE_MAPS)
		maps_each_file(&filter->sender_maps, on_file, cage);
}

/* ---- the cage --------------------------------------------------------------------------------- */

bool
cage_enter(const char *path, const struct settings *settings, struct fault *fault_out)
{
	/* What a date in the system log needs; what SQLite takes chance from, and fills low fds with. */
	static const char *const always[] = { "/etc/localtime", "/usr/share/zoneinfo",
		"/dev/urandom", "/dev/null" };
	const struct settings_filter *filter = &settings->filter;
	struct confine_paths paths = { .read_write = { NULL } };

	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		add(&own, always[i], CONFINE_READ);
	add_folder_of(&own, path, CONFINE_READ);
	add_tables(&own, filter);
	if (filter->log_file[0])
		add_folder_of(&own, filter->log_file, CONFINE_APPEND);
	if (filter->socket.kind == ENDPOINT_UNIX)
		add_folder_of(&own, filter->socket.path, CONFINE_REMOVE);
	paths.places = own.places;
	return confine_enter(ROLE_MILTER, &paths, fault_out);
}

bool
cage_has(const struct settings *settings, struct fault *fault_out)
{
	struct cage asked = { NULL, 0 };
	bool has = true;

	add_tables(&asked, &settings->filter);
	for (size_t i = 0; i < asked.count && has; i++) {
		if (!has_place(&own, &asked.places[i]))
			has = fault_set(fault_out, FAULT_CONFIG,
				"tables in %s need a restart: nothing of the settings was %s there at "
				"the start",
				asked.places[i].path,
				asked.places[i].right == CONFINE_READ ? "read" : "written");
	}
	cage_fini(&asked);
	return has;
}
