/* SPDX-License-Identifier: BSD-2-Clause */
/* What a role needs of the system by its settings. */
#include "proc/needs.h"

#include <assert.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
	OWN_DESCRIPTORS = 128,      /* channels, logs, the loop, libraries */
	FILES_PER_CONNECTION = 2,   /* of a proxied mailbox: both sides; of relay: and a body file */
};

/* Libraries that load late: SASL and GSSAPI mechanisms, name services. */
static const char *const library_paths[] = { "/usr/lib", "/lib", "/lib64", "/usr/lib64",
	"/usr/local/lib", "/etc/ld.so.cache", NULL };

static const char *const name_paths[] = { "/etc/resolv.conf", "/run/systemd/resolve",
	"/run/resolvconf", "/run/NetworkManager", "/etc/hosts", "/etc/nsswitch.conf",
	"/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols", "/etc/localtime",
	"/usr/share/zoneinfo", "/dev/urandom", "/dev/null", NULL };

static const char *const login_paths[] = { "/etc/krb5.conf", "/etc/krb5.conf.d", "/etc/gss",
	"/etc/sasl2", "/usr/lib/sasl2", "/usr/share/locale", "/etc/passwd", "/etc/group", NULL };

static const char *const trust_paths[] = { "/etc/ssl/certs", "/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates", "/etc/pki", "/etc/gnutls", "/usr/share/dns", NULL };

static void
add(struct confine_paths *paths, const char *path)
{
	size_t count = 0;

	while (paths->read_only[count])
		count++;
	/* The lists above and the few settings fit; only a wrong table could overflow. */
	assert(count < CONFINE_PATHS_MAX - 1);
	paths->read_only[count] = path;
}

static void
add_all(struct confine_paths *paths, const char *const *list)
{
	for (size_t i = 0; list[i]; i++)
		add(paths, list[i]);
}

void
needs_paths(enum role role, const struct settings *settings, struct arena *arena,
	struct confine_paths *paths_out)
{
	const char *krb5 = getenv("KRB5_CONFIG");

	*paths_out = (struct confine_paths){ .read_write = { NULL } };
	switch ((unsigned)role) {
	case ROLE_QUEUE:
		paths_out->read_write[0] = arena_printf(arena, "%s/queue", settings->state_dir);
		break;
	case ROLE_AUTH:
		paths_out->read_write[0] = arena_printf(arena, "%s/auth", settings->state_dir);
		add_all(paths_out, library_paths);
		add_all(paths_out, name_paths);
		add_all(paths_out, login_paths);
		if (krb5)
			add(paths_out, arena_strdup(arena, krb5));
		break;
	case ROLE_DIAL:
		add_all(paths_out, library_paths);
		add_all(paths_out, name_paths);
		break;
	case ROLE_RELAY:
		add_all(paths_out, library_paths);
		add_all(paths_out, name_paths);
		add_all(paths_out, trust_paths);
		break;
	default:
		break;
	}
}

static uint64_t
at_most(uint64_t count, uint64_t most)
{
	return count < most ? count : most;
}

/*
 * A session alone is one; those that are in the middle of a large content have a body file too, and
 * one more while a filter replaces it; those that send have a connection to each filter of their
 * policy.
 */
static uint64_t
descriptors_of_smtp(const struct settings *settings, uint64_t sessions)
{
	uint64_t filters = 0;
	uint64_t bodies = sessions;

	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];
		const struct settings_policy *policy = settings_find_policy(settings, listener);

		if (listener->protocol != LISTENER_SMTP || !policy || !policy->milters.count)
			continue;
		filters += listener->connections * policy->milters.count;
		bodies += listener->connections;
	}
	return sessions + at_most(bodies, NEEDS_BODY_FILES_MOST) +
		at_most(filters, NEEDS_FILTERS_MOST);
}

uint64_t
needs_descriptors(enum role role, const struct settings *settings)
{
	uint64_t sessions = 0;
	uint64_t count = 0;

	switch ((unsigned)role) {
	case ROLE_SMTP:
	case ROLE_MAILBOX:
		for (size_t i = 0; i < settings->listener.count; i++) {
			const struct settings_listener *listener = &settings->listener.items[i];
			bool smtp = listener->protocol == LISTENER_SMTP;

			if (smtp == (role == ROLE_SMTP))
				sessions += listener->connections;
			if (smtp == (role == ROLE_SMTP))
				count += listener->address.count;
		}
		count += role == ROLE_SMTP ? descriptors_of_smtp(settings, sessions)
					   : sessions * FILES_PER_CONNECTION;
		break;
	case ROLE_DIAL:
		/* Those, and a channel to each front end. */
		count = NEEDS_CALLS_MOST + 256;
		break;
	case ROLE_RELAY:
		count = settings->queue.concurrency * FILES_PER_CONNECTION;
		break;
	case ROLE_QUEUE:
		/* A body file stays open while it is written, and until its job is done. */
		count = NEEDS_BODY_FILES_MOST;
		break;
	default:
		count = 256;
		break;
	}
	return count + OWN_DESCRIPTORS;
}

bool
needs_check_limit(enum role role, const struct settings *settings, struct fault *fault)
{
	uint64_t wanted = needs_descriptors(role, settings);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return fault_set_errno(fault, "RLIMIT_NOFILE");
	return limit.rlim_cur >= wanted ||
		fault_set(fault, FAULT_LIMIT,
			"%s needs %llu file descriptors by its settings (connections), but the "
			"limit is %llu: raise it or lower them",
			role_name(role), (unsigned long long)wanted,
			(unsigned long long)limit.rlim_cur);
}

bool
needs_raise_limit(enum role role, const struct settings *settings, struct fault *fault)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	return needs_check_limit(role, settings, fault);
}
