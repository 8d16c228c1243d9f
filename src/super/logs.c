/* SPDX-License-Identifier: BSD-2-Clause */
/* The log files. */
#include "super/logs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "super/roll.h"

enum {
	LOG_FILE_MODE = 0640,
	CLEAN_EVERY_MS = 3600 * 1000,
};

/* Behind those of listeners. */
#define PROTOCOL_RELAY ((size_t)LISTENER_POP3 + 1)
#define PROTOCOL_COUNT (PROTOCOL_RELAY + 1)

struct log_file {
	char *path;       /* NULL: not ours */
	int fd;
	int64_t since_ms; /* begun, or last written before we came */
};

struct logs {
	struct log_file event; /* standard error if it has no path */
	struct log_file protocols[PROTOCOL_COUNT];
	int64_t cleaned_ms; /* 0: not yet */
};

static const char *const names[PROTOCOL_COUNT] = {
	[LISTENER_SMTP] = "smtp",
	[LISTENER_IMAP] = "imap",
	[LISTENER_POP3] = "pop3",
	[PROTOCOL_RELAY] = LOGS_RELAY,
};

const char *
logs_protocol_name(enum listener_protocol protocol)
{
	return names[protocol];
}

/* Append-only, so that lines of several processes do not overwrite each other. */
static bool
open_log(struct log_file *file, const char *path, struct fault *fault)
{
	struct stat status;

	file->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		LOG_FILE_MODE);
	if (file->fd < 0)
		return fault_set_errno(fault, "log file %s", path);
	file->path = mem_strdup(path);
	file->since_ms = clock_wall_ms();
	if (fstat(file->fd, &status) == 0 && status.st_size > 0)
		file->since_ms = (int64_t)status.st_mtim.tv_sec * 1000;
	return true;
}

/*
 * Standard error may be a pipe or a socket that nobody reads: writing must not wait for them. A
 * terminal is opened anew if it can be, since the flag would else hold for whoever called us.
 */
static bool
use_standard_error(struct log_file *file, struct fault *fault)
{
	struct stat status;

	file->fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (file->fd >= 0)
		return true;
	file->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (file->fd < 0)
		return fault_set_errno(fault, "standard error");
	if (fstat(file->fd, &status) == 0 && (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode)))
		fcntl(file->fd, F_SETFL, O_NONBLOCK);
	return true;
}

static void
close_log(struct log_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	mem_free(&file->path);
}

static bool
has_protocol(const struct settings *settings, size_t protocol)
{
	if (protocol == PROTOCOL_RELAY)
		return true;
	for (size_t i = 0; i < settings->listener.count; i++) {
		if (settings->listener.items[i].protocol == protocol)
			return true;
	}
	return false;
}

static bool
open_protocol_logs(struct logs *logs, const struct settings *settings, struct fault *fault)
{
	if (settings->log.protocol_log == LOG_PROTOCOL_OFF)
		return true;
	if (settings->log.protocol_directory[0] == '\0')
		return fault_set(fault, FAULT_CONFIG,
			"log: protocol-log is on, but protocol-directory is not set");
	for (size_t protocol = 0; protocol < PROTOCOL_COUNT; protocol++) {
		char *path;
		bool done;

		if (!has_protocol(settings, protocol))
			continue;
		path = mem_printf("%s/%s.log", settings->log.protocol_directory, names[protocol]);
		done = open_log(&logs->protocols[protocol], path, fault);
		mem_free(&path);
		if (!done)
			return false;
	}
	return true;
}

struct logs *
logs_open(const struct settings *settings, struct fault *fault)
{
	struct logs *logs = mem_alloc(sizeof *logs);

	logs->event.fd = -1;
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		logs->protocols[i].fd = -1;
	if (!(settings->log.file[0] ? open_log(&logs->event, settings->log.file, fault)
				    : use_standard_error(&logs->event, fault)) ||
		!open_protocol_logs(logs, settings, fault))
		logs_free(&logs);
	return logs;
}

void
logs_free(struct logs **logs)
{
	if (!*logs)
		return;
	close_log(&(*logs)->event);
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		close_log(&(*logs)->protocols[i]);
	mem_free(logs);
}

static bool
roll_one(const struct log_file *file, const struct settings_log *log, int64_t now_ms)
{
	struct fault fault = FAULT_INIT;
	struct stat status;

	if (!file->path || fstat(file->fd, &status) != 0 ||
		!roll_is_due(log, (uint64_t)status.st_size, file->since_ms, now_ms))
		return false;
	if (!roll_rename(file->path, now_ms, &fault)) {
		log_event(EV_LOGS_KEPT, kv_fault(&fault));
		return false;
	}
	return true;
}

/* All logs share what is kept. */
static void
clean(const struct logs *logs, const struct settings_log *log, int64_t now_ms)
{
	const char *paths[PROTOCOL_COUNT + 1];
	size_t count = 0;

	if (logs->event.path)
		paths[count++] = logs->event.path;
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		if (logs->protocols[i].path)
			paths[count++] = logs->protocols[i].path;
	}
	roll_clean(paths, count, log, now_ms);
}

bool
logs_roll(struct logs *logs, const struct settings *settings, int64_t now_ms)
{
	bool any = roll_one(&logs->event, &settings->log, now_ms);

	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		any |= roll_one(&logs->protocols[i], &settings->log, now_ms);
	if (any || now_ms - logs->cleaned_ms >= CLEAN_EVERY_MS || now_ms < logs->cleaned_ms) {
		clean(logs, &settings->log, now_ms);
		logs->cleaned_ms = now_ms;
	}
	return any;
}

void
logs_use(const struct logs *logs, const struct settings *settings)
{
	log_start(role_name(ROLE_SUPER), logs->event.fd,
		settings->log.format == LOG_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT,
		(enum log_level)settings->log.level);
}

int
logs_event_fd(const struct logs *logs)
{
	return logs->event.fd;
}

int
logs_protocol_fd(const struct logs *logs, const char *protocol)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		if (strcmp(names[i], protocol) == 0)
			return logs->protocols[i].fd;
	}
	return -1;
}
