/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's side of SASL towards a smarthost; the only place with the Cyrus client library. */
#ifndef RELAY_LOGIN_H
#define RELAY_LOGIN_H

#include "base/fault.h"
#include "base/secret.h"
#include "config/settings.h"

struct login;

/* Loads the plugins; once per process, before a system call filter is entered. */
bool login_init(struct fault *fault_out);

/*
 * One exchange with host. mechanisms is the list allowed, best first, already cut to what the hop
 * offers; the texts and the password are borrowed until login_free().
 */
struct login *login_new(const char *host, const char *user, const struct secret *password,
	const char *mechanisms, struct fault *fault_out);
void login_free(struct login **login);
/*
 * The chosen mechanism and its first words; *initial_out is NULL if the mechanism has none, and is
 * the caller's, as is *response_out.
 */
bool login_start(struct login *login, const char **mechanism_out, struct secret **initial_out,
	struct fault *fault_out);
bool login_step(struct login *login, struct span challenge, struct secret **response_out,
	struct fault *fault_out);

#endif
