/* SPDX-License-Identifier: BSD-2-Clause */
/* The listening sockets. */
#include "super/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "io/sock.h"

enum { UNIX_SOCKET_MODE = 0666 }; /* who may submit, the listener's permits say */

struct bound {
	char *title;
	unsigned index;
	char *text; /* as written */
	bool any;   /* "*" */
	char *path; /* of a unix socket; NULL for TCP */
	int fd;
	uint16_t port;
	bool waiting; /* bound beside another, for listeners_begin() */
};

struct listeners {
	struct bound *items;
	size_t count;
};

static struct bound *
find(const struct listeners *listeners, const char *title, unsigned index)
{
	for (size_t i = 0; listeners && i < listeners->count; i++) {
		if (listeners->items[i].index == index &&
			strcmp(listeners->items[i].title, title) == 0)
			return &listeners->items[i];
	}
	return NULL;
}

/*
 * Somewhere among the old ones, perhaps at another place of the same listener, perhaps of one that has
 * another name now. A port that was found is no other listener's.
 */
static struct bound *
find_text(const struct listeners *listeners, const char *title, const struct endpoint *endpoint)
{
	bool any_port = endpoint->kind == ENDPOINT_INET && endpoint->port == 0;

	for (size_t i = 0; listeners && i < listeners->count; i++) {
		if (strcmp(listeners->items[i].text, endpoint->text) == 0 &&
			(!any_port || strcmp(listeners->items[i].title, title) == 0))
			return &listeners->items[i];
	}
	return NULL;
}

static bool
is_written(const struct settings *settings, const char *text)
{
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];

		for (unsigned index = 0; index < listener->address.count; index++) {
			if (strcmp(listener->address.items[index].text, text) == 0)
				return true;
		}
	}
	return false;
}

/* Is the port in the hands of sockets of ours that go away? They then let another beside them. */
static bool
share_port(const struct settings *settings, const struct listeners *old, uint16_t port)
{
	bool any = false;

	for (size_t i = 0; old && i < old->count; i++) {
		const struct bound *bound = &old->items[i];

		if (bound->path || bound->port != port || is_written(settings, bound->text))
			continue;
		sock_set_shared(bound->fd, true);
		any = true;
	}
	return any;
}

static int
bind_endpoint(const struct endpoint *endpoint, const struct settings *settings,
	const struct listeners *old, bool *waiting_out, struct fault *fault)
{
	struct sock_address address;
	int fd;

	if (!sock_address_parse(span_text(endpoint->text), &address, fault))
		return -1;
	fd = sock_listen(&address, fault);
	if (fd < 0 && errno == EADDRINUSE && endpoint->kind == ENDPOINT_INET &&
		share_port(settings, old, endpoint->port)) {
		fd = sock_bind_shared(&address, fault);
		*waiting_out = fd >= 0;
	}
	if (fd >= 0 && endpoint->kind == ENDPOINT_UNIX)
		chmod(endpoint->path, UNIX_SOCKET_MODE);
	return fd;
}

static bool
add(struct listeners *listeners, const struct settings *settings, const struct listeners *old,
	const struct settings_listener *listener, unsigned index, struct fault *fault)
{
	const struct endpoint *endpoint = &listener->address.items[index];
	struct bound *known = find_text(old, listener->title, endpoint);
	struct bound *bound;
	char text[SOCK_TEXT_MAX_BYTES];
	bool waiting = false;
	int fd;

	fd = known ? fcntl(known->fd, F_DUPFD_CLOEXEC, 0)
		   : bind_endpoint(endpoint, settings, old, &waiting, fault);
	if (fd < 0)
		return known ? fault_set_errno(fault, "%s: listener %s", listener->where,
				       listener->title)
			     : fault_add(fault, "%s: listener %s", listener->where,
				       listener->title);
	bound = &listeners->items[listeners->count++];
	bound->title = mem_strdup(listener->title);
	bound->index = index;
	bound->text = mem_strdup(endpoint->text);
	bound->any = endpoint->kind == ENDPOINT_INET && strcmp(endpoint->host, "*") == 0;
	bound->path = endpoint->kind == ENDPOINT_UNIX ? mem_strdup(endpoint->path) : NULL;
	bound->fd = fd;
	bound->port = endpoint->kind == ENDPOINT_INET ? endpoint->port : 0;
	bound->waiting = waiting;
	if (!known)
		log_event(EV_LISTENING, kv_str("listener", bound->title),
			kv_str("address", listeners_address(listeners, bound->title, index, text)));
	return true;
}

struct listeners *
listeners_open(const struct settings *settings, struct listeners *old, struct fault *fault)
{
	struct listeners *listeners = mem_alloc(sizeof *listeners);
	size_t count = 0;

	for (size_t i = 0; i < settings->listener.count; i++)
		count += settings->listener.items[i].address.count;
	listeners->items = mem_alloc_array(count, sizeof *listeners->items);
	for (size_t i = 0; i < settings->listener.count; i++) {
		const struct settings_listener *listener = &settings->listener.items[i];

		for (unsigned index = 0; index < listener->address.count; index++) {
			if (add(listeners, settings, old, listener, index, fault))
				continue;
			listeners_free(&listeners, old);
			return NULL;
		}
	}
	return listeners;
}

static bool
has_path(const struct listeners *listeners, const char *path)
{
	for (size_t i = 0; listeners && i < listeners->count; i++) {
		if (listeners->items[i].path && strcmp(listeners->items[i].path, path) == 0)
			return true;
	}
	return false;
}

void
listeners_begin(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct bound *bound = &listeners->items[i];
		struct fault fault = FAULT_INIT;

		if (bound->waiting && !sock_begin(bound->fd, &fault))
			log_event(EV_SUPER_FAILED, kv_str("listener", bound->title),
				kv_str("address", bound->text), kv_fault(&fault));
		bound->waiting = false;
	}
}

/* Nobody comes beside them after all. */
static void
share_no_more(const struct listeners *kept)
{
	for (size_t i = 0; i < kept->count; i++) {
		if (!kept->items[i].path)
			sock_set_shared(kept->items[i].fd, false);
	}
}

void
listeners_free(struct listeners **listeners, const struct listeners *kept)
{
	struct listeners *old = *listeners;

	if (!old)
		return;
	if (kept)
		share_no_more(kept);
	for (size_t i = 0; i < old->count; i++) {
		struct bound *bound = &old->items[i];

		close(bound->fd);
		if (bound->path && !has_path(kept, bound->path))
			unlink(bound->path);
		mem_free(&bound->title);
		mem_free(&bound->text);
		mem_free(&bound->path);
	}
	mem_free(&old->items);
	mem_free(listeners);
}

int
listeners_fd(const struct listeners *listeners, const char *title, unsigned index)
{
	const struct bound *bound = find(listeners, title, index);

	return bound ? bound->fd : -1;
}

const char *
listeners_address(const struct listeners *listeners, const char *title, unsigned index,
	char to[SOCK_TEXT_MAX_BYTES])
{
	const struct bound *bound = find(listeners, title, index);
	struct sock_address address;

	to[0] = '\0';
	if (!bound || !sock_local(bound->fd, &address))
		return to;
	if (bound->any)
		snprintf(to, SOCK_TEXT_MAX_BYTES, "*:%u", sock_address_port(&address));
	else
		sock_address_format(&address, to);
	return to;
}
