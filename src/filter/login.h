/* SPDX-License-Identifier: BSD-2-Clause */
/* The login name as the source of identities is asked, from what the mail server tells. */
#ifndef FILTER_LOGIN_H
#define FILTER_LOGIN_H

#include "config/settings.h"

/* As login-realm says, with the realm of the sasl section; in the arena or as given. */
const char *login_of(const char *given, const struct settings *settings, struct arena *arena);

#endif
