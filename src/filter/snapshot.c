/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings and the source of identities in force. */
#include "filter/snapshot.h"

#include <pthread.h>

#include "config/config.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct snapshot *current;

static struct identities *
open_identities(const struct settings *settings, struct fault *fault_out)
{
	const struct settings_filter *filter = &settings->filter;
	struct identities_settings wanted = {
		.directory = "",
		.local_domains = filter->local_domains,
		.delimiters = filter->recipient_delimiter,
		.wait_ms = filter->lookup_wait,
	};

	if (filter->source == FILTER_SOURCE_MAPS)
		wanted.maps = filter->sender_maps;
	else
		wanted.directory = filter->lookup_socket[0] ? filter->lookup_socket
							    : settings->lookup.socket;
	return identities_new(&wanted, fault_out);
}

bool
snapshot_use(struct settings *settings, struct fault *fault_out)
{
	struct identities *identities = open_identities(settings, fault_out);
	struct snapshot *snapshot;
	struct snapshot *old;

	if (!identities) {
		settings_free(&settings);
		return false;
	}
	snapshot = mem_alloc(sizeof *snapshot);
	*snapshot = (struct snapshot){
		.settings = settings,
		.identities = identities,
		.standard = {
			.title = "",
			.where = "default",
			.login = LOGIN_SECURE,
			.identity = "",
			.qualify_domain = "",
			.fixed_from = "",
			.inherit = true,
			.limits = "default",
		},
		.holds = 1,
	};
	pthread_mutex_lock(&lock);
	old = current;
	current = snapshot;
	pthread_mutex_unlock(&lock);
	snapshot_drop(&old);
	return true;
}

bool
snapshot_load(const char *path, struct fault *fault_out)
{
	struct settings *settings = config_load_for_filter(path, fault_out);

	return settings && snapshot_use(settings, fault_out);
}

struct snapshot *
snapshot_hold(void)
{
	struct snapshot *snapshot;

	pthread_mutex_lock(&lock);
	snapshot = current;
	snapshot->holds++;
	pthread_mutex_unlock(&lock);
	return snapshot;
}

void
snapshot_drop(struct snapshot **snapshot)
{
	bool last;

	if (!*snapshot)
		return;
	pthread_mutex_lock(&lock);
	last = --(*snapshot)->holds == 0;
	pthread_mutex_unlock(&lock);
	if (last) {
		identities_free(&(*snapshot)->identities);
		settings_free(&(*snapshot)->settings);
		mem_free(snapshot);
	}
	*snapshot = NULL;
}

void
snapshot_end(void)
{
	struct snapshot *old;

	pthread_mutex_lock(&lock);
	old = current;
	current = NULL;
	pthread_mutex_unlock(&lock);
	snapshot_drop(&old);
}

const struct settings_listener *
snapshot_listener(const struct snapshot *snapshot, const char *name)
{
	const struct settings *settings = snapshot->settings;
	const struct settings_listener *named =
		name ? settings_find_listener(settings, name) : NULL;

	if (!named)
		named = settings_find_listener(settings, settings->filter.listener);
	return named ? named : &snapshot->standard;
}
