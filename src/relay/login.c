/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's side of SASL towards a smarthost. */
#include "relay/login.h"

#include <string.h>

#include <sasl/sasl.h>

#include "base/memory.h"

/* The library's table keeps every callback as this one type. */
#define CALLBACK(function) ((int (*)(void))(void (*)(void))(function))

struct login {
	sasl_conn_t *connection;
	sasl_callback_t callbacks[4];
	const char *user;
	const char *mechanisms;
	sasl_secret_t *password;
	size_t password_size;
};

/* Our plugins and no others: what else is installed on the machine stays out of the process. */
static int
on_verify_file(void *context, const char *file, sasl_verify_type_t type)
{
	static const char *const wanted[] = { "libplain.", "liblogin.", "libscram." };
	const char *name = strrchr(file, '/');

	(void)context;
	if (type != SASL_VRFY_PLUGIN)
		return SASL_CONTINUE;
	name = name ? name + 1 : file;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (strncmp(name, wanted[i], strlen(wanted[i])) == 0)
			return SASL_OK;
	return SASL_CONTINUE;
}

static int
on_log(void *context, int level, const char *message)
{
	/* The hop's own reply goes to the log; the library's words may quote what it was sent. */
	(void)context;
	(void)level;
	(void)message;
	return SASL_OK;
}

bool
login_init(struct fault *fault_out)
{
	static const sasl_callback_t callbacks[] = {
		{ SASL_CB_VERIFYFILE, CALLBACK(on_verify_file), NULL },
		{ SASL_CB_LOG, CALLBACK(on_log), NULL },
		{ SASL_CB_LIST_END, NULL, NULL },
	};
	int result = sasl_client_init(callbacks);

	if (result == SASL_OK)
		return true;
	return fault_set(fault_out, FAULT_SYSTEM, "the SASL library cannot start: %s",
		sasl_errstring(result, NULL, NULL));
}

static int
on_user(void *context, int id, const char **value, unsigned *length)
{
	const struct login *login = context;

	/* No authorization identity: the hop decides who this login is. */
	*value = id == SASL_CB_AUTHNAME ? login->user : "";
	if (length)
		*length = (unsigned)strlen(*value);
	return SASL_OK;
}

static int
on_password(sasl_conn_t *connection, void *context, int id, sasl_secret_t **value)
{
	const struct login *login = context;

	(void)connection;
	(void)id;
	*value = login->password;
	return SASL_OK;
}

struct login *
login_new(const char *host, const char *user, const struct secret *password, const char *mechanisms,
	struct fault *fault_out)
{
	static const sasl_security_properties_t no_layer = { .max_ssf = 0 };
	struct login *login = mem_alloc(sizeof *login);
	struct span bytes = secret_span(password);
	int result;

	login->user = user;
	login->mechanisms = mechanisms;
	login->password_size = sizeof *login->password + bytes.length + 1;
	login->password = mem_alloc(login->password_size);
	login->password->len = bytes.length;
	memcpy(login->password->data, bytes.start ? bytes.start : "", bytes.length);
	login->callbacks[0] = (sasl_callback_t){ SASL_CB_AUTHNAME, CALLBACK(on_user), login };
	login->callbacks[1] = (sasl_callback_t){ SASL_CB_USER, CALLBACK(on_user), login };
	login->callbacks[2] = (sasl_callback_t){ SASL_CB_PASS, CALLBACK(on_password), login };
	login->callbacks[3] = (sasl_callback_t){ SASL_CB_LIST_END, NULL, NULL };
	result = sasl_client_new("smtp", host, NULL, NULL, login->callbacks, 0, &login->connection);
	if (result == SASL_OK)
		result = sasl_setprop(login->connection, SASL_SEC_PROPS, &no_layer);
	if (result != SASL_OK) {
		fault_set(fault_out, FAULT_SYSTEM, "SASL: %s", sasl_errstring(result, NULL, NULL));
		login_free(&login);
	}
	return login;
}

void
login_free(struct login **login)
{
	if (!*login)
		return;
	sasl_dispose(&(*login)->connection);
	mem_wipe((*login)->password, (*login)->password_size);
	mem_free(&(*login)->password);
	mem_free(login);
}

static bool
fail(struct login *login, int result, struct fault *fault_out)
{
	(void)login;
	return fault_set(fault_out, FAULT_PEER, "SASL: %s", sasl_errstring(result, NULL, NULL));
}

bool
login_start(struct login *login, const char **mechanism_out, struct secret **initial_out,
	struct fault *fault_out)
{
	const char *words = NULL;
	unsigned length = 0;
	int result = sasl_client_start(login->connection, login->mechanisms, NULL, &words, &length,
		mechanism_out);

	if (result != SASL_OK && result != SASL_CONTINUE)
		return fail(login, result, fault_out);
	*initial_out = words ? secret_new(span_of(words, length)) : NULL;
	return true;
}

bool
login_step(struct login *login, struct span challenge, struct secret **response_out,
	struct fault *fault_out)
{
	const char *words = NULL;
	unsigned length = 0;
	int result = sasl_client_step(login->connection, challenge.start ? challenge.start : "",
		(unsigned)challenge.length, NULL, &words, &length);

	if (result != SASL_OK && result != SASL_CONTINUE)
		return fail(login, result, fault_out);
	*response_out = secret_new(span_of(words, length));
	return true;
}
