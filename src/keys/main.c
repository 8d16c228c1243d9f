/* SPDX-License-Identifier: BSD-2-Clause */
/* The program sallyport-keys. */
#include "keys/keys.h"

int
main(int argc, char **argv)
{
	return role_main(&keys_program, argc, argv);
}
