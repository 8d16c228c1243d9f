/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the files of a configuration, and which line came from where. */
#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/source_scan.h"

/* A file being read, and the one that includes it. */
struct source_file {
	const char *path;
	dev_t device;
	ino_t inode;
	const struct source_file *parent;
	unsigned int depth;
};

static bool
check_kind(int fd, struct source_file *file, struct fault *fault)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return fault_set_errno(fault, "%s:1: cannot be read", file->path);
	if (!S_ISREG(status.st_mode))
		return fault_set(fault, FAULT_CONFIG, "%s:1: is not a regular file", file->path);
	if (status.st_size > SOURCE_FILE_MAX_BYTES)
		return fault_set(fault, FAULT_CONFIG, "%s:1: is larger than %d bytes", file->path,
			SOURCE_FILE_MAX_BYTES);
	file->device = status.st_dev;
	file->inode = status.st_ino;
	for (const struct source_file *outer = file->parent; outer; outer = outer->parent) {
		if (outer->device == file->device && outer->inode == file->inode)
			return fault_set(fault, FAULT_CONFIG, "%s:1: includes itself", file->path);
	}
	return true;
}

/* The file may grow while it is read, so the cap is kept here again. */
static bool
read_whole(int fd, const char *path, struct buf *to, struct fault *fault)
{
	if (file_read_all(fd, to))
		return true;
	if (errno == EFBIG)
		return fault_set(fault, FAULT_CONFIG, "%s:1: is larger than %d bytes", path,
			SOURCE_FILE_MAX_BYTES);
	return fault_set_errno(fault, "%s:1: cannot be read", path);
}

static bool
read_file(struct source_file *file, struct buf *to, struct fault *fault)
{
	/* Not blocking, so that a FIFO without a writer cannot stop the start. */
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool done;

	if (fd < 0)
		return fault_set_errno(fault, "%s:1: cannot be opened", file->path);
	done = check_kind(fd, file, fault) && read_whole(fd, file->path, to, fault);
	close(fd);
	return done;
}

static unsigned int
line_of_end(struct source *source)
{
	struct span text = buf_span(&source->text);
	unsigned int line = 1;

	for (size_t i = 0; i < text.length; i++)
		line += text.start[i] == '\n';
	return line;
}

static void
add_place(struct source *source, const char *file, unsigned int line)
{
	source->places = mem_grow_array(source->places, source->place_count + 1,
		sizeof *source->places);
	source->places[source->place_count++] = (struct source_place){
		.first = line_of_end(source),
		.file = file,
		.line = line,
	};
}

struct reading {
	struct source *source;
	struct arena *arena;
	const struct source_file *file;
};

static bool read_one(struct source *source, struct source_file *file, struct arena *arena,
	struct fault *fault);

/* include("path"): the file's text goes here, then the including file continues. */
static bool
on_include(struct span path, unsigned int line, void *context, struct fault *fault)
{
	struct reading *reading = context;
	const struct source_file *outer = reading->file;
	const char *slash = strrchr(outer->path, '/');
	struct source_file file = { .parent = outer, .depth = outer->depth + 1 };

	if (file.depth > SOURCE_DEPTH_MAX)
		return fault_set(fault, FAULT_CONFIG, "%s:%u: includes are nested more than %d deep",
			outer->path, line, SOURCE_DEPTH_MAX);
	if (reading->source->place_count > 2 * SOURCE_INCLUDES_MAX)
		return fault_set(fault, FAULT_CONFIG, "%s:%u: more than %d includes", outer->path, line,
			SOURCE_INCLUDES_MAX);
	file.path = span_starts(path, "/") || !slash
		? arena_strndup(reading->arena, path.start, path.length)
		: arena_printf(reading->arena, "%.*s%.*s", (int)(slash - outer->path + 1),
			outer->path, SPAN_PRINT(path));
	buf_add_byte(&reading->source->text, '\n');
	if (!read_one(reading->source, &file, reading->arena, fault)) {
		if (fault->kind == FAULT_SYSTEM)
			fault_add(fault, "%s:%u", outer->path, line);
		return false;
	}
	buf_add_byte(&reading->source->text, '\n');
	add_place(reading->source, outer->path, line);
	return true;
}

static bool
read_one(struct source *source, struct source_file *file, struct arena *arena, struct fault *fault)
{
	struct reading reading = { source, arena, file };
	struct source_scan scan = {
		.file = file->path,
		.to = &source->text,
		.on_include = on_include,
		.context = &reading,
	};
	struct buf raw = BUF_INIT(SOURCE_FILE_MAX_BYTES);
	bool done;

	done = read_file(file, &raw, fault);
	if (done) {
		add_place(source, file->path, 1);
		done = source_scan(&scan, buf_span(&raw), fault);
	}
	if (done && source->text.overflow)
		done = fault_set(fault, FAULT_CONFIG, "%s:1: is too much: all files make more than "
			"%d bytes", file->path, SOURCE_MAX_BYTES);
	buf_fini(&raw);
	return done;
}

bool
source_read_raw(const char *path, struct buf *to, struct fault *fault)
{
	struct source_file file = { .path = path };

	return read_file(&file, to, fault);
}

bool
source_read(struct source *source, const char *path, struct arena *arena, struct fault *fault)
{
	struct source_file file = { .path = arena_strdup(arena, path) };

	*source = (struct source){ .text = BUF_INIT(SOURCE_MAX_BYTES) };
	if (read_one(source, &file, arena, fault))
		return true;
	source_fini(source);
	return false;
}

void
source_fini(struct source *source)
{
	buf_fini(&source->text);
	mem_free(&source->places);
	source->place_count = 0;
}

static const struct source_place *
place_of(const struct source *source, unsigned int line)
{
	size_t at = source->place_count - 1;

	while (at > 0 && source->places[at].first > line)
		at--;
	return &source->places[at];
}

const char *
source_file(const struct source *source, unsigned int line)
{
	return place_of(source, line)->file;
}

unsigned int
source_line(const struct source *source, unsigned int line)
{
	const struct source_place *place = place_of(source, line);

	return line < place->first ? place->line : place->line + line - place->first;
}

bool
source_fault(const struct source *source, unsigned int line, struct fault *fault,
	const char *format, ...)
{
	char reason[FAULT_TEXT_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	return fault_set(fault, FAULT_CONFIG, "%s:%u: %s", source_file(source, line),
		source_line(source, line), reason);
}
