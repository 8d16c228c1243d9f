/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys role: holds the private keys of all certificates and signs handshakes for front ends. */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include "proc/role.h"

extern const struct role_program keys_program;

#endif
