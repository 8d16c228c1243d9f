/* SPDX-License-Identifier: BSD-2-Clause */
/* One page of a list that is answered from memory. */
#ifndef AUTH_VERBS_PAGE_H
#define AUTH_VERBS_PAGE_H

#include <jansson.h>

#include "auth/auth.h"
#include "auth/login_name.h"

/* One call of a verb: where the page begins, and what comes of it. */
struct verbs_page {
	struct auth *auth;
	json_t *args;
	size_t done;  /* rows of earlier pages */
	size_t seen;
	json_t *rows;
	bool more;
};

/* True while the page has room; takes row. */
bool verbs_page_add(struct verbs_page *page, json_t *row);
/* The login in the arguments, canonical; "" if there is none. */
bool verbs_page_login(const struct verbs_page *page, char login_out[LOGIN_NAME_SIZE],
	struct fault *fault_out);

/* A verb; NULL with a fault, of which kind and text are for the administrator. */
struct verbs_page_verb {
	const char *name;
	json_t *(*run)(struct verbs_page *page, struct fault *fault_out);
};
extern const struct verbs_page_verb verbs_limits[]; /* ends in a NULL name */

#endif
