/* SPDX-License-Identifier: BSD-2-Clause */
/* sallyport-auth: started by super, or by sallyportctl as "sallyport-auth --offline -c FILE". */
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/offline.h"

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--offline") == 0 && strcmp(argv[2], "-c") == 0)
		return offline_run(argv[3], STDIN_FILENO, STDOUT_FILENO);
	return role_main(&auth_program, argc, argv);
}
