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
 *   account add        {login, password?, disabled?, expires_ms?, protocols?, limits?}
 *   account passwd     {login, password}
 *   account set        {login, disabled?, expires_ms?, protocols?, limits?}
 *   account delete | enable | disable  {login}
 *   account join | leave  {login, group}
 *   account show       {login}   {login, disabled, expires_ms, changed_ms, protocols, limits,
 *                                 mechanisms, addresses, groups, send_as, on_behalf}
 *   account list       {}        {accounts: [as show, …]}
 *   address add        {login, address, primary?}
 *   address delete     {login, address}
 *   address list       {login?}  {addresses: [{address, login, primary}, …]}
 *   grant add | delete {login, right: "send-as" | "on-behalf", pattern}
 *   grant list         {login?}  {grants: [{login, right, pattern}, …]}
 *
 * protocols is a list of "smtp", "imap", "pop3". Lists come in pages, by login.
 */
struct verb_call {
	const struct settings *settings;
	struct directory_local *local;
	json_t *args;                 /* an object */
	/* results */
	json_t *data;                 /* NULL: nothing to say */
	char page_after[LOGIN_NAME_SIZE]; /* "": the last page; else call again for what follows */
	char login[LOGIN_NAME_SIZE];  /* whose account was changed; "" for none */
	uint64_t epoch;               /* of that account, if something was taken away; else 0 */
};

/* Is this word the name of one of the verbs above? */
bool verbs_know(const char *verb);
/* False with a fault, of which kind and text are for the administrator. */
bool verbs_run(const char *verb, struct verb_call *call, struct fault *fault_out);
void verb_call_fini(struct verb_call *call); /* data alone is the call's */

/* An argument that is a text; false with a fault if it is missing or something else. */
bool verbs_text(json_t *args, const char *name, const char **text_out, struct fault *fault_out);
/* The canonical login named by the argument "login". */
bool verbs_login(const struct verb_call *call, char login_out[LOGIN_NAME_SIZE],
	struct fault *fault_out);

/* For the files of verbs. */
struct verb {
	const char *name;
	bool (*run)(struct verb_call *call, struct fault *fault_out);
};
extern const struct verb verbs_account[]; /* end in a NULL name */
extern const struct verb verbs_list[];

#endif
