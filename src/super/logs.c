/* SPDX-License-Identifier: BSD-2-Clause */
/* The log files. */
#include "super/logs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum { LOG_FILE_MODE = 0640 };

#define PROTOCOL_COUNT ((size_t)LISTENER_POP3 + 1)

struct logs {
	int event_fd; /* STDERR_FILENO, or ours */
	int protocol_fds[PROTOCOL_COUNT];
};

const char *
logs_protocol_name(enum listener_protocol protocol)
{
	static const char *const names[PROTOCOL_COUNT] = {
		[LISTENER_SMTP] = "smtp",
		[LISTENER_IMAP] = "imap",
		[LISTENER_POP3] = "pop3",
	};

	return names[protocol];
}

/* Append-only, so that lines of several processes do not overwrite each other. */
static int
open_log(const char *path, struct fault *fault)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		LOG_FILE_MODE);

	if (fd < 0)
		fault_set_errno(fault, "log file %s", path);
	return fd;
}

static bool
has_protocol(const struct settings *settings, enum listener_protocol protocol)
{
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
	for (enum listener_protocol protocol = 0; protocol <= LISTENER_POP3; protocol++) {
		char *path;

		if (!has_protocol(settings, protocol))
			continue;
		path = mem_printf("%s/%s.log", settings->log.protocol_directory,
			logs_protocol_name(protocol));
		logs->protocol_fds[protocol] = open_log(path, fault);
		mem_free(&path);
		if (logs->protocol_fds[protocol] < 0)
			return false;
	}
	return true;
}

struct logs *
logs_open(const struct settings *settings, struct fault *fault)
{
	struct logs *logs = mem_alloc(sizeof *logs);

	logs->event_fd = STDERR_FILENO;
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		logs->protocol_fds[i] = -1;
	if (settings->log.file[0])
		logs->event_fd = open_log(settings->log.file, fault);
	if (logs->event_fd < 0 || !open_protocol_logs(logs, settings, fault))
		logs_free(&logs);
	return logs;
}

void
logs_free(struct logs **logs)
{
	if (!*logs)
		return;
	if ((*logs)->event_fd > STDERR_FILENO)
		close((*logs)->event_fd);
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		if ((*logs)->protocol_fds[i] >= 0)
			close((*logs)->protocol_fds[i]);
	}
	mem_free(logs);
}

void
logs_use(const struct logs *logs, const struct settings *settings)
{
	log_start(role_name(ROLE_SUPER), logs->event_fd,
		settings->log.format == LOG_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT,
		(enum log_level)settings->log.level);
}

int
logs_event_fd(const struct logs *logs)
{
	return logs->event_fd;
}

int
logs_protocol_fd(const struct logs *logs, const char *protocol)
{
	for (enum listener_protocol i = 0; i <= LISTENER_POP3; i++) {
		if (strcmp(logs_protocol_name(i), protocol) == 0)
			return logs->protocol_fds[i];
	}
	return -1;
}
