/* SPDX-License-Identifier: BSD-2-Clause */
/* sallyport-milter as a server. */
#include "filter/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "filter/cage.h"
#include "filter/guardian.h"
#include "filter/milter.h"
#include "filter/privileges.h"
#include "filter/snapshot.h"
#include "proc/confine.h"

enum { STOP_WAIT_MS = 2000, STOP_TURN_MS = 10 };

/* The server that runs; what cannot change without a restart is kept as it began. */
struct filter {
	const char *config;
	struct settings *first;
	int log; /* stays the same fd through every reload */
	int orders;
	bool foreground;
};

static bool
open_log(const char *path, int *log_out, struct fault *fault_out)
{
	int fd = path[0] ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640)
			 : STDERR_FILENO;

	if (fd < 0)
		return fault_set_errno(fault_out, "cannot open %s", path);
	*log_out = fd;
	return true;
}

static void
start_log(const struct settings *settings, int fd)
{
	static const enum log_level levels[] = {
		[LOG_LEAST_DEBUG] = LOG_LEVEL_DEBUG,
		[LOG_LEAST_INFO] = LOG_LEVEL_INFO,
		[LOG_LEAST_NOTICE] = LOG_LEVEL_NOTICE,
		[LOG_LEAST_WARNING] = LOG_LEVEL_WARNING,
		[LOG_LEAST_ERROR] = LOG_LEVEL_ERROR,
	};

	log_start("milter", fd,
		settings->log.format == LOG_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT,
		levels[settings->log.level]);
}

/* ---- reload ------------------------------------------------------------------------------------ */

static bool
is_same_server(const struct settings *a, const struct settings *b, struct fault *fault_out)
{
	if (strcmp(a->filter.socket.text, b->filter.socket.text) != 0 ||
		strcmp(a->filter.user, b->filter.user) != 0 ||
		strcmp(a->filter.log_file, b->filter.log_file) != 0 ||
		a->log.format != b->log.format || a->log.level != b->log.level)
		return fault_set(fault_out, FAULT_CONFIG,
			"socket, user, log-file and the log section need a restart");
	return true;
}

/* After the file was moved away; one that cannot be opened leaves the old one in use. */
static void
reopen_log(const struct filter *filter)
{
	const char *path = filter->first->filter.log_file;
	struct fault fault = FAULT_INIT;
	int fd;

	if (!path[0])
		return;
	if (!open_log(path, &fd, &fault)) {
		log_event(EV_LOGS_KEPT, kv_fault(&fault));
		return;
	}
	dup3(fd, filter->log, O_CLOEXEC);
	if (!filter->foreground)
		dup2(fd, STDERR_FILENO);
	close(fd);
}

static void
reload(const struct filter *filter)
{
	struct fault fault = FAULT_INIT;
	struct settings *settings = config_load_for_filter(filter->config, &fault);
	bool loaded = false;

	if (settings && is_same_server(filter->first, settings, &fault) &&
		cage_has(settings, &fault))
		loaded = snapshot_use(settings, &fault);
	else
		settings_free(&settings);
	reopen_log(filter);
	if (loaded)
		log_event(EV_FILTER_RELOADED, kv_str("file", filter->config));
	else
		log_event(EV_FILTER_RELOAD_FAILED, kv_fault(&fault));
}

/* ---- end --------------------------------------------------------------------------------------- */

/*
 * Once, from whichever thread comes first: libmilter's main loop, or the one that takes orders. What
 * others still hold goes with the process.
 */
static void
end(bool wanted)
{
	static atomic_flag ending = ATOMIC_FLAG_INIT;

	if (atomic_flag_test_and_set(&ending))
		for (;;)
			pause();
	log_event(wanted ? EV_FILTER_STOPPED : EV_FILTER_FAILED);
	exit(wanted ? EXIT_SUCCESS : EXIT_FAILURE);
}

/*
 * Messages under way are finished if that is quick; with the others the mail server is left alone.
 * libmilter's own stop would take five seconds to be noticed.
 */
static void
stop(const struct filter *filter)
{
	const struct timespec turn = { .tv_nsec = STOP_TURN_MS * 1000 * 1000 };

	if (filter->first->filter.socket.kind == ENDPOINT_UNIX)
		unlink(filter->first->filter.socket.path);
	for (unsigned waited = 0; waited < STOP_WAIT_MS && !milter_is_idle(); waited += STOP_TURN_MS)
		nanosleep(&turn, NULL);
	end(true);
}

