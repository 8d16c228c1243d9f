/* SPDX-License-Identifier: BSD-2-Clause */
/* The shared table of connection counters. */
#include "super/shared_gate.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "proc/gate_layout.h"

struct shared_gate {
	int fd;
	struct gate_table *table;
};

/* Sealed, so that no front end can cut it short under the others. */
static int
make_file(struct fault *fault)
{
	int fd = memfd_create("sallyport-gate", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, sizeof(struct gate_table)) == 0 &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	fault_set_errno(fault, "shared table of connections");
	if (fd >= 0)
		close(fd);
	return -1;
}

struct shared_gate *
shared_gate_new(struct fault *fault)
{
	struct shared_gate *gate = mem_alloc(sizeof *gate);

	gate->fd = make_file(fault);
	if (gate->fd < 0) {
		mem_free(&gate);
		return NULL;
	}
	gate->table = mmap(NULL, sizeof *gate->table, PROT_READ | PROT_WRITE, MAP_SHARED, gate->fd,
		0);
	if (gate->table == MAP_FAILED) {
		fault_set_errno(fault, "shared table of connections");
		close(gate->fd);
		mem_free(&gate);
		return NULL;
	}
	gate_table_init(gate->table);
	return gate;
}

void
shared_gate_free(struct shared_gate **gate)
{
	if (!*gate)
		return;
	munmap((*gate)->table, sizeof *(*gate)->table);
	close((*gate)->fd);
	mem_free(gate);
}

int
shared_gate_fd(const struct shared_gate *gate)
{
	return gate->fd;
}

void
shared_gate_sweep(struct shared_gate *gate, unsigned column)
{
	gate_table_clear_column(gate->table, column);
}
