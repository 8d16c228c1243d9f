/* SPDX-License-Identifier: BSD-2-Clause */
/* The program sallyport-dial. */
#include "dial/dial.h"

int
main(int argc, char **argv)
{
	return role_main(&dial_program, argc, argv);
}