/* A thread of its own. */
static void *
take_orders(void *context)
{
	const struct filter *filter = context;
	char order = GUARDIAN_STOP;
	ssize_t got;

	while ((got = read(filter->orders, &order, 1)) != 0) {
		if (got > 0 && order == GUARDIAN_STOP)
			break;
		if (got > 0)
			reload(filter);
	}
	stop(filter);
	return NULL;
}

/* The new thread must not take signals from libmilter's own; that of a forbidden call is each one's. */
static bool
start_taking_orders(struct filter *filter, struct fault *fault_out)
{
	sigset_t all;
	sigset_t before;
	pthread_t thread;
	int error;

	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&thread, NULL, take_orders, filter);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	if (error)
		return fault_set_errno(fault_out, "cannot start a thread");
	pthread_detach(thread);
	return true;
}

/* ---- start ------------------------------------------------------------------------------------- */

/* libmilter would take the path from one that still serves there, or that is stopped and will again. */
static bool
is_served(const struct endpoint *endpoint)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	bool served;
	int fd;

	if (endpoint->kind != ENDPOINT_UNIX)
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", endpoint->path);
	served = fd >= 0 &&
		(connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address) == 0 ||
			errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return served;
}

static bool
open_socket(const struct settings_filter *filter, struct fault *fault_out)
{
	if (is_served(&filter->socket))
		return fault_set(fault_out, FAULT_BUSY, "%s is served already",
			filter->socket.text);
	umask(0777 & ~(mode_t)filter->socket_mode);
	return milter_listen(&filter->socket, fault_out) &&
		privileges_give_socket(filter, fault_out);
}

/*
 * The command ends here; what follows is a child without a terminal. What libraries and a forbidden
 * system call have to say comes into the log.
 */
static bool
detach(const struct filter *filter, struct fault *fault_out)
{
	int null;

	if (!filter->first->filter.log_file[0])
		return fault_set(fault_out, FAULT_CONFIG,
			"without -f there must be a log-file in the filter section");
	switch (fork()) {
	case -1:
		return fault_set_errno(fault_out, "cannot start a process");
	case 0:
		break;
	default:
		_exit(EXIT_SUCCESS);
	}
	setsid();
	null = open("/dev/null", O_RDWR);
	for (int fd = STDIN_FILENO; null >= 0 && fd < STDERR_FILENO; fd++)
		dup2(null, fd);
	dup2(filter->log, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
	return true;
}

static bool
start(struct filter *filter, struct fault *fault_out)
{
	const struct settings_filter *settings = &filter->first->filter;

	if (!open_log(settings->log_file, &filter->log, fault_out) ||
		(settings->log_file[0] &&
			!privileges_give_log(filter->log, settings->user, fault_out)) ||
		!open_socket(settings, fault_out) ||
		!privileges_drop(settings->user, fault_out) ||
		!snapshot_load(filter->config, fault_out) || !confine_super(fault_out) ||
		(!filter->foreground && !detach(filter, fault_out)))
		return false;
	start_log(filter->first, filter->log);
	return true;
}

static void
serve(struct filter *filter)
{
	struct fault fault = FAULT_INIT;

	if (!cage_enter(filter->config, filter->first, &fault) ||
		!start_taking_orders(filter, &fault)) {
		log_event(EV_FILTER_FAILED, kv_fault(&fault));
		exit(EXIT_FAILURE);
	}
	log_event(EV_FILTER_STARTED, kv_str("address", filter->first->filter.socket.text));
	end(milter_run());
}

static int
fail(const struct fault *fault)
{
	fprintf(stderr, "sallyport-milter: %s\n", fault->text);
	return EXIT_FAILURE;
}

/* The one who served can not say so itself, and may have opened the log anew meanwhile. */
static int
judge_end(const struct filter *filter, int status)
{
	if (status != CONFINE_BREACH_STATUS)
		return status;
	reopen_log(filter);
	log_event(EV_FILTER_FAILED, kv_str("reason", "it made a system call that it does not have"));
	return EXIT_FAILURE;
}

int
filter_run(const struct filter_options *options)
{
	struct fault fault = FAULT_INIT;
	struct filter filter = { .config = options->config, .foreground = options->foreground };
	int status = EXIT_FAILURE;

	filter.first = config_load_for_filter(options->config, &fault);
	if (!filter.first || !start(&filter, &fault)) {
		status = fail(&fault);
	} else {
		switch (guardian_start(&filter.orders, &status, &fault)) {
		case GUARDIAN_FAILED:
			log_event(EV_FILTER_FAILED, kv_fault(&fault));
			break;
		case GUARDIAN_CHILD:
			serve(&filter);
			break;
		case GUARDIAN_DONE:
			status = judge_end(&filter, status);
			break;
		}
	}
	snapshot_end();
	settings_free(&filter.first);
	return status;
}
