/* SPDX-License-Identifier: BSD-2-Clause */
/* The look-up socket. */
#include "super/lookup_socket.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/sock.h"
#include "super/local_socket.h"

struct lookup_socket {
	char *path;
	int fd;
};

/* Who else could put a socket there would give answers that are taken for ours. */
static int
bind_path(const char *path, struct fault *fault)
{
	int fd = local_socket_check_folder(path, fault) ? local_socket_listen(path, fault) : -1;

	if (fd < 0)
		fault_add(fault, "lookup");
	else
		log_event(EV_LISTENING, kv_str("listener", "lookup"), kv_str("address", path));
	return fd;
}

bool
lookup_socket_open(const struct settings *settings, const struct lookup_socket *old,
	struct lookup_socket **socket_out, struct fault *fault)
{
	const char *path = settings->lookup.socket;
	bool known = old && strcmp(old->path, path) == 0;
	int fd;

	*socket_out = NULL;
	if (path[0] == '\0')
		return true;
	fd = known ? fcntl(old->fd, F_DUPFD_CLOEXEC, 0) : bind_path(path, fault);
	if (fd < 0)
		return known ? fault_set_errno(fault, "lookup: %s", path) : false;
	*socket_out = mem_alloc(sizeof **socket_out);
	(*socket_out)->path = mem_strdup(path);
	(*socket_out)->fd = fd;
	return true;
}

void
lookup_socket_free(struct lookup_socket **socket, const struct lookup_socket *kept)
{
	struct lookup_socket *old = *socket;

	if (!old)
		return;
	if (!kept || strcmp(kept->path, old->path) != 0)
		unlink(old->path);
	sock_close(&old->fd);
	mem_free(&old->path);
	mem_free(socket);
}

int
lookup_socket_fd(const struct lookup_socket *socket)
{
	return socket->fd;
}
