/* SPDX-License-Identifier: BSD-2-Clause */
/* What a document of accounts says, member by member: unknown ones and wrong kinds are refused. */
#ifndef AUTH_VERBS_IMPORT_H
#define AUTH_VERBS_IMPORT_H

#include "auth/directory_local_app.h"
#include "auth/verbs.h"
#include "wire/address_pattern.h"

/* Borrows from the document. */
struct document_account {
	json_t *item;
	char login[LOGIN_NAME_SIZE];
	struct directory_local_settings settings;
};

/* False with a fault that names the member, in all of these. */
bool document_check(json_t *document, struct fault *fault_out);
bool document_check_group(json_t *item, struct fault *fault_out);
bool document_account(const struct verb_call *call, json_t *item,
	struct document_account *document_out, struct fault *fault_out);
/* The keys of "keys", those of "password", or those of old, which may be NULL. */
bool document_keys(const struct verb_call *call, const struct document_account *document,
	const struct account *old, struct scram_keys keys_out[SCRAM_HASH_COUNT], bool *has_keys_out,
	struct fault *fault_out);
bool document_app(json_t *item, struct directory_local_app *app_out,
	struct scram_keys keys_out[SCRAM_HASH_COUNT], struct fault *fault_out);
bool document_address(json_t *value, char address_out[ADDRESS_TEXT_SIZE], struct fault *fault_out);
bool document_pattern(json_t *value, char pattern_out[ADDRESS_TEXT_SIZE], struct fault *fault_out);

#endif
