/* SPDX-License-Identifier: BSD-2-Clause */
/* The administrator's verbs about accounts: JSON in, a change or a list, JSON out. */
#ifndef AUTH_VERBS_H
#define AUTH_VERBS_H

#include <jansson.h>

#include "auth/directory_local.h"
#include "auth/login_name.h"

/*
 * args and data of each verb; a "?" marks what may be left out. The same code answers while the
 * daemon runs (on the directory's thread) and while it does not (sallyport-auth --offline).
 *
 *   account add        {login, password?, disabled?, expires_ms?, protocols?, app_only?, limits?}
 *   account passwd     {login, password}
 *   account set        {login, disabled?, expires_ms?, protocols?, app_only?, limits?}
 *   account delete | enable | disable  {login}
 *   account join | leave  {login, group}
 *   account show       {login}   {login, disabled, expires_ms, changed_ms, protocols, app_only,
 *                                 limits, mechanisms, addresses, groups, send_as, on_behalf}
 *   account list       {}        {accounts: [as show, …]}
 *   account app-password add     {login, label, protocols?, expires_ms?}
 *                                {login, label, password, name}
 *   account app-password list    {login}  {app_passwords: [{label, protocols, expires_ms,
 *                                 created_ms, used_ms, used_protocol, used_address}, …]}
 *   account app-password revoke  {login, label}
 *   account export     {secrets?}  {accounts: [see doc/accounts.md, …]}
 *   account import     {document, replace?, dry_run?}  {added, changed, unchanged, dry_run}
 *   address add        {login, address, primary?}
 *   address primary | delete  {login, address}
 *   address list       {login?}  {addresses: [{address, login, primary}, …]}
 *   grant add | delete {login, right: "send-as" | "on-behalf", pattern}
 *   grant list         {login?}  {grants: [{login, right, pattern}, …]}
 *   report logins      {login?, since_ms?}  {logins: [{login, credential, protocols, listener,
 *                                 mechanism, tls, address, first_ms, last_ms, failed_ms,
 *                                 successes, failures}, …]}
 *   report insecure    {login?, since_ms?}  {logins: [as above, and reason],
 *                                 settings: [{listener, setting, means, where}, …]}
 *   group add          {group, limits?}
 *   group set          {group, limits}
 *   group delete       {group}
 *   group show         {group}   {group, limits, changed_ms, send_as, on_behalf}
 *   group list         {}        {groups: [as show, …]}
 *   group members      {group}   {members: [{login}, …]}
 *
 * protocols and app_only are lists of "smtp", "imap", "pop3"; the login of a grant may be "group:NAME".
 * Lists come in pages, by login or group.
 */
/* An account that was changed, and its epoch if something was taken away, else 0. */
struct verb_change {
	struct verb_change *next;
	uint64_t epoch;
	char login[LOGIN_NAME_SIZE];
};
struct verb_call {
	const struct settings *settings;
	struct directory_local *local;
	json_t *args;                 /* an object */
	/* results */
	json_t *data;                 /* NULL: nothing to say */
	char page_after[LOGIN_NAME_SIZE]; /* "": the last page; else call again for what follows */
	char login[LOGIN_NAME_SIZE];  /* whose account was changed; "" for none, or several */
	uint64_t epoch;               /* of that account, if something was taken away; else 0 */
	uint64_t credential;          /* app password of that account that was revoked; 0 for none */
	char group[LOGIN_NAME_SIZE];  /* which group was changed; "" for none */
	struct verb_change *members;  /* accounts that were changed by it */
};

/* Is this word the name of one of the verbs above? */
bool verbs_know(const char *verb);
/* False with a fault, of which kind and text are for the administrator. */
bool verbs_run(const char *verb, struct verb_call *call, struct fault *fault_out);
void verb_call_fini(struct verb_call *call); /* data and members alone are the call's */

/* An argument that is a text; false with a fault if it is missing or something else. */
bool verbs_text(json_t *args, const char *name, const char **text_out, struct fault *fault_out);
/* A directory_member_fn: adds to the members; context is the call. */
void verbs_add_member(void *context, const char *login, uint64_t epoch);
#define VERBS_GROUP_PREFIX "group:"
bool verbs_check_group(const char *name, struct fault *fault_out);
/* The name of a group, by the argument "group". */
bool verbs_take_group(const struct verb_call *call, const char **group_out, struct fault *fault_out);
/* The name of a limits section that there is, or "". */
bool verbs_take_limits(const struct verb_call *call, json_t *value, const char **limits_out,
	struct fault *fault_out);
/* The canonical login named by the argument "login". */
bool verbs_login(const struct verb_call *call, char login_out[LOGIN_NAME_SIZE],
	struct fault *fault_out);
/* The same for one to be made: without "/", behind which a label stands, and no "group:…". */
bool verbs_new_login(const struct verb_call *call, char login_out[LOGIN_NAME_SIZE],
	struct fault *fault_out);

/* For the files of verbs. */
/* Of a text, unless the account, which may be NULL, has that password already: then its own. */
bool verbs_password_keys(const struct verb_call *call, json_t *password, const struct account *old,
	struct scram_keys keys_out[SCRAM_HASH_COUNT], struct fault *fault_out);
json_t *verbs_json_texts(const struct settings_texts *texts);
json_t *verbs_json_protocols(uint8_t protocols);
/* The login's own alone: those of its groups are the groups' to show. */
json_t *verbs_json_grants(const struct identity_grants *grants);
json_t *verbs_json_time(int64_t ms); /* null for 0 */
/* A list of protocols; name: "protocols", for the fault. */
bool verbs_take_protocols(json_t *list, const char *name, uint8_t *protocols_out,
	struct fault *fault_out);
/* The account that is named; it is the caller's. */
bool verbs_find_account(struct verb_call *call, const char *login, struct account **account_out,
	struct fault *fault_out);
struct verb {
	const char *name;
	bool (*run)(struct verb_call *call, struct fault *fault_out);
};
extern const struct verb verbs_account[]; /* end in a NULL name */
extern const struct verb verbs_app[];
extern const struct verb verbs_export[];
extern const struct verb verbs_grant[];
extern const struct verb verbs_group[];
extern const struct verb verbs_import[];
extern const struct verb verbs_list[];
extern const struct verb verbs_report[];

#endif
