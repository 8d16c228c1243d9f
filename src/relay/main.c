/* SPDX-License-Identifier: BSD-2-Clause */
/* The program sallyport-relay. */
#include "relay/relay.h"

int
main(int argc, char **argv)
{
	return role_main(&relay_program, argc, argv);
}
