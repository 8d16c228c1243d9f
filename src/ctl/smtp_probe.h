/* SPDX-License-Identifier: BSD-2-Clause */
/* Talking to an SMTP server step by step, each step timed, until one fails. */
#ifndef CTL_SMTP_PROBE_H
#define CTL_SMTP_PROBE_H

#include <jansson.h>

#include "base/secret.h"
#include "config/settings.h"

/* What to try. Texts are borrowed; NULL or "" where something is not wanted. */
struct smtp_probe {
	struct endpoint to;
	enum listener_tls tls;
	const char *name;              /* that the certificate must hold for */
	const char *trust_file;
	const char *greeting;          /* name said in EHLO */
	const char *login;
	const struct secret *password; /* with login */
	const char *mail_from;
	const char *rcpt;              /* with mail_from */
	uint64_t wait_ms;              /* for each step */
};

/*
 * { target, steps: [ { step, ms, ok, text } ], failed: the step, if one did }. A password is sent
 * under TLS alone, or to this machine. Nothing is delivered: the transaction ends with RSET.
 */
json_t *smtp_probe_run(const struct smtp_probe *probe, bool *good_out);

#endif
