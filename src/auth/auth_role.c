/* SPDX-License-Identifier: BSD-2-Clause */
/* The auth role as super starts it: settings, files, links and verbs handed to its parts. */
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/control.h"
#include "auth/keytab.h"
#include "auth/lookup_server.h"
#include "auth/mech.h"
#include "io/sock.h"
#include "ipc/control.h"

/* What start() gives. */
struct auth_role {
	struct role_context *context;
	struct keytab *keytab; /* NULL where GSSAPI was never offered */
	struct keytab *next;   /* checked, not yet in use; may be NULL */
	struct auth *auth;
	struct lookup_server *lookup;
	int next_lookup;       /* its socket, checked, not yet in use; -1: none */
	struct control_answers answers;
};

static bool
has_text(const struct settings_texts *texts, const char *wanted)
{
	for (size_t i = 0; i < texts->count; i++) {
		if (strcmp(texts->items[i], wanted) == 0)
			return true;
	}
	return false;
}

static bool
wants_gssapi(const struct settings *settings)
{
	bool wanted = has_text(&settings->sasl.mechanisms, "GSSAPI");

	for (size_t i = 0; i < settings->listener.count; i++)
		wanted = wanted || has_text(&settings->listener.items[i].mechanisms, "GSSAPI");
	return wanted;
}

/* NULL where GSSAPI is not offered. False with a reason where it could not work. */
static bool
take_keytab(struct role_context *context, struct keytab **keytab_out, struct fault *fault)
{
	const struct settings *settings = role_settings(context);
	int fd;

	*keytab_out = NULL;
	if (!wants_gssapi(settings))
		return true;
	fd = role_take_file(context, FILE_KEYTAB, "", 0);
	if (fd < 0)
		return fault_set(fault, FAULT_CONFIG, "GSSAPI is offered, but there is no keytab");
	*keytab_out = keytab_new(fd, fault);
	return *keytab_out || fault_add(fault, "%s", settings->sasl.keytab);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static void
answer_page(void *context, uint32_t request, struct span json, bool more)
{
	struct auth_role *role = context;

	role_answer(role->context, request, json, more);
}

static void
answer_error(void *context, uint32_t request, const char *kind, const char *text)
{
	struct auth_role *role = context;

	role_answer_error(role->context, request, kind, text);
}

static void
on_control(void *private, uint32_t request, struct span json)
{
	struct auth_role *role = private;

	control_run(role->auth, &role->answers, request, json);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void *
start(struct role_context *context, struct fault *fault)
{
	struct auth_role *role = mem_alloc(sizeof *role);

	control_wipe_memory();
	role->context = context;
	role->next_lookup = -1;
	role->answers = (struct control_answers){ answer_page, answer_error, role };
	if (take_keytab(context, &role->keytab, fault))
		role->auth = auth_open(role_loop(context), role_settings(context),
			role->keytab ? keytab_path(role->keytab) : "",
			role_secret(context, SECRET_GRANT_KEY, ""), fault);
	if (!role->auth) {
		keytab_free(&role->keytab);
		mem_free(&role);
		return NULL;
	}
	role->lookup = lookup_server_new(role->auth, &role_settings(context)->lookup.users);
	lookup_server_set_socket(role->lookup, role_take_file(context, FILE_LOOKUP, "", 0));
	return role;
}

static bool
on_link(void *private, const struct message_link *link, int fd)
{
	struct auth_role *role = private;

	if (link->kind != LINK_CHANNEL) {
		close(fd);
		return false;
	}
	auth_add_link(role->auth, link->peer, link->instance, fd);
	return true;
}

static void
on_unlink(void *private, enum role peer, uint8_t instance)
{
	struct auth_role *role = private;

	auth_drop_link(role->auth, peer, instance);
}

/* The modules for GSSAPI cannot be loaded once the sandbox is closed: a new process does that. */
static bool
check_gssapi(struct auth_role *role, struct fault *fault)
{
	if (!take_keytab(role->context, &role->next, fault))
		return false;
	if (!wants_gssapi(role_settings(role->context)) || role->auth->exchanges.gssapi)
		return true;
	if (mech_may_load_gssapi(fault)) {
		role_ask_anew(role->context);
		return true;
	}
	keytab_free(&role->next);
	return false;
}

static bool
are_same(const struct settings_texts *a, const struct settings_texts *b)
{
	for (size_t i = 0; a->count == b->count && i < a->count; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	}
	return a->count == b->count;
}

/* Nor are users asked for there, since their names may be with a service of the system. */
static void
check_lookup(struct auth_role *role)
{
	const struct settings_lookup *next = &role_settings(role->context)->lookup;

	role->next_lookup = role_take_file(role->context, FILE_LOOKUP, "", 0);
	if (next->socket[0] && !are_same(&next->users, &role->auth->settings->lookup.users))
		role_ask_anew(role->context);
}

static bool
on_check(void *private, struct fault *fault)
{
	struct auth_role *role = private;

	if (strcmp(role_settings(role->context)->state_dir, role->auth->settings->state_dir) != 0)
		return fault_set(fault, FAULT_CONFIG,
			"another state-dir is used only after a restart");
	if (!check_gssapi(role, fault))
		return false;
	check_lookup(role);
	return true;
}

static void
on_take(void *private)
{
	struct auth_role *role = private;

	if (role->next)
		keytab_replace(role->keytab, &role->next);
	auth_set_settings(role->auth, role_settings(role->context));
	lookup_server_set_socket(role->lookup, role->next_lookup);
	role->next_lookup = -1;
}

static void
on_forget(void *private)
{
	struct auth_role *role = private;

	keytab_free(&role->next);
	sock_close(&role->next_lookup);
}

static void
on_secret(void *private, enum secret_kind kind, const char *name)
{
	struct auth_role *role = private;

	if (kind == SECRET_GRANT_KEY)
		auth_set_grant_key(role->auth, role_secret(role->context, kind, name));
}

static void
on_finished(void *context)
{
	struct auth_role *role = context;

	role_finished(role->context);
}

/* Logins under way are put off by the end of their channels; what was used up is written down. */
static void
on_stop(void *private, uint64_t grace_ms)
{
	struct auth_role *role = private;

	(void)grace_ms;
	/* Who looks something up finds the socket again, and the next process behind it. */
	lookup_server_set_socket(role->lookup, -1);
	keeper_finish(role->auth->keeper, on_finished, role);
}

static void
free_role(void **private)
{
	struct auth_role *role = *private;

	if (role) {
		sock_close(&role->next_lookup);
		lookup_server_free(&role->lookup);
		auth_close(&role->auth);
		keytab_free(&role->keytab);
	}
	mem_free(private);
}

const struct role_program auth_program = {
	.role = ROLE_AUTH,
	.start = start,
	.on_link = on_link,
	.on_unlink = on_unlink,
	.on_check = on_check,
	.on_take = on_take,
	.on_forget = on_forget,
	.on_control = on_control,
	.on_stop = on_stop,
	.free = free_role,
	.on_secret = on_secret,
};
