/* SPDX-License-Identifier: BSD-2-Clause */
/* One page of a list that is answered from memory. */
#include "auth/verbs_page.h"

#include "auth/verbs.h"
#include "auth/verbs_session.h"

bool
verbs_page_add(struct verbs_page *page, json_t *row)
{
	if (page->seen++ < page->done) {
		json_decref(row);
		return true;
	}
	if (json_array_size(page->rows) == VERBS_SESSION_PAGE) {
		json_decref(row);
		page->more = true;
		return false;
	}
	json_array_append_new(page->rows, row);
	return true;
}

bool
verbs_page_login(const struct verbs_page *page, char login_out[LOGIN_NAME_SIZE],
	struct fault *fault_out)
{
	const struct verb_call call = { .settings = page->auth->settings, .args = page->args };

	login_out[0] = '\0';
	return !json_object_get(page->args, "login") ||
		verbs_login(&call, login_out, fault_out);
}
