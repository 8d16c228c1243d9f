/* SPDX-License-Identifier: BSD-2-Clause */
/* sallyport-ROLE is that role, and "mode-ROLE" its mode. */
#include "named_role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum role own_role;

void
named_role_read_mode(char *to, size_t size)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
	FILE *file;

	to[0] = '\0';
	if (length < 0)
		return;
	path[length] = '\0';
	snprintf(strrchr(path, '/'), 64, "/mode-%s", role_name(own_role));
	file = fopen(path, "r");
	if (!file)
		return;
	if (fgets(to, (int)size, file))
		to[strcspn(to, "\n")] = '\0';
	fclose(file);
}

int
named_role_main(struct role_program program, int argc, char **argv)
{
	const char *name = strrchr(argv[0], '-');

	if (!name || !role_find(span_text(name + 1), &own_role))
		return EXIT_FAILURE;
	program.role = own_role;
	return role_main(&program, argc, argv);
}
