/* SPDX-License-Identifier: BSD-2-Clause */
/* The program sallyport-queue. */
#include "queue/queue.h"

int
main(int argc, char **argv)
{
	return role_main(&queue_program, argc, argv);
}
