/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of options that are texts on the command line and something else in a request. */
#ifndef CTL_OPTION_H
#define CTL_OPTION_H

#include <jansson.h>
#include <stdbool.h>

/* "smtp,imap", or "none": a list of them. What they mean is for auth to say. */
json_t *option_protocols(const char *text);
/* "YYYY-MM-DD": the end of that day, local time; 0 for "never". False for anything else. */
bool option_expiry(const char *text, json_int_t *ms_out);

#endif
