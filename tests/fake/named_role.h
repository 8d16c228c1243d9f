/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that is the role its file is named after; a file beside it says how it behaves. */
#ifndef NAMED_ROLE_H
#define NAMED_ROLE_H

#include "proc/role.h"

extern enum role own_role;

/* From main(): runs the program as that role. Its status. */
int named_role_main(struct role_program program, int argc, char **argv);
/* The line that "mode-ROLE" holds; "" if there is no such file. Before the walls are up. */
void named_role_read_mode(char *to, size_t size);

#endif
