/* SPDX-License-Identifier: BSD-2-Clause */
/* A password from the terminal, unseen, or from standard input; never from the command line. */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include <stdio.h>

#include "base/fault.h"
#include "base/secret.h"

enum { PASSWORD_MAX_BYTES = 1024 };

/*
 * From standard input: the first line, without its end. Else from the terminal, without echo, asked
 * twice if it is a new one. NULL and a fault if it is empty, too long, or not the same twice.
 */
struct secret *password_read(FILE *in, bool from_stdin, bool twice, struct fault *fault_out);

#endif
